"""`firmware`: scripts/vectors.py in either interpreter, for one operation at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Require
from tests.firmware.interpreters import INTERPRETERS, ScriptProcess

Firmware = Callable[[str, Any], Any]


@pytest.fixture(scope="session", params=INTERPRETERS)
def firmware(request: pytest.FixtureRequest, require: Require) -> Iterator[Firmware]:
    """firmware(operation, argument) -> its result, in real MicroPython and in CPython with the shim."""
    if request.param == "micropython":
        require("micropython")
    script = ScriptProcess("vectors", request.param)
    yield lambda operation, argument: script.ask([operation, argument])
    script.close()
