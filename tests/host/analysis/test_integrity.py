"""Holes, repaired stretches and gaps in time: told apart, dated, and held against the pop."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from popsense.analysis import analyse
from popsense.analysis.detection import Detection, HostExit
from popsense.analysis.integrity import (
    POP_GUARD_S,
    hole_at_pop,
    hole_spans_s,
    missing_words,
    repaired_spans_s,
    time_gaps_s,
    unknown_spans_s,
)
from popsense.analysis.later_events import with_later_events
from popsense.model import Event, EventKind, Stretch, Trace
from tests.host.traces import (
    EARLY_STOPPER,
    EXPERT,
    GEOMETRY,
    NOVICE,
    PLUNGER,
    POP_S,
    RATE_HZ,
    Hand,
    build_trace,
    only,
    with_hole,
)

TRACE = build_trace()
TRACES = {hand: build_trace(hand) for hand in (EXPERT, NOVICE, PLUNGER, EARLY_STOPPER)}
POPS = ("pop", "uncertain_pop", "used_hole")
NO_POPS = ("contact", "released", "loss_of_resistance", "far_cortex_contact", "withdrawal", "overload")


def without_conversions(trace: Trace, lost: np.ndarray) -> Trace:
    """The trace of a board that missed those conversions (mask): the index goes on without them."""
    here = only(trace, ~lost)
    return replace(here, sample_index=np.arange(here.time_s.size, dtype=np.int64))


def nearest_s(whole: Trace, holed: Trace, pops_s: list[float]) -> float:
    """Least time from a pop to a missing sample or to a neighbour of one, seen in the trace without holes."""
    gone = ~np.isin(whole.sample_index, holed.sample_index)
    touched = np.convolve(gone, [True, True, True], "same") > 0
    return min((float(np.abs(whole.time_s[touched] - pop_s).min()) for pop_s in pops_s), default=np.inf)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*TRACES]),
    st.floats(3.0, 5.5),
    st.sampled_from([0.002, 0.02, 0.1, 1.0]),
    st.lists(st.tuples(st.sampled_from([*POPS, *NO_POPS]), st.floats(1.0, 10.0)), max_size=2),
)
@example(EXPERT, POP_S + 0.2, 0.02, [])
@example(EXPERT, POP_S - 0.05, 0.1, [])
@example(EARLY_STOPPER, 4.0, 0.02, [("uncertain_pop", 4.26)])
def test_a_hole_is_at_a_pop_if_and_only_if_it_is_within_250_ms_of_one(
    hand: Hand, start_s: float, length_s: float, told: list[tuple[EventKind, float]]
):
    holed = with_hole(TRACES[hand], start_s, start_s + length_s)
    analysis = analyse(holed, [Event(kind, 0, time_s) for kind, time_s in told], GEOMETRY)
    pops_s = [
        event.time_s
        for event in analysis.events
        if event.kind in POPS or (event.kind == "loss_of_resistance" and event.source == "host")
    ]
    near_s = nearest_s(TRACES[hand], holed, pops_s)
    assert (analysis.hole_at_pop is not None) == (near_s <= POP_GUARD_S + 1e-6)
    assert analysis.hole_at_pop is None or analysis.hole_at_pop.hole == holed.holes[0]


@pytest.mark.parametrize(("apart_s", "is_near"), [(0.0, True), (0.249, True), (0.251, False)])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("kind", POPS)
def test_the_limit_is_250_ms_on_either_side(apart_s: float, is_near: bool, side: int, kind: EventKind):
    holed = with_hole(TRACE, 6.0, 6.4)
    ((start_s, end_s),) = hole_spans_s(holed)
    pop_s = end_s + apart_s if side > 0 else start_s - apart_s
    near = hole_at_pop(holed, [Event(kind, 0, pop_s)])
    assert (near is not None) == is_near
    assert near is None or near.apart_s == pytest.approx(apart_s, abs=1e-6)


@pytest.mark.parametrize("samples", [1, 5])
def test_a_hole_that_the_analysis_bridges_counts_at_the_pop(samples: int):
    holed = with_hole(TRACE, POP_S + 0.1, POP_S + 0.1 + samples / RATE_HZ - 1e-6)
    analysis = analyse(holed, (), GEOMETRY)
    assert analysis.metric("reaction_time_s").value is not None
    assert analysis.hole_at_pop is not None


def test_of_several_holes_the_nearest_is_named():
    holed = with_hole(with_hole(TRACE, 3.85, 3.9), 4.1, 4.12)
    near = analyse(holed, (), GEOMETRY).hole_at_pop
    assert near is not None
    assert near.hole == holed.holes[1]


def test_a_fall_that_a_hole_swallowed_is_guarded_like_a_pop():
    analysis = analyse(with_hole(TRACE, POP_S - 0.05, POP_S + 0.05), (), GEOMETRY)
    assert "pop" not in {event.kind for event in analysis.events}
    assert analysis.hole_at_pop is not None


@pytest.mark.parametrize("kind", NO_POPS)
def test_what_the_board_tells_beside_its_pop_is_no_pop(kind: EventKind):
    holed = with_hole(TRACE, 6.0, 6.4)
    assert hole_at_pop(holed, [Event(kind, 0, 6.2)]) is None


def test_repaired_samples_and_missed_conversions_are_no_holes():
    lost = (TRACE.time_s > POP_S) & (TRACE.time_s < POP_S + 0.1)
    trace = replace(without_conversions(TRACE, lost), repaired=(Stretch(3900, 300),))
    assert analyse(trace, (), GEOMETRY).hole_at_pop is None


def test_a_pop_told_by_the_board_in_a_hole_at_either_end_is_in_that_hole():
    last = int(TRACE.sample_index[-1])
    cut = replace(only(TRACE, slice(3000, None)), holes=(Stretch(0, 3000), Stretch(last + 1, 5000)))
    for pop_s in (0.5, 14.0):
        near = hole_at_pop(cut, [Event("pop", 0, pop_s)])
        assert near is not None
        assert near.apart_s == 0
    assert hole_at_pop(cut, [Event("pop", 0, 6.0)]) is None


def test_without_any_sample_the_pop_lies_in_the_hole():
    nothing = replace(only(TRACE, slice(0, 0)), holes=(Stretch(0, 4000),))
    assert analyse(nothing, [Event("pop", 0, 3.0)], GEOMETRY).hole_at_pop is not None
    assert analyse(nothing, (), GEOMETRY).hole_at_pop is None


def test_a_pop_that_only_the_hosts_detector_lists_is_guarded_too():
    holed = with_hole(build_trace(EARLY_STOPPER), 7.0, 7.1)
    analysis = analyse(holed, (), GEOMETRY)
    again = HostExit(7.2, 7.25, 7.3, 7.25, 40.0, 5.0, False, "force and depth")
    assert analysis.hole_at_pop is None
    found = Detection("force and depth", exits=(again,), seen=(0.0, 10.0))
    assert with_later_events(analysis, found, holed).hole_at_pop is not None


@settings(max_examples=60)
@given(st.sampled_from([80.0, 320.0, RATE_HZ]), st.sets(st.integers(1, 98), max_size=30))
def test_every_run_of_missed_conversions_is_one_gap_in_time(rate_hz: float, missed: set[int]):
    whole = build_trace(rate_hz=rate_hz, duration_s=10.5)
    whole = only(whole, slice(0, 400))
    lost = np.isin(np.arange(400), [*missed])
    runs = [place for place in sorted(missed) if place - 1 not in missed]
    gaps = time_gaps_s(without_conversions(whole, lost))
    assert [start for start, _ in gaps] == [whole.time_s[first - 1] for first in runs]
    assert all(end - start > 1.9 / rate_hz for start, end in gaps)


def test_a_hole_is_no_gap_in_time():
    assert time_gaps_s(with_hole(TRACE, 6.0, 6.4)) == []


def test_only_a_gap_too_long_to_bridge_interrupts():
    lost = ((TRACE.time_s > 3.0) & (TRACE.time_s < 3.005)) | ((TRACE.time_s > 7.0) & (TRACE.time_s < 7.1))
    trace = without_conversions(TRACE, lost)
    assert len(time_gaps_s(trace)) == 2
    ((start_s, end_s),) = unknown_spans_s(trace)
    assert (start_s, end_s) == (pytest.approx(7.0, abs=2e-3), pytest.approx(7.1, abs=2e-3))


def test_a_repaired_stretch_reaches_from_its_first_to_its_last_sample():
    trace = replace(TRACE, repaired=(Stretch(100, 50), Stretch(200, 1)))
    assert repaired_spans_s(trace) == [
        (TRACE.time_s[100], TRACE.time_s[149]),
        (TRACE.time_s[200], TRACE.time_s[200]),
    ]
    assert repaired_spans_s(only(trace, slice(0, 50))) == []


@pytest.mark.parametrize(
    ("hole", "words"),
    [(Stretch(812, 120), "samples 812 to 931 are missing"), (Stretch(7, 1), "sample 7 is missing")],
)
def test_missing_samples_are_named_by_index(hole: Stretch, words: str):
    assert missing_words(hole) == words
