"""A million bytes that mean nothing: the board hears them, obeys none, and its heap stays as it was."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Require
from tests.firmware.interpreters import INTERPRETERS, ScriptProcess
from tests.host.link.test_garbage import chunks, frames, noise

HEAP_BYTES = 2000  # numbers and texts of the script that printed the answer


@pytest.fixture(params=INTERPRETERS)
def told(request: pytest.FixtureRequest, require: Require) -> Iterator[ScriptProcess]:
    if request.param == "micropython":
        require("micropython")
    script = ScriptProcess("nonsense", request.param)
    yield script
    script.close()


def hear(script: ScriptProcess, data: bytes) -> list[dict[str, Any]]:
    return [script.ask(chunk.hex()) for chunk in chunks(data, 500)]


@pytest.mark.slow
def test_of_a_million_random_bytes_none_is_answered(told: ScriptProcess):
    data = noise(6)
    said = hear(told, data)
    assert sum(one["answered"] for one in said) == 0
    assert not any(one["obeyed"] for one in said)
    assert said[-1]["bad"] > 3000
    assert said[-1]["heap"] - said[2]["heap"] < HEAP_BYTES


@pytest.mark.slow
def test_frames_whose_crc_is_right_are_refused_one_by_one(told: ScriptProcess):
    data = frames(7)
    said = hear(told, data)
    answered = sum(one["answered"] for one in said)
    # Each is answered by a NAK, but for what is longer than a frame of the host may be: none here.
    assert answered == pytest.approx(data.count(b"\0\0"), abs=2)
    assert not any(one["obeyed"] for one in said)
    assert said[-1]["bad"] <= 1  # the cut at the end
    assert said[-1]["heap"] - said[2]["heap"] < HEAP_BYTES
