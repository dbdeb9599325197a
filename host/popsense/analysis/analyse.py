"""The whole analysis of one stored trace: smooth, find landmarks, measure, name.

Not causal: the host looks forward and back from every sample, which the device's detector cannot.
"""

from collections.abc import Sequence

from popsense.analysis.catalogue import CATALOGUE
from popsense.analysis.events import host_events, merge_events
from popsense.analysis.integrity import hole_at_pop
from popsense.analysis.landmarks import Findings, Geometry, find_landmarks
from popsense.analysis.phases import find_phases
from popsense.analysis.reading import TOO_SHORT
from popsense.analysis.signals import is_long_enough, smooth
from popsense.model import Analysis, Event, Trace

ANALYSIS_VERSION = 3


def analyse(trace: Trace, device_events: Sequence[Event], geometry: Geometry) -> Analysis:
    """All metrics, events and phases of one attempt; a figure that cannot be had is None, with a note.

    device_events: what the device sent; kept, and never used but to judge the device itself.
    """
    if not is_long_enough(trace):
        metrics = tuple(definition.record(TOO_SHORT) for definition in CATALOGUE)
        events = merge_events(device_events)
        return Analysis(metrics, events, (), ANALYSIS_VERSION, hole_at_pop(trace, events))
    signals = smooth(trace)
    marks = find_landmarks(signals, geometry)
    found = Findings(signals, marks, geometry, device_events)
    events = merge_events(device_events, host_events(signals, marks))
    return Analysis(
        metrics=tuple(definition.evaluate(found) for definition in CATALOGUE),
        events=events,
        phases=find_phases(signals, marks),
        version=ANALYSIS_VERSION,
        hole_at_pop=hole_at_pop(trace, events),
    )
