"""When each sample was taken, and which ones are missing. Pure arithmetic on block headers.

first: index of each block's first sample, counts: its samples, ticks_us: its stamp; shape (blocks,).
"""

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray, Hole, IntArray

TICKS_MODULUS = 1 << 30


def holes(first: IntArray, counts: IntArray, taken: int | None) -> tuple[Hole, ...]:
    """Stretches of index that no block covers, up to the device's own count where it is known."""
    found: list[Hole] = []
    expected = 0
    for start, count in zip(first.tolist(), counts.tolist(), strict=True):
        if start > expected:
            found.append(Hole(expected, start - expected))
        expected = max(expected, start + count)
    if taken is not None and taken > expected:
        found.append(Hole(expected, taken - expected))
    return tuple(found)


def unwrapped(ticks_us: list[int]) -> IntArray:
    """Device ticks without the wrap at 2^30; blocks are less than 9 minutes apart."""
    ticks = np.array(ticks_us, dtype=np.int64)
    steps = np.diff(ticks)
    wrapped = (steps + TICKS_MODULUS // 2) % TICKS_MODULUS - TICKS_MODULUS // 2
    return np.concatenate([ticks[:1], ticks[0] + np.cumsum(wrapped)])


def period_us(first: IntArray, ticks_us: IntArray, declared_us: float) -> float:
    """Sample period: median over neighbouring blocks; for a single block the one that HELLO declared."""
    steps = np.diff(first)
    usable = steps > 0
    return float(np.median(np.diff(ticks_us)[usable] / steps[usable])) if usable.any() else declared_us


def sample_times_us(
    first: IntArray, counts: IntArray, ticks_us: IntArray, after_gap: npt.NDArray[np.bool_], period: float
) -> FloatArray:
    """The block's stamp plus whole periods (us), shape (samples,).

    after_gap marks samples before which conversions were missed: what a block lasted beyond its samples is
    put before the first such sample in it. A gap at a block's start needs nothing: the stamp knows it.
    """
    starts = np.cumsum(counts) - counts
    within = np.arange(counts.sum(), dtype=np.float64) - np.repeat(starts, counts)
    times = np.repeat(ticks_us, counts) + within * period
    for block in np.flatnonzero(np.logical_or.reduceat(after_gap, starts)):
        inside = np.flatnonzero(after_gap[starts[block] + 1 : starts[block] + counts[block]])
        if inside.size and block + 1 < len(first) and first[block + 1] == first[block] + counts[block]:
            missing = ticks_us[block + 1] - ticks_us[block] - counts[block] * period
            times[starts[block] + 1 + inside[0] : starts[block] + counts[block]] += missing
    return times
