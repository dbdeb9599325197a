"""Where a rule's statistic becomes an alarm."""

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray, IntArray

REFRACTORY_S = 0.3  # one pop, one alarm; uncalibrated


def alarms(
    statistic: FloatArray, threshold: float, rate_hz: float, refractory_s: float = REFRACTORY_S
) -> IntArray:
    """Samples at which an alarm begins, ascending.

    After an alarm the rule is silent until the statistic has been below the threshold and refractory_s
    has passed, whichever comes last; from then on it alarms at the first sample at or above the threshold.
    """
    above = statistic >= threshold
    if not above.any():
        return np.empty(0, dtype=np.int64)
    edges = np.flatnonzero(above[1:] != above[:-1]) + 1
    first_is_rise = int(above[0])
    rises, falls = edges[first_is_rise::2].tolist(), edges[1 - first_is_rise :: 2].tolist()
    silent = max(1, round(refractory_s * rate_hz))
    found: list[int] = []
    alarm = _next_above(0, above, rises)
    while alarm is not None:
        found.append(alarm)
        below = bisect_left(falls, alarm + 1)
        if below == len(falls):
            break
        alarm = _next_above(max(falls[below], alarm + silent), above, rises)
    return np.array(found, dtype=np.int64)


def first_alarms(statistic: FloatArray, thresholds: FloatArray, rate_hz: float) -> list[IntArray]:
    """alarms() of each threshold, in their order."""
    return [alarms(statistic, threshold, rate_hz) for threshold in thresholds.tolist()]


def _next_above(start: int, above: npt.NDArray[np.bool_], rises: list[int]) -> int | None:
    if start < len(above) and above[start]:
        return start
    later = bisect_left(rises, start)
    return rises[later] if later < len(rises) else None
