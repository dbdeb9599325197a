"""The decision in words: where there is none, the reason that holds, and no other."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.analysis import analyse
from popsense.analysis.reading import LOST
from popsense.model import Event, HoleAtPop, Metric, Score, ScoreLine, Stretch, Trace
from popsense.reports.decision import decision_text, decision_with_reason
from popsense.scoring import packaged_rubric, score
from tests.host.traces import GEOMETRY, POP_S, Hand, build_trace, flat_trace, only, with_hole

RUBRIC = packaged_rubric("adult-proximal-tibia")
TRACE = build_trace()
ANALYSIS = analyse(TRACE, (), GEOMETRY)
UNSEEN = "cannot be ruled out, samples are missing"


def told(trace: Trace) -> str:
    analysis = analyse(trace, (), GEOMETRY)
    return decision_text(score(analysis, RUBRIC, "assessment"), analysis, trace)


def line(title: str, possible: float, note: str = "") -> ScoreLine:
    return ScoreLine(title, title, f"not assessed: {note}", None if note else possible, possible, "", "")


def undecided(percent: float, lines: tuple[ScoreLine, ...], unseen: tuple[str, ...] = ()) -> Score:
    return replace(
        score(ANALYSIS, RUBRIC, "assessment"),
        percent=percent,
        passed=None,
        decision="incomplete: no decision",
        assessable=sum(line.possible for line in lines if line.earned is not None),
        possible=sum(line.possible for line in lines),
        lines=lines,
        not_ruled_out=unseen,
    )


def test_an_error_that_may_have_happened_unseen_is_named():
    assert told(with_hole(TRACE, 8.7, 9.8)) == f"No decision: 'Far cortex touched' {UNSEEN}"


@pytest.mark.parametrize(
    ("percent", "reason"),
    [
        (100.0, f"'X' and 'Y' {UNSEEN}"),
        (70.0, f"'X' and 'Y' {UNSEEN}"),
        (69.9, "40 of 100 points could not be assessed (B), samples are missing"),
    ],
)
def test_errors_are_the_reason_only_where_the_points_would_pass(percent: float, reason: str):
    found = undecided(percent, (line("A", 60), line("B", 40, LOST.note)), ("X", "Y"))
    metrics = (Metric("m", None, "mm", LOST.note, lost=True), Metric("n", None, "mm", "no pop"))
    assert decision_with_reason(found, metrics) == f"No decision: {reason}"


def test_every_reason_is_told_once_and_many_items_are_not_named():
    lines = (line("A", 10), line("B", 30, "dead"), line("C", 30, "used"), line("D", 30, "dead"))
    assert decision_with_reason(undecided(90.0, lines)) == (
        "No decision: 90 of 100 points could not be assessed, dead and used"
    )


def test_a_dead_sensor_is_the_reason_and_not_missing_samples():
    words = told(replace(TRACE, faults={"depth": "the depth sensor is dead"}))
    assert words.endswith(", the depth sensor is dead")
    assert "samples" not in words


def test_what_was_no_attempt_says_so():
    assert told(flat_trace()) == "No decision: nothing could be assessed, the needle never met bone"
    assert told(build_trace(Hand(peak_n=5.0, exit_n=5.0, tremor_n=0.1))).startswith(
        "No decision: nothing could be assessed, used hole?"
    )


def test_of_a_recording_that_breaks_off_the_end_is_missing():
    cut = replace(only(TRACE, TRACE.time_s < POP_S + 0.3), cut_off=True)
    reason = "'Far cortex touched' and 2 other errors cannot be ruled out, the end of the attempt is missing"
    assert told(cut) == f"No decision: {reason}"
    assert told(replace(cut, holes=(Stretch(200, 3),))).endswith("ruled out, samples are missing")


@pytest.mark.parametrize(
    ("kept", "hole", "when"),
    [
        (np.r_[0:3950, 4050:9000], Stretch(3950, 100), "(4.00 to 4.10 s)"),
        (np.r_[3950:9000], Stretch(0, 3950), "(up to 4.00 s)"),
        (np.r_[0:3950], Stretch(3950, 100), "(from 4.00 s on)"),
    ],
)
def test_a_withheld_score_says_when_samples_are_missing(kept: np.ndarray, hole: Stretch, when: str):
    trace = replace(only(TRACE, kept), holes=(hole,))
    analysis = replace(ANALYSIS, hole_at_pop=HoleAtPop(hole, Event("pop", 0, 4.0), 0.0))
    words = decision_text(score(analysis, RUBRIC, "assessment"), analysis, trace)
    first, last = hole.first_sample, hole.end - 1
    assert words == f"Score withheld: samples {first} to {last} are missing, at the pop {when}"
