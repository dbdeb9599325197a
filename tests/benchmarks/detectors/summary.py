"""What a set of readings comes to: recall, false pops, latencies, far cortex."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .host import HostReading
from .readings import Reading
from .scoring import REFERENCES
from .statistics import Estimate, percentile, share_percent

PERCENTS = (50.0, 95.0, 99.0)

Percentiles = dict[str, dict[str, Estimate]]  # reference -> "p50" -> estimate


@dataclass(frozen=True)
class Summary:
    """Counts and figures of one set. recall, missed, latencies and far cortex are of attempts alone.

    used_hole_pops: pops where none was due; no fault by our rules, and no merit. far_sampled: without those
    in which the tip, shot by a spring at 3 to 4 m/s, is 1 mm in within one sample period.
    """

    attempts: int
    negatives: int
    due: int
    missed: int
    recall_percent: Estimate
    false_in_attempts: int
    false_in_negatives: int
    uncertain_in_attempts: int
    uncertain_in_negatives: int
    used_hole_pops: int
    late_ms: Percentiles
    late_mm: Percentiles
    far_due: int
    far_missed: int
    far_percent: Estimate
    far_sampled_due: int
    far_sampled_percent: Estimate
    far_false: int
    crashes: int


def summarise(readings: Sequence[Reading]) -> Summary:
    """Of any set; a case that was read at several rates counts once for each."""
    sampled = [r.verdict for r in readings if r.kind == "attempt" and _far_is_sampled(r)]
    attempts = [reading.verdict for reading in readings if reading.kind == "attempt"]
    negatives = [reading.verdict for reading in readings if reading.kind == "negative"]
    due = [verdict for verdict in attempts if verdict.due]
    missed = sum(verdict.missed for verdict in due)
    far = [verdict for verdict in attempts if verdict.far_due]
    far_missed = sum(not verdict.far_met for verdict in far)
    return Summary(
        attempts=len(attempts),
        negatives=len(negatives),
        due=len(due),
        missed=missed,
        recall_percent=share_percent(len(due) - missed, len(due)),
        false_in_attempts=sum(verdict.false_pops for verdict in attempts),
        false_in_negatives=sum(verdict.false_pops for verdict in negatives),
        uncertain_in_attempts=sum(verdict.uncertain_pops for verdict in attempts),
        uncertain_in_negatives=sum(verdict.uncertain_pops for verdict in negatives),
        used_hole_pops=sum(verdict.used_hole_pops for verdict in attempts),
        late_ms=_percentiles([verdict.late_ms for verdict in due]),
        late_mm=_percentiles([verdict.late_mm for verdict in due]),
        far_due=len(far),
        far_missed=far_missed,
        far_percent=share_percent(len(far) - far_missed, len(far)),
        far_sampled_due=len(sampled),
        far_sampled_percent=share_percent(sum(verdict.far_met for verdict in sampled), len(sampled)),
        far_false=sum(verdict.far_false for verdict in attempts + negatives),
        crashes=sum(bool(reading.crash) for reading in readings),
    )


def _far_is_sampled(reading: Reading) -> bool:
    return reading.verdict.far_due and reading.verdict.far_room_s * reading.rate_hz >= 1.0


def _percentiles(lateness: Sequence[dict[str, float]]) -> Percentiles:
    """Of those that were detected, against each reference that happened."""
    values = {name: [late[name] for late in lateness if name in late] for name in REFERENCES}
    return {
        name: {f"p{percent:.0f}": percentile(values[name], percent) for percent in PERCENTS}
        for name in REFERENCES
    }


GROUPS: dict[str, Callable[[Reading | HostReading], str]] = {
    "site": lambda reading: reading.site,
    "device": lambda reading: reading.device,
    "operator": lambda reading: reading.operator,
}


def grouped(readings: Sequence[Reading], by: str) -> dict[str, Summary]:
    """One summary for each value of a key of GROUPS, in order of the alphabet."""
    key = GROUPS[by]
    return {
        name: summarise([reading for reading in readings if key(reading) == name])
        for name in sorted({key(reading) for reading in readings})
    }
