"""A journal read back: its header, the wire bytes, how it ended. Never writes."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popsense.errors import RecordingError
from popsense.recording.journal import CRC, EXIT, FORMAT_VERSION, HEADER, MAGIC, RECORD, WIRE


@dataclass(frozen=True)
class Recording:
    """outcome is None where the journal ends without an exit record (crash, or cut off).

    wire: all bytes from the wire. truncated_bytes: what stands behind the last intact record.
    """

    path: Path
    header: dict[str, Any]
    wire: bytes
    outcome: dict[str, Any] | None
    truncated_bytes: int


def read_recording(path: Path) -> Recording:
    """RecordingError for a foreign file, a newer format, or one without an intact header."""
    data = _read(path)
    if not data.startswith(MAGIC):
        raise RecordingError(
            f"{path} is no popsense recording", "Name a file that popsense recorded (*.journal)."
        )
    records = list(_records(data))
    if not records or records[0][0] != HEADER:
        raise RecordingError(
            f"{path} is cut off before its header", "Nothing in it can be read; record again."
        )
    header = _header(path, records[0][1])
    exits = [json.loads(body) for kind, body, _ in records if kind == EXIT]
    return Recording(
        path=path,
        header=header,
        wire=b"".join(body for kind, body, _ in records if kind == WIRE),
        outcome=exits[-1] if exits else None,
        truncated_bytes=len(data) - records[-1][2],
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}", "Check the file's name.") from error


def _header(path: Path, body: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(body)
    if header.get("format") != FORMAT_VERSION:
        raise RecordingError(
            f"{path} has recording format {header.get('format')}, this program reads {FORMAT_VERSION}",
            "Update popsense.",
        )
    return header


def _records(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """(kind, body, end offset) of every intact record; stops at the first that is not."""
    at = len(MAGIC)
    while at + RECORD.size + CRC.size <= len(data):
        kind, _, length = RECORD.unpack_from(data, at)
        end = at + RECORD.size + length
        if end + CRC.size > len(data) or CRC.unpack_from(data, end)[0] != zlib.crc32(data[at:end]):
            return
        yield kind, data[at + RECORD.size : end], end + CRC.size
        at = end + CRC.size
