"""One evaluated attempt as plain data for JSON."""

from typing import Any

from popsense.analysis.agreement import Disagreement
from popsense.analysis.detection import Detection, HostExit
from popsense.attempts.calibrated import day_of, stored_records
from popsense.attempts.evaluate import Evaluation, detail_of, outcome_of
from popsense.attempts.faults import ToldFault
from popsense.calibration.record import state_text
from popsense.model import Event, Metric, Stretch

DIGITS = 6  # behind the point: finer than any sensor, and free of float noise


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """Score with its arithmetic, metrics with units, events with evidence, integrity, versions.

    holes, repaired: [first sample, how many] each. withheld: why no score is given; empty where one is, or
    where too little was assessed. calibrations: of each sensor that is fitted, its state on the day of the
    attempt; empty for a recording from before boards had them. faults: what the board told of itself, s since
    sample 0; null where not known. disagreements: between the board's detector
    and the computer's; empty where they agree.
    """
    score, decoded = evaluation.score, evaluation.decoded
    header = evaluation.recording.header
    return {
        "created": header["created"],
        "outcome": outcome_of(evaluation.recording),
        "outcome_detail": detail_of(evaluation.recording),
        "mode": evaluation.mode,
        "score": rounded(score.percent),
        "passed": score.passed,
        "decision": score.decision,
        "withheld": score.withheld,
        "critical_errors": [error.code for error in score.critical_errors],
        "not_ruled_out": list(score.not_ruled_out),
        "arithmetic": {
            "earned": rounded(score.earned),
            "assessable": rounded(score.assessable),
            "possible": rounded(score.possible),
        },
        "metrics": {metric.name: _metric(metric) for metric in evaluation.analysis.metrics},
        "events": [_event(event) for event in evaluation.analysis.events],
        "host_detector": _detection(evaluation.detection),
        "disagreements": [_disagreement(point) for point in evaluation.disagreements],
        "samples": int(decoded.raw.sample_index.size),
        "lost_samples": decoded.lost_samples,
        "bad_frames": decoded.bad_frames,
        "missed_conversions": decoded.raw.missed_conversions,
        "integrity": decoded.integrity,
        "holes": _stretches(evaluation.trace.holes),
        "repaired": _stretches(evaluation.trace.repaired),
        "sampling": _sampling(evaluation),
        "sensor_faults": dict(evaluation.trace.faults),
        "faults": [_fault(fault) for fault in evaluation.faults],
        "tare_doubtful": evaluation.trace.tare_doubtful,
        "calibration": evaluation.calibration.label,
        "calibrated": evaluation.trace.calibrated,
        "uncalibrated_because": evaluation.trace.uncalibrated_because,
        "calibrations": _calibrations(evaluation),
        "firmware": {
            "interpreter": header["board"]["interpreter"],
            "version": header["versions"]["firmware"],
        },
        "versions": dict(evaluation.versions),
    }


def _fault(fault: ToldFault) -> dict[str, Any]:
    times = {"began_s": rounded(fault.began_s), "ended_s": rounded(fault.ended_s)}
    return {"code": fault.code, **times, "value": fault.value, "sentence": fault.sentence}


def _sampling(evaluation: Evaluation) -> dict[str, Any]:
    """rate_hz, settle_samples; what they cost in words; metrics not assessed for it, errors of the others."""
    cost = evaluation.sampling_cost
    if cost is None:
        return {}
    return {
        "rate_hz": rounded(cost.rate_hz),
        "settle_samples": cost.settle_samples,
        "costs": list(cost.sentences),
        "not_assessed": list(cost.lost),
        "errors": {name: rounded(cost.error(name)) for name in cost.errors if not cost.is_lost(name)},
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _calibrations(evaluation: Evaluation) -> dict[str, str]:
    recording = evaluation.recording
    channels, on = recording.header["channels"], day_of(recording)
    records = stored_records(recording)
    return {name: state_text(record, on) for name, record in records.items() if channels[name]["fitted"]}


def _stretches(found: tuple[Stretch, ...]) -> list[list[int]]:
    return [[stretch.first_sample, stretch.count] for stretch in found]


def _metric(metric: Metric) -> dict[str, Any]:
    entry: dict[str, Any] = {"value": rounded(metric.value), "unit": metric.unit}
    return entry | ({"note": metric.note} if metric.note else {})


def _event(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "source": event.source,
        "sample_index": event.sample_index,
        "time_s": rounded(event.time_s),
        "evidence": {name: rounded(value) for name, value in event.evidence.items()},
        "detector_version": event.detector_version,
        "by_depth": event.by_depth,
        "by_force": event.by_force,
    }


def _detection(found: Detection) -> dict[str, Any]:
    return {
        "basis": found.basis,
        "exits": [_exit(leaving) for leaving in found.exits],
        "withdrawals_s": [rounded(time_s) for time_s in found.withdrawals_s],
        "far_cortex_s": [rounded(time_s) for time_s in found.far_cortex_s],
        "deepest_protrusion_mm": rounded(found.deepest_protrusion_mm),
    }


def _exit(leaving: HostExit) -> dict[str, Any]:
    return {
        "start_s": rounded(leaving.start_s),
        "half_s": rounded(leaving.half_s),
        "end_s": rounded(leaving.end_s),
        "tip_half_s": rounded(leaving.tip_half_s),
        "peak_n": rounded(leaving.peak_n),
        "after_n": rounded(leaving.after_n),
        "drop_percent": rounded(leaving.drop_percent),
        "used_hole": leaving.used_hole,
        "basis": leaving.basis,
    }


def _disagreement(point: Disagreement) -> dict[str, Any]:
    return {
        "kind": point.kind,
        "time_s": rounded(point.time_s),
        "device_s": rounded(point.device_s),
        "host_s": rounded(point.host_s),
        "sentence": point.sentence,
    }
