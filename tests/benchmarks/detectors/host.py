"""The host's detector on the same samples: deepest protrusion, exits, where it and the board differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from popsense.analysis.agreement import DATES_APART_S, compare
from popsense.analysis.detection import Detection
from popsense.analysis.host_detector import detect
from popsense.analysis.landmarks import Geometry
from popsense.calibration.convert import Calibration, ChannelScale, to_trace
from popsense.model import Event, EventKind, RawTrace, Trace
from popsense.procedure.sites import SiteProfile
from popsense.twin.detector_child import DetectorBuild
from popsense.twin.insertion import Truth
from popsense_protocol.packets import FORCE_OFFSET_COUNTS

from .cases import Played
from .scoring import Found, is_due, split


@dataclass(frozen=True)
class HostReading:
    """What the host made of one case.

    deepest_error_mm: measured less true, None without an exit or a measurement. has_exit: the truth's tip
    began to leave the bone, so there is a deepest protrusion to measure. false_exits: dated more than
    DATES_APART_S before the truth's exit_start, or without one: the date is a measurement, not an alarm.
    late_ms: the first other one's date after exit_half, None = not due or missed. disagreements: kinds, as
    of analysis.agreement.
    """

    site: str
    device: str
    operator: str
    has_exit: bool
    deepest_error_mm: float | None
    due: bool
    false_exits: int
    late_ms: float | None
    disagreements: tuple[str, ...]

    @property
    def missed(self) -> bool:
        """An exit with resistance was there, and none found."""
        return self.due and self.late_ms is None

    @property
    def unmeasured(self) -> bool:
        """An exit was there, and no deepest protrusion came of it."""
        return self.has_exit and self.deepest_error_mm is None


def host_reading(played: Played, events: Sequence[Found], build: DetectorBuild) -> HostReading:
    """events: what the board said of the same samples."""
    setup, truth = played.case.setup, played.insertion.truth
    site = setup.site
    trace = trace_of(played, build)
    detection = detect(trace, Geometry(site.bevel.value, site.cavity.value, site.plug_compliance.value))
    false_exits, late_ms = _exits(truth, detection)
    deepest_mm = detection.deepest_protrusion_mm
    return HostReading(
        site=site.name,
        device=setup.device,
        operator=setup.operator,
        has_exit=truth.exit_start_s is not None,
        deepest_error_mm=None
        if deepest_mm is None or truth.exit_start_s is None
        else deepest_mm - truth.deepest_protrusion_mm,
        due=is_due(truth),
        false_exits=false_exits,
        late_ms=late_ms,
        disagreements=tuple(point.kind for point in compare(detection, _board_events(trace, events))),
    )


def trace_of(played: Played, build: DetectorBuild) -> Trace:
    """As evaluated from a recording without a calibration of its own: nominal scales."""
    codes, depth_counts, _ = played.readings
    raw = RawTrace(
        sample_index=np.arange(len(codes), dtype=np.int64),
        time_s=played.time_s,
        force_counts=codes.astype(np.int64) - FORCE_OFFSET_COUNTS,
        depth_counts=depth_counts.astype(np.int64),
        pressure_counts=np.zeros(len(codes), dtype=np.int64),
        flags=np.zeros(len(codes), dtype=np.int64),
        missed_conversions=len(played.script.missed),
    )
    return to_trace(raw, nominal_calibration(build, played.case.setup.site))


def nominal_calibration(build: DetectorBuild, site: SiteProfile) -> Calibration:
    """The scales that the firmware was built with; the pressure is not looked at."""
    return Calibration(
        force=ChannelScale(0.0, 1e-9 * build.force_nano_n_per_count),
        depth=ChannelScale(build.depth_zero_counts, 1e-9 * build.depth_nano_mm_per_count),
        pressure=ChannelScale(0.0, 1.0),
        plug_compliance_mm_per_n=site.plug_compliance.value,
    )


def _board_events(trace: Trace, events: Sequence[Found]) -> list[Event]:
    index = np.searchsorted(trace.time_s, [event.time_s for event in events])
    return [
        Event(cast(EventKind, event.kind), int(at), event.time_s)
        for at, event in zip(index, events, strict=True)
    ]


def _exits(truth: Truth, detection: Detection) -> tuple[int, float | None]:
    """(false exits, ms of the first true one after exit_half). A return through the hole is an exit too."""
    since_s = None if truth.exit_start_s is None else truth.exit_start_s - DATES_APART_S
    early_s, late_s = split([leaving.half_s for leaving in detection.exits], since_s)
    if not late_s or not is_due(truth) or truth.exit_half_s is None:
        return len(early_s), None
    return len(early_s), 1000.0 * (late_s[0] - truth.exit_half_s)
