"""Largest drop of the total force within a short time, in newtons.

The plainest of the break-through rules in bone drilling and vein puncture: the thrust force that the cortex
asked for is suddenly missing. The publications look for the drop at a known feed speed; the window here is
what remains of that for a hand whose speed nobody knows.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from popsense.model import FloatArray

from .protocol import ARMING_N, LARGEST_FALL_N, samples, sweep, when_armed

PUBLISHED_N = 10.0


@dataclass(frozen=True, eq=False)
class LargestDrop:
    """Highest force of the last window_ms less the force now, N."""

    name: str = "largest drop"
    source: str = (
        "Allotta, Giacalone, Rinaldi, IEEE/ASME Trans Mechatronics 1997;2(4):218-229 (first page read);"
        " Lee, Shih, Mechatronics 2006;16(2):73-84 (known as cited by others); Saito, Togawa, Detection of"
        " needle puncture to blood vessel using puncture force measurement (abstract read; authors from"
        " memory)"
    )
    # Our reading, uncalibrated: the papers' figures belong to their drills and were not seen.
    published: float = PUBLISHED_N
    window_ms: float = 40.0  # A: ruptures of soft tissue last 40 to 100 ms at 3 mm/s; none for bone was found
    arming_n: float = ARMING_N
    thresholds: FloatArray = field(default_factory=lambda: sweep(PUBLISHED_N, 0.3, LARGEST_FALL_N))

    def statistic(self, force_n: FloatArray, rate_hz: float) -> FloatArray:
        """See Baseline; N."""
        window = samples(self.window_ms, rate_hz) + 1
        highest_n = ndimage.maximum_filter1d(force_n, window, origin=(window - 1) // 2, mode="nearest")
        drop_n = np.asarray(highest_n - force_n, dtype=np.float64)
        return when_armed(drop_n, force_n, LARGEST_FALL_N, self.arming_n)
