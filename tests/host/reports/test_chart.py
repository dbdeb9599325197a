"""The drawing: peaks survive, labels do not collide, everything that happened is marked."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.analysis import analyse
from popsense.model import Event, Trace
from popsense.reports.axis import Axis, covering, nice_step
from popsense.reports.decimate import min_max_columns
from popsense.reports.events import drawn_events
from popsense.reports.labels import GAP_PX, Label, PlacedLabel, fly, stagger
from popsense.reports.trace_svg import trace_svg, trace_svgs
from tests.host.traces import (
    EARLY_STOPPER,
    EXPERT,
    GEOMETRY,
    NOVICE,
    PLUNGER,
    Hand,
    build_trace,
    flat_trace,
    only,
    with_hole,
)

SVG = "{http://www.w3.org/2000/svg}"


def draw(trace: Trace, events: tuple[Event, ...] = ()) -> ET.Element:
    return ET.fromstring(trace_svg(trace, analyse(trace, events, GEOMETRY), GEOMETRY))


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in root.iter() if element.get("class") == name]


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@given(st.integers(0, 9999))
def test_a_peak_of_one_sample_survives(place: int):
    time_s, values = np.arange(10_000) / 988, np.zeros(10_000)
    values[place] = 50.0
    short_time, short = min_max_columns(time_s, values)
    assert short.max() == 50.0
    assert short_time[short.argmax()] == time_s[place]
    assert short.size <= 2000
    assert np.all(np.diff(short_time) > 0)


@pytest.mark.parametrize("size", [0, 1, 2000])
def test_a_short_series_is_drawn_whole(size: int):
    values = np.arange(size, dtype=float)
    assert min_max_columns(values, values)[0] is values


@given(st.lists(st.builds(Label, st.text(max_size=30), st.floats(0, 1000)), max_size=20))
def test_labels_never_overlap(labels: list[Label]):
    assert_apart(stagger(labels, 0, 1000), len(labels))
    assert_apart(fly(labels, 0, 1000), len(labels))


def assert_apart(placed: list[PlacedLabel], count: int):
    assert len(placed) == count
    for a in placed:
        assert 0 <= a.left <= 1000 - a.label.width
        for b in placed:
            apart = a.left + a.label.width + GAP_PX <= b.left or b.left + b.label.width + GAP_PX <= a.left
            assert a is b or a.row != b.row or apart


@given(st.lists(st.builds(Label, st.text(max_size=20), st.floats(0, 780)), max_size=12))
def test_no_pole_runs_through_a_flag_with_room_to_the_right(labels: list[Label]):
    flags = fly(labels, 0, 1000)
    assert [flag.label for flag in flags] == labels
    for flag in flags:
        assert flag.left == flag.label.x + GAP_PX / 2
        for pole in flags:
            assert pole.row >= flag.row or not flag.left < pole.label.x < flag.right


def test_flags_at_the_right_edge_fly_to_the_left_and_keep_clear_of_poles():
    here, there = fly([Label("withdrawal", 763), Label("withdrawal (board)", 814)], 0, 900)
    assert here.right < 763
    assert there.right < 814
    assert there.row < here.row


def test_what_board_and_computer_found_together_is_one_line():
    events = (
        Event("pop", 2, 4.10),
        Event("pop", 2, 4.14, source="host"),
        Event("contact", 1, 1.5),
        Event("contact", 1, 1.6, source="host"),
        Event("released", 1, 4.14),
    )
    drawn = [(event.words, event.time_s, event.by_board) for event in drawn_events(events)]
    assert drawn == [
        ("contact (board)", 1.5, True),
        ("contact", 1.6, False),
        ("pop", 4.14, False),
        ("released (board)", 4.14, True),
    ]


def test_what_the_computer_alone_found_at_a_hole_is_not_sure():
    events = (
        Event("pop", 2, 4.10),
        Event("pop", 2, 4.14, source="host"),
        Event("withdrawal", 1, 9.0, source="host"),
        Event("contact", 1, 1.6, source="host"),
    )
    drawn = drawn_events(events, [(4.0, 4.2), (8.5, 9.0)])
    assert [(event.words, event.is_sure) for event in drawn] == [
        ("contact", True),
        ("pop", True),
        ("withdrawal?", False),
    ]


@given(st.floats(1e-6, 1e6))
def test_a_step_is_nice_and_large_enough(least: float):
    step = nice_step(least)
    assert 0.999 * least <= step <= 10 * least
    assert f"{step:.0e}"[0] in "125"


def test_ticks_lie_on_the_axis():
    assert Axis(-0.3, 10.4, 0, 100).ticks(6) == [0, 2, 4, 6, 8, 10]


def test_a_flat_channel_still_has_an_axis():
    low, high = covering(np.zeros(5), 10.0)
    assert low < 0 < high


@pytest.mark.parametrize("hand", [EXPERT, NOVICE, PLUNGER, EARLY_STOPPER])
def test_every_event_is_marked_and_named(hand: Hand):
    trace = build_trace(hand)
    device = (Event("contact", 1, 1.5), Event("pop", 2, 4.1), Event("pop", 2, 4.1))
    analysis = analyse(trace, device, GEOMETRY)
    drawn = draw(trace, device)
    expected = drawn_events(analysis.events)
    assert len(of_class(drawn, "event")) >= len(expected)
    assert {event.words for event in expected} <= set(words(drawn))


def test_each_chart_can_stand_alone():
    trace = build_trace()
    drawn = [ET.fromstring(svg) for svg in trace_svgs(trace, analyse(trace, (), GEOMETRY), GEOMETRY)]
    names = [element.get("id") for svg in drawn for element in svg.iter() if element.get("id")]
    assert len(drawn) == 2
    assert len(names) == len(set(names))
    assert len(trace_svgs(only(trace, slice(0, 1)), analyse(trace, (), GEOMETRY))) == 1


def test_every_phase_is_shaded_and_named():
    drawn = draw(build_trace())
    assert len(of_class(drawn, "phase")) >= 6
    assert {"approach", "penetration", "breakthrough", "after the pop", "needle in place", "removal"} <= set(
        words(drawn)
    )


def test_a_hole_is_hatched_and_no_line_crosses_it():
    whole, holed = draw(build_trace()), draw(with_hole(build_trace(), 6.2, 6.6))
    assert not of_class(whole, "hole")
    assert [hole.get("fill") for hole in of_class(holed, "hole")] == ["url(#hatch)"]
    assert len(list(holed.iter(f"{SVG}polyline"))) > len(list(whole.iter(f"{SVG}polyline")))


def test_axes_name_quantity_and_unit():
    names = words(draw(build_trace()))
    assert {"force, N", "protrusion, mm", "pressure, kPa", "time since the first sample, s"} <= set(names)


def test_nothing_is_drawn_outside_the_picture():
    drawn = draw(build_trace(PLUNGER))
    _, _, width, height = (float(number) for number in drawn.get("viewBox", "").split())
    for element in drawn.iter(f"{SVG}polyline"):
        points = np.array([point.split(",") for point in element.get("points", "").split()], dtype=float)
        assert points.min() >= 0
        assert np.all(points.max(axis=0) <= (width, height))


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 9, 12, 20])
def test_an_almost_empty_trace_is_drawn(samples: int):
    draw(only(build_trace(), slice(0, samples)))


def test_a_flat_trace_is_drawn():
    assert not of_class(draw(flat_trace()), "event")


def test_the_picture_is_described_in_words():
    drawn = draw(build_trace())
    assert drawn.get("role") == "img"
    assert drawn.find(f"{SVG}title") is not None
    assert "penetration from" in (drawn.findtext(f"{SVG}desc") or "")
