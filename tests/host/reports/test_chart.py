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
from popsense.reports.labels import GAP_PX, Label, stagger
from popsense.reports.trace_svg import trace_svg
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
    placed = stagger(labels, 0, 1000)
    assert len(placed) == len(labels)
    for a in placed:
        assert 0 <= a.left <= 1000 - a.label.width
        for b in placed:
            apart = a.left + a.label.width + GAP_PX <= b.left or b.left + b.label.width + GAP_PX <= a.left
            assert a is b or a.row != b.row or apart


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
    assert len(of_class(drawn, "event")) >= len(analysis.events)
    for event in analysis.events:
        assert f"{event.kind.replace('_', ' ')} ({event.source})" in words(drawn)


def test_every_phase_is_shaded_and_named():
    drawn = draw(build_trace())
    assert len(of_class(drawn, "phase")) >= 6
    assert {"approach", "penetration", "breakthrough", "stop", "confirmation", "removal"} <= set(words(drawn))


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
