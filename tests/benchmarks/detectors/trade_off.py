"""The published rules over the whole cohort: each setting's recall, false pops and latency, beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray

from .summary import Summary
from .sweep import Setting, SweepRow, settings


@dataclass(frozen=True)
class Point:
    """One detector with one setting (None: ours). p95_ms: after exit_half; NaN where it found nothing."""

    setting: Setting | None
    recall_percent: float
    false_pops: int
    p95_ms: float

    def as_good_as(self, ours: "Point") -> bool:
        """In all three at once."""
        return (
            self.recall_percent >= ours.recall_percent
            and self.false_pops <= ours.false_pops
            and self.p95_ms <= ours.p95_ms
        )


class Tally:
    """Adds up sweeps, case by case: one float a setting is kept of each case in which a pop was due."""

    def __init__(self) -> None:
        self._false_pops = np.zeros(len(settings()), dtype=np.int64)
        self._late_ms: list[npt.NDArray[np.float32]] = []

    def add(self, row: SweepRow, is_attempt: bool) -> None:
        """False pops count in every case, recall and latency in attempts."""
        self._false_pops += row.false_pops
        if is_attempt and row.due:
            self._late_ms.append(row.late_ms)

    def points(self) -> list[Point]:
        """One for each setting, in their order."""
        if not self._late_ms:
            return []
        late_ms = np.sort(np.array(self._late_ms, dtype=np.float64), axis=0)  # NaN goes last
        found = np.isfinite(late_ms).sum(axis=0)
        recall_percent = 100.0 * found / len(late_ms)
        rows = zip(
            settings(), recall_percent.tolist(), self._false_pops.tolist(), _p95(late_ms, found), strict=True
        )
        return [Point(*row) for row in rows]


def _p95(ordered: FloatArray, found: npt.NDArray[np.int64]) -> list[float]:
    """95th percentile of the first found[k] values of each column k, as numpy's; NaN where there are none."""
    at = 0.95 * np.maximum(found - 1, 0)
    low = at.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(found - 1, 0))
    below, above = (np.take_along_axis(ordered, row[np.newaxis], axis=0)[0] for row in (low, high))
    return (below + (at - low) * (above - below)).tolist()


def our_point(summary: Summary) -> Point:
    """Ours at the rate of the sweep; false pops of attempts and negatives together, as the rules'."""
    return Point(
        None,
        summary.recall_percent.value,
        summary.false_in_attempts + summary.false_in_negatives,
        summary.late_ms["half"]["p95"].value,
    )


def as_good(points: Sequence[Point], ours: Point) -> dict[str, list[Point]]:
    """Rule -> its settings that are as good as ours in everything."""
    return {rule: [point for point in own if point.as_good_as(ours)] for rule, own in by_rule(points).items()}


def nearest(points: Sequence[Point], ours: Point) -> dict[str, Point]:
    """What one rule can at best, by what it gives up; a name is left out where no setting qualifies."""
    found = [point for point in points if point.recall_percent >= ours.recall_percent]
    quick = [point for point in points if point.p95_ms <= ours.p95_ms]
    quiet = [point for point in points if point.false_pops <= ours.false_pops]
    asked = {
        "fewest false pops, recall and p95 as ours": ([p for p in found if p in quick], "false_pops"),
        "fewest false pops, recall as ours": (found, "false_pops"),
        "best recall, false pops as ours": (quiet, "recall_percent"),
        "as published, armed at 5 N": (
            [p for p in points if p.setting and p.setting.published and not p.setting.first_only],
            "",
        ),
    }
    return {name: _best(own, what) for name, (own, what) in asked.items() if own}


def _best(points: Sequence[Point], what: str) -> Point:
    if what == "false_pops":
        return min(points, key=lambda point: (point.false_pops, -point.recall_percent))
    if what == "recall_percent":
        return max(points, key=lambda point: (point.recall_percent, -point.p95_ms))
    return points[0]


def by_rule(points: Sequence[Point]) -> dict[str, list[Point]]:
    """In the order in which they come."""
    rules: dict[str, list[Point]] = {}
    for point in points:
        if point.setting:
            rules.setdefault(point.setting.rule, []).append(point)
    return rules
