"""Board and computer compared on a recording: in the summary, in words on the page, in the drawn events."""

from dataclasses import replace
from pathlib import Path

import pytest

from popsense.analysis.agreement import compare
from popsense.analysis.detection import Basis, Detection
from popsense.analysis.later_events import with_later_events
from popsense.attempts.evaluate import Evaluation, evaluate
from popsense.attempts.page import report_page
from popsense.attempts.simulated import truth_in_trace
from popsense.attempts.summary import summary
from popsense.model import Event
from tests.host.attempts.boards import address, journal_bytes, record


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    path: Path = tmp_path_factory.mktemp("recordings") / "expert.journal"
    path.write_bytes(journal_bytes())
    return evaluate(path)


def with_board(evaluation: Evaluation, *events: Event) -> Evaluation:
    """The evaluation as if the board had sent those events."""
    return replace(evaluation, disagreements=compare(evaluation.detection, events))


def test_an_expert_is_one_exit_for_both(evaluation: Evaluation):
    (leaving,) = evaluation.detection.exits
    pops = [event for event in evaluation.analysis.events if event.kind == "pop" and event.source == "host"]
    assert [pop.time_s for pop in pops] == [pytest.approx(leaving.half_s, abs=0.01)]
    assert not {"exit_missed", "pop_not_in_trace"} & {point.kind for point in evaluation.disagreements}


@pytest.mark.parametrize("operator", ["novice", "plunger"])
def test_the_computer_finds_what_the_twin_did(tmp_path: Path, operator: str):
    recorded, board = record(tmp_path / "a.journal", address(operator, seed=5))
    result = evaluate(recorded.path)
    truth = truth_in_trace(board, result)
    (leaving,) = result.detection.exits
    assert leaving.half_s == pytest.approx(truth["exit_half_s"], abs=0.015)
    assert leaving.end_s == pytest.approx(truth["exit_end_s"], abs=0.015)
    assert result.detection.deepest_protrusion_mm == pytest.approx(truth["deepest_protrusion_mm"], abs=0.3)
    assert bool(result.detection.far_cortex_s) == (truth["far_cortex_contact_s"] is not None)


def test_the_summary_holds_what_the_computer_found_and_each_disagreement(evaluation: Evaluation):
    false_pop = Event("pop", 700, 0.7)
    result = summary(with_board(evaluation, false_pop))
    assert [point["kind"] for point in result["disagreements"]][:2] == ["pop_not_in_trace", "exit_missed"]
    assert result["disagreements"][0]["device_s"] == 0.7
    (leaving,) = result["host_detector"]["exits"]
    assert leaving["basis"] == result["host_detector"]["basis"] == "force and depth"


def test_agreement_is_an_empty_list_and_one_line(evaluation: Evaluation):
    agreeing = replace(evaluation, disagreements=())
    assert summary(agreeing)["disagreements"] == []
    page = report_page(agreeing)
    assert "Board and computer agree: one exit of the tip from the bone." in page
    assert 'class="differing"' not in page


def test_the_page_says_where_they_differ(evaluation: Evaluation):
    page = report_page(with_board(evaluation, Event("pop", 700, 0.7)))
    assert "Board and computer disagree in" in page
    assert "At 0.700 s the board reported a pop; the computer sees no exit there." in page


def test_exits_behind_the_first_are_events_too(evaluation: Evaluation):
    (leaving,) = evaluation.detection.exits
    later = replace(leaving, start_s=10.0, half_s=10.02, end_s=10.03)
    twice = replace(evaluation.detection, exits=(leaving, later))
    analysis = with_later_events(evaluation.analysis, twice, evaluation.trace)
    new = [event for event in analysis.events if event not in evaluation.analysis.events]
    assert [(event.kind, event.source, event.time_s) for event in new] == [("pop", "host", 10.02)]


@pytest.mark.parametrize(("basis", "by_depth"), [("force and depth", True), ("force only: less sure", False)])
def test_an_event_says_whether_the_depth_was_seen(evaluation: Evaluation, basis: Basis, by_depth: bool):
    (leaving,) = evaluation.detection.exits
    later = replace(leaving, start_s=10.0, half_s=10.02, end_s=10.03, basis=basis)
    found = Detection(basis, (leaving, later), withdrawals_s=(11.0,))
    analysis = with_later_events(evaluation.analysis, found, evaluation.trace)
    new = [event for event in analysis.events if event not in evaluation.analysis.events]
    assert [(event.kind, event.by_depth) for event in new] == [("pop", by_depth), ("withdrawal", by_depth)]


def test_nothing_is_listed_twice(evaluation: Evaluation):
    assert (
        with_later_events(evaluation.analysis, evaluation.detection, evaluation.trace) == evaluation.analysis
    )
