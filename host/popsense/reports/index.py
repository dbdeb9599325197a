"""An overview of several attempts, each with its link."""

from collections.abc import Sequence
from dataclasses import dataclass

from popsense.model import Mode, Score
from popsense.reports.pages import render


@dataclass(frozen=True)
class IndexEntry:
    """One attempt in the overview. href: its report, relative to the overview.

    recording: its integrity in words, as in "repaired (57 samples came when asked for again)". calibration:
    of its sensors in words, as its report says.
    """

    title: str
    operator: str
    mode: Mode
    score: Score
    recording: str
    href: str
    calibration: str = ""

    @property
    def link_text(self) -> str:
        """Operator and title; the title alone where it holds the operator's name."""
        return self.title if self.operator in self.title else f"{self.operator}, {self.title}"


def index_report(entries: Sequence[IndexEntry], title: str = "Attempts") -> str:
    """The overview as HTML, entries in the order given."""
    return render("index.html", entries=entries, title=title)
