"""Pages to read and to print: one attempt, or several side by side. Self-contained HTML, no network."""

from popsense.reports.html import AttemptReport, attempt_report
from popsense.reports.index import IndexEntry, index_report

__all__ = ["AttemptReport", "IndexEntry", "attempt_report", "index_report"]
