"""Labels in rows of their own, moved to another row rather than onto each other."""

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
    """A label with the left edge of its text and its row, counted from 0 at the top."""

    label: Label
    left: float
    row: int

    @property
    def right(self) -> float:
        """Right edge of the text."""
        return self.left + self.label.width


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


def fly(labels: Sequence[Label], left: float, right: float) -> list[PlacedLabel]:
    """Labels as flags, in the order given: each begins at its pole at x, which goes down to the chart.

    No flag lies over another, and none over another's pole as far as that is possible: a flag flies above
    those whose poles stand under it. Near the right edge flags fly to the left.
    """
    turned = _turned(labels, left, right)
    flags = [PlacedLabel(label, _flag_start(label, left, label in turned), 0) for label in labels]
    heights: dict[int, int] = {}
    for _ in flags:
        waiting = [i for i in range(len(flags)) if i not in heights]
        free = [i for i in waiting if not any(_under(flags[j], flags[i]) for j in waiting if j != i)]
        chosen = (free or waiting)[-1]
        heights[chosen] = _lowest_free(flags, chosen, heights)
    top = max(heights.values(), default=0)
    return [PlacedLabel(flag.label, flag.left, top - heights[i]) for i, flag in enumerate(flags)]


def row_count(placed: Sequence[PlacedLabel]) -> int:
    """How many rows the labels take."""
    return max((label.row for label in placed), default=-1) + 1


def _start(label: Label, left: float, right: float) -> float:
    """Left edge of the text, centred over its place unless it would be cut off."""
    return max(left, min(label.x - label.width / 2, right - label.width))


def _turned(labels: Sequence[Label], left: float, right: float) -> list[Label]:
    """Flags that fly to the left: for want of room, and those over the pole of such a one."""
    turned: list[Label] = []
    edge = right
    for label in sorted(labels, key=lambda label: -label.x):
        if label.x + label.width + GAP_PX > edge and (
            edge == right or label.x - label.width - GAP_PX >= left
        ):
            turned.append(label)
            edge = label.x
    return turned


def _flag_start(label: Label, left: float, turned: bool) -> float:
    """Left edge of a flag."""
    return max(left, label.x - GAP_PX / 2 - label.width if turned else label.x + GAP_PX / 2)


def _under(pole: PlacedLabel, flag: PlacedLabel) -> bool:
    """Whether the pole of one stands under the flag of the other."""
    return flag.left - 1 <= pole.label.x <= flag.right + 1


def _lowest_free(flags: Sequence[PlacedLabel], chosen: int, heights: dict[int, int]) -> int:
    """Above all flags whose poles stand under the chosen one, and where no other flag is."""
    flag = flags[chosen]
    height = max((heights[i] + 1 for i in heights if _under(flags[i], flag)), default=0)
    taken = {
        heights[i]
        for i in heights
        if flags[i].left < flag.right + GAP_PX and flag.left < flags[i].right + GAP_PX
    }
    while height in taken:
        height += 1
    return height
