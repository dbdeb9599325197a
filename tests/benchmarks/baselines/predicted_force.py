"""Recursive least squares prediction of the force, and a CUSUM of what the force falls short of it.

From needle insertion: a model of the force is identified online by recursive least squares, and a
transition between tissues shows as a residual that stays on one side. Where the publications have the
tip's position in their model, a force-only rule has time: a straight line with exponential forgetting,
predicted one sample ahead. For a line with a long past, the recursion is Brown's double smoothing: two
first-order filters in place of a matrix (tests compare it with the least squares fit itself).

CUSUM as in Gustafsson, one side: g = max(0, g + (shortfall - drift) * period), alarm at a threshold. There g
is set to 0 at an alarm; here not, since one pass serves all thresholds. The first alarm is the same.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import signal

from popsense.model import FloatArray

from .protocol import ARMING_N, LARGEST_FALL_N, share_kept, sweep, when_armed

PUBLISHED_N_MS = 100.0
MEMORY_MS = 50.0  # uncalibrated
# A sudden fall F leaves F * MEMORY_MS / e before the line has turned; rounded up, coarse sampling adds to it.
CEILING_N_MS = 0.5 * MEMORY_MS * LARGEST_FALL_N


@dataclass(frozen=True, eq=False)
class PredictedForce:
    """CUSUM of predicted less measured force, N ms."""

    name: str = "least squares + CUSUM"
    source: str = (
        "Barbé, Bayle, de Mathelin, Gangi, BioRob 2006, doi 10.1109/BIOROB.2006.1639110, and Int J Robot Res"
        " 2007, doi 10.1177/0278364907082666 (known by title); Gustafsson, Adaptive Filtering and Change"
        " Detection, Wiley 2000 (from memory); compared on manual insertions by L'Orsa et al., Front Robot AI"
        " 2025;12:1429327, doi 10.3389/frobt.2025.1429327 (abstract read)"
    )
    published: float = PUBLISHED_N_MS  # our reading, uncalibrated: 10 N short of the prediction for 10 ms
    memory_ms: float = MEMORY_MS
    drift_n: float = 2.0  # uncalibrated
    arming_n: float = ARMING_N
    thresholds: FloatArray = field(default_factory=lambda: sweep(PUBLISHED_N_MS, 1.0, CEILING_N_MS))

    def statistic(self, force_n: FloatArray, rate_hz: float) -> FloatArray:
        """See Baseline; N ms."""
        short_n = predicted_n(force_n, share_kept(self.memory_ms, rate_hz)) - force_n
        missing_n_ms = cusum((short_n - self.drift_n) * (1000.0 / rate_hz))
        return when_armed(missing_n_ms, force_n, CEILING_N_MS, self.arming_n)


def predicted_n(force_n: FloatArray, kept: float) -> FloatArray:
    """What a straight line through samples 0 to k-1 foretells for sample k; shape of force_n.

    Least squares, a sample that is j older weighing kept^j; before sample 0 the force counts as constant.
    """
    once_n = _smoothed(force_n, kept)
    twice_n = _smoothed(once_n, kept)
    ahead_n = 2.0 * once_n - twice_n + (once_n - twice_n) * ((1.0 - kept) / kept)
    return np.concatenate([force_n[:1], ahead_n[:-1]])


def _smoothed(values: FloatArray, kept: float) -> FloatArray:
    smooth, _ = signal.lfilter([1.0 - kept], [1.0, -kept], values, zi=[kept * values[0]])
    return np.asarray(smooth, dtype=np.float64)


def cusum(steps: FloatArray) -> FloatArray:
    """g with g[k] = max(0, g[k-1] + steps[k]), starting at 0: the running sum less its lowest so far."""
    total = np.cumsum(steps)
    return total - np.minimum(np.minimum.accumulate(total), 0.0)
