"""The whole analysis of one stored trace: smooth, find landmarks, measure, name.

Not causal: the host looks forward and back from every sample, which the device's detector cannot.
"""

from collections.abc import Sequence
from dataclasses import replace

from popsense.analysis.catalogue import CATALOGUE, Definition
from popsense.analysis.events import host_events, merge_events
from popsense.analysis.integrity import hole_at_pop
from popsense.analysis.landmarks import Findings, Geometry, find_landmarks
from popsense.analysis.phases import find_phases
from popsense.analysis.reading import NO_BREAKTHROUGH, NO_CONTACT, TOO_SHORT
from popsense.analysis.sampling_cost import SamplingCost, cost_of
from popsense.analysis.signals import is_long_enough, smooth
from popsense.model import Analysis, Event, Metric, Trace

ANALYSIS_VERSION = 4  # 4: what a slow force converter cannot resolve is lost
NOT_REACHED = (NO_CONTACT.note, NO_BREAKTHROUGH.note)  # these are seen at any rate


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
    cost = cost_of(trace.sample_rate_hz, trace.settle_samples)
    return Analysis(
        metrics=tuple(_resolved(definition, definition.evaluate(found), cost) for definition in CATALOGUE),
        events=events,
        phases=find_phases(signals, marks),
        version=ANALYSIS_VERSION,
        hole_at_pop=hole_at_pop(trace, events),
    )


def _resolved(definition: Definition, metric: Metric, cost: SamplingCost | None) -> Metric:
    """The metric, with its error where the converter is slow; lost where it is too slow for it.

    What shows itself stands once it was seen.
    """
    if cost is None or not cost.is_slow or metric.lost or metric.note in NOT_REACHED:
        return metric
    if not cost.is_lost(metric.name):
        return metric if metric.value is None else replace(metric, error=cost.error(metric.name))
    if definition.shows_itself and metric.value:
        return metric
    return Metric(metric.name, None, metric.unit, cost.note, lost=True)
