"""One chart: panels under a shared time axis, phases shaded, events in a lane, holes and gaps marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from popsense.analysis.integrity import hole_spans_s
from popsense.analysis.signals import Span
from popsense.model import Analysis, FloatArray, Phase, Trace
from popsense.reports.axis import Axis, covering
from popsense.reports.decimate import min_max_columns
from popsense.reports.events import DrawnEvent, drawn_events, within
from popsense.reports.integrity_marks import (
    UNKNOWN_WIDTH,
    draw_cut_end,
    draw_legend,
    draw_repaired,
    hatch_holes,
    mark_time_gaps,
    marks_between,
    segments,
)
from popsense.reports.labels import Label, PlacedLabel, fly, row_count, stagger
from popsense.reports.marks import (
    BOARD_COLOUR,
    BOARD_DASH,
    CHANNEL_COLOURS,
    INK,
    PAPER,
    PHASE_COLOURS,
    UNSURE_DASH,
    box,
    line,
    polyline,
    text,
)

WIDTH, LEFT, RIGHT = 1000.0, 62.0, 14.0
PANEL_HEIGHT, PANEL_GAP, ROW = 150.0, 16.0, 15.0
TITLE_HEIGHT, AXIS_HEIGHT, LEGEND_BASE = 26.0, 60.0, 54.0
FLAG_FOOT = 12.0


@dataclass(frozen=True)
class Level:
    """A named horizontal line in the protrusion panel, in mm."""

    name: str
    value: float


@dataclass(frozen=True)
class Channel:
    """What one panel shows, shape (n,), with the least span of its axis in its own unit."""

    name: str
    unit: str
    values: FloatArray
    least_span: float
    levels: Sequence[Level] = ()


@dataclass(frozen=True)
class Chart:
    """Part of an attempt to draw: channels between two times in s."""

    title: str
    trace: Trace
    analysis: Analysis
    channels: Sequence[Channel]
    start_s: float
    end_s: float


def draw_chart(chart: Chart, top: float) -> tuple[str, float]:
    """The chart as SVG elements from y = top on, and the y of its lower edge."""
    marks = marks_between(chart.trace, chart.start_s, chart.end_s)
    time = Axis(chart.start_s, chart.end_s, LEFT, WIDTH - RIGHT - UNKNOWN_WIDTH * marks.is_cut_off)
    holes_s = hole_spans_s(chart.trace)
    events = [
        event
        for event in drawn_events(chart.analysis.events, holes_s)
        if chart.start_s <= event.time_s <= chart.end_s
    ]
    phases = [
        phase
        for phase in chart.analysis.phases
        if phase.end_s > chart.start_s and phase.start_s < chart.end_s
    ]
    phase_top = top + TITLE_HEIGHT
    phase_labels = stagger(
        [Label(_phase_words(phase, holes_s), _middle(time, phase)) for phase in phases], LEFT, WIDTH - RIGHT
    )
    event_top = phase_top + ROW * row_count(phase_labels) + 4
    event_labels = fly(
        [Label(event.words, time.pixel(event.time_s)) for event in events], LEFT, WIDTH - RIGHT
    )
    panels_top = event_top + ROW * row_count(event_labels) + 6
    panels_end = panels_top + len(chart.channels) * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP
    parts = [
        text(LEFT, top + 14, chart.title, size=13),
        _shade_phases(phases, time, event_top, panels_end),
        _leave_out(marks.holes, time, event_top, panels_top),
        *(
            _draw_panel(chart, channel, time, panels_top + i * (PANEL_HEIGHT + PANEL_GAP))
            for i, channel in enumerate(chart.channels)
        ),
        *(
            mark_time_gaps(marks, time, panels_top + i * (PANEL_HEIGHT + PANEL_GAP) + PANEL_HEIGHT)
            for i in range(len(chart.channels))
        ),
        hatch_holes(marks, time, panels_top, panels_end),
        draw_cut_end(marks, time, panels_top, panels_end),
        *(
            _name_levels(channel, panels_top + i * (PANEL_HEIGHT + PANEL_GAP))
            for i, channel in enumerate(chart.channels)
        ),
        _draw_events(events, event_labels, event_top, panels_end),
        _draw_phase_names(phase_labels, phase_top, event_top),
        _draw_time_axis(time, panels_end),
        draw_repaired(marks, time, panels_end),
        draw_legend(marks.kinds, LEFT, panels_end + LEGEND_BASE),
    ]
    return "\n".join(parts), panels_end + AXIS_HEIGHT + ROW * bool(marks.kinds)


def _phase_words(phase: Phase, holes_s: Sequence[Span]) -> str:
    """Its name; with a question mark where it begins or ends at or in a hole."""
    is_sure = not (within(phase.start_s, holes_s) or within(phase.end_s, holes_s))
    return phase.name if is_sure else f"{phase.name}?"


def _leave_out(holes_s: Sequence[Span], time: Axis, top: float, end: float) -> str:
    """Paper over the shade above the hatching: nobody knows which phase it was."""
    return "".join(
        box(time.pixel(start_s), top, time.pixel(end_s) - time.pixel(start_s), end - top, PAPER, "left-out")
        for start_s, end_s in holes_s
    )


def _middle(time: Axis, phase: Phase) -> float:
    """Middle of the part of the phase that can be seen."""
    return (time.pixel(max(phase.start_s, time.low)) + time.pixel(min(phase.end_s, time.high))) / 2


def _clipped(time: Axis, start_s: float, end_s: float) -> tuple[float, float]:
    """Left edge and width in pixels of what can be seen of a span."""
    left, right = time.pixel(max(start_s, time.low)), time.pixel(min(end_s, time.high))
    return left, right - left


def _shade_phases(phases: Sequence[Phase], time: Axis, top: float, end: float) -> str:
    shades: list[str] = []
    for phase in phases:
        left, width = _clipped(time, phase.start_s, phase.end_s)
        shades.append(box(left, top, width, end - top, PHASE_COLOURS.get(phase.name, PAPER), "phase"))
    return "".join(shades)


def _draw_events(events: Sequence[DrawnEvent], flags: Sequence[PlacedLabel], top: float, end: float) -> str:
    """A pole for each event, from its flag in the lane down through all panels."""
    poles: list[str] = []
    names: list[str] = []
    for event, flag in zip(events, flags, strict=True):
        x, colour = flag.label.x, BOARD_COLOUR if event.by_board else INK
        dash = BOARD_DASH if event.by_board else UNSURE_DASH * (not event.is_sure)
        poles.append(line(x, top + ROW * flag.row, x, end, colour, dash, "event"))
        names.append(_draw_flag(flag, top, colour))
    return "".join(poles + names)


def _draw_flag(flag: PlacedLabel, top: float, colour: str) -> str:
    """Words beside the upper end of their pole, tied to it by a short line under them."""
    y, x = top + ROW * (flag.row + 1), flag.label.x
    to_the_left = flag.left < x
    anchor, start = ("end", flag.right) if to_the_left else ("start", flag.left)
    foot = line(x, y - 1, x + (-FLAG_FOOT if to_the_left else FLAG_FOOT), y - 1, colour)
    return foot + text(start, y - 4, flag.label.text, anchor, colour, halo=True)


def _draw_phase_names(placed: Sequence[PlacedLabel], top: float, shade_top: float) -> str:
    """Each name on the colour of its phase, with a line down to where the shade begins."""
    leaders = [
        line(name.label.x, top + ROW * (name.row + 1) - 2, name.label.x, shade_top, INK) for name in placed
    ]
    names = [_draw_phase_name(name, top) for name in placed]
    return "".join(leaders + names)


def _draw_phase_name(name: PlacedLabel, top: float) -> str:
    y = top + ROW * (name.row + 1)
    colour = PHASE_COLOURS.get(name.label.text.removesuffix("?"), PAPER)
    paper = box(name.left - 3, y - ROW + 1, name.label.width + 6, ROW - 2, colour, "phase-label")
    return paper + text((name.left + name.right) / 2, y - 4, name.label.text, "middle")


def _value_axis(channel: Channel, top: float) -> Axis:
    low, high = covering(channel.values, channel.least_span, tuple(level.value for level in channel.levels))
    return Axis(low, high, top + PANEL_HEIGHT, top)


def _name_levels(channel: Channel, top: float) -> str:
    """Names on the lines of the levels, above any hatching."""
    axis = _value_axis(channel, top)
    return "".join(
        text(LEFT + 5, axis.pixel(level.value) - 3, level.name, halo=True) for level in channel.levels
    )


def _draw_panel(chart: Chart, channel: Channel, time: Axis, top: float) -> str:
    axis = _value_axis(channel, top)
    right = WIDTH - RIGHT
    grid = [
        line(LEFT, axis.pixel(tick), right, axis.pixel(tick), "#999999" if tick == 0 else "#d4d4d4")
        + text(LEFT - 6, axis.pixel(tick) + 4, f"{tick:g}", "end")
        for tick in axis.ticks(6)
    ]
    middle = top + PANEL_HEIGHT / 2
    name = (
        f'<g transform="rotate(-90 16 {middle:.1f})">'
        + text(16, middle, f"{channel.name}, {channel.unit}", "middle", CHANNEL_COLOURS[channel.name], 12)
        + "</g>"
    )
    levels = [
        line(LEFT, axis.pixel(level.value), right, axis.pixel(level.value), INK, "2 3")
        for level in channel.levels
    ]
    return "".join([*grid, *levels, *_curves(chart, channel, time, axis), name])


def _curves(chart: Chart, channel: Channel, time: Axis, axis: Axis) -> list[str]:
    """The channel's line, interrupted where nothing is known."""
    time_s = chart.trace.time_s
    curves: list[str] = []
    for part in segments(chart.trace):
        seen = (time_s[part] >= chart.start_s) & (time_s[part] <= chart.end_s)
        short_time, short = min_max_columns(time_s[part][seen], channel.values[part][seen])
        curves.append(polyline(time.pixels(short_time), axis.pixels(short), CHANNEL_COLOURS[channel.name]))
    return curves


def _draw_time_axis(time: Axis, top: float) -> str:
    ticks = [
        line(time.pixel(tick), top, time.pixel(tick), top + 5, INK)
        + text(time.pixel(tick), top + 18, f"{tick:g}", "middle")
        for tick in time.ticks(12)
    ]
    return (
        line(LEFT, top, WIDTH - RIGHT, top, INK)
        + "".join(ticks)
        + text((LEFT + WIDTH - RIGHT) / 2, top + 34, "time since the first sample, s", "middle", size=12)
    )
