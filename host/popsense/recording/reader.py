"""A recording read back, whichever form it has. Never writes.

A journal holds wire bytes and is decoded each time; Parquet holds what was decoded when it was closed.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from popsense.errors import RecordingError
from popsense.recording.decode import decode_wire
from popsense.recording.disk_errors import reading, refuse_device
from popsense.recording.journal import (
    CRC,
    EXIT,
    FORMAT_VERSION,
    HEADER,
    MAGIC,
    MAX_BODY_BYTES,
    NOTE,
    RECORD,
    WIRE,
)
from popsense.recording.recording import Notes, Recording
from popsense.recording.stored import StoredAttempt

KINDS = HEADER + WIRE + NOTE + EXIT
FRAME_BYTES = RECORD.size + CRC.size
READABLE_PROTOCOLS = (3, 4)  # what a recording is made of is the same in both
ANY_JOURNAL = b"popsense journal "
PARQUET_MAGIC = b"PAR1"
OURS = "Name a file that popsense recorded (*.journal or *.parquet)."
DAMAGED = "Keep the file: what else it holds may be read by hand."


class EmptyJournalError(RecordingError):
    """The crash came before its header was kept: nothing is in it."""


class Record(NamedTuple):
    """One intact record. end: offset behind it."""

    kind: bytes
    host_time_s: float
    body: bytes
    end: int


@dataclass(frozen=True)
class Journal:
    """A journal's records by kind. connections: the wire bytes of each apart; otherwise as in Recording."""

    path: Path
    header: dict[str, Any]
    connections: tuple[bytes, ...]
    notes: Notes
    outcome: Mapping[str, Any] | None
    truncated_bytes: int
    damaged_bytes: int

    @property
    def wire(self) -> bytes:
        """Of all connections; to look at, not to decode: a frame may be cut where one of them ends."""
        return b"".join(self.connections)


def read_recording(path: Path) -> Recording:
    """RecordingError for a foreign file, another format or protocol version, or without an intact header."""
    data = _read(path)
    read = _recording_of_parquet if data.startswith(PARQUET_MAGIC) else _recording_of_journal
    return read(path, data)


def read_journal(path: Path) -> Journal:
    """A journal before it is decoded. RecordingError as read_recording, whatever its protocol version."""
    return _journal(path, _read(path))


def _recording_of_parquet(path: Path, data: bytes) -> Recording:
    from popsense.recording.parquet import read_parquet  # pyarrow takes 0.1 s to import

    return read_parquet(path, data)


def _recording_of_journal(path: Path, data: bytes) -> Recording:
    journal = _journal(path, data)
    return Recording(
        path=path,
        header=journal.header,
        outcome=journal.outcome,
        notes=journal.notes,
        stored=_stored(journal),
        truncated_bytes=journal.truncated_bytes,
        damaged_bytes=journal.damaged_bytes,
        form="journal",
    )


def _stored(journal: Journal) -> StoredAttempt:
    protocol = _protocol_version(journal)
    if protocol not in READABLE_PROTOCOLS:
        raise RecordingError(
            f"{journal.path} was recorded with protocol version {protocol}, "
            f"this program decodes {' and '.join(map(str, READABLE_PROTOCOLS))}",
            "Update popsense, or use the one that recorded it.",
        )
    runs = [note.get("run") for note in journal.notes if note.get("what") == "started"]
    return decode_wire(journal.connections, runs[-1] if runs else None)


def _protocol_version(journal: Journal) -> object:
    versions = journal.header.get("versions")
    if not isinstance(versions, dict):
        raise RecordingError(f"{journal.path} does not tell its versions", "It cannot be decoded.")
    return cast(dict[str, Any], versions).get("protocol")


def _journal(path: Path, data: bytes) -> Journal:
    _refuse_other(path, data)
    records = list(_records(data))
    if not records:
        raise EmptyJournalError(f"{path} is cut off before its header", "Nothing in it can be read.")
    if records[0].kind != HEADER:
        raise RecordingError(f"the header of {path} is damaged", "Keep the file: only its header is lost.")
    header = _object(path, records[0].body)
    if header.get("format") != FORMAT_VERSION:
        raise _other_format(path, header.get("format"))
    exits = [_object(path, record.body) for record in records if record.kind == EXIT]
    notes = [{"at_s": r.host_time_s, **_object(path, r.body)} for r in records if r.kind == NOTE]
    return Journal(
        path=path,
        header=header,
        connections=_connections(path, records),
        notes=tuple(notes),
        outcome=exits[-1] if exits else None,
        truncated_bytes=len(data) - records[-1].end,
        damaged_bytes=records[-1].end - len(MAGIC) - sum(FRAME_BYTES + len(r.body) for r in records),
    )


def _refuse_other(path: Path, data: bytes) -> None:
    if data.startswith(MAGIC):
        return
    if MAGIC.startswith(data):
        raise EmptyJournalError(f"{path} is no popsense recording: it ends in its first line", OURS)
    version, newline, _ = data[len(ANY_JOURNAL) : len(ANY_JOURNAL) + 10].partition(b"\n")
    if data.startswith(ANY_JOURNAL) and newline and version.isdigit():
        raise _other_format(path, int(version))
    raise RecordingError(f"{path} is no popsense recording", OURS)


def _other_format(path: Path, version: object) -> RecordingError:
    """Format 1 was never released: it is of the days before protocol 3."""
    return RecordingError(
        f"{path} has recording format {version}, this program reads {FORMAT_VERSION}",
        "Record again: that format was never released." if version == 1 else "Update popsense.",
    )


def _connections(path: Path, records: Iterable[Record]) -> tuple[bytes, ...]:
    parts: list[list[bytes]] = [[]]
    for record in records:
        if record.kind == WIRE:
            parts[-1].append(record.body)
        elif record.kind == NOTE and _object(path, record.body).get("what") == "connection":
            parts.append([])
    return tuple(b"".join(part) for part in parts if part)


def _read(path: Path) -> bytes:
    with reading(path):
        refuse_device(path)
        return path.read_bytes()


def _object(path: Path, body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise RecordingError(f"{path} has a record that is no JSON", DAMAGED) from error
    if not isinstance(content, dict):
        raise RecordingError(f"{path} has a record that is no JSON object", DAMAGED)
    return cast(dict[str, Any], content)


def _records(data: bytes) -> Iterator[Record]:
    """Every intact record; what is damaged is stepped over."""
    at = len(MAGIC)
    while at + FRAME_BYTES <= len(data):
        found = _record_at(data, at)
        if found is None:
            at += 1
        else:
            yield found
            at = found.end


def _record_at(data: bytes, at: int) -> Record | None:
    if data[at] not in KINDS:
        return None
    kind, host_time_s, length = RECORD.unpack_from(data, at)
    end = at + RECORD.size + length
    if length > MAX_BODY_BYTES or end + CRC.size > len(data):
        return None
    if CRC.unpack_from(data, end)[0] != zlib.crc32(data[at:end]):
        return None
    return Record(kind, host_time_s, data[at + RECORD.size : end], end + CRC.size)
