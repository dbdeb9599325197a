"""A closed recording as Parquet: the device's integers in columns, everything else in the file's metadata.

Columns by name: COLUMNS. Integers are delta-packed, all is compressed with zstd. The metadata has the key
"popsense": JSON with format, header (scales, calibration, versions), outcome, notes, events, faults and
counts of StoredAttempt, and the SHA-256 of all that and the columns. Each column tells its unit and scale.
Version 1 had no faults.

The only file that imports pyarrow, and slow to import for that.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from popsense.errors import RecordingError
from popsense.recording.recording import Recording
from popsense.recording.stored import NO_STAMP, StoredAttempt
from popsense_protocol.layouts import SAMPLE_DTYPE
from popsense_protocol.packets import FORCE_MASK, FORCE_OFFSET_COUNTS

PARQUET_VERSION = 2
READABLE_VERSIONS = (1, 2)
KEY = b"popsense"
COLUMNS: Mapping[str, str] = {
    "sample_index": "int64",  # from 0 at START
    "force_counts": "int32",  # signed: offset binary removed
    "flags": "uint8",  # FLAG_* of the protocol
    "depth_counts": "uint16",
    "pressure_counts": "uint16",
    "stamp_us": "int32",  # device clock modulo 2^30; null but at samples with which a block began
    "resent": "bool",  # came only when it was asked for again
}
INTEGERS = [name for name, kind in COLUMNS.items() if kind != "bool"]
CHANNEL_OF = {"force_counts": "force", "depth_counts": "depth", "pressure_counts": "pressure"}
COUNTS = (
    "taken",
    "at_least",
    "events_found",
    "resent_events",
    "missed_conversions",
    "bad_frames",
)
# What pyarrow and the reading below say of a damaged file.
UNREADABLE = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError, OverflowError)
REMEDY = "Keep the file, and look for its journal or a copy of it."

Arrays = Mapping[str, npt.NDArray[Any]]


def parquet_bytes(recording: Recording) -> bytes:
    """The whole file."""
    arrays = _arrays(recording.stored)
    version = PARQUET_VERSION
    text = _canonical({**_metadata(recording, version), "sha256": content_sha256(recording, version)})
    schema = pa.schema([_field(name, recording.header) for name in COLUMNS], metadata={KEY: text})
    columns = [_column(name, arrays[name]) for name in COLUMNS]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(columns, schema=schema),
        sink,
        compression="zstd",
        use_dictionary=False,
        column_encoding=dict.fromkeys(INTEGERS, "DELTA_BINARY_PACKED"),
        write_page_checksum=True,
    )
    return sink.getvalue().to_pybytes()


def read_parquet(path: Path, data: bytes) -> Recording:
    """RecordingError where the file is damaged, foreign or of another version. path: only told, not read."""
    try:
        recording, told = _parse(path, data)
        intact = told["sha256"] == content_sha256(recording, told["format"])
    except UNREADABLE as error:
        raise RecordingError(f"{path} is damaged: it cannot be taken apart", REMEDY) from error
    if not intact:
        raise RecordingError(f"{path} is damaged: its content does not fit its checksum", REMEDY)
    return recording


def content_sha256(recording: Recording, version: int = PARQUET_VERSION) -> str:
    """Of everything that a recording tells, whatever its form and its name. version: of READABLE_VERSIONS."""
    digest = hashlib.sha256(_canonical(_metadata(recording, version)))
    for name, array in _arrays(recording.stored).items():
        digest.update(f"\n{name} {COLUMNS[name]} {len(array)}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _parse(path: Path, data: bytes) -> tuple[Recording, Mapping[str, Any]]:
    """The recording and what it tells of itself, checksum and format among it."""
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        told = _told(path, file.schema_arrow.metadata or {})
        table = file.read(columns=list(COLUMNS))
    arrays = {name: _array(table.column(name), kind) for name, kind in COLUMNS.items()}
    recording = Recording(
        path=path,
        header=told["header"],
        outcome=told["outcome"],
        notes=tuple(told["notes"]),
        stored=_stored(arrays, told),
        truncated_bytes=told["truncated_bytes"],
        damaged_bytes=told["damaged_bytes"],
        form="parquet",
    )
    return recording, told


def _told(path: Path, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    if KEY not in metadata:
        raise RecordingError(f"{path} is no popsense recording", "Name a Parquet file that popsense wrote.")
    told = json.loads(metadata[KEY])
    if told["format"] not in READABLE_VERSIONS:
        raise RecordingError(
            f"{path} has Parquet format {told['format']}, this program reads {PARQUET_VERSION} and older",
            "Update popsense.",
        )
    return cast(dict[str, Any], told)


def _metadata(recording: Recording, version: int) -> dict[str, Any]:
    """All of a recording that is no column, but for its checksum."""
    stored = recording.stored
    faults = {"faults": [dict(fault) for fault in stored.faults], "faults_seen": stored.faults_seen}
    return {
        "format": version,
        **(faults if version > 1 else {}),
        "header": dict(recording.header),
        "outcome": None if recording.outcome is None else dict(recording.outcome),
        "notes": [dict(note) for note in recording.notes],
        "events": [dict(event) for event in stored.events],
        "truncated_bytes": recording.truncated_bytes,
        "damaged_bytes": recording.damaged_bytes,
        **{name: getattr(stored, name) for name in COUNTS},
    }


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _arrays(stored: StoredAttempt) -> Arrays:
    """Little-endian, as the file has them, so that the checksum is the same on every machine."""
    packed = stored.samples["force_and_flags"].astype(np.int64)
    columns = {
        "sample_index": stored.sample_index,
        "force_counts": (packed & FORCE_MASK) - FORCE_OFFSET_COUNTS,
        "flags": packed >> 24,
        "depth_counts": stored.samples["depth"],
        "pressure_counts": stored.samples["pressure"],
        "stamp_us": stored.stamp_us,
        "resent": stored.resent,
    }
    return {name: array.astype(_dtype(COLUMNS[name]), copy=False) for name, array in columns.items()}


def _stored(arrays: Arrays, told: Mapping[str, Any]) -> StoredAttempt:
    samples = np.empty(len(arrays["sample_index"]), SAMPLE_DTYPE)
    force = arrays["force_counts"].astype(np.int64) + FORCE_OFFSET_COUNTS
    samples["force_and_flags"] = force | arrays["flags"].astype(np.int64) << 24
    samples["depth"] = arrays["depth_counts"]
    samples["pressure"] = arrays["pressure_counts"]
    return StoredAttempt(
        samples=samples,
        sample_index=arrays["sample_index"].astype(np.int64, copy=False),
        stamp_us=arrays["stamp_us"].astype(np.int64),
        resent=arrays["resent"].astype(np.bool_),
        events=tuple(told["events"]),
        faults=tuple(told.get("faults", ())),
        faults_seen=told.get("faults_seen", 0),
        **{name: told[name] for name in COUNTS},
    )


def _dtype(kind: str) -> np.dtype[Any]:
    return np.dtype(kind).newbyteorder("<")


def _column(name: str, array: npt.NDArray[Any]) -> pa.Array:
    return pa.array(array, COLUMNS[name], mask=array == NO_STAMP if name == "stamp_us" else None)


def _array(column: pa.ChunkedArray, kind: str) -> npt.NDArray[Any]:
    if column.type != pa.type_for_alias(kind):
        raise ValueError(f"a column of {column.type} in place of {kind}")
    filled = column.fill_null(NO_STAMP) if kind == "int32" else column
    return filled.to_numpy(zero_copy_only=False)


def _field(name: str, header: Mapping[str, Any]) -> pa.Field:
    """A column with what a person needs to make physics of it; nothing here is read back."""
    kind = pa.type_for_alias(COLUMNS[name])
    return pa.field(name, kind, nullable=name == "stamp_us", metadata=_about(name, header))


def _about(name: str, header: Mapping[str, Any]) -> dict[str, str]:
    channel = header.get("channels", {}).get(CHANNEL_OF.get(name))
    if channel is None:
        return {"unit": "us"} if name == "stamp_us" else {}
    scale = {key: str(channel.get(key)) for key in ("zero_counts", "units_per_count")}
    return {"unit": "counts", "physical_unit": str(channel.get("unit")), **scale}
