"""The append-only journal of one attempt: what came over the wire, byte for byte, with the host's time.

File: MAGIC, then records of kind (1 byte), host time (float64 seconds), length (uint32), body, CRC-32 of all
that. Little-endian. Kinds: H header (JSON), W bytes from the wire, E exit (JSON). A crash costs at most the
record that was being written.
"""

import errno
import json
import struct
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from popsense.errors import RecordingError
from popsense.recording.durability import make_durable

MAGIC = b"popsense journal 1\n"
FORMAT_VERSION = 1
RECORD = struct.Struct("<cdI")
CRC = struct.Struct("<I")
SYNC_INTERVAL_S = 1.0
HEADER, WIRE, EXIT = b"H", b"W", b"E"


class JournalWriter:
    """Writes one recording; `wire` is the session's tap. Never overwrites a file.

    Every method raises RecordingError where the disk takes no more.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._file = _create(path)
        with _writing(path):
            self._file.write(MAGIC)
            self._append(HEADER, 0.0, _json({"format": FORMAT_VERSION, **header}))
            make_durable(self._file)
        self._synced_at: float | None = None

    def wire(self, host_time_s: float, data: bytes) -> None:
        """Bytes as they came; synced once a second of host time."""
        if self._synced_at is None:
            self._synced_at = host_time_s
        with _writing(self.path):
            self._append(WIRE, host_time_s, data)
            if host_time_s - self._synced_at >= SYNC_INTERVAL_S:
                make_durable(self._file)
                self._synced_at = host_time_s

    def close(self, host_time_s: float, outcome: Mapping[str, Any]) -> None:
        """The exit record, then everything on the medium. Safe to call twice."""
        if self._file.closed:
            return
        with _writing(self.path), self._file:
            self._append(EXIT, host_time_s, _json(outcome))
            make_durable(self._file)

    def discard(self) -> None:
        """Closes and removes a journal that holds no attempt."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _append(self, kind: bytes, host_time_s: float, body: bytes) -> None:
        record = RECORD.pack(kind, host_time_s, len(body)) + body
        self._file.write(record + CRC.pack(zlib.crc32(record)))


def _create(path: Path) -> IO[bytes]:
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("xb")
        except FileExistsError as error:
            if path.is_dir():
                raise RecordingError(f"{path} is a folder", "Name a file in it.") from error
            raise RecordingError(
                f"{path} exists", "Choose another name: recordings are never overwritten."
            ) from error


@contextmanager
def _writing(path: Path) -> Generator[None]:
    """What the system refuses, as our error."""
    try:
        yield
    except OSError as error:
        full = error.errno == errno.ENOSPC
        remedy = "Free some space on the disk." if full else "Choose a folder you may write to."
        raise RecordingError(f"cannot write {path}: {error.strerror}", remedy) from error


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
