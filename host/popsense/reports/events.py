"""Events as they are drawn: what board and computer both found is one line."""

from collections.abc import Sequence
from dataclasses import dataclass

from popsense.model import Event
from popsense.reports.wording import event_name

AGREEMENT_S = 0.05


@dataclass(frozen=True)
class DrawnEvent:
    """A line with its words. by_board: found by the board alone."""

    words: str
    time_s: float
    by_board: bool


def drawn_events(events: Sequence[Event]) -> list[DrawnEvent]:
    """The computer's events, and the board's where the computer has none of that kind within 50 ms."""
    found = [event for event in events if event.source == "host"]
    alone = [event for event in events if event.source == "device" and not _agrees(event, found)]
    both = [DrawnEvent(event_name(event.kind), event.time_s, by_board=False) for event in found]
    board = [DrawnEvent(f"{event_name(event.kind)} (board)", event.time_s, by_board=True) for event in alone]
    return sorted([*both, *board], key=lambda event: event.time_s)


def _agrees(event: Event, found: Sequence[Event]) -> bool:
    return any(
        other.kind == event.kind and abs(other.time_s - event.time_s) <= AGREEMENT_S for other in found
    )
