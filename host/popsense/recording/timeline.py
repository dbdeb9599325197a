"""When each sample was taken, and which ones are missing. Pure arithmetic on indices and stamps.

A stretch of samples begins wherever a stamp is known. first: index of each stretch's first sample, counts:
its samples, ticks_us: its stamp; shape (stretches,), ascending.
"""

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray, IntArray, Stretch
from popsense_protocol.counters import TICKS_MODULUS


def near(value: IntArray, expected: FloatArray | IntArray, modulus: int) -> IntArray:
    """What wrapped to `value`: the nearest to `expected` of all that are equal to it modulo `modulus`."""
    return value + modulus * np.rint((expected - value) / modulus).astype(np.int64)


def holes(index: IntArray, end: int) -> tuple[Stretch, ...]:
    """Stretches from 0 up to `end` of which no index is there. index: ascending, each once."""
    bounds = np.concatenate([[-1], index, [end]])
    before = np.flatnonzero(np.diff(bounds) > 1)
    return _stretches(bounds[before] + 1, bounds[before + 1])


def marked(index: IntArray, marks: npt.NDArray[np.bool_]) -> tuple[Stretch, ...]:
    """Stretches of neighbouring indices that are all marked."""
    found = index[marks]
    breaks = np.flatnonzero(np.diff(found) > 1)
    firsts = np.concatenate([found[:1], found[breaks + 1]])
    lasts = np.concatenate([found[breaks], found[-1:]])
    return _stretches(firsts, lasts + 1)


def unwrapped(ticks_us: IntArray, first: IntArray, declared_us: float) -> IntArray:
    """Device ticks without the wrap at 2^30, also behind a hole that is longer than the clock's turn.

    declared_us: the sample period, right to 2 %; so a hole may last seven hours.
    """
    steps = np.diff(ticks_us)
    return np.cumsum(np.concatenate([ticks_us[:1], near(steps, np.diff(first) * declared_us, TICKS_MODULUS)]))


def period_us(first: IntArray, ticks_us: IntArray, declared_us: float) -> float:
    """Sample period: median over neighbouring stretches; of a single one, that which HELLO declared."""
    return float(np.median(np.diff(ticks_us) / np.diff(first))) if first.size > 1 else declared_us


def sample_times_us(
    first: IntArray, counts: IntArray, ticks_us: IntArray, after_gap: npt.NDArray[np.bool_], period: float
) -> FloatArray:
    """The stamp plus whole periods (us), shape (samples,).

    after_gap marks samples before which conversions were missed: what a stretch lasted beyond its samples is
    put before the first such sample in it. A gap at its start needs nothing: the stamp knows it.
    """
    starts = np.cumsum(counts) - counts
    within = np.arange(counts.sum(), dtype=np.float64) - np.repeat(starts, counts)
    times = np.repeat(ticks_us, counts) + within * period
    for at in np.flatnonzero(np.logical_or.reduceat(after_gap, starts)):
        inside = np.flatnonzero(after_gap[starts[at] + 1 : starts[at] + counts[at]])
        if inside.size and at + 1 < len(first) and first[at + 1] == first[at] + counts[at]:
            missing = ticks_us[at + 1] - ticks_us[at] - counts[at] * period
            times[starts[at] + 1 + inside[0] : starts[at] + counts[at]] += missing
    return times


def _stretches(firsts: IntArray, ends: IntArray) -> tuple[Stretch, ...]:
    return tuple(Stretch(a, b - a) for a, b in zip(firsts.tolist(), ends.tolist(), strict=True))
