"""The pages: complete, self-contained, escaped, honest."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from popsense.analysis import analyse
from popsense.reports import AttemptReport, IndexEntry, attempt_report, index_report
from popsense.reports.wording import NOT_SENSED
from popsense.scoring import packaged_rubric, score
from tests.host.traces import EARLY_STOPPER, EXPERT, GEOMETRY, PLUNGER, Hand, build_trace, only, with_hole

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
    assert "fail: critical error" in page


def test_a_report_without_critical_errors_has_no_box_for_them():
    assert "<h2>Critical errors</h2>" not in EXPERT_PAGE


def test_an_early_stop_is_reported_in_words():
    assert "left out: no breakthrough found" in attempt_report(report_of(EARLY_STOPPER))


def test_missing_samples_are_counted():
    trace = with_hole(build_trace(), 6.2, 6.5)
    page = attempt_report(replace(EXPERT_REPORT, trace=trace, integrity="holes"))
    assert f"holes: {trace.holes[0].count} samples missing" in page
    assert "Hatched: samples missing." in page


def test_a_calibrated_trace_is_not_called_uncalibrated():
    trace = replace(EXPERT_REPORT.trace, calibrated=True)
    assert "nominal factors" not in attempt_report(replace(EXPERT_REPORT, trace=trace))


def test_an_empty_trace_still_gives_a_report():
    trace = only(build_trace(), slice(0, 0))
    analysis = analyse(trace, (), GEOMETRY)
    empty = replace(
        EXPERT_REPORT, trace=trace, analysis=analysis, score=score(analysis, RUBRIC, "assessment")
    )
    assert "incomplete: no decision" in attempt_report(empty)


@pytest.mark.parametrize("page", [EXPERT_PAGE, index_report(())])
def test_tables_and_language_are_accessible(page: str):
    tags = _Tags(page).found
    assert ("html", {"lang": "en"}) in tags
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")


def test_the_overview_links_every_attempt():
    entries = [
        IndexEntry(f"Attempt {n}", EVIL, "blind", report_of(hand).score, "complete", f"attempt-{n}.html")
        for n, hand in enumerate((EXPERT, PLUNGER))
    ]
    page = index_report(entries, title="Demo")
    assert [a["href"] for tag, a in _Tags(page).found if tag == "a"] == ["attempt-0.html", "attempt-1.html"]
    assert "100.0 %" in page
    assert "fail: critical error" in page
    assert "<script" not in page
    assert "TRAINING ONLY" in page
