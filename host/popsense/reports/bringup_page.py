"""The first bring-up of a board as a page: its figures beside those of an emulated one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

from popsense.reports.pages import render

STALE = "Stale: the emulated figures belong to another firmware; make bench-firmware renews them."
WELL_WITHIN = 2.0  # the heading's "expect 1.5 to 2 times"


@dataclass(frozen=True)
class FigureRow:
    """One line. real, emulated: None where it cannot be had; reason: why there is no real one.

    is_time: longer than expected is worth a word.
    """

    title: str
    unit: str
    real: float | None
    emulated: float | None = None
    reason: str = ""
    is_time: bool = False

    @property
    def ratio(self) -> float | None:
        """Real to emulated."""
        return None if self.real is None or not self.emulated else self.real / self.emulated

    @property
    def is_longer_than_expected(self) -> bool:
        return self.is_time and self.ratio is not None and self.ratio > WELL_WITHIN

    @property
    def real_text(self) -> str:
        return shown(self.real)

    @property
    def emulated_text(self) -> str:
        return shown(self.emulated)


@dataclass(frozen=True)
class BringUpReport:
    """about: of the emulated figures (image, emulator, date), by name; missing: why there are none, or "".

    heading: what to expect of emulated figures. stale: they are of another firmware.
    """

    created: str
    board: Mapping[str, str]
    rows: Sequence[FigureRow]
    heading: str
    about: Mapping[str, str]
    missing: str = ""
    stale: bool = False


def bringup_page(report: BringUpReport) -> str:
    """The whole page as HTML."""
    return render("bringup.html", report=report, stale_text=STALE)


def shown(figure: float | None) -> str:
    """Two decimals, two figures below 1; no exponent."""
    if figure is None:
        return "–"
    if figure == round(figure) or abs(figure) >= 1000:
        return f"{figure:,.0f}"
    if abs(figure) >= 1:
        return f"{figure:.2f}"
    return f"{figure:.{1 - floor(log10(abs(figure)))}f}".rstrip("0")
