"""The device's detector over a foreign trace, and what it found in the units of the file."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from popsense.errors import UsageError
from popsense.foreign.csv_file import LARGEST
from popsense.foreign.scales import (
    PEAK_PER_CONTACT,
    Scale,
    at_rest_first,
    depth_counts,
    force_codes,
    refuse_load_at_the_beginning,
)
from popsense.foreign.trace import ForeignTrace
from popsense.procedure.detector_profile import detector_profile
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA, SiteProfile
from popsense.twin.detector_child import DetectorBuild, DetectorChild
from popsense.twin.interpreter import find_interpreter
from popsense_protocol.codec import Packet
from popsense_protocol.packets import BASIS_DEPTH

FORCE_ONLY = "Force only: less sure than with a depth column."
UNCERTAIN = "An uncertain pop is for somebody who was there to confirm."
NOT_NEWTONS = "If the force is not in newtons, use --scale relative."


@dataclass(frozen=True)
class FoundEvent:
    """force, peak: newtons, or percent of the running peak. None = no such evidence with this event.

    sample_index: counts from 0 at the first sample of the file; of averaged samples, the middle of the block.
    time_s: of averaged samples, their mean. force: low-passed, above rest. by_depth: seen by the tip's depth
    too; by force alone it is less sure.
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
    by_depth: bool


@dataclass(frozen=True)
class Profile:
    """The site and the device by whose figures the detector goes."""

    site: SiteProfile = ADULT_PROXIMAL_TIBIA
    device: str = "powered"

    def fields(self, depth_fitted: bool) -> dict[str, int]:
        """As the board gets them. UsageError for a device without any."""
        return detector_profile(self.site, self.device, depth_fitted)


@dataclass(frozen=True)
class Detection:
    """Events in order of time. notes: what the reader of them must know."""

    trace: ForeignTrace
    scale: Scale
    profile: Profile
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
            "detector_rate_hz": self.trace.averaged().rate_hz,
            "scale": self.scale,
            "site": self.profile.site.name,
            "device": self.profile.device,
            "depth": self.trace.depth_mm is not None,
            "interpreter": self.build.interpreter,
            "detector_version": self.build.detector_version,
            "notes": list(self.notes),
            "events": [_event_json(event, suffix) for event in self.events],
        }


def detect_events(
    trace: ForeignTrace, scale: str = "newton", zero: float | None = None, profile: Profile | None = None
) -> Detection:
    """What the device's detector says to the trace. zero: the force's reading at rest, if it begins loaded.

    profile: None = adult proximal tibia, powered. UsageError for a scale or device that is none and for a
    trace that does not begin at rest.
    """
    known, used = _scale(scale), profile or Profile()
    fields = used.fields(trace.depth_mm is not None)
    seen, block, tare = trace.averaged(), trace.block_samples, trace.averaged().tare_samples
    if zero is None:
        refuse_load_at_the_beginning(seen, known, block)
    elif not abs(zero) <= LARGEST:
        raise UsageError(f"--zero {zero} is no reading", "Give the force's reading at rest.")
    force, depth_mm = at_rest_first(seen, zero)
    put_in_front = len(force) - len(seen.force)
    peak_n = PEAK_PER_CONTACT * fields["contact_mn"] / 1000 if known == "relative" else None
    with DetectorChild(find_interpreter()) as child:
        build = child.build
        depth, cut = (None, False) if depth_mm is None else depth_counts(depth_mm, tare, build)
        codes = force_codes(force, tare, peak_n, build)
        packets = child.run(codes, depth, _ticks_us(seen, put_in_front), seen.rate_mhz, fields)
    in_file = _InFile(seen, block, put_in_front, build, peak_n)
    found = tuple(in_file.event(packet) for packet in packets)
    rise = float(seen.force.max() - np.median(force[:tare]))
    return Detection(trace, known, used, build, found, _notes(trace, known, cut, found, rise))


def _scale(name: str) -> Scale:
    if name == "newton" or name == "relative":
        return name
    raise UsageError(f"unknown scale {name!r}", "Use --scale newton or --scale relative.")


def _ticks_us(trace: ForeignTrace, put_in_front: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Microseconds from the first sample on, with what was put in front of it at the mean rate."""
    before_us = np.arange(put_in_front) * (1e6 / trace.rate_hz)
    since_us = (trace.time_s - trace.time_s[0]) * 1e6 + put_in_front * (1e6 / trace.rate_hz)
    return np.rint(np.concatenate([before_us, since_us])).astype(np.int64)


@dataclass(frozen=True)
class _InFile:
    """How events are told in the file's own terms. seen: what the detector saw, put_in_front before it."""

    seen: ForeignTrace
    block_samples: int
    put_in_front: int
    build: DetectorBuild
    peak_n: float | None

    def event(self, packet: Packet) -> FoundEvent:
        fields, build = packet.fields, self.build
        per_count = build.force_nano_n_per_count * 1e-9
        if self.peak_n is not None:
            per_count *= 100.0 / self.peak_n
        index = max(0, fields.sample_index - self.put_in_front)
        advance_mm = fields.advance_counts * build.depth_nano_mm_per_count * 1e-9
        return FoundEvent(
            kind=str(fields.kind),
            sample_index=index * self.block_samples + (self.block_samples - 1) // 2,
            time_s=float(self.seen.time_s[index]),
            force=fields.level_counts * per_count,
            peak=fields.peak_counts * per_count,
            drop_percent=fields.drop_permille / 10 if fields.drop_permille else None,
            advance_mm=None if self.seen.depth_mm is None else advance_mm,
            duration_ms=fields.duration_us / 1000 if fields.duration_us else None,
            detector_version=fields.detector_version,
            by_depth=bool(fields.basis & BASIS_DEPTH),
        )


def _event_json(event: FoundEvent, suffix: str) -> dict[str, Any]:
    plain = asdict(event)
    return {f"{key}_{suffix}" if key in ("force", "peak") else key: value for key, value in plain.items()}


def _notes(
    trace: ForeignTrace, scale: Scale, cut: bool, found: Sequence[FoundEvent], rise: float
) -> tuple[str, ...]:
    """rise: highest force above rest."""
    kinds = {event.kind for event in found}
    notes = [] if trace.depth_mm is not None else [FORCE_ONLY]
    if trace.block_samples > 1:
        notes.append(
            f"Each {trace.block_samples} samples were averaged: the detector saw "
            f"{trace.averaged().rate_hz:,.0f} a second."
        )
    if cut:
        notes.append("Depth beyond the stroke of the device's own sensor was cut off.")
    if "uncertain_pop" in kinds:
        notes.append(UNCERTAIN)
    if "contact" not in kinds:
        in_newtons = f" N. {NOT_NEWTONS}" if scale == "newton" else " in the unit of the file."
        notes.append(f"No bone contact was found; the force rose by at most {rise:.3g}{in_newtons}")
    return tuple(notes)
