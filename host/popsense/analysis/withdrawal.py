"""The needle comes out again. Thresholds are ours, uncalibrated."""

import numpy as np

from popsense.analysis.filters import first_held, last_true
from popsense.analysis.signals import Signals

OUT_MM = 0.3
HOLD_S = 0.050
LEFT_MM = 0.5  # how far from its settled depth a needle is being pulled


def find_out(signals: Signals, tip_in: int) -> int | None:
    """Index at which the tip is back behind the inner cortex to stay; None where it stays in."""
    return first_held(signals.protrusion_mm < OUT_MM, signals.time_s, HOLD_S, tip_in)


def find_removal(signals: Signals, settled_from: int, out: int) -> int:
    """Index at which the pull begins: the last time near the depth at which the needle had settled."""
    protrusion = signals.protrusion_mm
    settled = float(np.median(protrusion[settled_from : out + 1]))
    start = last_true(protrusion >= settled - LEFT_MM, out, settled_from)
    return settled_from if start is None else start


def count_punctures(signals: Signals, bevel_mm: float) -> int:
    """How often the tip went in, with a full withdrawal in between."""
    punctures, start = 0, 0
    while (
        tip_in := first_held(signals.protrusion_mm >= bevel_mm / 2, signals.time_s, HOLD_S, start)
    ) is not None:
        punctures += 1
        out = find_out(signals, tip_in)
        if out is None:
            break
        start = out
    return punctures
