"""When the needle meets bone, and when it is eased off again without having broken through.

Thresholds are ours, uncalibrated; a change raises ANALYSIS_VERSION.
"""

import numpy as np

from popsense.analysis.filters import last_held, last_true
from popsense.analysis.signals import Signals

TOUCH_N = 1.0  # something touches the skin
CONTACT_N = 6.0  # above the few newtons of skin and tissue
CONTACT_FRACTION = 0.15  # of the peak: a stiff skin under a strong hand is no contact either
LOADED_FRACTION = 0.5  # of the peak: certainly on bone
BUILT_UP_FRACTION = 0.8  # of the peak: the work begins
TISSUE_MARGIN_N = 1.0
# A hand that bounces off the bone is on it again within a reaction (150 to 220 ms, twin/operators.py [K]).
TISSUE_HOLD_S = 0.250


def find_contact(signals: Signals, end: int) -> int | None:
    """Index at which the force leaves the level of the tissue for the load that works the bone.

    end: index behind the loading, which is the breakthrough or the end of the trace. Found backwards
    from the first real load, so that a bump in the skin is not taken for bone.
    """
    force = signals.force_n[:end]
    if force.size == 0 or float(force.max()) < CONTACT_N:
        return None
    peak = float(force.max())
    threshold = max(CONTACT_N, CONTACT_FRACTION * peak)
    loaded = int(np.argmax(force >= max(threshold, LOADED_FRACTION * peak)))
    below = last_true(force < threshold, loaded)
    return 0 if below is None else _end_of_tissue(signals, below + 1)


def find_touch(signals: Signals) -> int:
    """First index at which the needle touches anything; 0 where it never does."""
    return int(np.argmax(signals.force_n >= TOUCH_N))


def _end_of_tissue(signals: Signals, loading: int) -> int:
    """Index behind the last steady stretch of tissue before the loading; a hard touch rings for a while."""
    force = signals.force_n[:loading]
    tissue_n = float(np.median(force[min(find_touch(signals), loading - 1) :]))
    end = last_held(force <= tissue_n + TISSUE_MARGIN_N, signals.time_s[:loading], TISSUE_HOLD_S)
    return loading if end is None else min(end + 1, loading)


def find_loaded(signals: Signals, contact: int, end: int) -> int:
    """First index from contact on at which the load has been built up; the peak counts up to end."""
    force = signals.force_n[contact:end]
    return contact + int(np.argmax(force >= BUILT_UP_FRACTION * float(force.max())))


def find_release(signals: Signals, contact: int) -> int | None:
    """Index from which the force stays under half of its peak; None where the load is never taken off."""
    force = signals.force_n
    loaded = last_true(force >= LOADED_FRACTION * float(force[contact:].max()), force.size, contact)
    return None if loaded is None or loaded + 1 >= force.size else loaded + 1
