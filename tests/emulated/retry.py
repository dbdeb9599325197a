"""Once more, where the emulator stalled: that says nothing of the firmware."""

from collections.abc import Callable
from typing import TypeVar

from popsense.errors import LinkLost
from tests.emulated.pico import Stalled

T = TypeVar("T")
STALLS = (Stalled, LinkLost)  # on the bridge a stall looks like a board that fell silent


def once_more(attempt: Callable[[], T]) -> T:
    """What `attempt` gives, the second time if the first one stalled."""
    try:
        return attempt()
    except STALLS:
        return attempt()
