"""What the operator does once the tip is through: pop, reaction, overshoot, far cortex.

No figure here depends on when the device's detector fired, save the one that judges the detector.
"""

from popsense.analysis.landmarks import Findings
from popsense.analysis.reading import (
    FAR_CORTEX_STOPPED_IT,
    NO_BREAKTHROUGH,
    NO_CONTACT,
    NO_STOP,
    Reading,
    Unknown,
)
from popsense.model import FloatArray

PARTLY_IN_MM = 0.2  # short of the whole bevel that still counts as through: flex and noise
FAR_STOP_TOLERANCE_S = 0.2  # a stop this soon after touching the far cortex was its doing


def breakthrough_found(found: Findings) -> Reading:
    """1 where the tip came out of the inner cortex, else 0."""
    return (
        NO_CONTACT
        if found.marks.contact is None and found.marks.exit is None
        else float(bool(found.marks.exit))
    )


def bevel_in_marrow(found: Findings) -> Reading:
    """1 where the whole bevel was through before the removal, 0 where it only partly was."""
    marks = found.marks
    if marks.exit is None:
        return NO_BREAKTHROUGH
    deepest = float(found.signals.protrusion_mm[marks.exit.start : marks.out].max())
    return float(deepest >= found.geometry.bevel_mm - PARTLY_IN_MM)


def loss_of_resistance_percent(found: Findings) -> Reading:
    """Fall of the force from just before the exit to just after, in percent of its peak before."""
    return NO_BREAKTHROUGH if found.marks.exit is None else found.marks.exit.drop_percent


def stopped_by_operator(found: Findings) -> Reading:
    """1 where the operator stopped the needle after the pop, 0 where the far cortex did or nothing."""
    marks = found.marks
    if marks.pop is None:
        return NO_BREAKTHROUGH
    return float(marks.stop is not None and not _far_cortex_stopped_it(found, marks.stop))


def _far_cortex_stopped_it(found: Findings, stop: int) -> bool:
    far_cortex = found.marks.far_cortex
    return far_cortex is not None and found.signals.seconds(stop, far_cortex) <= FAR_STOP_TOLERANCE_S


def reaction_time_s(found: Findings) -> Reading:
    """Seconds from the pop to the first stop. Running into the far cortex is no reaction."""
    pop, stop = found.marks.pop, found.marks.stop
    if pop is None:
        return NO_BREAKTHROUGH
    if stop is None:
        return NO_STOP
    return FAR_CORTEX_STOPPED_IT if _far_cortex_stopped_it(found, stop) else found.signals.seconds(pop, stop)


def deepest_overshoot_mm(protrusion_mm: FloatArray, first_stop: int, bevel_mm: float) -> float:
    """Deepest protrusion up to the first stop, minus what the bevel itself needs; in mm, >= 0.

    protrusion_mm: shape (n,), tip beyond the inner face.
    """
    return max(0.0, float(protrusion_mm[: first_stop + 1].max()) - bevel_mm)


def overshoot_mm(found: Findings) -> Reading:
    """Overshoot at the first stop, in mm."""
    if found.marks.pop is None:
        return NO_BREAKTHROUGH
    if found.marks.stop is None:
        return NO_STOP
    return deepest_overshoot_mm(found.signals.protrusion_mm, found.marks.stop, found.geometry.bevel_mm)


def overshoot_percent_of_cavity(found: Findings) -> Reading:
    """Overshoot in percent of the room there is: cavity minus bevel."""
    overshoot = overshoot_mm(found)
    room_mm = found.geometry.cavity_mm - found.geometry.bevel_mm
    return overshoot if isinstance(overshoot, Unknown) else 100.0 * overshoot / room_mm


def readvance_mm(found: Findings) -> Reading:
    """How much deeper than at the first stop the tip was pushed before the removal, in mm."""
    marks, protrusion = found.marks, found.signals.protrusion_mm
    if marks.pop is None:
        return NO_BREAKTHROUGH
    if marks.stop is None:
        return NO_STOP
    if _far_cortex_stopped_it(found, marks.stop):
        return FAR_CORTEX_STOPPED_IT
    standing = protrusion[marks.stop : None if marks.removal is None else max(marks.removal, marks.stop) + 1]
    return float(standing.max() - protrusion[marks.stop])


def deepest_protrusion_mm(found: Findings) -> Reading:
    """Deepest protrusion of the whole attempt, in mm, second pushes included."""
    return NO_BREAKTHROUGH if found.marks.exit is None else float(found.signals.protrusion_mm.max())


def far_cortex_contact(found: Findings) -> Reading:
    """1 where the tip met the far cortex at any time, else 0."""
    return NO_BREAKTHROUGH if found.marks.exit is None else float(found.marks.far_cortex is not None)


def insertion_time_s(found: Findings) -> Reading:
    """Seconds from contact to the first stop in the marrow."""
    contact, stop = found.marks.contact, found.marks.stop
    if contact is None:
        return NO_CONTACT
    if found.marks.pop is None:
        return NO_BREAKTHROUGH
    return NO_STOP if stop is None else found.signals.seconds(contact, stop)


def device_latency_ms(found: Findings) -> Reading:
    """How long after the host's pop the device reported its own, in ms; negative = earlier."""
    pop = found.marks.pop
    times = [event.time_s for event in found.device_events if event.kind in ("pop", "loss_of_resistance")]
    if pop is None:
        return NO_BREAKTHROUGH
    if not times:
        return Unknown("the board reported no pop")
    pop_s = float(found.signals.time_s[pop])
    return 1000.0 * min((time - pop_s for time in times), key=abs)
