"""What a chart marks: holes over panels, repaired stretches under the axis, gaps in time in the panels."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.analysis import analyse
from popsense.model import Stretch, Trace
from popsense.reports.axis import Axis
from popsense.reports.chart import LEFT, RIGHT, WIDTH
from popsense.reports.integrity_marks import (
    LEGEND,
    IntegrityMarks,
    hatch_holes,
    mark_time_gaps,
    marks_between,
    segments,
)
from popsense.reports.trace_svg import trace_svg, trace_svgs
from tests.host.analysis.test_integrity import without_conversions
from tests.host.traces import GEOMETRY, build_trace, only, with_hole

SVG = "{http://www.w3.org/2000/svg}"
TRACE = build_trace()
REPAIRED = replace(TRACE, repaired=(Stretch(1500, 700),))
HOLED = with_hole(TRACE, 6.2, 6.6)
TIME = Axis(0.0, 10.0, 0.0, 1000.0)


def gapped(*spans_s: tuple[float, float]) -> Trace:
    lost = np.zeros(TRACE.time_s.size, dtype=bool)
    for start_s, end_s in spans_s:
        lost |= (start_s <= TRACE.time_s) & (end_s > TRACE.time_s)
    return without_conversions(TRACE, lost)


def draw(trace: Trace) -> ET.Element:
    return ET.fromstring(trace_svg(trace, analyse(trace, (), GEOMETRY), GEOMETRY))


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in root.iter() if element.get("class") == name]


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("trace", "kinds"),
    [
        (TRACE, set()),
        (HOLED, {"hole"}),
        (REPAIRED, {"repaired"}),
        (gapped((7.0, 7.005)), {"time-gap"}),
        (replace(HOLED, repaired=(Stretch(1500, 700),)), {"hole", "repaired"}),
        (replace(TRACE, cut_off=True), {"unknown"}),
    ],
)
def test_each_kind_that_occurs_is_drawn_and_explained_and_no_other(trace: Trace, kinds: set[str]):
    drawn = draw(trace)
    for kind, explained in LEGEND.items():
        assert bool(of_class(drawn, kind)) == (kind in kinds)
        assert (explained in words(drawn)) == (kind in kinds)


def test_a_repaired_stretch_is_a_band_below_every_curve():
    analysis = analyse(REPAIRED, (), GEOMETRY)
    drawn = ET.fromstring(trace_svgs(REPAIRED, analysis, GEOMETRY)[0])
    (band,) = of_class(drawn, "repaired")
    lines = [element.get("points", "") for element in drawn.iter(f"{SVG}polyline")]
    lowest = max(float(point.partition(",")[2]) for line in lines for point in line.split())
    assert float(band.get("y", "nan")) > lowest
    share = float(band.get("width", "nan")) / (WIDTH - LEFT - RIGHT)
    assert share == pytest.approx(700 / REPAIRED.time_s.size, abs=0.002)


def test_a_short_gap_in_time_is_marked_and_bridged():
    whole, drawn = draw(TRACE), draw(gapped((7.0, 7.005)))
    assert len(of_class(drawn, "time-gap")) == 3  # one in each panel of the whole attempt
    assert len(list(drawn.iter(f"{SVG}polyline"))) == len(list(whole.iter(f"{SVG}polyline")))


def test_no_line_is_drawn_across_a_long_gap_in_time():
    whole, drawn = draw(TRACE), draw(gapped((7.0, 7.1)))
    assert len(list(drawn.iter(f"{SVG}polyline"))) == len(list(whole.iter(f"{SVG}polyline"))) + 3


@given(st.floats(0.5, 9.0), st.floats(0.004, 1.0), st.booleans())
def test_the_segments_are_the_trace_without_what_is_not_known(start_s: float, length_s: float, is_hole: bool):
    end_s = start_s + length_s
    trace = with_hole(TRACE, start_s, end_s) if is_hole else gapped((start_s, end_s))
    parts = segments(trace)
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, trace.time_s.size)
    longest_s = max(float(np.diff(trace.time_s[part]).max(initial=0.0)) for part in parts)
    assert longest_s <= (1.1 / 988 if is_hole else 0.0301)


def test_a_hole_that_is_open_to_one_side_ends_at_the_edge_of_the_chart():
    last = int(TRACE.sample_index[-1])
    cut = replace(only(TRACE, slice(200, None)), holes=(Stretch(0, 200), Stretch(last + 1, 20)))
    start_s, end_s = float(cut.time_s[0]), float(cut.time_s[-1])
    assert marks_between(cut, start_s, end_s).holes == [(start_s, start_s), (end_s, end_s)]
    assert "inf" not in trace_svg(cut, analyse(cut, (), GEOMETRY), GEOMETRY)


def test_what_lies_outside_of_a_chart_is_not_marked_in_it():
    trace = replace(HOLED, repaired=(Stretch(1500, 700),))
    assert marks_between(trace, 3.0, 5.0).kinds == []


def test_behind_a_cut_end_is_a_strip_of_the_unknown_and_no_curve():
    cut = replace(TRACE, cut_off=True)
    drawn = ET.fromstring(trace_svgs(cut, analyse(cut, (), GEOMETRY), GEOMETRY)[0])
    (strip,) = of_class(drawn, "unknown")
    curves = [element.get("points", "") for element in drawn.iter(f"{SVG}polyline")]
    rightmost = max(float(point.partition(",")[0]) for curve in curves for point in curve.split())
    left, width = (float(strip.get(name, "nan")) for name in ("x", "width"))
    assert rightmost == pytest.approx(left, abs=0.2)
    assert left + width == pytest.approx(WIDTH - RIGHT)
    assert not marks_between(cut, 3.0, 5.0).is_cut_off
    assert "Unknown from 10.50 s on." in (drawn.findtext(f"{SVG}desc") or "")


def test_names_of_levels_lie_above_the_hatching():
    holed = with_hole(TRACE, 0.05, 0.6)
    drawn = list(ET.fromstring(trace_svgs(holed, analyse(holed, (), GEOMETRY), GEOMETRY)[0]).iter())
    (hatched,) = (place for place, element in enumerate(drawn) if element.get("class") == "hole")
    named = [place for place, element in enumerate(drawn) if element.text in ("far cortex", "bevel")]
    assert len(named) == 2
    assert hatched < min(named)


def test_phases_that_end_in_a_hole_are_marked_and_not_shaded_over_it():
    drawn = draw(with_hole(TRACE, 8.8, 9.4))
    assert {"needle in place?", "removal?", "penetration"} <= set(words(drawn))
    assert "needle in place" not in words(drawn)
    left_out, hatched = of_class(drawn, "left-out")[0], of_class(drawn, "hole")[0]
    assert (left_out.get("x"), left_out.get("width")) == (hatched.get("x"), hatched.get("width"))


def test_of_the_marks_in_one_pixel_only_the_widest_is_drawn():
    crowd = tuple((5.0 + 1e-5 * number, 5.002 + 1e-5 * number) for number in range(500))
    assert mark_time_gaps(IntegrityMarks((), (), (*crowd, (5.001, 5.4))), TIME, 100.0).count("<rect") == 1
    assert 'width="39.9"' in mark_time_gaps(IntegrityMarks((), (), (*crowd, (5.001, 5.4))), TIME, 100.0)
    assert hatch_holes(IntegrityMarks(((1.0, 2.0), (3.0, 4.0)), (), ()), TIME, 0.0, 9.0).count("<rect") == 2


def test_holes_are_told_to_those_who_do_not_see_the_picture():
    assert "samples 6126 to" in (draw(HOLED).findtext(f"{SVG}desc") or "").lower()
