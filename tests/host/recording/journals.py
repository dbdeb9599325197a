"""Journals for the tests, written by the real writer, and recordings to compare."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from popsense.recording.journal import JournalWriter
from popsense.recording.recording import Recording
from popsense.recording.stored import StoredAttempt

OUTCOME = {"outcome": "removed", "detail": ""}
CHANNEL = {"fitted": True, "unit": "newton", "units_per_count": 1e-4, "zero_counts": 120}
HEADER: Mapping[str, Any] = {
    "site": "adult-proximal-tibia",
    "mode": "guided",
    "device": "manual",
    "operator": "novice",
    "created": "2026-11-21T12:00:00+00:00",
    "versions": {"protocol": 3, "firmware": "0.1.0", "detector": 2, "popsense": "0.1.0", "python": "3.11"},
    "board": {"board_id": "0123456789abcdef", "boot_id": 7, "sample_rate_hz": 988.0, "options": 6},
    "calibration_id": 0,
    "channels": {
        "force": CHANNEL,
        "depth": {**CHANNEL, "unit": "millimetre", "units_per_count": 1e-3},
        "pressure": {**CHANNEL, "unit": "kilopascal", "units_per_count": 1e-2},
    },
}


def write_journal(
    path: Path,
    connections: Sequence[bytes],
    notes: Sequence[Mapping[str, Any]] = (),
    outcome: Mapping[str, Any] | None = OUTCOME,
    header: Mapping[str, Any] = HEADER,
) -> Path:
    """A journal as a session leaves it. outcome None: as one that died after a sync leaves it."""
    writer = JournalWriter(path, header)
    for number, note in enumerate(notes):
        writer.note(5.0 + number / 8, note)
    for number, wire in enumerate(connections):
        if number:
            writer.note(10.0 + number, {"what": "connection"})
        for start in range(0, len(wire), 1000):
            writer.wire(10.0 + number, wire[start : start + 1000])
    writer.sync(30.0)
    if outcome is None:
        died(writer)
    else:
        writer.close(30.0, outcome)
    return path


def died(writer: JournalWriter) -> None:
    """What the end of its program does to a writer: the file is let go, nothing more is written."""
    writer._let_go()


def differences(one: Recording, other: Recording) -> list[str]:
    """What tells two recordings apart, but for their path and form; names of fields."""
    names = ("header", "outcome", "notes", "truncated_bytes", "damaged_bytes")
    found = [name for name in names if getattr(one, name) != getattr(other, name)]
    return found + stored_differences(one.stored, other.stored)


def stored_differences(one: StoredAttempt, other: StoredAttempt) -> list[str]:
    """Values, kinds and lengths."""
    pairs = [(field.name, getattr(one, field.name), getattr(other, field.name)) for field in fields(one)]
    return [name for name, left, right in pairs if not _is_same(left, right)]


def _is_same(left: Any, right: Any) -> bool:
    if not isinstance(left, np.ndarray):
        return type(left) is type(right) and left == right
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
