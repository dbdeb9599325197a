"""Missing samples: what rests on them is lost, what does not stays, and nothing crashes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.analysis import analyse, gaps
from popsense.model import Stretch, Trace
from tests.host.traces import EARLY_STOPPER, GEOMETRY, POP_S, Hand, build_trace, only, with_hole

TRACE = build_trace()


def cut_off(trace: Trace, end_s: float) -> Trace:
    """The trace up to that time, as a pulled cable leaves it."""
    return replace(only(trace, trace.time_s < end_s), cut_off=True)


@settings(max_examples=40)
@given(st.floats(0.0, 10.0), st.floats(0.005, 6.0))
def test_a_hole_anywhere_crashes_nothing(start_s: float, length_s: float):
    analysis = analyse(with_hole(TRACE, start_s, start_s + length_s), (), GEOMETRY)
    assert all(metric.value is None or np.isfinite(metric.value) for metric in analysis.metrics)


def test_a_hole_over_the_pop_loses_what_is_dated_by_it():
    analysis = analyse(with_hole(TRACE, POP_S - 0.05, POP_S + 0.05), (), GEOMETRY)
    assert all(analysis.metric(name).lost for name in ("reaction_time_s", "overshoot_mm"))
    assert analysis.metric("breakthrough_found").value == 1
    assert analysis.metric("flush_rise_kpa").value is not None


def test_one_lost_block_is_bridged():
    analysis = analyse(with_hole(TRACE, POP_S + 0.05, POP_S + 0.07), (), GEOMETRY)
    assert analysis.metric("reaction_time_s").value == pytest.approx(0.2, abs=0.03)


def test_what_a_hole_may_hide_is_not_said_to_be_absent():
    analysis = analyse(with_hole(build_trace(EARLY_STOPPER), 6.0, 8.0), (), GEOMETRY)
    assert analysis.metric("breakthrough_found").lost


def test_a_hole_hides_no_flush_that_was_seen():
    analysis = analyse(with_hole(TRACE, 6.2, 6.5), (), GEOMETRY)
    assert analysis.metric("flush_rise_kpa").value is not None


def test_a_flush_in_a_hole_is_lost_and_not_left_out():
    analysis = analyse(with_hole(build_trace(Hand(flush_kpa=10)), 6.9, 8.9), (), GEOMETRY)
    assert analysis.metric("flush_rise_kpa").lost


def test_conversions_missed_by_the_device_are_gaps_too():
    kept = np.ones(TRACE.time_s.size, dtype=bool)
    kept[3000:3100] = False
    assert len(gaps(only(TRACE, kept))) == 1


def test_holes_at_both_ends_are_open():
    last = int(TRACE.sample_index[-1])
    cut = replace(only(TRACE, slice(20, None)), holes=(Stretch(0, 20), Stretch(last + 1, 20)))
    assert gaps(cut) == ((-np.inf, pytest.approx(20 / 988)), (pytest.approx(TRACE.time_s[-1]), np.inf))


@pytest.mark.parametrize("samples", [1, 2, 20])
def test_a_trace_that_breaks_off_is_open_at_its_end(samples: int):
    trace = replace(only(TRACE, slice(0, samples)), cut_off=True)
    assert gaps(trace) == ((float(trace.time_s[-1]), np.inf),)
    assert gaps(replace(trace, cut_off=False)) == ()


@pytest.mark.parametrize("end_s", [1.0, 1.8, 2.6, 3.4, 4.02])
def test_behind_the_end_of_a_broken_recording_anything_may_have_happened(end_s: float):
    analysis = analyse(cut_off(TRACE, end_s), (), GEOMETRY)
    for name in ("breakthrough_found", "reaction_time_s", "overshoot_mm", "taper_ratio", "flush_rise_kpa"):
        assert analysis.metric(name).lost, name


def test_what_was_over_before_the_end_stands():
    analysis = analyse(cut_off(TRACE, 6.5), (), GEOMETRY)
    assert analysis.metric("taper_ratio").value is not None
    assert analysis.metric("reaction_time_s").value == pytest.approx(0.2, abs=0.03)
    assert analysis.metric("aspiration_drop_kpa").value == pytest.approx(10, abs=0.3)
    assert analysis.metric("flush_rise_kpa").lost


def test_a_stop_that_nobody_saw_being_held_is_lost():
    analysis = analyse(cut_off(TRACE, POP_S + 0.2 + 0.6), (), GEOMETRY)
    assert analysis.metric("reaction_time_s").lost
    assert analysis.metric("stopped_by_operator").lost


def test_a_loss_of_contact_before_the_end_is_no_early_stop():
    analysis = analyse(cut_off(build_trace(EARLY_STOPPER), 4.5), (), GEOMETRY)
    assert all(analysis.metric(name).lost for name in ("taper_ratio", "breakthrough_found"))
    assert analysis.metric("steadiness_percent").value is not None


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
def test_a_low_rate_is_no_gap(rate_hz: float):
    assert gaps(build_trace(rate_hz=rate_hz)) == ()
