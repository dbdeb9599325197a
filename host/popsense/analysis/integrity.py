"""What is missing from a trace and where it lies in time; a hole so near to a pop that no score is given.

Three things, never mixed: holes (the device took the samples, they are not here), repaired stretches (here,
on the second way) and gaps in time (conversions that the device itself missed: no index, no hole).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from popsense.analysis.signals import Span, longest_bridged_s
from popsense.model import Event, HoleAtPop, Stretch, Trace

POP_GUARD_S = 0.250  # owner's rule, uncalibrated
LATE_PERIODS = 1.5  # neighbouring samples further apart: at least one conversion was missed between them
CLOCK_DIGITS = 6  # the device's clock counts microseconds: what is less is float noise


def hole_spans_s(trace: Trace) -> list[Span]:
    """Last sample before and first sample after each hole, in s; inf where a side has no sample."""
    return [_span_s(trace, hole) for hole in trace.holes]


def _span_s(trace: Trace, hole: Stretch) -> Span:
    after = int(np.searchsorted(trace.sample_index, hole.first_sample))
    before_s = float(trace.time_s[after - 1]) if after else -np.inf
    return before_s, float(trace.time_s[after]) if after < trace.time_s.size else np.inf


def repaired_spans_s(trace: Trace) -> list[Span]:
    """First and last sample of each stretch that came when it was asked for again, in s."""
    bounds = [
        np.searchsorted(trace.sample_index, (stretch.first_sample, stretch.end)) for stretch in trace.repaired
    ]
    return [
        (float(trace.time_s[first]), float(trace.time_s[end - 1])) for first, end in bounds if end > first
    ]


def time_gaps_s(trace: Trace) -> list[Span]:
    """Samples before and behind each run of missed conversions, in s: neighbours in index, not in time."""
    step_s = np.diff(trace.time_s)
    late = (step_s > LATE_PERIODS / trace.sample_rate_hz) & (np.diff(trace.sample_index) == 1)
    return [(float(trace.time_s[i]), float(trace.time_s[i + 1])) for i in np.flatnonzero(late)]


def unknown_spans_s(trace: Trace) -> list[Span]:
    """Holes, and the gaps in time that are too long to bridge: no line is drawn across either."""
    longest_s = longest_bridged_s(trace)
    return [
        *hole_spans_s(trace),
        *((start, end) for start, end in time_gaps_s(trace) if end - start > longest_s),
    ]


def hole_at_pop(trace: Trace, events: Sequence[Event]) -> HoleAtPop | None:
    """The hole nearest to a pop, where one is within POP_GUARD_S of one; none is too short to count.

    A pop is also what may be one: an uncertain pop, a used hole, the tip's exit that the host found without
    the fall of a pop (a hole may have swallowed the fall). Repaired samples and gaps in time are no holes.
    """
    near = [one for one in _holes_and_pops(trace, events) if one.apart_s <= POP_GUARD_S]
    return min(near, key=lambda one: one.apart_s, default=None)


def _holes_and_pops(trace: Trace, events: Sequence[Event]) -> Iterator[HoleAtPop]:
    pops = [event for event in events if _may_be_a_pop(event)]
    for hole, (start_s, end_s) in zip(trace.holes, hole_spans_s(trace), strict=True):
        for pop in pops:
            apart_s = max(0.0, start_s - pop.time_s, pop.time_s - end_s)
            yield HoleAtPop(hole, pop, round(apart_s, CLOCK_DIGITS))


def _may_be_a_pop(event: Event) -> bool:
    """The board tells a loss of resistance after every pop; the host only where an exit was no pop."""
    if event.kind == "loss_of_resistance":
        return event.source == "host"
    return event.kind in ("pop", "uncertain_pop", "used_hole")


def missing_words(hole: Stretch) -> str:
    """As in "samples 812 to 931 are missing"."""
    if hole.count == 1:
        return f"sample {hole.first_sample} is missing"
    return f"samples {hole.first_sample} to {hole.end - 1} are missing"
