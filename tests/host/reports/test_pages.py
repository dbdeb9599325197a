"""The pages: complete, self-contained, escaped, honest."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pytest

from popsense.analysis import analyse
from popsense.analysis.reading import LOST
from popsense.model import Event, EventKind, Metric
from popsense.reports import AttemptReport, IndexEntry, attempt_report, index_report
from popsense.reports.decision import calibration_text
from popsense.reports.wording import NOT_SENSED, event_name, event_text, evidence_text, metric_value
from popsense.scoring import packaged_rubric, score
from tests.host.traces import (
    EARLY_STOPPER,
    EXPERT,
    GEOMETRY,
    NOVICE,
    PLUNGER,
    POP_S,
    Hand,
    build_trace,
    only,
    with_hole,
)

RUBRIC = packaged_rubric("adult-proximal-tibia")
EVIL = '<script>alert("1")</script>'


def report_of(hand: Hand = EXPERT) -> AttemptReport:
    trace = build_trace(hand)
    analysis = analyse(trace, (), GEOMETRY)
    return AttemptReport(
        title="Attempt 1",
        created="2025-11-21 09:00 UTC",
        operator="Ann Other",
        site_title="Adult proximal tibia",
        mode="assessment",
        trace=trace,
        analysis=analysis,
        score=score(analysis, RUBRIC, "assessment"),
        integrity="complete",
        versions={"popsense": "0.1.0", "analysis": 1},
        notes=("Simulated operator.",),
        geometry=GEOMETRY,
    )


EXPERT_REPORT = report_of()
EXPERT_PAGE = attempt_report(EXPERT_REPORT)


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "words",
    [
        "TRAINING ONLY", "Attempt 1", "Ann Other", "Adult proximal tibia", "assessment", "complete",
        "2025-11-21 09:00 UTC", "uncalibrated", "popsense 0.1.0", "Simulated operator.", "30 / 30",
        "signed by a clinician", "no evidence that the score measures skill", "Reaction time", *NOT_SENSED,
    ],
)  # fmt: skip
def test_the_page_says(words: str):
    assert words in EXPERT_PAGE


def test_nothing_is_fetched_and_nothing_runs():
    tags = _Tags(EXPERT_PAGE).found
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert all(not {"src", "href"} & attributes.keys() for _, attributes in tags)
    assert "@import" not in EXPERT_PAGE
    assert "url(http" not in EXPERT_PAGE


@pytest.mark.parametrize("field", ["title", "operator", "site_title", "created"])
def test_what_people_typed_is_escaped(field: str):
    page = attempt_report(replace(EXPERT_REPORT, **{field: EVIL}))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_notes_and_versions_are_escaped():
    page = attempt_report(replace(EXPERT_REPORT, notes=(EVIL,), versions={EVIL: EVIL}))
    assert "<script" not in page


def test_critical_errors_stand_above_the_score():
    page = attempt_report(report_of(PLUNGER))
    assert 0 < page.index("Far cortex touched.") < page.index('class="decision"')
    assert "Fail: critical error" in page


def test_a_report_without_critical_errors_has_no_box_for_them():
    assert "<h2>Critical errors</h2>" not in EXPERT_PAGE


def test_an_early_stop_is_reported_in_words():
    assert "not achieved: no breakthrough found (0 points)" in attempt_report(report_of(EARLY_STOPPER))


@pytest.mark.parametrize(
    ("hand", "look", "words"),
    [
        (EXPERT, "pass", "Pass: 100.0 % (pass mark 70 %, uncalibrated)"),
        (NOVICE, "fail", "Fail: 57.5 % (pass mark 70 %, uncalibrated)"),
        (PLUNGER, "fail", "Fail: critical error"),
    ],
)
def test_the_decision_has_its_look_its_words_and_the_pass_mark(hand: Hand, look: str, words: str):
    report = report_of(hand)
    report = replace(report, score=replace(report.score, percent=57.5)) if hand is NOVICE else report
    page = attempt_report(report)
    assert f'class="result {look}"' in page
    assert f'<p class="decision">{words}</p>' in page


def test_warnings_stand_above_everything_else():
    page = attempt_report(replace(EXPERT_REPORT, warnings=("The recording was cut off.", EVIL)))
    assert 0 < page.index("The recording was cut off.") < page.index('class="facts"')
    assert "<script" not in page
    assert 'class="warning"' not in EXPERT_PAGE


def test_evidence_has_names_and_units():
    event = Event(
        "pop", 1, 1.0, {"peak_n": 1234.5, "drop_percent": 113.0, "advance_mm": 0.004, "new_name": 2}
    )
    assert evidence_text(event) == "highest force before 1234 N, fall of the force 100 %, new name 2.00"


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_every_event_has_words(kind: EventKind):
    words = event_text(Event(kind, 0, 0.0))
    assert words.startswith(event_name(kind))
    assert "_" not in words
    assert "less sure" not in words


def test_what_an_event_means_stands_beside_it():
    assert event_text(Event("uncertain_pop", 0, 0.0)) == "uncertain pop: for the instructor to confirm"
    assert event_text(Event("re_puncture", 0, 0.0)).startswith("re-puncture: bone met again")
    by_force = replace(EXPERT_REPORT.analysis, events=(Event("pop", 0, 0.0, by_depth=False),))
    assert "pop (by force alone: less sure)" in attempt_report(replace(EXPERT_REPORT, analysis=by_force))
    assert event_text(Event("contact", 0, 0.0, by_depth=False)) == "contact"  # force is what tells it


def test_loss_of_resistance_is_never_over_100_percent():
    assert metric_value(Metric("loss_of_resistance_percent", 104.2, "%")) == "100 %"


def test_pages_say_board_and_computer():
    trace = build_trace()
    analysis = analyse(trace, (Event("pop", 2, 4.1),), GEOMETRY)
    page = attempt_report(replace(EXPERT_REPORT, analysis=analysis))
    assert ">board<" in page
    assert ">computer<" in page
    assert ">device<" not in page
    assert ">host<" not in page


def test_missing_samples_are_counted():
    trace = with_hole(build_trace(), 6.2, 6.5)
    page = attempt_report(replace(EXPERT_REPORT, trace=trace, integrity="holes"))
    first, count = trace.holes[0].first_sample, trace.holes[0].count
    assert f"<dd>holes ({count} samples are missing)</dd>" in page
    assert f"<li>samples {first} to {first + count - 1} are missing, 0.30 s</li>" in page
    assert "<h3>Missing samples</h3>" not in EXPERT_PAGE


def withheld_report(hand: Hand) -> AttemptReport:
    trace = with_hole(build_trace(hand), POP_S - 0.2, POP_S - 0.15)
    analysis = analyse(trace, (), GEOMETRY)
    result = score(analysis, RUBRIC, "assessment")
    return replace(report_of(hand), trace=trace, analysis=analysis, score=result, integrity="holes")


def test_a_withheld_score_says_why_in_place_of_a_result():
    report = withheld_report(EXPERT)
    page = attempt_report(report)
    first = report.trace.holes[0].first_sample
    assert 'class="result open"' in page
    assert f'<p class="decision">Score withheld: samples {first} to ' in page
    assert "136 ms from the pop (3.86 to 3.91 s)</p>" in page
    assert "<p>Repeat the attempt: the link failed, not the trainee.</p>" in page
    assert "Repeat the attempt" not in EXPERT_PAGE
    assert "<p>No points are counted (100 possible)</p>" in page
    assert "not counted</span>" in page
    assert "pass mark" not in page


def test_critical_errors_that_were_seen_beside_a_withheld_score_decide_nothing():
    page, note = attempt_report(withheld_report(PLUNGER)), "Nothing is decided by them"
    assert 0 < page.index("Far cortex touched.") < page.index(note) < page.index("Score withheld: samples")
    assert note not in attempt_report(report_of(PLUNGER))


def test_the_overview_says_why_a_score_is_withheld():
    report = withheld_report(EXPERT)
    page = index_report([IndexEntry("seed 1", "expert", "blind", report.score, "holes", "a.html")])
    assert f'<td data-label="Decision">Score withheld: {report.score.withheld}</td>' in page
    assert 'data-label="Score">–</td>' in page


def test_a_withheld_score_says_once_that_samples_are_missing():
    trace = with_hole(build_trace(), POP_S - 0.2, 9.8)
    analysis = analyse(trace, (Event("pop", 0, POP_S),), GEOMETRY)
    result = score(analysis, RUBRIC, "assessment")
    page = attempt_report(replace(EXPERT_REPORT, trace=trace, analysis=analysis, score=result))
    assert result.withheld
    assert LOST.note not in page
    assert 'data-label="Measured">not assessed</td>' in page
    assert LOST.note in attempt_report(undecided_report())


def undecided_report() -> AttemptReport:
    trace = with_hole(build_trace(), POP_S + 0.3, POP_S + 0.5)
    analysis = analyse(trace, (), GEOMETRY)
    result = score(analysis, RUBRIC, "assessment")
    return replace(EXPERT_REPORT, trace=trace, analysis=analysis, score=result, integrity="holes")


def test_where_there_is_no_decision_the_box_says_why_and_shows_no_result():
    page = attempt_report(undecided_report())
    box = page.partition('class="result open"')[2].partition("</section>")[0]
    assert '<p class="decision">No decision: ' in box
    assert "samples are missing</p>" in box
    assert " % of what could be assessed</p>" in box
    assert "pass mark" not in page


def test_the_overview_says_why_there_is_no_decision():
    entry = IndexEntry("seed 1", "expert", "blind", undecided_report().score, "holes", "a.html")
    page = index_report([entry])
    assert '<td data-label="Decision">No decision: ' in page
    assert "% of what could be assessed</td>" in page


@pytest.mark.parametrize(
    ("calibrated", "because", "told"),
    [
        (True, "", "sensors calibrated"),
        (False, "", "sensors uncalibrated: nominal scales"),
        (False, "no calibration of depth", "sensors uncalibrated: no calibration of depth"),
    ],
)
def test_overview_and_report_say_the_same_of_the_calibration(calibrated: bool, because: str, told: str):
    trace = replace(EXPERT_REPORT.trace, calibrated=calibrated, uncalibrated_because=because)
    assert calibration_text(trace) == told
    assert f"<dd>{told}</dd>" in attempt_report(replace(EXPERT_REPORT, trace=trace))
    entry = IndexEntry("seed 1", "expert", "blind", EXPERT_REPORT.score, "complete", "a.html", told)
    assert f'<td data-label="Calibration">{told}</td>' in index_report([entry])


def test_a_calibrated_trace_is_not_called_uncalibrated():
    trace = replace(EXPERT_REPORT.trace, calibrated=True)
    assert "nominal scales" not in attempt_report(replace(EXPERT_REPORT, trace=trace))


def test_an_empty_trace_still_gives_a_report():
    trace = only(build_trace(), slice(0, 0))
    analysis = analyse(trace, (), GEOMETRY)
    empty = replace(
        EXPERT_REPORT, trace=trace, analysis=analysis, score=score(analysis, RUBRIC, "assessment")
    )
    assert "Incomplete: no decision" in attempt_report(empty)


@pytest.mark.parametrize("page", [EXPERT_PAGE, index_report(())])
def test_tables_and_language_are_accessible(page: str):
    tags = _Tags(page).found
    assert ("html", {"lang": "en"}) in tags
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")


def test_the_overview_links_every_attempt():
    entries = [
        IndexEntry(f"seed {n}", EVIL, "blind", report_of(hand).score, "complete", f"attempt-{n}.html")
        for n, hand in enumerate((EXPERT, PLUNGER))
    ]
    page = index_report(entries, title="Demo")
    assert [a["href"] for tag, a in _Tags(page).found if tag == "a"] == ["attempt-0.html", "attempt-1.html"]
    assert "alert(&#34;1&#34;)&lt;/script&gt;, seed 1</a>" in page
    assert "100.0 %" in page
    assert "Fail: critical error" in page
    assert "<script" not in page
    assert "TRAINING ONLY" in page


@pytest.mark.parametrize("title", ["expert, seed 1", "seed 1"])
def test_a_link_carries_the_operator_once(title: str):
    entry = IndexEntry(title, "expert", "blind", EXPERT_REPORT.score, "complete", "a.html")
    assert ">expert, seed 1</a>" in index_report([entry])


def test_the_overview_tells_what_became_of_the_recording():
    told = "repaired (57 samples came when asked for again)"
    entry = IndexEntry("seed 1", "expert", "blind", EXPERT_REPORT.score, told, "a.html")
    assert f'<td data-label="Recording">{told}</td>' in index_report([entry])
