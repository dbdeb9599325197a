"""What a published rule must offer to be measured beside ours, and what all of them share.

A rule turns a force trace into one number per sample, the more pop the larger; it alarms where that number
reaches a threshold. So one pass over a trace serves the whole sweep of thresholds.
"""

from typing import Protocol

import numpy as np

from popsense.model import FloatArray

# The publications start their rules by hand or by a known depth. Under this running peak no rule may speak;
# uncalibrated. Skin that lets go of the needle reaches it: a benchmark should look at higher ones as well.
ARMING_N = 5.0
# From the reference cell's full load to none; the sweeps end where that leads.
# N, a design choice of ours: capacity_n of popsense.twin.sensors.
LARGEST_FALL_N = 500.0
SETTINGS = 50  # thresholds of a sweep, about


class Baseline(Protocol):
    """One published rule: force only, causal, every duration in milliseconds."""

    @property
    def name(self) -> str:
        """Short, for a legend."""
        ...

    @property
    def source(self) -> str:
        """Authors, journal, year, and how much of it was read."""
        ...

    @property
    def thresholds(self) -> FloatArray:
        """Ascending, shape (m,): [0] alarms once the rule is armed, [-1] never; holds `published`."""
        ...

    @property
    def published(self) -> float:
        """The threshold as published or, where the source says so, our reading of it."""
        ...

    def statistic(self, force_n: FloatArray, rate_hz: float) -> FloatArray:
        """Shape of force_n; value k depends on samples 0 to k only. -inf until armed, from then on >= 0.

        force_n: shape (n,), compression positive, less its mean over the first 64 samples (by the caller).
        """
        ...


def when_armed(statistic: FloatArray, force_n: FloatArray, ceiling: float, arming_n: float) -> FloatArray:
    """The statistic held between 0 and the ceiling; -inf, under every threshold, until it is armed."""
    armed = np.maximum.accumulate(force_n) >= arming_n
    return np.where(armed, np.clip(statistic, 0.0, ceiling), -np.inf)


def sweep(published: float, lowest: float, ceiling: float) -> FloatArray:
    """0, then geometric steps from lowest to the ceiling, then what when_armed() lets nobody reach."""
    steps = np.geomspace(lowest, ceiling, SETTINGS - 3)
    return np.unique(np.concatenate([[0.0, published], steps, [1.02 * ceiling]]))


def samples(duration_ms: float, rate_hz: float) -> int:
    """The duration in samples, at least 1."""
    return max(1, round(duration_ms * rate_hz / 1000.0))


def share_kept(time_constant_ms: float, rate_hz: float) -> float:
    """What an exponential memory of that time constant keeps from one sample to the next, 0 to 1."""
    return float(np.exp(-1000.0 / (rate_hz * time_constant_ms)))
