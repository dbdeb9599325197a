"""How a chart shows what is not all there: holes hatched, repaired stretches under the axis, gaps in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from popsense.analysis.integrity import hole_spans_s, repaired_spans_s, time_gaps_s, unknown_spans_s
from popsense.analysis.signals import Span
from popsense.model import Trace
from popsense.reports.axis import Axis
from popsense.reports.labels import Label
from popsense.reports.marks import GAP_COLOUR, HATCH, INK, REPAIRED_COLOUR, UNKNOWN, box, line, text

UNKNOWN_WIDTH = 30.0  # of what follows a cut end: it has no length in time
BAND_HEIGHT, BAND_BELOW = 4.0, 1.0  # under the time axis, above the numbers of its ticks
GAP_HEIGHT = 9.0
SWATCH_WIDTH, SWATCH_HEIGHT, SWATCH_GAP, ENTRY_GAP = 16.0, 9.0, 5.0, 18.0
LEGEND = {
    "hole": "samples missing",
    "repaired": "samples that came when asked for again",
    "time-gap": "conversions missed by the board: a gap in time, no sample is missing",
    "unknown": "unknown from here: the recording breaks off",
}
HEIGHTS = {**dict.fromkeys(LEGEND, SWATCH_HEIGHT), "repaired": BAND_HEIGHT}
FILLS = {"hole": HATCH, "repaired": REPAIRED_COLOUR, "time-gap": GAP_COLOUR, "unknown": UNKNOWN}
LEGEND_WIDTHS = {**dict.fromkeys(LEGEND, SWATCH_WIDTH), "time-gap": 0.0}


@dataclass(frozen=True)
class IntegrityMarks:
    """What is to be marked in one chart: spans in s that touch it, clipped to it.

    is_cut_off: the chart shows the last sample, and nobody knows what came behind it.
    """

    holes: Sequence[Span]
    repaired: Sequence[Span]
    time_gaps: Sequence[Span]
    is_cut_off: bool = False

    @property
    def kinds(self) -> list[str]:
        """Those that occur, as keys of LEGEND."""
        found = {"hole": self.holes, "repaired": self.repaired, "time-gap": self.time_gaps}
        return [kind for kind, spans in found.items() if spans] + ["unknown"] * self.is_cut_off


def marks_between(trace: Trace, start_s: float, end_s: float) -> IntegrityMarks:
    """What a chart from start to end has to mark."""
    return IntegrityMarks(
        *(
            _clipped(spans, start_s, end_s)
            for spans in (hole_spans_s(trace), repaired_spans_s(trace), time_gaps_s(trace))
        ),
        is_cut_off=trace.cut_off and end_s >= float(trace.time_s[-1]),
    )


def _clipped(spans: Sequence[Span], low_s: float, high_s: float) -> list[Span]:
    return [(max(start, low_s), min(end, high_s)) for start, end in spans if end >= low_s and start <= high_s]


def segments(trace: Trace) -> list[slice]:
    """Stretches of the trace to draw a line through: none crosses what is not known."""
    ends_s = [end for _, end in unknown_spans_s(trace)]
    cuts = {int(cut) for cut in np.searchsorted(trace.time_s, ends_s)}
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < trace.time_s.size), trace.time_s.size]
    return [slice(start, end) for start, end in pairwise(edges)]


def hatch_holes(marks: IntegrityMarks, time: Axis, top: float, end: float) -> str:
    """Holes as hatching over all panels."""
    return "".join(
        box(left, top, width, end - top, HATCH, "hole") for left, width in _pixels(marks.holes, time)
    )


def draw_cut_end(marks: IntegrityMarks, time: Axis, top: float, end: float) -> str:
    """An edge where the recording breaks off, and a strip of no length in time for all that is unknown."""
    if not marks.is_cut_off:
        return ""
    x = time.pixel(time.high)
    return box(x, top, UNKNOWN_WIDTH, end - top, UNKNOWN, "unknown") + line(x, top, x, end, INK)


def draw_repaired(marks: IntegrityMarks, time: Axis, axis_y: float) -> str:
    """Repaired stretches as a band under the time axis, where no curve is."""
    return "".join(
        box(left, axis_y + BAND_BELOW, width, BAND_HEIGHT, REPAIRED_COLOUR, "repaired")
        for left, width in _pixels(marks.repaired, time)
    )


def mark_time_gaps(marks: IntegrityMarks, time: Axis, panel_end: float) -> str:
    """Each gap in time as a fine mark on the lower edge of a panel, as wide as it lasts."""
    return "".join(
        box(left, panel_end - GAP_HEIGHT, width, GAP_HEIGHT, GAP_COLOUR, "time-gap")
        for left, width in _pixels(marks.time_gaps, time)
    )


def _pixels(spans: Sequence[Span], time: Axis) -> Iterator[tuple[float, float]]:
    """Left edge and width of each; of those that begin in the same pixel, the widest."""
    widest: dict[int, tuple[float, float]] = {}
    for start_s, end_s in spans:
        left, width = time.pixel(start_s), time.pixel(end_s) - time.pixel(start_s)
        if int(left) not in widest or width > widest[int(left)][1]:
            widest[int(left)] = (left, width)
    yield from widest.values()


def draw_legend(kinds: Sequence[str], left: float, base_y: float) -> str:
    """One row with a swatch and words for each kind that occurs."""
    parts: list[str] = []
    for kind in kinds:
        height, width = HEIGHTS[kind], LEGEND_WIDTHS[kind]
        top = base_y - SWATCH_HEIGHT + (SWATCH_HEIGHT - height) / 2
        words = Label(LEGEND[kind], left + max(width, 2.0) + SWATCH_GAP)
        parts += [box(left, top, width, height, FILLS[kind], "legend"), text(words.x, base_y, words.text)]
        left = words.x + words.width + ENTRY_GAP
    return "".join(parts)
