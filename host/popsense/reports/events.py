"""Events as they are drawn: what board and computer both found is one line."""

from collections.abc import Sequence
from dataclasses import dataclass

from popsense.analysis.signals import Span
from popsense.model import Event
from popsense.reports.wording import event_name

AGREEMENT_S = 0.05


@dataclass(frozen=True)
class DrawnEvent:
    """A line with its words. by_board: found by the board alone. is_sure: not found across a hole."""

    words: str
    time_s: float
    by_board: bool
    is_sure: bool = True


def drawn_events(events: Sequence[Event], holes_s: Sequence[Span] = ()) -> list[DrawnEvent]:
    """The computer's events, and the board's where the computer has none of that kind within 50 ms.

    What the computer alone found at or in a hole gets a question mark: the board has seen every sample.
    """
    found = [event for event in events if event.source == "host"]
    of_board = [event for event in events if event.source == "device"]
    alone = [event for event in of_board if not _agrees(event, found)]
    both = [
        _by_computer(event, _agrees(event, of_board) or not within(event.time_s, holes_s)) for event in found
    ]
    board = [DrawnEvent(f"{event_name(event.kind)} (board)", event.time_s, by_board=True) for event in alone]
    return sorted([*both, *board], key=lambda event: event.time_s)


def _by_computer(event: Event, is_sure: bool) -> DrawnEvent:
    name = event_name(event.kind)
    return DrawnEvent(name if is_sure else f"{name}?", event.time_s, by_board=False, is_sure=is_sure)


def within(time_s: float, spans_s: Sequence[Span]) -> bool:
    """Whether a span holds the time; both of its ends do."""
    return any(start_s <= time_s <= end_s for start_s, end_s in spans_s)


def _agrees(event: Event, found: Sequence[Event]) -> bool:
    return any(
        other.kind == event.kind and abs(other.time_s - event.time_s) <= AGREEMENT_S for other in found
    )
