"""Points add up, omissions cost, lost figures do not, and critical errors fail."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from popsense.analysis import CATALOGUE, analyse
from popsense.analysis.integrity import hole_spans_s
from popsense.calibration.convert import Calibration, ChannelScale, to_trace
from popsense.model import (
    Analysis,
    Event,
    EventKind,
    HoleAtPop,
    Metric,
    Mode,
    RawTrace,
    Score,
    SensorName,
    Stretch,
    Trace,
)
from popsense.scoring import packaged_rubric, score, score_table, sum_text
from popsense.scoring.scorer import DECISIONS
from tests.host.traces import (
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
    with_hole,
)

RUBRIC = packaged_rubric("adult-proximal-tibia")
MODES: tuple[Mode, ...] = ("guided", "assessment", "blind")

values = st.one_of(st.none(), st.floats(-10, 200), st.sampled_from([0.0, 1.0]))
metrics = st.tuples(*(st.builds(Metric, st.just(m.name), values, st.just(m.unit)) for m in CATALOGUE))
lost = st.tuples(*(st.booleans() for _ in CATALOGUE))


def judge(hand: Hand, mode: Mode = "assessment") -> Score:
    return score(analyse(build_trace(hand), (), GEOMETRY), RUBRIC, mode)


def left_out(result: Score) -> set[str]:
    return {line.item for line in result.lines if "not achieved" in line.measured}


def codes(result: Score) -> set[str]:
    return {error.code for error in result.critical_errors}


@given(metrics, lost, st.sampled_from(MODES))
def test_the_arithmetic_adds_up(found: tuple[Metric, ...], gone: tuple[bool, ...], mode: Mode):
    marked = tuple(
        replace(m, lost=g and m.value is None, note="gone") for m, g in zip(found, gone, strict=True)
    )
    result = score(Analysis(marked, (), (), 1), RUBRIC, mode)
    assert result.earned == sum(line.earned or 0 for line in result.lines)
    assert result.assessable == sum(line.possible for line in result.lines if line.earned is not None)
    assert 0 <= result.earned <= result.assessable <= result.possible
    assert result.percent is None or result.percent == 100 * result.earned / result.assessable
    assert result.decision in DECISIONS
    assert (result.passed is True) == (result.decision == "pass")
    assert not (result.critical_errors and result.passed is not False)


def test_weights_add_up_to_a_hundred():
    assert sum(item.weight for item in RUBRIC.item) == 100


def test_the_expert_passes_with_a_wide_margin():
    assert judge(EXPERT).decision == "pass"
    assert judge(EXPERT).percent > 90


def test_operators_are_told_apart_in_order():
    percents = [judge(hand).percent for hand in (EXPERT, NOVICE, PLUNGER, EARLY_STOPPER)]
    assert percents == sorted(percents, reverse=True)
    assert percents[0] - percents[1] > 20


def test_far_cortex_is_critical_in_assessment():
    assert judge(PLUNGER).decision == "fail: critical error"
    assert "far_cortex_contact" in codes(judge(PLUNGER))


def test_far_cortex_costs_points_in_guided_practice():
    result = judge(PLUNGER, "guided")
    line = next(line for line in result.lines if line.item == "far_cortex_contact")
    assert codes(result) == set()
    assert (line.earned, line.possible, line.measured) == (0, 15, "happened")
    assert result.decision == "fail"


@pytest.mark.parametrize("mode", MODES)
def test_a_needle_outside_the_marrow_is_critical_in_every_mode(mode: Mode):
    assert codes(judge(EARLY_STOPPER, mode)) == {"needle_not_in_marrow"}


def test_what_the_early_stopper_left_out_earns_nothing():
    missed = {
        line.item: line.earned for line in judge(EARLY_STOPPER).lines if "not achieved" in line.measured
    }
    assert {"overshoot", "reaction_time", "taper", "aspiration", "flush"} <= missed.keys()
    assert set(missed.values()) == {0.0}


def test_no_confirmation_is_critical():
    assert codes(judge(Hand(aspiration_kpa=0, flush_kpa=0))) == {"no_confirmation"}


def test_a_lost_required_figure_leaves_no_decision():
    trace = with_hole(build_trace(EXPERT), POP_S + 0.3, POP_S + 0.5)
    result = score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment")
    assert (result.passed, result.decision) == (None, "incomplete: no decision")
    assert result.assessable < result.possible == 100
    assert "not assessed" in result.lines[0].measured


HANDS = (EXPERT, NOVICE, PLUNGER, EARLY_STOPPER, Hand(overshoot_mm=-0.7), Hand(aspiration_kpa=0, flush_kpa=0))
SENSORS: tuple[SensorName, ...] = ("force", "depth", "pressure")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(HANDS), st.floats(0.1, 10.4), st.sampled_from(MODES))
def test_a_broken_recording_adds_no_critical_error(hand: Hand, end_s: float, mode: Mode):
    trace = build_trace(hand)
    broken = replace(only(trace, trace.time_s < end_s), cut_off=True)
    whole, cut = (score(analyse(one, (), GEOMETRY), RUBRIC, mode) for one in (trace, broken))
    assert codes(cut) <= codes(whole)
    assert left_out(cut) <= left_out(whole)
    assert not (cut.passed and codes(whole))


@pytest.mark.parametrize("end_s", [1.8, 2.4, 3.0, 3.4])
def test_a_cable_pulled_in_the_cortex_leaves_no_decision(end_s: float):
    trace = build_trace(EXPERT)
    broken = replace(only(trace, trace.time_s < end_s), cut_off=True)
    result = score(analyse(broken, (), GEOMETRY), RUBRIC, "assessment")
    assert (result.decision, result.critical_errors) == ("incomplete: no decision", ())


def test_a_critical_error_that_nobody_could_have_seen_leaves_no_pass():
    trace = with_hole(build_trace(EXPERT), 8.0, 8.2)
    result = score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment")
    assert (result.decision, result.percent) == ("incomplete: no decision", 100)
    assert result.not_ruled_out == ("Far cortex touched",)
    assert score(analyse(trace, (), GEOMETRY), RUBRIC, "guided").not_ruled_out == ()


def test_what_was_seen_before_the_end_still_counts():
    trace = build_trace(PLUNGER)
    broken = replace(only(trace, trace.time_s < 5.0), cut_off=True)
    result = score(analyse(broken, (), GEOMETRY), RUBRIC, "assessment")
    assert "far_cortex_contact" in codes(result)
    assert result.decision == "fail: critical error"


COUNTS = ChannelScale(0, 0.001)
IN_COUNTS = Calibration(COUNTS, COUNTS, COUNTS, plug_compliance_mm_per_n=0.0)


def tared_from(trace: Trace, start_s: float) -> Trace:
    """The trace as it is converted where all before start_s was lost on the way."""
    here = trace.time_s >= start_s
    channels = (trace.force_n, trace.protrusion_mm, trace.pressure_kpa)
    counts = [(1000 * channel[here]).astype(np.int64) for channel in channels]
    holes = (Stretch(0, int((~here).sum())),)
    index = trace.sample_index[here]
    return to_trace(RawTrace(index, trace.time_s[here], *counts, np.zeros_like(index), holes), IN_COUNTS)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from((*HANDS, Hand(overshoot_mm=0.1, reaction_s=1.0))),
    st.floats(0.1, 10.0),
    st.sampled_from(MODES),
)
@example(Hand(overshoot_mm=0.1, reaction_s=1.0), 4.2, "assessment")
def test_a_late_recording_adds_no_critical_error(hand: Hand, start_s: float, mode: Mode):
    trace = build_trace(hand)
    whole, late = (
        score(analyse(one, (), GEOMETRY), RUBRIC, mode) for one in (trace, tared_from(trace, start_s))
    )
    assert codes(late) <= codes(whole)
    assert not (late.passed and codes(whole))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(HANDS), st.sets(st.sampled_from(SENSORS), min_size=1), st.sampled_from(MODES))
def test_a_dead_sensor_adds_no_critical_error(hand: Hand, dead: set[SensorName], mode: Mode):
    trace = build_trace(hand)
    whole, blind = (
        score(analyse(replace(trace, faults=faults), (), GEOMETRY), RUBRIC, mode)
        for faults in ({}, dict.fromkeys(dead, "dead"))
    )
    assert codes(blind) <= codes(whole)
    assert blind.passed is not True
    assert blind.possible == whole.possible


def test_without_its_depth_sensor_the_expert_fails_nothing():
    analysis = analyse(replace(build_trace(), faults={"depth": "the depth sensor is dead"}), (), GEOMETRY)
    result = score(analysis, RUBRIC, "assessment")
    assert (result.decision, result.critical_errors) == ("incomplete: no decision", ())
    assert result.lines[0].measured == "not assessed: the depth sensor is dead"


def test_a_push_after_the_stop_costs_its_points():
    trace = build_trace(EXPERT)
    trace.protrusion_mm[(trace.time_s > 6.5) & (trace.time_s < 9.0)] += 11.5
    result = score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment")
    line = next(line for line in result.lines if line.item == "readvance")
    assert (line.earned, line.possible) == (0, 10)
    assert result.percent == judge(EXPERT).percent - 10


def test_a_trace_without_contact_is_no_attempt():
    result = score(analyse(flat_trace(), (), GEOMETRY), RUBRIC, "assessment")
    assert result.decision == "incomplete: no decision"
    assert (result.assessable, result.percent, result.critical_errors) == (0, None, ())


def test_a_used_hole_is_not_scored():
    result = judge(Hand(peak_n=5.0, exit_n=5.0, tremor_n=0.1))
    assert result.decision == "incomplete: no decision"
    assert "used hole?" in result.lines[0].measured


def test_haste_earns_nothing():
    fast, slow = (Metric("penetration_time_s", value, "s") for value in (0.3, 30.0))
    analysis = analyse(build_trace(EXPERT), (), GEOMETRY)
    others = tuple(m for m in analysis.metrics if m.name != "penetration_time_s")
    earned = [score(replace(analysis, metrics=(*others, m)), RUBRIC, "blind").earned for m in (fast, slow)]
    assert earned[1] - earned[0] == 5


def test_peak_force_is_shown_and_not_scored():
    line = next(line for line in judge(EXPERT).lines if line.item == "peak_force")
    assert (line.earned, line.possible) == (0, 0)
    assert line.measured.endswith(" N")


def test_a_line_prints_figure_unit_and_rule():
    line = judge(NOVICE).lines[0]
    assert line.measured.startswith("8.0 mm = 44.")
    assert line.rule == "up to 50 %: 0.25 x 30"


@pytest.mark.parametrize("mode", MODES)
def test_without_a_breakthrough_there_is_no_advice_on_what_comes_after_it(mode: Mode):
    advised = {row.item for row in score_table(judge(EARLY_STOPPER, mode)) if row.advice}
    assert advised == {"Steadiness of the force in the cortex"}


def test_what_was_not_achieved_says_so_with_its_points():
    assert judge(EARLY_STOPPER).lines[0].measured == "not achieved: no breakthrough found (0 points)"


def test_the_rule_of_a_lost_item_says_none():
    assert judge(PLUNGER).lines[0].rule == "over 50 %: none of 30"


def test_pressure_is_told_in_both_units():
    line = next(line for line in judge(EXPERT).lines if line.item == "flush")
    assert line.measured == "23.8 kPa (179 mmHg)"


def test_the_score_carries_its_pass_mark():
    result = judge(EXPERT)
    assert (result.pass_percent, result.pass_percent_source) == (70, RUBRIC.pass_percent_source)


def pop_at(apart_s: float, kind: EventKind = "pop", count: int = 120) -> HoleAtPop:
    return HoleAtPop(Stretch(812, count), Event(kind, 0, 4.0), apart_s)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hand", [EXPERT, NOVICE, PLUNGER, EARLY_STOPPER, Hand(peak_n=5.0, exit_n=5.0)])
def test_a_hole_at_the_pop_withholds_the_score_and_nothing_else_does(hand: Hand, mode: Mode):
    whole = analyse(build_trace(hand), (), GEOMETRY)
    given_score, withheld = (
        score(replace(whole, hole_at_pop=near), RUBRIC, mode) for near in (None, pop_at(0.04))
    )
    assert given_score.withheld == ""
    assert given_score.decision != "withheld"
    assert (withheld.decision, withheld.percent, withheld.passed) == ("withheld", None, None)
    assert (withheld.earned, withheld.assessable, withheld.possible) == (0, 0, given_score.possible)
    assert withheld.critical_errors == given_score.critical_errors


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(HANDS), st.floats(3.0, 5.5), st.floats(0.002, 0.8), st.sampled_from(MODES))
def test_the_score_is_withheld_if_and_only_if_a_hole_lies_at_the_pop(
    hand: Hand, start_s: float, length_s: float, mode: Mode
):
    holed = with_hole(build_trace(hand), start_s, start_s + length_s)
    analysis = analyse(holed, (), GEOMETRY)
    ((before_s, behind_s),) = hole_spans_s(holed)
    exits = [event.time_s for event in analysis.events if event.kind in ("pop", "loss_of_resistance")]
    is_near = any(before_s - 0.25 <= time_s <= behind_s + 0.25 for time_s in exits)
    result = score(analysis, RUBRIC, mode)
    assert (result.decision == "withheld") == bool(result.withheld) == is_near
    assert not (is_near and (result.percent is not None or result.passed is not None))


@pytest.mark.parametrize(
    ("near", "reason"),
    [
        (pop_at(0.04), "samples 812 to 931 are missing, 40 ms from the pop"),
        (pop_at(0.0), "samples 812 to 931 are missing, at the pop"),
        (pop_at(0.0, "uncertain_pop", 1), "sample 812 is missing, at the uncertain pop"),
    ],
)
def test_a_withheld_score_says_why(near: HoleAtPop, reason: str):
    analysis = replace(analyse(build_trace(EXPERT), (), GEOMETRY), hole_at_pop=near)
    assert score(analysis, RUBRIC, "assessment").withheld == reason


def test_a_withheld_score_shows_its_figures_and_counts_none():
    analysis = replace(analyse(build_trace(NOVICE), (), GEOMETRY), hole_at_pop=pop_at(0.04))
    result = score(analysis, RUBRIC, "guided")
    rows = {row.item: row for row in score_table(result)}
    overshoot = rows["Overshoot, share of the room in the cavity"]
    assert overshoot.measured.startswith("8.0 mm = 44.")
    assert (overshoot.points, overshoot.advice) == ("- / 30 (not counted)", "")
    assert rows["Peak force before the pop"].points == "shown, not scored"
    assert sum_text(result) == f"no points are counted ({result.possible:g} possible)"


def test_a_withheld_score_puts_no_points_beside_an_omission():
    analysis = replace(analyse(build_trace(EARLY_STOPPER), (), GEOMETRY), hole_at_pop=pop_at(0.04))
    assert score(analysis, RUBRIC, "blind").lines[0].measured == "not achieved: no breakthrough found"


def test_a_hole_that_may_hide_the_whole_puncture_leaves_no_pass():
    trace = with_hole(build_trace(Hand(removal_s=5.0)), 3.9, 5.8)
    result = score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment")
    assert (result.decision, result.critical_errors) == ("incomplete: no decision", ())
    assert "Needle not in the marrow at the end of the attempt" in result.not_ruled_out
