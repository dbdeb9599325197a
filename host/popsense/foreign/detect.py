"""The device's detector over a foreign trace, and what it found in the units of the file."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from popsense.errors import UsageError
from popsense.foreign.scales import (
    RELATIVE_PEAK_N,
    Scale,
    at_rest_first,
    depth_counts,
    force_codes,
    refuse_load_at_the_beginning,
)
from popsense.foreign.trace import TARE_SAMPLES, ForeignTrace
from popsense.twin.detector_child import DetectorBuild, DetectorChild
from popsense.twin.interpreter import find_interpreter
from popsense_protocol.codec import Packet

FORCE_ONLY = "Force only: less sure than with a depth column."
NOT_NEWTONS = "If the force is not in newtons, use --scale relative."


@dataclass(frozen=True)
class FoundEvent:
    """force, peak: newtons, or percent of the running peak. None = no such evidence with this event.

    sample_index: counts from 0 at the first sample of the file. force: low-passed, above rest.
    """

    kind: str
    sample_index: int
    time_s: float
    force: float
    peak: float
    drop_percent: float | None
    advance_mm: float | None
    duration_ms: float | None
    detector_version: int


@dataclass(frozen=True)
class Detection:
    """Events in order of time. notes: what the reader of them must know."""

    trace: ForeignTrace
    scale: Scale
    build: DetectorBuild
    events: tuple[FoundEvent, ...]
    notes: tuple[str, ...]

    @property
    def force_unit(self) -> str:
        """Of every event's force and peak."""
        return "%" if self.scale == "relative" else "N"

    def as_json(self) -> dict[str, Any]:
        """Plain values; each key of a figure ends in its unit."""
        suffix = "percent" if self.scale == "relative" else "n"
        return {
            "file": str(self.trace.path),
            "rate_hz": self.trace.rate_hz,
            "samples": len(self.trace.time_s),
            "scale": self.scale,
            "depth": self.trace.depth_mm is not None,
            "interpreter": self.build.interpreter,
            "detector_version": self.build.detector_version,
            "notes": list(self.notes),
            "events": [_event_json(event, suffix) for event in self.events],
        }


def detect_events(trace: ForeignTrace, scale: str = "newton", zero: float | None = None) -> Detection:
    """What the device's detector says to the trace. zero: the force's reading at rest, if it begins loaded.

    UsageError for a scale that is none and for a trace that does not begin at rest.
    """
    known = _scale(scale)
    if zero is None:
        refuse_load_at_the_beginning(trace, known)
    elif not np.isfinite(zero):
        raise UsageError(f"--zero {zero} is no finite number", "Give the force's reading at rest.")
    force, depth_mm = at_rest_first(trace, zero)
    put_in_front = len(force) - len(trace.force)
    with DetectorChild(find_interpreter()) as child:
        build = child.build
        depth, cut = (None, False) if depth_mm is None else depth_counts(depth_mm, build)
        ticks_us = _ticks_us(trace, put_in_front)
        codes = force_codes(force, known, build)
        packets = child.run(codes, depth, ticks_us, round(1000 * trace.rate_hz))
    found = tuple(_event(packet, trace, known, build, put_in_front) for packet in packets)
    rise = float(trace.force.max() - np.median(force[:TARE_SAMPLES]))
    return Detection(trace, known, build, found, _notes(trace, known, cut, None if found else rise))


def _scale(name: str) -> Scale:
    if name == "newton" or name == "relative":
        return name
    raise UsageError(f"unknown scale {name!r}", "Use --scale newton or --scale relative.")


def _ticks_us(trace: ForeignTrace, put_in_front: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Microseconds from the first sample on, with what was put in front of it at the mean rate."""
    before_us = np.arange(put_in_front) * (1e6 / trace.rate_hz)
    since_us = (trace.time_s - trace.time_s[0]) * 1e6 + put_in_front * (1e6 / trace.rate_hz)
    return np.rint(np.concatenate([before_us, since_us])).astype(np.int64)


def _event(
    packet: Packet, trace: ForeignTrace, scale: Scale, build: DetectorBuild, put_in_front: int
) -> FoundEvent:
    fields = packet.fields
    per_count = build.force_nano_n_per_count * 1e-9
    if scale == "relative":
        per_count *= 100.0 / RELATIVE_PEAK_N
    index = max(0, fields.sample_index - put_in_front)
    advance_mm = fields.advance_counts * build.depth_nano_mm_per_count * 1e-9
    return FoundEvent(
        kind=str(fields.kind),
        sample_index=index,
        time_s=float(trace.time_s[index]),
        force=fields.level_counts * per_count,
        peak=fields.peak_counts * per_count,
        drop_percent=fields.drop_permille / 10 if fields.drop_permille else None,
        advance_mm=None if trace.depth_mm is None else advance_mm,
        duration_ms=fields.duration_us / 1000 if fields.duration_us else None,
        detector_version=fields.detector_version,
    )


def _event_json(event: FoundEvent, suffix: str) -> dict[str, Any]:
    plain = asdict(event)
    return {f"{key}_{suffix}" if key in ("force", "peak") else key: value for key, value in plain.items()}


def _notes(trace: ForeignTrace, scale: Scale, cut: bool, rise: float | None) -> tuple[str, ...]:
    """rise: highest force above rest, where nothing was found."""
    notes = [] if trace.depth_mm is not None else [FORCE_ONLY]
    if cut:
        notes.append("Depth beyond the stroke of the device's own sensor was cut off.")
    if rise is not None:
        in_newtons = f" N. {NOT_NEWTONS}" if scale == "newton" else " in the unit of the file."
        notes.append(f"No event was found; the force rose by at most {rise:.3g}{in_newtons}")
    return tuple(notes)
