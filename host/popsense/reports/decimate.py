"""Fewer points to draw, with every peak kept."""

from itertools import pairwise

import numpy as np

from popsense.model import FloatArray

COLUMNS = 1000


def min_max_columns(
    time_s: FloatArray, values: FloatArray, columns: int = COLUMNS
) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest sample of each of so many equal stretches of time, in order of time.

    Shapes (n,) in, (k,) out with k <= 2 * columns; a series already that short comes back whole.
    """
    if time_s.size <= 2 * columns:
        return time_s, values
    step_s = float(time_s[-1] - time_s[0]) / columns
    edges = step_s * np.arange(columns, dtype=np.float64) + float(time_s[0])
    starts = sorted({int(index) for index in np.searchsorted(time_s, edges)})
    kept = [
        index
        for first, end in pairwise([*starts, time_s.size])
        for index in {first + int(np.argmin(values[first:end])), first + int(np.argmax(values[first:end]))}
    ]
    return time_s[sorted(kept)], values[sorted(kept)]
