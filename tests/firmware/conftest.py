"""`firmware`: scripts/vectors.py by operations. `device`: the application on its stand-in board."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.conftest import Require
from tests.firmware.interpreters import INTERPRETERS, ScriptProcess
from tests.firmware.stand_in import BOARD, WORLDS, StandIn, interpreter_of, stand_in

Firmware = Callable[[str, Any], Any]


@pytest.fixture(scope="session", params=INTERPRETERS)
def firmware(request: pytest.FixtureRequest, require: Require) -> Iterator[Firmware]:
    """firmware(operation, argument) -> its result, in real MicroPython and in CPython with the shim."""
    if request.param == "micropython":
        require("micropython")
    with vectors(request.param) as ask:
        yield ask


@contextmanager
def vectors(world: str) -> Iterator[Firmware]:
    """The same, in one of stand_in.WORLDS; with the board's words for the kernels of the ring alone."""
    script = ScriptProcess("vectors", interpreter_of(world))
    try:
        if world == BOARD:
            script.ask(["board_words", 0])
        yield lambda operation, argument: script.ask([operation, argument])
    finally:
        script.close()


# The shim alone shows nothing in `make quick` that MicroPython and the board's words do not.
SHIM_IS_SLOW = [
    pytest.param(world, marks=pytest.mark.slow) if world == "cpython" else world for world in WORLDS
]


@pytest.fixture(scope="session", params=SHIM_IS_SLOW)
def device(request: pytest.FixtureRequest, require: Require) -> Iterator[StandIn]:
    """The application on the stand-in board, in both interpreters and with the board's words."""
    if request.param == "micropython":
        require("micropython")
    with stand_in(request.param) as found:
        yield found
