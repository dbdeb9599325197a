"""The attempt cut into named stretches: approach, penetration, breakthrough, after the pop, ..."""

from popsense.analysis.contact import find_touch
from popsense.analysis.landmarks import Landmarks
from popsense.analysis.signals import Signals
from popsense.model import Phase


def find_phases(signals: Signals, marks: Landmarks) -> tuple[Phase, ...]:
    """Phases of the attempt in order, without overlap; one that did not happen is absent.

    Breakthrough: tip at the inner face to the pop. After the pop: to the standstill. Needle in place: to the
    pull, or to the end of the trace.
    """
    if marks.contact is None and marks.exit is None:
        return ()
    last = signals.time_s.size - 1
    approach_end = marks.exit_start if marks.contact is None else marks.contact
    stretches = [
        ("approach", find_touch(signals), approach_end),
        ("penetration", marks.contact, marks.penetration_end if marks.penetration_end is not None else last),
        ("breakthrough", marks.exit_start, marks.pop),
        ("after the pop", marks.pop, marks.stop),
        ("needle in place", marks.stop, marks.removal if marks.removal is not None else last),
        ("removal", marks.removal, marks.out),
    ]
    return tuple(
        Phase(name, float(signals.time_s[start]), float(signals.time_s[end]))
        for name, start, end in stretches
        if start is not None and end is not None and end > start
    )
