"""Relative drop from the running peak, as an epidural instrument calls a loss of resistance.

Rule as published for the CompuFlo epidural instrument: a rise of pressure, then a drop of more than 50 % of
the maximum that lasts longer than 5 s. Ours differs on three counts. Force stands in for the pressure at the
needle's orifice. The drop must last 3 ms, less than the 5 ms of our own detector: with the 5 s no latency
under 5 s would be possible, so the shorter time favours the rule. The running peak is that of the whole
attempt; the publications do not say when theirs begins anew.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from popsense.model import FloatArray

from .protocol import ARMING_N, SETTINGS, samples, when_armed

WHOLE = 1.0  # force gone altogether; a pull is no larger drop


@dataclass(frozen=True, eq=False)
class RelativeDrop:
    """Smallest share of the running peak that was missing during the last hold_ms; 0 to 1."""

    name: str = "relative drop"
    source: str = (
        "Vaira, Camorcia, Palladino, Velardo, Capogna, Anesthesiol Res Pract 2019:5185901,"
        " doi 10.1155/2019/5185901 (abstract read: sudden drop that lasts > 5 s; true 73 %, false 33 %); the"
        " 50 %: J Clin Monit Comput 2022;36:283, doi 10.1007/s10877-021-00732-x (abstract read: fell by less"
        " in 6 of 60)"
    )
    published: float = 0.5  # A
    hold_ms: float = 3.0  # our choice, see above
    arming_n: float = ARMING_N
    thresholds: FloatArray = field(
        default_factory=lambda: np.append(np.linspace(0.0, WHOLE, SETTINGS + 1), 1.02 * WHOLE)
    )

    def statistic(self, force_n: FloatArray, rate_hz: float) -> FloatArray:
        """See Baseline; no unit."""
        peak_n = np.maximum.accumulate(force_n)
        drop = 1.0 - force_n / np.maximum(peak_n, self.arming_n)
        held = samples(self.hold_ms, rate_hz)
        # The origin moves scipy's centred window so that it ends at the sample itself.
        lasting = ndimage.minimum_filter1d(drop, held, origin=(held - 1) // 2, mode="nearest")
        return when_armed(np.asarray(lasting, dtype=np.float64), force_n, WHOLE, self.arming_n)
