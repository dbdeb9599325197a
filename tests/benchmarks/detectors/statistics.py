"""Shares and percentiles with 95 % confidence intervals that assume no distribution of the latencies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from popsense.model import FloatArray

CONFIDENCE = 0.95
TAIL = (1.0 - CONFIDENCE) / 2.0


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; NaN throughout where there was nothing to count."""

    value: float
    low: float
    high: float


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


def share_percent(hits: int, of: int) -> Estimate:
    """Clopper-Pearson: exact, so never too narrow."""
    if of == 0:
        return NOTHING
    low = float(stats.beta.ppf(TAIL, hits, of - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(1.0 - TAIL, hits + 1, of - hits)) if hits < of else 1.0
    return Estimate(100.0 * hits / of, 100.0 * low, 100.0 * high)


def percentile(values: Sequence[float] | FloatArray, percent: float) -> Estimate:
    """Interval from order statistics; the largest or smallest value where no other can bound it."""
    if len(values) == 0:
        return NOTHING
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    below = stats.binom(len(ordered), percent / 100.0)
    low, high = int(below.ppf(TAIL)) - 1, int(below.ppf(1.0 - TAIL))
    return Estimate(
        float(np.percentile(ordered, percent)),
        float(ordered[max(0, low)]),
        float(ordered[min(len(ordered) - 1, high)]),
    )
