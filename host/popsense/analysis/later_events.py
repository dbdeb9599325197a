"""Host events of what the landmarks leave out: they follow the first breakthrough, a trace may hold several.

With a re-puncture, an exit of less than half of the bevel, or no depth channel, there is more to list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from popsense.analysis.detection import Detection, HostExit
from popsense.analysis.events import HOST_DETECTOR_VERSION, POP_DROP_PERCENT, merge_events
from popsense.analysis.integrity import hole_at_pop
from popsense.model import Analysis, Event, EventKind, Trace

SAME_S = 0.1  # the landmarks' smoothing moves a date by less, even at 80 samples/s


def with_later_events(analysis: Analysis, found: Detection, trace: Trace) -> Analysis:
    """The analysis with an event for every exit, far contact and withdrawal that it has none of.

    A pop that is among them is guarded against holes like the first.
    """
    own = [event for event in analysis.events if event.source == "host"]
    events = merge_events(analysis.events, list(_missing(found, trace, own)))
    return replace(analysis, events=events, hole_at_pop=hole_at_pop(trace, events))


def _missing(found: Detection, trace: Trace, own: Sequence[Event]) -> Iterator[Event]:
    for leaving in found.exits:
        if not any(_tells(event, leaving) for event in own):
            kind: EventKind = "pop" if leaving.drop_percent >= POP_DROP_PERCENT else "loss_of_resistance"
            evidence = {"peak_n": leaving.peak_n, "drop_percent": leaving.drop_percent}
            yield _event(trace, kind, leaving.half_s, evidence, "depth" in leaving.basis)
    dated: list[tuple[EventKind, float]] = [
        *(("far_cortex_contact", time_s) for time_s in found.far_cortex_s),
        *(("withdrawal", time_s) for time_s in found.withdrawals_s),
    ]
    for kind, time_s in dated:
        if not any(event.kind == kind and abs(event.time_s - time_s) <= SAME_S for event in own):
            yield _event(trace, kind, time_s, {}, "depth" in found.basis)


def _tells(event: Event, leaving: HostExit) -> bool:
    """Whether the event is that exit, which the landmarks may date anywhere between its start and end."""
    on_an_exit = event.kind in ("pop", "loss_of_resistance")
    return on_an_exit and leaving.start_s - SAME_S <= event.time_s <= leaving.last_s + SAME_S


def _event(
    trace: Trace, kind: EventKind, time_s: float, evidence: Mapping[str, float], by_depth: bool
) -> Event:
    index = min(int(np.searchsorted(trace.time_s, time_s)), trace.time_s.size - 1)
    sample = int(trace.sample_index[index])
    return Event(kind, sample, time_s, evidence, "host", HOST_DETECTOR_VERSION, by_depth)
