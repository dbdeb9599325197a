"""Smoothing and slopes over windows of time, not of samples.

So a hole neither shifts nor stretches a window, and 80 samples/s need no other code than 988.
All arrays have shape (n,), time_s ascends.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from popsense.model import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

LEAST_SAMPLES = 3  # a line through two samples is noise
BURST_SAMPLES = 3  # median of three: one wild conversion leaves no trace
LEAST_TAPS = 5  # of a Savitzky-Golay filter of degree 2, so that it smooths at all
BROKEN_PERIODS = 3.0  # a longer step of time is a hole


def _window(time_s: FloatArray, before_s: float, after_s: float) -> tuple[IntArray, IntArray]:
    """First index inside and first index behind the window [t - before_s, t + after_s] of each sample."""
    slack_s = 1e-9  # a sample exactly on the edge stays inside, whatever the rounding of its time
    first = np.searchsorted(time_s, time_s - before_s - slack_s, side="left").astype(np.int64)
    behind = np.searchsorted(time_s, time_s + after_s + slack_s, side="right").astype(np.int64)
    return first, behind


def _sums(values: FloatArray, first: IntArray, behind: IntArray) -> FloatArray:
    """Sum of values[first:behind] for each window, through one cumulative sum."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    return total[behind] - total[first]


def local_mean(time_s: FloatArray, values: FloatArray, window_s: float) -> FloatArray:
    """Mean over a window centred on each sample; not causal, so it delays nothing."""
    first, behind = _window(time_s, window_s / 2, window_s / 2)
    return _sums(values, first, behind) / (behind - first)


def local_line(
    time_s: FloatArray, values: FloatArray, before_s: float, after_s: float
) -> tuple[FloatArray, FloatArray]:
    """Value and slope per second of the least-squares line through the window around each sample.

    NaN where the window holds under three samples: beside a hole, and at the end of the trace.
    """
    first, behind = _window(time_s, before_s, after_s)
    count = (behind - first).astype(np.float64)
    since = time_s - time_s[0]  # small numbers keep the difference of two cumulative sums exact
    sum_t, sum_v = _sums(since, first, behind), _sums(values, first, behind)
    spread = count * _sums(since * since, first, behind) - sum_t * sum_t
    covariance = count * _sums(since * values, first, behind) - sum_t * sum_v
    slope = np.full_like(values, np.nan)
    np.divide(covariance, spread, out=slope, where=(count >= LEAST_SAMPLES) & (spread > 0))
    return sum_v / count + slope * (since - sum_t / count), slope


def calm(time_s: FloatArray, values: FloatArray, window_s: float) -> FloatArray:
    """Median over the window, at least three samples: no burst, and never beyond what was measured."""
    if time_s.size < 2:
        return values.copy()
    taps = max(BURST_SAMPLES, int(window_s / float(np.median(np.diff(time_s)))) | 1)
    return np.asarray(median_filter(values, taps, mode="nearest"), dtype=np.float64)


def zero_phase(time_s: FloatArray, values: FloatArray, window_s: float) -> FloatArray:
    """The series without bursts and noise, nothing delayed and no corner rounded more than needed.

    Median of three, then a parabola fitted round each sample (Savitzky and Golay, Anal Chem 1964) over the
    window, at least 5 samples of it; each stretch between holes for itself.
    """
    steps = np.diff(time_s)
    if steps.size == 0:
        return values.copy()
    period_s = float(np.median(steps))
    taps = max(LEAST_TAPS, int(window_s / period_s) | 1)
    holes = np.flatnonzero(steps > BROKEN_PERIODS * period_s) + 1
    return np.concatenate([_parabolas(part, taps) for part in np.split(values, holes)])


def _parabolas(values: FloatArray, taps: int) -> FloatArray:
    """One unbroken stretch smoothed; one that is shorter than the filter only loses its bursts."""
    calm = np.asarray(median_filter(values, BURST_SAMPLES, mode="nearest"), dtype=np.float64)
    if values.size < taps:
        return calm
    return np.asarray(savgol_filter(calm, taps, 2), dtype=np.float64)


def crossing_s(time_s: FloatArray, values: FloatArray, index: int, level: float) -> float:
    """Time between the sample before index and index at which the line between them is at the level."""
    if index == 0:
        return float(time_s[0])
    low, high = float(values[index - 1]), float(values[index])
    part = min(1.0, max(0.0, (level - low) / (high - low))) if high != low else 1.0
    return float(time_s[index - 1] + part * (time_s[index] - time_s[index - 1]))


def highest_ahead(time_s: FloatArray, values: FloatArray, ahead_s: float) -> FloatArray:
    """Highest value in [t, t + ahead_s] of each sample."""
    spans = np.column_stack(_window(time_s, 0.0, ahead_s)).ravel()
    # reduceat gives values[a:b] for neighbours a < b: every second one is a span.
    return np.maximum.reduceat(np.append(values, -np.inf), spans)[::2]


def first_held(mask: BoolArray, time_s: FloatArray, hold_s: float, start: int = 0) -> int | None:
    """First index >= start at which mask begins to be true for at least hold_s; None where it never is."""
    begins, _ = _long_runs(mask, time_s, hold_s, start)
    return int(begins[0]) if begins.size else None


def last_held(mask: BoolArray, time_s: FloatArray, hold_s: float) -> int | None:
    """Last index of the last stretch in which mask is true for at least hold_s; None where it never is."""
    _, ends = _long_runs(mask, time_s, hold_s, 0)
    return int(ends[-1]) if ends.size else None


def _long_runs(mask: BoolArray, time_s: FloatArray, hold_s: float, start: int) -> tuple[IntArray, IntArray]:
    """First and last index of each stretch of True from start on that lasts at least hold_s."""
    edges = np.diff(np.concatenate(([False], mask[start:], [False])).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1) + start, np.flatnonzero(edges == -1) + start - 1
    long = time_s[ends] - time_s[begins] >= hold_s - 1e-9
    return begins[long].astype(np.int64), ends[long].astype(np.int64)


def last_true(mask: BoolArray, end: int, start: int = 0) -> int | None:
    """Last index in [start, end) at which mask is true; None where there is none."""
    hits = np.flatnonzero(mask[start:end])
    return int(hits[-1]) + start if hits.size else None
