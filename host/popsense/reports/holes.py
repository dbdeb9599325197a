"""Where the recorded holes lie in time."""

from itertools import pairwise

import numpy as np

from popsense.model import Hole, Trace


def hole_spans_s(trace: Trace) -> list[tuple[float, float]]:
    """Last sample before and first sample after each hole, in s; the trace's own edge where there is none."""
    return [_span_s(trace, hole) for hole in trace.holes] if trace.time_s.size else []


def _span_s(trace: Trace, hole: Hole) -> tuple[float, float]:
    after = int(np.searchsorted(trace.sample_index, hole.first_sample))
    last = trace.time_s.size - 1
    return float(trace.time_s[max(after - 1, 0)]), float(trace.time_s[min(after, last)])


def segments(trace: Trace) -> list[slice]:
    """Stretches of the trace without a hole in between: lines are not drawn across what is not known."""
    cuts = sorted({int(np.searchsorted(trace.sample_index, hole.first_sample)) for hole in trace.holes})
    edges = [0, *(cut for cut in cuts if 0 < cut < trace.time_s.size), trace.time_s.size]
    return [slice(start, end) for start, end in pairwise(edges)]
