"""What a replayed board still has of its run, and what it was asked to send again."""

from dataclasses import dataclass

import numpy as np

from popsense.model import IntArray


@dataclass(frozen=True)
class Kept:
    """What a board has sent of one kind: the first `sent` of `numbers` (ascending), of which the latest stay.

    next_number: that of the next one. capacity: so far back from it they are kept.
    """

    numbers: IntArray
    capacity: int
    sent: int = 0
    next_number: int = 0

    def oldest(self, first: int = 0) -> int:
        """The lowest number from `first` on that can be had, next_number where there is none."""
        at = self._place(max(first, self.next_number - self.capacity))
        return int(self.numbers[at]) if at < self.sent else self.next_number

    def stretch(self, first: int, most: int) -> tuple[int, int]:
        """Places [start, end) of at most so many without a gap between them, from the number `first` on."""
        start = self._place(first)
        run = self.numbers[start : min(start + most, self.sent)]
        return start, start + int(np.sum(run == first + np.arange(len(run))))

    def _place(self, number: int) -> int:
        return int(np.searchsorted(self.numbers[: self.sent], number))


@dataclass(frozen=True)
class Resending:
    """What is left of one RESEND: numbers [first, end)."""

    what: int
    request: int
    first: int
    end: int
