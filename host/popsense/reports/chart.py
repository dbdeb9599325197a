"""One chart: panels under a shared time axis, phases shaded, events in their own lane, holes hatched."""

from collections.abc import Sequence
from dataclasses import dataclass

from popsense.model import Analysis, Event, FloatArray, Phase, Trace
from popsense.reports.axis import Axis, covering
from popsense.reports.decimate import min_max_columns
from popsense.reports.holes import hole_spans_s, segments
from popsense.reports.labels import Label, PlacedLabel, row_count, stagger
from popsense.reports.marks import (
    CHANNEL_COLOURS,
    EVENT_COLOURS,
    EVENT_DASHES,
    INK,
    PAPER,
    PHASE_COLOURS,
    box,
    line,
    polyline,
    text,
)

WIDTH, LEFT, RIGHT = 1000.0, 62.0, 14.0
PANEL_HEIGHT, PANEL_GAP, ROW = 150.0, 16.0, 15.0
TITLE_HEIGHT, AXIS_HEIGHT = 26.0, 60.0


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
    time = Axis(chart.start_s, chart.end_s, LEFT, WIDTH - RIGHT)
    events = [event for event in chart.analysis.events if chart.start_s <= event.time_s <= chart.end_s]
    phases = [
        phase
        for phase in chart.analysis.phases
        if phase.end_s > chart.start_s and phase.start_s < chart.end_s
    ]
    event_top = top + TITLE_HEIGHT
    event_labels = _staggered([Label(_event_words(event), time.pixel(event.time_s)) for event in events])
    phase_top = event_top + ROW * row_count(event_labels) + 4
    phase_labels = _staggered([Label(phase.name, _middle(time, phase)) for phase in phases])
    panels_top = phase_top + ROW * row_count(phase_labels) + 6
    panels_end = panels_top + len(chart.channels) * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP
    parts = [
        text(LEFT, top + 14, chart.title, size=13),
        _shade_phases(phases, time, panels_top, panels_end),
        *(
            _draw_panel(chart, channel, time, panels_top + i * (PANEL_HEIGHT + PANEL_GAP))
            for i, channel in enumerate(chart.channels)
        ),
        _hatch_holes(chart, time, panels_top, panels_end),
        _draw_events(events, time, event_labels, event_top, panels_end),
        *(_draw_label(placed, phase_top, "phase-label", INK) for placed in phase_labels),
        _draw_time_axis(time, panels_end),
    ]
    return "\n".join(parts), panels_end + AXIS_HEIGHT


def _staggered(labels: Sequence[Label]) -> list[PlacedLabel]:
    return stagger(labels, LEFT, WIDTH - RIGHT)


def _middle(time: Axis, phase: Phase) -> float:
    """Middle of the part of the phase that can be seen."""
    return (time.pixel(max(phase.start_s, time.low)) + time.pixel(min(phase.end_s, time.high))) / 2


def _event_words(event: Event) -> str:
    return f"{event.kind.replace('_', ' ')} ({event.source})"


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


def _hatch_holes(chart: Chart, time: Axis, top: float, end: float) -> str:
    hatches: list[str] = []
    for start_s, end_s in hole_spans_s(chart.trace):
        if end_s >= chart.start_s and start_s <= chart.end_s:
            left, width = _clipped(time, start_s, end_s)
            hatches.append(box(left, top, width, end - top, "url(#hatch)", "hole"))
    return "".join(hatches)


def _draw_events(
    events: Sequence[Event], time: Axis, placed: Sequence[PlacedLabel], top: float, end: float
) -> str:
    """A vertical line for each event, from its row in the lane down through all panels.

    Labels come back sorted by their place, so they are matched with their events by text and x.
    """
    rows = {(label.label.text, label.label.x): label for label in placed}
    lines: list[str] = []
    labels: list[str] = []
    for event in events:
        x, colour = time.pixel(event.time_s), EVENT_COLOURS[event.source]
        label = rows[_event_words(event), x]
        lines.append(
            line(x, top + ROW * (label.row + 1) - 1, x, end, colour, EVENT_DASHES[event.source], "event")
        )
        labels.append(_draw_label(label, top, "event-label", colour))
    return "".join(lines + labels)


def _draw_label(placed: PlacedLabel, top: float, kind: str, colour: str) -> str:
    """A label in its row of a lane, on paper of its own, so that no line runs through the words."""
    y = top + ROW * (placed.row + 1)
    paper = box(placed.left - 2, y - ROW + 1, placed.label.width + 4, ROW - 2, PAPER, kind)
    return paper + text(placed.left, y - 4, placed.label.text, colour=colour)


def _draw_panel(chart: Chart, channel: Channel, time: Axis, top: float) -> str:
    low, high = covering(channel.values, channel.least_span, tuple(level.value for level in channel.levels))
    axis = Axis(low, high, top + PANEL_HEIGHT, top)
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
        + text(LEFT + 5, axis.pixel(level.value) - 3, level.name)
        for level in channel.levels
    ]
    return "".join([*grid, *levels, *_curves(chart, channel, time, axis), name])


def _curves(chart: Chart, channel: Channel, time: Axis, axis: Axis) -> list[str]:
    """The channel's line, interrupted at holes."""
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
