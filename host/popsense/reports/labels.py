"""Labels in rows of their own, moved down a row rather than onto each other."""

from collections.abc import Sequence
from dataclasses import dataclass

LETTER_PX = 6.6  # wide enough for 11 px sans-serif in any browser: a guess too large only wastes a row
GAP_PX = 8.0


@dataclass(frozen=True)
class Label:
    """A text that belongs to a place on the x axis."""

    text: str
    x: float

    @property
    def width(self) -> float:
        """Estimated width in pixels; there is no font to measure with."""
        return len(self.text) * LETTER_PX


@dataclass(frozen=True)
class PlacedLabel:
    """A label with the left edge of its text and its row, counted from 0."""

    label: Label
    left: float
    row: int


def stagger(labels: Sequence[Label], left: float, right: float) -> list[PlacedLabel]:
    """Every label near its place, within [left, right], none over another; first free row from the top."""
    placed: list[PlacedLabel] = []
    row_ends: list[float] = []
    for label in sorted(labels, key=lambda label: _start(label, left, right)):
        start = _start(label, left, right)
        row = next((row for row, end in enumerate(row_ends) if end + GAP_PX <= start), len(row_ends))
        row_ends[row : row + 1] = [start + label.width]
        placed.append(PlacedLabel(label, start, row))
    return placed


def row_count(placed: Sequence[PlacedLabel]) -> int:
    """How many rows the labels take."""
    return max((label.row for label in placed), default=-1) + 1


def _start(label: Label, left: float, right: float) -> float:
    """Left edge of the text, centred over its place unless it would be cut off."""
    return max(left, min(label.x - label.width / 2, right - label.width))
