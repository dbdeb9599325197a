"""Why an attempt ends without our STOP, as errors: the board restarted, was stopped, or stopped by itself."""

from popsense.errors import BoardRestarted, BoardTaken, LinkLost
from popsense.link.fault_wording import wording_of

_CLOSE = "Close the other program."
# What a HELLO with another boot id tells, by its reset_cause.
_RESTARTS = {
    "unknown": ("the board restarted or lost power", "Check its supply."),
    "power_on": ("the board lost power", "Check its cable and its supply."),
    "watchdog": (
        "the firmware hung, and the watchdog restarted the board,",
        wording_of("watchdog_reset").remedy,
    ),
    "requested": ("another program restarted the board", _CLOSE),
}


def restarted(cause: str, sent: int) -> BoardRestarted:
    """cause: RESET of the HELLO that told it. sent: samples that the board is known to have sent."""
    happened, remedy = _RESTARTS.get(cause, _RESTARTS["unknown"])
    return BoardRestarted(f"{happened} {after(sent)}", remedy)


def started_anew(sent: int) -> BoardTaken:
    """The board answers for a later run than ours."""
    return BoardTaken(f"another program started the board anew {after(sent)}", _CLOSE)


def stopped(samples: int, by_itself: bool) -> LinkLost:
    """It is idle without our STOP. by_itself: it told the fault host_silent."""
    if by_itself:
        silent = "it heard nothing of this program for two minutes"
        return LinkLost(f"the board stopped after {samples} samples: {silent}", "Keep the computer awake.")
    return BoardTaken(f"another program stopped the board after {samples} samples", _CLOSE)


def after(sent: int) -> str:
    """As in "after sample 4711"."""
    return f"after sample {sent - 1}" if sent else "before the first sample"
