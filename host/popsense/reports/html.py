"""The report of one attempt: a file to keep, to print and to open without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from popsense.analysis import Geometry
from popsense.model import Analysis, IntegrityVerdict, Mode, Score, Trace
from popsense.reports.integrity_wording import integrity_text, missing_lines
from popsense.reports.pages import render
from popsense.reports.trace_svg import trace_svgs


@dataclass(frozen=True)
class AttemptReport:
    """What a report is made of. created: as it shall be printed; versions: what -> version.

    geometry, where given, draws the bevel and the far cortex into the chart.
    warnings: at the top of the page. agreement: one line on whether board and computer saw the same, with
    the disagreements as sentences.
    """

    title: str
    created: str
    operator: str
    site_title: str
    mode: Mode
    trace: Trace
    analysis: Analysis
    score: Score
    integrity: IntegrityVerdict
    versions: Mapping[str, object]
    notes: Sequence[str] = ()
    geometry: Geometry | None = None
    warnings: Sequence[str] = ()
    agreement: str = ""
    disagreements: Sequence[str] = ()


def attempt_report(report: AttemptReport) -> str:
    """The whole page as HTML."""
    drawn = trace_svgs(report.trace, report.analysis, report.geometry)
    charts = [Markup(svg) for svg in drawn]  # noqa: S704 - escaped in marks.py
    return render(
        "attempt.html",
        report=report,
        score=report.score,
        charts=charts,
        integrity=integrity_text(report.integrity, report.trace),
        missing=missing_lines(report.trace),
    )
