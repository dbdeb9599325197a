"""The attempt's life cycle as a table. Every way out is a state of its own and is recorded."""

from collections.abc import Callable
from typing import Literal

State = Literal[
    "idle",
    "armed",
    "running",
    "confirming",
    "removed",
    "timed_out",
    "cancelled",
    "link_lost",
    "refused",  # the board answered START with NAK
    "failed",  # the disk, or the simulated board
    "scored",
]
Input = Literal[
    "start",
    "refuse",
    "contact",
    "released",
    "breakthrough",
    "withdrawal",
    "time_out",
    "cancel",
    "lose_link",
    "fail",
    "score",
]

TRANSITIONS: dict[tuple[State, Input], State] = {
    ("idle", "start"): "armed",
    ("idle", "cancel"): "cancelled",
    ("idle", "lose_link"): "link_lost",  # no answer to START
    ("idle", "refuse"): "refused",
    ("armed", "contact"): "running",
    ("armed", "breakthrough"): "confirming",  # through an old hole nobody feels the bone
    ("armed", "time_out"): "timed_out",
    ("running", "released"): "running",
    ("running", "contact"): "running",
    ("running", "breakthrough"): "confirming",
    ("running", "time_out"): "timed_out",
    ("confirming", "breakthrough"): "confirming",  # loss of resistance follows the pop
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
    ("idle", "fail"): "failed",
    ("armed", "fail"): "failed",
    ("running", "fail"): "failed",
    ("confirming", "fail"): "failed",
    ("removed", "fail"): "removed",
    ("removed", "contact"): "running",  # it was not out for good, or a second puncture: the analysis tells
    ("removed", "released"): "removed",
    ("removed", "breakthrough"): "removed",
    ("removed", "withdrawal"): "removed",
    ("removed", "score"): "scored",
    ("timed_out", "score"): "scored",
    ("cancelled", "score"): "scored",
    ("link_lost", "score"): "scored",
}
ENDED: frozenset[State] = frozenset({"timed_out", "cancelled", "link_lost", "refused", "failed", "scored"})

INPUT_OF_EVENT: dict[str, Input] = {
    "contact": "contact",
    "released": "released",
    "pop": "breakthrough",
    "loss_of_resistance": "breakthrough",  # an exit too gentle for a pop
    "uncertain_pop": "breakthrough",  # the tip is out, whatever the force did
    "used_hole": "breakthrough",
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
