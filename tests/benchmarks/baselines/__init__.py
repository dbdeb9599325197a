"""Published rules for break-through and loss of resistance, re-derived from their publications.

To be measured on the same traces as our detector. No paper was read in full (`source` says how much was): the
ideas are theirs, most numbers ours, and only the sweep over all thresholds is a fair judge.
"""

from .alarms import alarms, first_alarms
from .filtered_difference import FilteredDifference
from .largest_drop import LargestDrop
from .predicted_force import PredictedForce
from .protocol import ARMING_N, Baseline
from .relative_drop import RelativeDrop

__all__ = ["BASELINES", "Baseline", "alarms", "armed_at", "first_alarms"]


def armed_at(arming_n: float) -> tuple[Baseline, ...]:
    """All rules, silent until the force has once reached arming_n."""
    return (
        RelativeDrop(arming_n=arming_n),
        FilteredDifference(arming_n=arming_n),
        LargestDrop(arming_n=arming_n),
        PredictedForce(arming_n=arming_n),
    )


BASELINES = armed_at(ARMING_N)
