"""The tip leaves the inner cortex: exit, pop, first stop, far cortex.

Only protrusion proves an exit: it is zero until the tip is past the inner face, so easing off cannot be
taken for breaking through. Both date the pop. Thresholds are ours, uncalibrated, except where cited.
"""

from dataclasses import dataclass, replace

import numpy as np

from popsense.analysis.filters import first_held, highest_ahead, last_true
from popsense.analysis.signals import Signals

RESIDUE_MM = 0.2  # plug flex that calibration left, at most 0.1 mm, and noise
BEVEL_FRACTION = 0.5  # of the bevel outside: the tip is in
# Of the bevel outside: half of its resistance is gone, which falls with the square of what is left inside
# (1 - sqrt(1/2); assumption of the twin, uncalibrated).
HALF_RESISTANCE_FRACTION = 0.29
HOLD_S = 0.050
REFERENCE_S = 0.100  # how long before the exit the local peak may lie: a taper is no pop
LEVEL_AFTER_S = 0.100
DATED_DROP_PERCENT = 20.0  # a smaller fall of the force has no date
STOP_MM_PER_S = 1.0
STOP_HOLD_S = 0.030
STAYS_S = 1.0  # a needle that creeps on has not stopped
STAYS_MM = 0.5
HELD_MM = 0.03
FAR_DEPTH_FRACTION = 0.9  # of the cavity
FAR_RISE_N = 5.0


@dataclass(frozen=True)
class Exit:
    """The breakthrough, as sample indices.

    start: the tip leaves the inner face; tip_in: half the bevel is out to stay; bevel_out: all of it, None
    where part stayed in the cortex. peak_n, after_n: local peak of the force before, lowest level behind.
    """

    start: int
    pop: int
    tip_in: int
    bevel_out: int | None
    peak_n: float
    after_n: float

    @property
    def drop_percent(self) -> float:
        """Fall of the force from the peak before to the level after, never negative."""
        return max(0.0, 100.0 * (self.peak_n - self.after_n) / self.peak_n) if self.peak_n > 0 else 0.0


def find_tip_in(signals: Signals, bevel_mm: float) -> int | None:
    """Index at which half the bevel has come out to stay; None where the cortex held."""
    return first_held(signals.protrusion_mm >= BEVEL_FRACTION * bevel_mm, signals.time_s, HOLD_S)


def find_exit(signals: Signals, bevel_mm: float) -> Exit | None:
    """The breakthrough in the trace; None where the tip never came out.

    The pop is where the force has lost half of what it loses in all, with the friction that remains on the
    shaft taken off; but not before the bone's own resistance to the bevel is half, since a hand may ease off
    in mid-exit: `exit_half` of the twin. Without a clear loss it is where half the bevel is out.
    """
    tip_in = find_tip_in(signals, bevel_mm)
    if tip_in is None:
        return None
    inside = last_true(signals.protrusion_mm < RESIDUE_MM, tip_in)
    start = 0 if inside is None else inside + 1
    bevel_out = first_held(signals.protrusion_mm >= bevel_mm, signals.time_s, 0.0, tip_in)
    end = signals.first_after(
        float(signals.time_s[tip_in if bevel_out is None else bevel_out]) + LEVEL_AFTER_S
    )
    reference = signals.first_after(float(signals.time_s[start]) - REFERENCE_S)
    force = signals.force_n
    peak = reference + int(np.argmax(force[reference : max(tip_in, reference) + 1]))
    found = Exit(start, tip_in, tip_in, bevel_out, float(force[peak]), float(force[peak : end + 1].min()))
    if found.drop_percent < DATED_DROP_PERCENT:
        return found
    half = force[peak : end + 1] <= (found.peak_n + found.after_n) / 2
    given_way = start + int(np.argmax(signals.protrusion_mm[start:] >= HALF_RESISTANCE_FRACTION * bevel_mm))
    return replace(found, pop=max(given_way, peak + int(np.argmax(half))))


def find_stop(signals: Signals, pop: int) -> int | None:
    """First index from the pop on at which the needle advances no more; None where it never stops.

    No more: it is slow, and at no time of the second after is it STAYS_MM deeper. The speed looks forward
    and so begins to be slow a little before the standstill: the last step is to where the depth that is
    then held has been reached.
    """
    rise_mm = highest_ahead(signals.time_s, signals.protrusion_mm, STAYS_S) - signals.protrusion_mm
    still = (signals.speed_mm_per_s < STOP_MM_PER_S) & (rise_mm < STAYS_MM)
    slow = first_held(still, signals.time_s, STOP_HOLD_S, pop)
    if slow is None:
        return None
    next_mm = signals.protrusion_mm[slow : signals.first_after(float(signals.time_s[slow]) + HOLD_S) + 1]
    return slow + int(np.argmax(next_mm >= np.median(next_mm) - HELD_MM))


def find_far_cortex(signals: Signals, pop: int, cavity_mm: float) -> int | None:
    """First index at which the force rises again near the far wall; None where the tip kept away from it.

    The rise is counted from the lowest level since the pop, not below zero: a pull is no level.
    """
    force = signals.force_n[pop:]
    level = np.maximum(np.minimum.accumulate(force), 0.0)
    near = signals.protrusion_mm[pop:] >= FAR_DEPTH_FRACTION * cavity_mm
    hit = np.flatnonzero(near & (force >= level + FAR_RISE_N))
    return pop + int(hit[0]) if hit.size else None
