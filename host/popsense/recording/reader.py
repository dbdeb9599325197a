"""A journal read back: its header, the wire bytes, how it ended. Never writes."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popsense.errors import RecordingError
from popsense.recording.journal import CRC, EXIT, FORMAT_VERSION, HEADER, MAGIC, RECORD, WIRE

KINDS = HEADER + WIRE + EXIT
FRAME_BYTES = RECORD.size + CRC.size


@dataclass(frozen=True)
class Recording:
    """outcome is None where the journal ends without an exit record (crash, or cut off).

    wire: all bytes from the wire. truncated_bytes: what stands behind the last intact record.
    damaged_bytes: what had to be stepped over before it.
    """

    path: Path
    header: dict[str, Any]
    wire: bytes
    outcome: dict[str, Any] | None
    truncated_bytes: int
    damaged_bytes: int = 0


def read_recording(path: Path) -> Recording:
    """RecordingError for a foreign file, a newer format, or one without an intact header."""
    data = _read(path)
    if not data.startswith(MAGIC):
        raise RecordingError(
            f"{path} is no popsense recording", "Name a file that popsense recorded (*.journal)."
        )
    records = list(_records(data))
    if not records:
        raise RecordingError(f"{path} is cut off before its header", "Nothing in it can be read.")
    if records[0][0] != HEADER:
        raise RecordingError(f"the header of {path} is damaged", "Keep the file: only its header is lost.")
    header = _header(path, records[0][1])
    exits = [json.loads(body) for kind, body, _ in records if kind == EXIT]
    return Recording(
        path=path,
        header=header,
        wire=b"".join(body for kind, body, _ in records if kind == WIRE),
        outcome=exits[-1] if exits else None,
        truncated_bytes=len(data) - records[-1][2],
        damaged_bytes=records[-1][2] - len(MAGIC) - sum(FRAME_BYTES + len(body) for _, body, _ in records),
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
    """(kind, body, end offset) of every intact record; what is damaged is stepped over."""
    at = len(MAGIC)
    while at + RECORD.size + CRC.size <= len(data):
        found = _record_at(data, at)
        if found is None:
            at += 1
        else:
            yield found
            at = found[2]


def _record_at(data: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    if data[at] not in KINDS:
        return None
    kind, _, length = RECORD.unpack_from(data, at)
    end = at + RECORD.size + length
    if end + CRC.size > len(data) or CRC.unpack_from(data, end)[0] != zlib.crc32(data[at:end]):
        return None
    return kind, data[at + RECORD.size : end], end + CRC.size
