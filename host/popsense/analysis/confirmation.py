"""From the stop to the removal: aspiration, flush, and whether the needle stands alone.

Marrow pressure at rest differs between people (30 to 84 mmHg): only changes are measured.
"""

from dataclasses import dataclass

import numpy as np

from popsense.analysis.landmarks import Findings
from popsense.analysis.reading import NO_BREAKTHROUGH, Reading, Unknown
from popsense.model import FloatArray

LEAST_ASPIRATION_KPA = 1.5  # less is noise and temperature; ours, uncalibrated
LEAST_FLUSH_KPA = 2.0
DECAYED_FRACTION = 0.37  # 1/e of the rise
SETTLING_S = 0.3  # the hand lets go

NO_ASPIRATION = Unknown("no aspiration seen in the pressure")
NO_FLUSH = Unknown("no flush seen in the pressure")


@dataclass(frozen=True)
class _Window:
    """Confirmation phase: time in s and pressure change in kPa from the level before the stop, shape (k,)."""

    time_s: FloatArray
    change_kpa: FloatArray
    force_n: FloatArray


def _window(found: Findings) -> _Window | None:
    """None where the tip never came out of the cortex."""
    marks, signals = found.marks, found.signals
    if marks.pop is None:
        return None
    start = marks.pop if marks.stop is None else marks.stop
    span = slice(start, signals.time_s.size if marks.removal is None else max(marks.removal, start + 1))
    base = float(np.median(signals.pressure_kpa[: start + 1]))
    return _Window(signals.time_s[span], signals.pressure_kpa[span] - base, signals.force_n[span])


def aspiration_drop_kpa(found: Findings) -> Reading:
    """Deepest fall of the marrow pressure, in kPa."""
    window = _window(found)
    if window is None:
        return NO_BREAKTHROUGH
    drop = -float(window.change_kpa.min())
    return drop if drop >= LEAST_ASPIRATION_KPA else NO_ASPIRATION


def flush_rise_kpa(found: Findings) -> Reading:
    """Highest rise of the marrow pressure, in kPa."""
    window = _window(found)
    if window is None:
        return NO_BREAKTHROUGH
    rise = float(window.change_kpa.max())
    return rise if rise >= LEAST_FLUSH_KPA else NO_FLUSH


def flush_decay_s(found: Findings) -> Reading:
    """Seconds from the top of the flush until 37 % of its rise is left: how freely it runs."""
    rise, window = flush_rise_kpa(found), _window(found)
    if isinstance(rise, Unknown) or window is None:
        return rise if isinstance(rise, Unknown) else NO_BREAKTHROUGH
    top = int(np.argmax(window.change_kpa))
    low = np.flatnonzero(window.change_kpa[top:] <= DECAYED_FRACTION * rise)
    if low.size == 0:
        return Unknown("the flush had not decayed before the removal")
    return float(window.time_s[top + low[0]] - window.time_s[top])


def confirmation_found(found: Findings) -> Reading:
    """1 where an aspiration or a flush reached the marrow, else 0."""
    if _window(found) is None:
        return NO_BREAKTHROUGH
    return float(
        any(isinstance(found_by(found), float) for found_by in (aspiration_drop_kpa, flush_rise_kpa))
    )


def stray_force_n(found: Findings) -> Reading:
    """Rms force on the needle between stop and removal, in N: it should stand unsupported and untouched."""
    window = _window(found)
    if window is None:
        return NO_BREAKTHROUGH
    settled = window.force_n[window.time_s >= window.time_s[0] + SETTLING_S]
    return float(np.sqrt(np.mean(settled**2))) if settled.size else Unknown("the needle was removed at once")
