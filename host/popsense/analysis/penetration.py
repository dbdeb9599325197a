"""Work on the cortex, from contact to the exit: force, its steadiness, its taper, its duration."""

import numpy as np

from popsense.analysis.filters import local_line
from popsense.analysis.landmarks import Findings
from popsense.analysis.reading import LOST, NO_BREAKTHROUGH, NO_CONTACT, Reading, Unknown
from popsense.model import FloatArray

TREND_WINDOW_S = 0.4  # slower than this is intent, faster is unsteadiness
LEAST_FOR_STEADINESS_S = 0.2
TAPER_S = 0.200
USED_HOLE_N = 10.0  # no pop and low resistance: uncalibrated


def contact_found(found: Findings) -> Reading:
    """1 where the needle was pressed against bone, else 0."""
    return float(found.marks.contact is not None)


def used_hole_suspected(found: Findings) -> Reading:
    """1 where the tip went in against hardly any force: an old hole, and nothing to score."""
    marks = found.marks
    if marks.exit is None:
        return 0.0
    return float(found.signals.force_n[: marks.exit.tip_in + 1].max() < USED_HOLE_N)


def _loading(found: Findings) -> FloatArray | Unknown:
    """Force in N from contact to the end of the penetration, shape (k,)."""
    if found.marks.contact is None:
        return NO_CONTACT
    force = found.signals.force_n[found.marks.contact : found.marks.penetration_end]
    return force if force.size else Unknown("no load between contact and breakthrough")


def peak_force_n(found: Findings) -> Reading:
    """Highest force of the penetration in N. It measures the plug, not the trainee (Heiner 2001)."""
    force = _loading(found)
    return force if isinstance(force, Unknown) else float(force.max())


def penetration_time_s(found: Findings) -> Reading:
    """Seconds from contact to the pop."""
    if found.marks.contact is None:
        return NO_CONTACT
    if found.marks.pop is None:
        return NO_BREAKTHROUGH
    return found.signals.seconds(found.marks.contact, found.marks.pop)


def steadiness_percent(found: Findings) -> Reading:
    """Rms deviation of the force from its own slow trend, in percent of its mean; smaller is steadier.

    From where the load is built up to the exit; building up costs nothing, and a slow taper little.
    """
    marks, signals = found.marks, found.signals
    if marks.loaded is None:
        return NO_CONTACT
    work = slice(marks.loaded, marks.penetration_end)
    force, time_s = signals.force_n[work], signals.time_s[work]
    if force.size < 2 or time_s[-1] - time_s[0] < LEAST_FOR_STEADINESS_S:
        return Unknown("the penetration was too short to judge its steadiness")
    trend, _ = local_line(time_s, force, TREND_WINDOW_S / 2, TREND_WINDOW_S / 2)
    known = np.isfinite(trend)  # not beside a hole
    if not known.any():
        return LOST
    return float(100.0 * np.sqrt(np.mean((force - trend)[known] ** 2)) / force.mean())


def taper_ratio(found: Findings) -> Reading:
    """Mean force in the last 200 ms before the exit, over the peak of the penetration; < 1 = tapered."""
    force, exit_start = _loading(found), found.marks.exit_start
    if isinstance(force, Unknown):
        return force
    if exit_start is None:
        return NO_BREAKTHROUGH
    signals = found.signals
    last = slice(signals.first_after(float(signals.time_s[exit_start]) - TAPER_S), exit_start)
    if last.start >= exit_start:
        return LOST
    return float(signals.force_n[last].mean() / force.max())
