"""Which indices have been seen, as disjoint stretches: bounded by the number of gaps, not of samples."""

from bisect import bisect_left, bisect_right

from popsense.model import Stretch


class IndexSet:
    """A set of integers >= 0 that grows by stretches."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> int:
        """Takes [start, end) in; returns how many of them are new."""
        if start >= end:
            return 0
        low = bisect_left(self._ends, start)  # the first stretch that touches ours
        high = bisect_right(self._starts, end)  # the first one wholly behind it
        covered = sum(self._ends[low:high]) - sum(self._starts[low:high])
        if low < high:
            start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
        self._starts[low:high], self._ends[low:high] = [start], [end]
        return end - start - covered

    def first_missing(self, start: int = 0) -> int:
        """The lowest index from `start` on that is not in the set."""
        at = bisect_right(self._starts, start) - 1
        return self._ends[at] if at >= 0 and self._ends[at] > start else start

    def first_gap(self, end: int, start: int = 0) -> Stretch | None:
        """The first stretch of [start, end) that is not in the set."""
        first = self.first_missing(start)
        if first >= end:
            return None
        behind = bisect_right(self._starts, first)
        stop = min(end, self._starts[behind]) if behind < len(self._starts) else end
        return Stretch(first, stop - first)

    def missing(self, start: int, end: int) -> list[Stretch]:
        """What of [start, end) is not in the set, ascending."""
        found: list[Stretch] = []
        while (gap := self.first_gap(end, start)) is not None:
            found.append(gap)
            start = gap.end
        return found
