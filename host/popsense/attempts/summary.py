"""One evaluated attempt as plain data for JSON."""

from typing import Any

from popsense.attempts.evaluate import Evaluation, detail_of, outcome_of
from popsense.model import Event, Metric

DIGITS = 6  # behind the point: finer than any sensor, and free of float noise


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """Score with its arithmetic, metrics with units, events with evidence, integrity, versions."""
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
        "critical_errors": [error.code for error in score.critical_errors],
        "not_ruled_out": list(score.not_ruled_out),
        "arithmetic": {
            "earned": rounded(score.earned),
            "assessable": rounded(score.assessable),
            "possible": rounded(score.possible),
        },
        "metrics": {metric.name: _metric(metric) for metric in evaluation.analysis.metrics},
        "events": [_event(event) for event in evaluation.analysis.events],
        "samples": int(decoded.raw.sample_index.size),
        "lost_samples": decoded.lost_samples,
        "bad_frames": decoded.bad_frames,
        "missed_conversions": decoded.raw.missed_conversions,
        "integrity": decoded.integrity,
        "sensor_faults": dict(evaluation.trace.faults),
        "tare_doubtful": evaluation.trace.tare_doubtful,
        "calibration": evaluation.calibration.label,
        "firmware": {
            "interpreter": header["board"]["interpreter"],
            "version": header["versions"]["firmware"],
        },
        "versions": dict(evaluation.versions),
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


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
    }
