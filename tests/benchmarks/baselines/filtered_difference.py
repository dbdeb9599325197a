"""Kalman-filtered force difference between successive samples (K-FDSS), from drilling of long bones.

The publication says: the force difference between successive samples goes through a modified Kalman filter,
and break-through is called at one of several threshold levels of the result, despite compliance of the rig
and fluctuation of the drilling force. Neither the modification nor the levels stand in the abstract.

Re-derived: the difference per time is a random walk x seen through white noise. Its Kalman gain settles at
K with K^2 + qK - q = 0, q being process over measurement variance; we give the settling time instead of q,
since q holds for one sample rate only. The gain's settling at the start, over before contact, is left out.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import signal

from popsense.model import FloatArray

from .protocol import ARMING_N, LARGEST_FALL_N, share_kept, sweep, when_armed

PUBLISHED_N_PER_S = 250.0
SETTLING_MS = 8.0  # uncalibrated
# What the filter makes of LARGEST_FALL_N between two samples, at any rate.
CEILING_N_PER_S = 1000.0 * LARGEST_FALL_N / SETTLING_MS


def settled_gain(variance_ratio: float) -> float:
    """Kalman gain of a random walk after many samples; variance_ratio: process over measurement variance."""
    return (np.sqrt(variance_ratio**2 + 4.0 * variance_ratio) - variance_ratio) / 2.0


def variance_ratio(gain: float) -> float:
    """The ratio whose settled_gain() is the given one."""
    return gain**2 / (1.0 - gain)


@dataclass(frozen=True, eq=False)
class FilteredDifference:
    """Speed at which the force falls, N/s, Kalman-filtered."""

    name: str = "Kalman-filtered difference"
    source: str = (
        "Ong, Bouazza-Marouf, Proc IMechE H 1998;212:209 (known by its title only);"
        " Mechatronics 1999;9(6):565-588 (abstract read)"
    )
    # Our reading, uncalibrated: the abstract has no levels. 10 N within 40 ms, as for the largest drop.
    published: float = PUBLISHED_N_PER_S
    settling_ms: float = SETTLING_MS
    arming_n: float = ARMING_N
    thresholds: FloatArray = field(default_factory=lambda: sweep(PUBLISHED_N_PER_S, 20.0, CEILING_N_PER_S))

    def statistic(self, force_n: FloatArray, rate_hz: float) -> FloatArray:
        """See Baseline; N/s."""
        fall_n_per_s = -rate_hz * np.diff(force_n, prepend=force_n[0])
        gain = settled_gain(variance_ratio(1.0 - share_kept(self.settling_ms, rate_hz)))
        filtered = signal.lfilter([gain], [1.0, gain - 1.0], fall_n_per_s)
        return when_armed(np.asarray(filtered, dtype=np.float64), force_n, CEILING_N_PER_S, self.arming_n)
