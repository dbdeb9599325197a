"""The integrity verdict of an evaluated attempt, in JSON, in the terminal and on the page."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from popsense.analysis import analyse
from popsense.analysis.detection import Detection
from popsense.attempts.page import notes, report_page
from popsense.attempts.summary import summary
from popsense.cli.tables import print_score
from popsense.model import IntegrityVerdict, Stretch, Trace
from popsense.procedure.sites import SITES
from popsense.scoring import packaged_rubric, score
from tests.host.traces import GEOMETRY, POP_S, build_trace, with_hole

SITE = SITES["adult-proximal-tibia"]
RUBRIC = packaged_rubric(SITE.name)
TRACE = build_trace()
REPAIRED = replace(TRACE, repaired=(Stretch(1500, 57), Stretch(9000, 3)))
HOLED = with_hole(TRACE, 6.2, 6.72)
WITHHELD = with_hole(TRACE, POP_S - 0.2, POP_S - 0.15)


def evaluated(trace: Trace, verdict: IntegrityVerdict, missed: int = 0, missing_events: int = 0) -> Any:
    """What the outputs read of an evaluation, made without a recording."""
    analysis = analyse(trace, (), GEOMETRY)
    header = {
        "created": "2025-11-21T09:00:00+00:00",
        "operator": "Ann Other",
        "board": {"interpreter": "none", "sample_rate_hz": 988.0},
        "versions": {"firmware": "0"},
        "channels": {},
    }
    return SimpleNamespace(
        recording=SimpleNamespace(
            header=header, outcome={"outcome": "removed"}, truncated_bytes=0, damaged_bytes=0
        ),
        decoded=SimpleNamespace(
            integrity=verdict,
            raw=SimpleNamespace(sample_index=trace.sample_index, missed_conversions=missed),
            lost_samples=sum(hole.count for hole in trace.holes),
            bad_frames=0,
            missing_events=missing_events,
        ),
        site=SITE,
        mode="assessment",
        calibration=SimpleNamespace(label="uncalibrated"),
        trace=trace,
        analysis=analysis,
        detection=Detection("force and depth"),
        disagreements=(),
        sampling_cost=None,
        faults=(),
        score=score(analysis, RUBRIC, "assessment"),
        versions={},
    )


def printed(evaluation: Any) -> str:
    console = Console(width=120, markup=False, highlight=False)
    with console.capture() as capture:
        print_score(console, "attempt", evaluation)
    return capture.get()


@pytest.mark.parametrize(
    ("trace", "verdict"),
    [(TRACE, "complete"), (REPAIRED, "repaired"), (HOLED, "holes"), (HOLED, "cut off")],
)
def test_the_summary_has_the_bare_verdict_and_every_stretch(trace: Trace, verdict: IntegrityVerdict):
    told = summary(evaluated(trace, verdict))
    assert told["integrity"] == verdict
    assert told["holes"] == [[hole.first_sample, hole.count] for hole in trace.holes]
    assert told["repaired"] == [[late.first_sample, late.count] for late in trace.repaired]


def test_the_summary_of_a_withheld_score_says_why_and_has_no_figure():
    told = summary(evaluated(WITHHELD, "holes"))
    assert (told["decision"], told["score"], told["passed"]) == ("withheld", None, None)
    assert told["withheld"].endswith("ms from the pop")
    assert summary(evaluated(TRACE, "complete"))["withheld"] == ""


@pytest.mark.parametrize(
    ("trace", "verdict", "lines"),
    [
        (TRACE, "complete", ["recording: complete"]),
        (REPAIRED, "repaired", ["recording: repaired (60 samples came when asked for again)"]),
        (
            HOLED,
            "holes",
            ["recording: holes (514 samples are missing)", "  samples 6126 to 6639 are missing"],
        ),
        (HOLED, "cut off", ["recording: cut off (what came behind sample 10373 is not known"]),
    ],
)
def test_the_terminal_tells_the_verdict_and_what_is_missing(
    trace: Trace, verdict: IntegrityVerdict, lines: list[str]
):
    told = printed(evaluated(trace, verdict))
    for line in lines:
        assert line in told
    assert "withheld" not in told


def test_the_terminal_says_why_a_score_is_withheld():
    evaluation = evaluated(WITHHELD, "holes")
    told = printed(evaluation)
    assert f"Score withheld: {evaluation.score.withheld} (3.86 to 3.91 s)\nRepeat the attempt" in told
    assert "score withheld   recording: holes" in told
    assert "not counted" in told
    assert "%   " not in told.partition("sum:")[2]


def test_the_terminal_says_why_there_is_no_decision():
    told = printed(evaluated(with_hole(TRACE, POP_S + 0.3, POP_S + 0.5), "holes"))
    assert "No decision: 'Far cortex touched' and" in told
    assert "cannot be ruled out, samples are missing\nincomplete: no decision   recording: holes" in told
    assert "No decision" not in printed(evaluated(TRACE, "complete"))


def test_the_page_tells_both():
    assert "<dd>repaired (60 samples came when asked for again)</dd>" in report_page(
        evaluated(REPAIRED, "repaired")
    )
    assert "Score withheld: samples" in report_page(evaluated(WITHHELD, "holes"))


@pytest.mark.parametrize(
    ("missed", "words"), [(1, "1 conversion was missed"), (7, "7 conversions were missed")]
)
def test_missed_conversions_are_noted_as_a_gap_in_time(missed: int, words: str):
    (note,) = [note for note in notes(evaluated(TRACE, "complete", missed=missed)) if "conversion" in note]
    assert note.startswith(words)
    assert note.endswith("of which no sample is missing.")


def test_missing_events_are_noted():
    told = notes(evaluated(TRACE, "holes", missing_events=2))
    assert "Events of the board that are missing: 2." in told
    assert not any("Events of the board" in note for note in notes(evaluated(TRACE, "complete")))
