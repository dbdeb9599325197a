"""Sudden, lasting falls of the force: what is left of a breakthrough where no depth is measured.

Bone that gives way takes the force off within tens of milliseconds, and then the loss is over: the curve has
a corner. A hand that eases off is slower, and slowest at its end. A bump has no sustained load before it,
chatter comes back. All figures uncalibrated: force alone is never proof, and whoever uses this says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from popsense.model import FloatArray, IntArray

SUDDEN_S = 0.030
LEAST_PERIODS = 2  # of the sampling: at 80 samples/s a fall lasts 25 ms at least
SUDDEN_FRACTION = 0.4  # of the load, lost within SUDDEN_S
TAIL_S = 0.030  # from half of the loss until this part of it is left
TAIL_FRACTION = 0.2
SUSTAINED_S = 0.150  # the load before, whose median a bump or ringing does not move
SUSTAINED_N = 10.0
BOTTOM_S = 0.150  # the lowest level lies this soon behind the peak
LOW_FRACTION = 0.4  # of the sustained load, at the bottom
STAYS_S = 0.150
STAYS_FRACTION = 0.6  # of the sustained load, not exceeded while it stays low
GONE_FRACTION = 0.2  # so low that what comes back so soon is the far cortex, and no chatter


@dataclass(frozen=True)
class Fall:
    """One fall as sample indices: the peak before, half of the loss, the bottom; with levels in N."""

    peak: int
    half: int
    bottom: int
    peak_n: float
    after_n: float


def find_falls(time_s: FloatArray, force_n: FloatArray) -> list[Fall]:
    """All sudden and lasting falls from a sustained load, in order of time. force_n: smoothed, shape (n,)."""
    if time_s.size < 2:
        return []
    falls: list[Fall] = []
    for steepest in _steepest(time_s, force_n):
        fall = _fall(time_s, force_n, steepest)
        is_new = not falls or fall.peak > falls[-1].bottom
        if is_new and _has_a_corner(time_s, force_n, fall) and _is_lasting(time_s, force_n, fall):
            falls.append(fall)
    return falls


def _steepest(time_s: FloatArray, force_n: FloatArray) -> Iterator[int]:
    """Of each stretch in which the force has suddenly fallen, the sample with the greatest part lost."""
    period_s = float(np.median(np.diff(time_s)))
    lost_n = _highest_before(force_n, max(LEAST_PERIODS, round(SUDDEN_S / period_s))) - force_n
    # Of the load at the beginning, and not of what is left of it: the end of easing off is no sudden fall.
    lost = lost_n / np.maximum(_highest_before(force_n, round(SUSTAINED_S / period_s)), SUSTAINED_N)
    for run in _runs(np.flatnonzero(lost >= SUDDEN_FRACTION)):
        yield int(run[np.argmax(lost[run])])


def _highest_before(force_n: FloatArray, periods: int) -> FloatArray:
    """Highest of each sample and so many before it."""
    size = periods + 1
    # The window's origin is moved so that it ends at each sample.
    highest = maximum_filter1d(force_n, size, origin=(size - 1) // 2, mode="nearest")
    return np.asarray(highest, dtype=np.float64)


def _runs(indices: IntArray) -> list[IntArray]:
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if run.size]


def _fall(time_s: FloatArray, force_n: FloatArray, steepest: int) -> Fall:
    first = int(np.searchsorted(time_s, float(time_s[steepest]) - 2 * SUDDEN_S))
    peak = first + int(np.argmax(force_n[first : steepest + 1]))
    behind = int(np.searchsorted(time_s, float(time_s[peak]) + BOTTOM_S, side="right"))
    bottom = peak + int(np.argmin(force_n[peak : max(behind, steepest + 1)]))
    peak_n, after_n = float(force_n[peak]), float(force_n[bottom])
    half = peak + int(np.argmax(force_n[peak : bottom + 1] <= (peak_n + after_n) / 2))
    return Fall(peak, half, bottom, peak_n, after_n)


def _has_a_corner(time_s: FloatArray, force_n: FloatArray, fall: Fall) -> bool:
    """Whether the loss is over soon after its half."""
    low_n = fall.after_n + TAIL_FRACTION * (fall.peak_n - fall.after_n)
    over = fall.half + int(np.argmax(force_n[fall.half : fall.bottom + 1] <= low_n))
    return float(time_s[over] - time_s[fall.half]) <= TAIL_S


def _is_lasting(time_s: FloatArray, force_n: FloatArray, fall: Fall) -> bool:
    """Whether a sustained load was there before, is gone, and stays away or was gone altogether."""
    first, last = np.searchsorted(time_s, [time_s[fall.peak] - SUSTAINED_S, time_s[fall.bottom] + STAYS_S])
    sustained_n = float(np.median(force_n[first : fall.peak + 1]))
    if sustained_n < SUSTAINED_N or fall.after_n > LOW_FRACTION * sustained_n:
        return False
    stays = float(force_n[fall.bottom : last + 1].max()) <= STAYS_FRACTION * sustained_n
    return stays or fall.after_n <= GONE_FRACTION * sustained_n
