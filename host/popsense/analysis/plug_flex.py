"""The tip's protrusion without the bulge of the plug that the calibration left in it.

Calibration takes off the nominal compliance times the force. A worn or soft plug bulges more; and once the
bevel is out, the far cortex takes the force and no plug bulges, so that too much was taken off. Only the
whole trace tells both: while the bevel is inside the cortex the tip protrudes by nothing.
"""

import numpy as np

from popsense.analysis.filters import BoolArray
from popsense.model import FloatArray

LOADED_N = 10.0  # from here on the bulge stands out of the noise; uncalibrated
LEAST_LOADED_S = 0.1
MOST_LEFT_MM_PER_N = 0.002  # more is no plug but a tip that comes out; uncalibrated
UNTOUCHED_PERCENT = 25.0  # of the time in the cavity nothing but the shaft is held; uncalibrated


def left_compliance_mm_per_n(
    time_s: FloatArray, force_n: FloatArray, protrusion_mm: FloatArray, inside: BoolArray
) -> float:
    """Compliance that calibration left (negative: took too much), from the loaded samples inside the cortex.

    The median, since a slow exit and a burst are the smaller part of the work. 0 where nothing was loaded.
    """
    loaded = inside & (force_n >= LOADED_N)
    if time_s.size < 2 or loaded.sum() * float(np.median(np.diff(time_s))) < LEAST_LOADED_S:
        return 0.0
    left = float(np.median(protrusion_mm[loaded] / force_n[loaded]))
    return max(-MOST_LEFT_MM_PER_N, min(MOST_LEFT_MM_PER_N, left))


def without_flex_mm(
    force_n: FloatArray, protrusion_mm: FloatArray, left: float, nominal: float, free: BoolArray
) -> FloatArray:
    """Protrusion of the tip itself, mm, shape (n,). left, nominal: compliances in mm/N.

    free: the whole bevel is in the cavity, so the shaft's friction alone still loads the plug: the force
    there while nothing else is touched, hence the lower quartile.
    """
    load_n = np.maximum(force_n, 0.0)
    tip_mm = protrusion_mm - left * load_n
    if not free.any():
        return tip_mm
    friction_n = float(np.percentile(load_n[free], UNTOUCHED_PERCENT))
    not_on_the_plug_n = np.where(free, np.maximum(load_n - friction_n, 0.0), 0.0)
    return tip_mm + (nominal + left) * not_on_the_plug_n
