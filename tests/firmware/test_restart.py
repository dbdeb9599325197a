"""Why the board started, EXIT, the strap pin, the watchdog: bone/board.py over a chip that can be reset."""

from typing import Any

import pytest

from popsense_protocol.packets import ResetCause
from tests.conftest import Require
from tests.firmware.interpreters import INTERPRETERS, run_script
from tests.firmware.sources import constants

POWER_ON, BY_WATCHDOG = 1, 3  # machine.reset_cause() of MicroPython on the RP2040
MOST_WATCHDOG_MS = 8388  # RP2040 datasheet 4.7
BOARD = constants("board.py")


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest, require: Require) -> str:
    if request.param == "micropython":
        require("micropython")
    return request.param


def start(interpreter: str, cause: int, marker: int = 0, strap: int = 1, do: tuple[str, ...] = ()) -> Any:
    (told,) = run_script(
        "restart", interpreter, {"cause": cause, "marker": marker, "strap": strap, "do": list(do)}
    )
    return told


def cause_of(told: Any) -> str:
    return ResetCause.decmapping[told["reset_cause"]]


def test_power_on_is_power_on_whatever_the_register_held(interpreter: str):
    """It comes up with anything in it."""
    told = start(interpreter, POWER_ON, marker=BOARD["_ARMED"])
    assert (cause_of(told), told["marker"]) == ("power_on", 0)


def test_a_reset_while_the_watchdog_was_armed_is_the_watchdogs(interpreter: str):
    assert cause_of(start(interpreter, BY_WATCHDOG, marker=BOARD["_ARMED"])) == "watchdog"


def test_a_reset_that_somebody_asked_for_is_no_watchdogs(interpreter: str):
    """machine.reset() uses the watchdog too."""
    assert cause_of(start(interpreter, BY_WATCHDOG)) == "requested"


def test_the_watchdog_is_armed_once_and_says_so_for_the_next_start(interpreter: str):
    told = start(interpreter, POWER_ON, do=("feed_watchdog", "arm_watchdog", "arm_watchdog", "feed_watchdog"))
    assert told["events"] == [["watchdog", BOARD["WATCHDOG_MS"]], ["feed"]]
    assert told["marker"] == BOARD["_ARMED"]
    assert BOARD["WATCHDOG_MS"] <= MOST_WATCHDOG_MS


def test_exit_resets_and_the_next_start_stays_at_the_prompt_once(interpreter: str):
    left = start(interpreter, POWER_ON, do=("arm_watchdog", "leave"))
    assert left["events"][-1] == ["reset"]
    at_prompt = start(interpreter, BY_WATCHDOG, marker=left["marker"])
    assert at_prompt == {"at_prompt": True, "events": [], "marker": 0}
    again = start(interpreter, BY_WATCHDOG, marker=at_prompt["marker"])
    assert (again["at_prompt"], cause_of(again)) == (False, "requested")


def test_the_strap_pin_keeps_the_prompt_and_touches_no_watchdog(interpreter: str):
    assert start(interpreter, POWER_ON, strap=0) == {"at_prompt": True, "events": [], "marker": 0}
