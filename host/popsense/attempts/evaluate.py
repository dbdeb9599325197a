"""A recording -> trace, analysis and score. The same way for a fresh attempt and for one of years ago."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from popsense.analysis import Geometry, analyse
from popsense.analysis.agreement import Disagreement, compare
from popsense.analysis.detection import Detection
from popsense.analysis.host_detector import detect
from popsense.analysis.later_events import with_later_events
from popsense.analysis.sampling_cost import SamplingCost, cost_of
from popsense.analysis.sensor_suspect import suspects
from popsense.attempts.calibrated import Baseline, baseline_of, calibration_of
from popsense.attempts.faults import ToldFault, faulty_sensors, told_faults
from popsense.attempts.sensors import dead_sensors
from popsense.calibration.convert import Calibration, to_trace
from popsense.errors import RecordingError, UsageError
from popsense.model import Analysis, Event, EventKind, Mode, Score, SensorName, Trace
from popsense.procedure.sites import SITES, SiteProfile
from popsense.recording.attempt import DecodedAttempt, DeviceEvent, decoded
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording
from popsense.scoring import Rubric, packaged_rubric, score
from popsense_protocol.packets import BASIS_DEPTH, BASIS_FORCE

NEEDED = {"site", "device", "mode", "operator", "created", "versions", "board", "calibration_id", "channels"}
CUT_OFF_OUTCOMES = ("cancelled", "link_lost", "failed", "refused")  # the trainee ended none of these


@dataclass(frozen=True)
class Evaluation:
    """Everything computed from one recording; nothing in it is stored anywhere else.

    detection: what the host's detector finds in the whole trace; disagreements: where the board's differs.
    """

    recording: Recording
    site: SiteProfile
    decoded: DecodedAttempt
    calibration: Calibration
    trace: Trace
    analysis: Analysis
    detection: Detection
    disagreements: tuple[Disagreement, ...]
    score: Score
    versions: Mapping[str, object]

    @property
    def sampling_cost(self) -> SamplingCost | None:
        """What its converter's rate and filter cost; None where the rate is not known."""
        return cost_of(self.trace.sample_rate_hz, self.trace.settle_samples)

    @property
    def faults(self) -> tuple[ToldFault, ...]:
        """What the board told of itself in this attempt."""
        return told_faults(self.decoded)

    @property
    def mode(self) -> Mode:
        return cast(Mode, self.recording.header["mode"])


def evaluate(path: Path, rubric: Rubric | None = None) -> Evaluation:
    """RecordingError where the file cannot be evaluated, UsageError where the rubric is not for it.

    rubric None = the site's packaged one.
    """
    recording = read_recording(path)
    site = _site(recording)
    used = rubric or packaged_rubric(site.name)
    _check_fit(used, site, recording.header["device"])
    attempt = decoded(recording.stored, recording.header["board"]["sample_rate_hz"])
    if attempt.raw.sample_index.size == 0:
        raise RecordingError(f"{path} holds no samples", "The board never sampled in it; record again.")
    calibration = calibration_of(recording, site)
    trace = replace(
        to_trace(attempt.raw, calibration, _unusable(recording, attempt)),
        cut_off=not attempt.stopped or outcome_of(recording) in CUT_OFF_OUTCOMES,
        settle_samples=recording.header["channels"]["force"].get("settle_samples", 1),
    )
    doubted = suspects(trace, attempt.raw, site.plug_compliance.value)
    trace = replace(trace, faults={**trace.faults, **doubted})
    geometry = geometry_of(site)
    board_events = device_events(attempt, calibration)
    detection = detect(trace, geometry)
    analysis = with_later_events(analyse(trace, board_events, geometry), detection, trace)
    return Evaluation(
        recording=recording,
        site=site,
        decoded=attempt,
        calibration=calibration,
        trace=trace,
        analysis=analysis,
        detection=detection,
        disagreements=compare(detection, board_events),
        score=score(analysis, used, cast(Mode, recording.header["mode"])),
        versions={**recording.header["versions"], "analysis": analysis.version, "rubric": used.version},
    )


def _unusable(recording: Recording, attempt: DecodedAttempt) -> Mapping[SensorName, str]:
    """Sensor -> why its readings cannot be used."""
    return dead_sensors(recording.header["channels"], attempt.raw) | faulty_sensors(attempt)


def outcome_of(recording: Recording) -> str:
    """How the attempt ended, as a state of the life cycle; "cut_off" where nobody wrote that down."""
    return (recording.outcome or {}).get("outcome", "cut_off")


def detail_of(recording: Recording) -> str:
    """The reason given for the end; empty where none was."""
    return (recording.outcome or {}).get("detail", "")


def _check_fit(rubric: Rubric, site: SiteProfile, device: str) -> None:
    """UsageError where the rubric was written for another site or other devices."""
    if rubric.site != site.name or device not in rubric.devices:
        raise UsageError(
            f"rubric {rubric.name} is for {rubric.site} with {', '.join(rubric.devices)}; "
            f"the recording is of {site.name} with {device}",
            "Give a rubric for this site and this device (--rubric).",
        )


def geometry_of(site: SiteProfile) -> Geometry:
    """What the analysis needs to know of the cartridge."""
    return Geometry(site.bevel.value, site.cavity.value, site.plug_compliance.value)


def device_events(attempt: DecodedAttempt, calibration: Calibration) -> Sequence[Event]:
    """The board's events in physical units; times in s since sample 0."""
    baseline = baseline_of(attempt.raw)
    return [_event(event, attempt, calibration, baseline) for event in attempt.events]


def _event(
    event: DeviceEvent, attempt: DecodedAttempt, calibration: Calibration, baseline: Baseline
) -> Event:
    force, depth = calibration.force, calibration.depth
    return Event(
        kind=cast(EventKind, event.kind),
        sample_index=event.sample_index,
        time_s=attempt.time_s_of(event),
        evidence={
            "peak_n": force.difference(event.peak_counts, baseline.force_counts),
            "level_n": force.difference(event.level_counts, baseline.force_counts),
            "drop_percent": event.drop_permille / 10,
            "advance_mm": depth.difference(event.advance_counts, baseline.depth_counts),
            "duration_ms": event.duration_us / 1000,
        },
        source="device",
        detector_version=event.detector_version,
        by_depth=bool(event.basis & BASIS_DEPTH),
        by_force=bool(event.basis & BASIS_FORCE),
    )


def _site(recording: Recording) -> SiteProfile:
    if missing := sorted(NEEDED - recording.header.keys()):
        raise RecordingError(f"{recording.path} does not tell its {missing[0]}", "It cannot be scored.")
    if not recording.header["board"].get("sample_rate_hz"):
        raise RecordingError(f"{recording.path} does not tell its sample rate", "It cannot be scored.")
    name = recording.header["site"]
    if name not in SITES:
        raise RecordingError(f"{recording.path} is of an unknown site {name!r}", "Update popsense.")
    return SITES[name]
