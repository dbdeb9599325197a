"""The host finds what the synthetic hand did, when it did it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.analysis import analyse
from popsense.analysis.filters import highest_ahead
from popsense.model import Analysis, Event, Trace
from tests.host.traces import (
    CONTACT_S,
    EARLY_STOPPER,
    EXPERT,
    GEOMETRY,
    NOVICE,
    PLUNGER,
    POP_S,
    Hand,
    build_trace,
    flat_trace,
    only,
)


def look_at(trace: Trace, events: tuple[Event, ...] = ()) -> Analysis:
    return analyse(trace, events, GEOMETRY)


def times(analysis: Analysis) -> dict[str, float]:
    return {event.kind: event.time_s for event in analysis.events if event.source == "host"}


@pytest.mark.parametrize("rate_hz", [80.0, 320.0, 988.0])
def test_events_are_dated_at_any_rate(rate_hz: float):
    found = times(look_at(build_trace(EXPERT, rate_hz)))
    assert found["contact"] == pytest.approx(CONTACT_S, abs=0.03)
    assert found["pop"] == pytest.approx(POP_S, abs=0.03)
    assert found["withdrawal"] == pytest.approx(9.55, abs=0.06)


@pytest.mark.parametrize(("lifted_s", "contact_s"), [(0.2, CONTACT_S), (0.4, 1.95)], ids=["bounce", "bump"])
def test_a_hand_that_bounces_off_the_bone_has_met_it(lifted_s: float, contact_s: float):
    trace = build_trace(EXPERT)
    lifted = (trace.time_s >= 1.55) & (trace.time_s < 1.55 + lifted_s)
    found = times(look_at(replace(trace, force_n=np.where(lifted, 3.4, trace.force_n))))
    assert found["contact"] == pytest.approx(contact_s, abs=0.03)


@pytest.mark.parametrize("reaction_s", [0.1, 0.25, 0.6, 1.0])
def test_reaction_time_follows_the_hand(reaction_s: float):
    reaction = look_at(build_trace(Hand(reaction_s=reaction_s))).metric("reaction_time_s").value
    assert reaction == pytest.approx(reaction_s, abs=0.03)


@pytest.mark.parametrize("overshoot_mm", [0.5, 2.5, 8.0, 14.0])
def test_overshoot_is_what_lies_beyond_the_bevel(overshoot_mm: float):
    overshoot = look_at(build_trace(Hand(overshoot_mm=overshoot_mm))).metric("overshoot_mm").value
    assert overshoot == pytest.approx(overshoot_mm, abs=0.1)


def test_overshoot_is_scaled_to_the_room():
    percent = look_at(build_trace(Hand(overshoot_mm=9.0))).metric("overshoot_percent_of_cavity").value
    assert percent == pytest.approx(50.0, abs=1.0)


def test_a_push_after_the_first_stop_is_no_overshoot():
    trace = build_trace(Hand(overshoot_mm=2.0))
    trace.protrusion_mm[(trace.time_s > 6.5) & (trace.time_s < 9.0)] += 3.0
    analysis = look_at(trace)
    assert analysis.metric("overshoot_mm").value == pytest.approx(2.0, abs=0.1)
    assert analysis.metric("deepest_protrusion_mm").value == pytest.approx(7.0, abs=0.1)
    assert analysis.metric("readvance_mm").value == pytest.approx(3.0, abs=0.1)


def creeping(mm_per_s: float, to_mm: float) -> Trace:
    """A needle that goes on at that speed from the pop, and stays from to_mm on; no removal."""
    trace = build_trace(Hand(removal_s=None), duration_s=30.0)
    crept_mm = 0.8 + mm_per_s * (trace.time_s - POP_S)
    np.copyto(trace.protrusion_mm, np.minimum(crept_mm, to_mm), where=trace.time_s > POP_S)
    return trace


@pytest.mark.parametrize("mm_per_s", [0.6, 0.8, 0.95])
def test_creeping_on_is_no_stop(mm_per_s: float):
    analysis = look_at(creeping(mm_per_s, to_mm=13.6))
    assert analysis.metric("overshoot_mm").value == pytest.approx(11.6, abs=0.55)
    assert analysis.metric("reaction_time_s").value == pytest.approx(12.8 / mm_per_s, abs=1.0)
    assert analysis.metric("readvance_mm").value < 0.6


def test_slower_creeping_is_an_advance_after_the_stop():
    assert look_at(creeping(0.4, to_mm=8.0)).metric("readvance_mm").value == pytest.approx(7.0, abs=0.4)


@pytest.mark.parametrize("hand", [EXPERT, NOVICE])
def test_a_needle_that_stays_does_not_advance_again(hand: Hand):
    assert look_at(build_trace(hand)).metric("readvance_mm").value < 0.15


def test_a_second_puncture_is_no_advance_after_the_stop():
    trace = build_trace(Hand(removal_s=5.5))
    trace.protrusion_mm[(trace.time_s > 7.0) & (trace.time_s < 8.0)] += 9.0
    assert look_at(trace).metric("readvance_mm").value < 0.15


@given(st.floats(0.0, 5.0), st.integers(1, 300))
def test_the_highest_ahead_is_that_of_the_window(ahead_s: float, size: int):
    random = np.random.default_rng(size)
    time_s, values = np.cumsum(random.uniform(0.001, 0.5, size)), random.normal(size=size)
    plain = [values[(time_s >= t) & (time_s <= t + ahead_s)].max() for t in time_s]
    assert highest_ahead(time_s, values, ahead_s).tolist() == plain


def test_easing_off_is_no_breakthrough():
    analysis = look_at(build_trace(EARLY_STOPPER))
    assert analysis.metric("breakthrough_found").value == 0
    assert set(times(analysis)) == {"contact", "released"}
    assert analysis.metric("reaction_time_s").note == "no breakthrough found"


def test_residual_plug_flex_is_no_breakthrough():
    trace = build_trace(EARLY_STOPPER)
    trace.protrusion_mm[:] += 0.1 * trace.force_n / trace.force_n.max()
    assert look_at(trace).metric("breakthrough_found").value == 0


def test_far_cortex_is_seen_and_is_no_reaction():
    analysis = look_at(build_trace(PLUNGER))
    assert analysis.metric("far_cortex_contact").value == 1
    assert analysis.metric("stopped_by_operator").value == 0
    for name in ("reaction_time_s", "readvance_mm"):
        assert analysis.metric(name).note == "the far cortex stopped the needle, not the operator"


def test_leaning_on_the_needle_in_mid_cavity_is_no_far_cortex():
    leaned_on = Hand(overshoot_mm=8.0, far_cortex_n=60.0)
    assert look_at(build_trace(leaned_on)).metric("far_cortex_contact").value == 0


@pytest.mark.parametrize("hand", [EXPERT, NOVICE])
def test_a_needle_in_the_cavity_does_not_touch_the_far_cortex(hand: Hand):
    assert look_at(build_trace(hand)).metric("far_cortex_contact").value == 0


def test_half_a_bevel_is_partly_in():
    analysis = look_at(build_trace(Hand(overshoot_mm=-0.7)))
    assert analysis.metric("breakthrough_found").value == 1
    assert analysis.metric("bevel_in_marrow").value == 0


def test_a_used_hole_is_suspected_where_nothing_resists():
    trace = build_trace(Hand(peak_n=5.0, exit_n=5.0, tremor_n=0.1))
    assert look_at(trace).metric("used_hole_suspected").value == 1
    assert look_at(build_trace(EXPERT)).metric("used_hole_suspected").value == 0


def test_two_punctures_are_counted():
    trace = build_trace(Hand(removal_s=5.0))
    trace.protrusion_mm[(trace.time_s > 7.0) & (trace.time_s < 8.0)] += 4.0
    assert look_at(trace).metric("puncture_count").value == 2
    assert look_at(build_trace(EXPERT)).metric("puncture_count").value == 1


def test_phases_follow_each_other_without_overlap():
    phases = look_at(build_trace(EXPERT)).phases
    expected = ["approach", "penetration", "breakthrough", "after the pop", "needle in place", "removal"]
    assert [phase.name for phase in phases] == expected
    assert all(a.end_s <= b.start_s for a, b in pairwise(phases))


def test_nothing_happens_in_a_flat_trace():
    analysis = look_at(flat_trace())
    assert analysis.events == ()
    assert analysis.phases == ()
    assert analysis.metric("contact_found").value == 0
    assert analysis.metric("peak_force_n").note == "no contact with bone found"


@pytest.mark.parametrize("samples", range(12))
def test_a_handful_of_samples_is_too_short(samples: int):
    analysis = look_at(only(build_trace(), slice(2000, 2000 + samples)))
    assert len(analysis.metrics) > 20
    assert samples >= 10 or all(metric.lost for metric in analysis.metrics)


@pytest.mark.parametrize("end_s", [0.5, 1.6, 3.0, 4.02, 4.08, 4.3, 6.0, 9.3])
def test_a_trace_that_ends_anywhere_is_analysed(end_s: float):
    analysis = look_at(build_trace(EXPERT, duration_s=end_s))
    assert analysis.metric("removal_time_s").value is None


def test_device_events_are_kept_in_order_and_timed():
    device = Event("pop", 4040, POP_S + 0.05)
    analysis = look_at(build_trace(), (device,))
    assert device in analysis.events
    assert [e.time_s for e in analysis.events] == sorted(e.time_s for e in analysis.events)
    assert analysis.metric("device_latency_ms").value == pytest.approx(50, abs=20)


def test_device_events_move_no_other_metric():
    trace = build_trace()
    without, false_alarm = (
        look_at(trace),
        look_at(trace, (Event("pop", 100, 0.1), Event("withdrawal", 1, 2.0))),
    )
    same = [m for m in without.metrics if m.name != "device_latency_ms"]
    assert same == [m for m in false_alarm.metrics if m.name != "device_latency_ms"]
