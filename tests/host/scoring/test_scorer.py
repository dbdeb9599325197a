"""Points add up, omissions cost, lost figures do not, and critical errors fail."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.analysis import CATALOGUE, analyse
from popsense.model import Analysis, Metric, Mode, Score
from popsense.scoring import packaged_rubric, score, score_table
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
    with_hole,
)

RUBRIC = packaged_rubric("adult-proximal-tibia")
MODES: tuple[Mode, ...] = ("guided", "assessment", "blind")

values = st.one_of(st.none(), st.floats(-10, 200), st.sampled_from([0.0, 1.0]))
metrics = st.tuples(*(st.builds(Metric, st.just(m.name), values, st.just(m.unit)) for m in CATALOGUE))
lost = st.tuples(*(st.booleans() for _ in CATALOGUE))


def judge(hand: Hand, mode: Mode = "assessment") -> Score:
    return score(analyse(build_trace(hand), (), GEOMETRY), RUBRIC, mode)


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
    missed = {line.item: line.earned for line in judge(EARLY_STOPPER).lines if "left out" in line.measured}
    assert {"overshoot", "reaction_time", "taper", "aspiration", "flush"} <= missed.keys()
    assert set(missed.values()) == {0.0}


def test_no_confirmation_is_critical():
    assert codes(judge(Hand(aspiration_kpa=0, flush_kpa=0))) == {"no_confirmation"}


def test_a_lost_required_figure_leaves_no_decision():
    trace = with_hole(build_trace(EXPERT), POP_S - 0.1, POP_S + 0.1)
    result = score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment")
    assert (result.passed, result.decision) == (None, "incomplete: no decision")
    assert result.assessable < result.possible == 100
    assert "not assessed" in result.lines[0].measured


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


def test_the_table_ends_with_the_sum():
    rows = score_table(judge(EXPERT))
    assert rows[-1][0] == "Sum"
    assert rows[-1][2].startswith("100 of 100 assessable (100 possible)")
