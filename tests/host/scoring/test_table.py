"""A score in rows and a sum: the whole arithmetic, and no percentage that looks like a result and is none."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.analysis import analyse
from popsense.analysis.reading import LOST
from popsense.model import Event, HoleAtPop, Mode, Score
from popsense.scoring import packaged_rubric, score, score_table, sum_text
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
HANDS = (EXPERT, NOVICE, PLUNGER, EARLY_STOPPER)
MODES: tuple[Mode, ...] = ("guided", "assessment", "blind")


def judge(hand: Hand) -> Score:
    return score(analyse(build_trace(hand), (), GEOMETRY), RUBRIC, "assessment")


def test_the_table_shows_the_whole_arithmetic():
    rows = {row.item: row for row in score_table(judge(NOVICE))}
    overshoot = rows["Overshoot, share of the room in the cavity"]
    assert overshoot.points == "7.5 / 30 (up to 50 %: 0.25 x 30)"
    assert overshoot.measured.startswith("8.0 mm = 44.")
    assert overshoot.advice.startswith("Let the hand rest")
    assert overshoot.source.startswith("uncalibrated")
    assert rows["Peak force before the pop"].points == "shown, not scored"


def test_advice_is_given_where_points_were_left():
    assert all(row.advice == "" for row in score_table(judge(EXPERT)))


def test_what_was_not_assessed_has_no_points():
    trace = with_hole(build_trace(EXPERT), POP_S + 0.3, POP_S + 0.5)
    row = score_table(score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment"))[0]
    assert (row.points, row.advice) == ("- / 30", "")


def test_the_sum_is_one_line():
    assert sum_text(judge(EXPERT)) == "100 of 100 points = 100.0 %"


def test_the_sum_names_the_possible_points_where_they_differ():
    trace = with_hole(build_trace(EXPERT), POP_S + 0.3, POP_S + 0.5)
    result = score(analyse(trace, (), GEOMETRY), RUBRIC, "assessment")
    assert f"of {result.assessable:g} points assessed (100 possible): " in sum_text(result)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(HANDS), st.floats(3.0, 9.5), st.floats(0.1, 2.0), st.sampled_from(MODES))
def test_a_percentage_that_decides_nothing_is_not_told_as_a_result(
    hand: Hand, start_s: float, length_s: float, mode: Mode
):
    holed = with_hole(build_trace(hand), start_s, start_s + length_s)
    result = score(analyse(holed, (), GEOMETRY), RUBRIC, mode)
    told = sum_text(result)
    assert (" = " in told) == (result.passed is not None and result.percent is not None)
    assert ("of what could be assessed" in told) == (result.passed is None and result.percent is not None)


def test_a_sum_without_points_has_no_percentage():
    told = sum_text(score(analyse(flat_trace(), (), GEOMETRY), RUBRIC, "assessment"))
    assert told == "no points were assessed (100 possible)"


def test_a_withheld_score_does_not_repeat_its_reason_in_every_line():
    trace = with_hole(build_trace(EXPERT), POP_S - 0.2, 9.8)
    analysis = replace(
        analyse(trace, (), GEOMETRY), hole_at_pop=HoleAtPop(trace.holes[0], Event("pop", 0, POP_S), 0.0)
    )
    rows = score_table(score(analysis, RUBRIC, "assessment"))
    assert not any(LOST.note in row.measured for row in rows)
    assert "not assessed" in {row.measured for row in rows}
