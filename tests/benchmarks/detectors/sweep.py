"""The published rules over their whole threshold ranges, each alarm judged as one of our pops is.

So that nobody can say that a rule was started unfairly, each runs with several arming forces, and both with
all of its alarms and with the first alone (a program that stops listening after it).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from popsense.model import IntArray
from popsense.twin.insertion import Truth
from tests.benchmarks.baselines import alarms, armed_at

from .cases import Played
from .scoring import is_due, late_ms, sort_pops

ARMINGS_N = (5.0, 10.0, 15.0, 20.0)


@dataclass(frozen=True)
class Setting:
    """One rule with everything chosen. published: the threshold is that of the publication."""

    rule: str
    arming_n: float
    threshold: float
    first_only: bool
    published: bool


@dataclass(frozen=True)
class SweepRow:
    """One case under every setting, shape (s,) each, in the order of settings().

    late_ms: after exit_half; NaN where none was due or none came.
    """

    due: bool
    false_pops: npt.NDArray[np.uint16]
    late_ms: npt.NDArray[np.float32]


@cache
def settings() -> tuple[Setting, ...]:
    """All, in the order of every SweepRow."""
    return tuple(
        Setting(rule.name, arming_n, threshold, first_only, threshold == rule.published)
        for arming_n in ARMINGS_N
        for rule in armed_at(arming_n)
        for threshold in rule.thresholds.tolist()
        for first_only in (False, True)
    )


def sweep(played: Played) -> SweepRow:
    """The case at its rate under every setting."""
    truth, time_s = played.insertion.truth, played.time_s
    outcomes = [_outcome(truth, time_s[found].tolist()) for found in _all_alarms(played)]
    false_pops, late = zip(*outcomes, strict=True)
    return SweepRow(is_due(truth), np.array(false_pops, np.uint16), np.array(late, np.float32))


def _all_alarms(played: Played) -> Iterator[IntArray]:
    """Samples of the alarms of each setting."""
    force_n, rate_hz = played.force_n, played.rate_mhz / 1000.0
    for arming_n in ARMINGS_N:
        for rule in armed_at(arming_n):
            statistic = rule.statistic(force_n, rate_hz)
            for threshold in rule.thresholds.tolist():
                found = alarms(statistic, threshold, rate_hz)
                yield found
                yield found[:1]


def _outcome(truth: Truth, pops_s: Sequence[float]) -> tuple[int, float]:
    """(false pops, ms after exit_half or NaN)."""
    false_s, detected_s = sort_pops(truth, pops_s)
    if detected_s is None or not is_due(truth):
        return len(false_s), float("nan")
    return len(false_s), late_ms(truth, detected_s)["half"]
