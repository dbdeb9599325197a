"""The attempt's life cycle as a table. Every way out is a state of its own and is recorded."""

from collections.abc import Callable
from typing import Literal

State = Literal[
    "idle", "armed", "running", "confirming", "removed", "timed_out", "cancelled", "link_lost", "scored"
]
Input = Literal[
    "start", "contact", "released", "breakthrough", "withdrawal", "time_out", "cancel", "lose_link", "score"
]

TRANSITIONS: dict[tuple[State, Input], State] = {
    ("idle", "start"): "armed",
    ("armed", "contact"): "running",
    ("armed", "time_out"): "timed_out",
    ("running", "released"): "running",
    ("running", "contact"): "running",
    ("running", "breakthrough"): "confirming",
    ("running", "time_out"): "timed_out",
    ("confirming", "withdrawal"): "removed",
    ("confirming", "time_out"): "timed_out",
    ("armed", "cancel"): "cancelled",
    ("running", "cancel"): "cancelled",
    ("confirming", "cancel"): "cancelled",
    ("removed", "cancel"): "removed",  # too late to cancel: the needle is out
    ("armed", "lose_link"): "link_lost",
    ("running", "lose_link"): "link_lost",
    ("confirming", "lose_link"): "link_lost",
    ("removed", "lose_link"): "removed",  # only the tail is missing
    ("removed", "contact"): "removed",  # a second puncture is left in the record for the analysis
    ("removed", "released"): "removed",
    ("removed", "breakthrough"): "removed",
    ("removed", "withdrawal"): "removed",
    ("removed", "score"): "scored",
    ("timed_out", "score"): "scored",
    ("cancelled", "score"): "scored",
    ("link_lost", "score"): "scored",
}
ENDED: frozenset[State] = frozenset({"timed_out", "cancelled", "link_lost", "scored"})

INPUT_OF_EVENT: dict[str, Input] = {
    "contact": "contact",
    "released": "released",
    "pop": "breakthrough",
    "withdrawal": "withdrawal",
}


class LifeCycle:
    """Where one attempt stands; `told` is called with every new state."""

    def __init__(self, told: Callable[[State], None] = lambda state: None) -> None:
        self.state: State = "idle"
        self._told = told

    def feed(self, what: Input) -> bool:
        """Takes one input; False where the table has no answer to it in this state (nothing changes)."""
        following = TRANSITIONS.get((self.state, what))
        if following is None:
            return False
        if following != self.state:
            self.state = following
            self._told(following)
        return True
