"""Light and buzzer of the twin's board, while its main loop hangs and nobody reads: the interrupt does it."""

from pathlib import Path

import pytest

from popsense_protocol.packets import EventKind, Mode
from tests.conftest import Require
from tests.firmware.bench import push_and_pop
from tests.firmware.interpreters import run_script

POP = EventKind.encmapping["pop"]


@pytest.mark.parametrize(("mode", "pins"), [("guided", 2), ("assessment", 0), ("blind", 0)])
def test_the_cue_is_out_with_the_sample_of_the_pop(tmp_path: Path, require: Require, mode: str, pins: int):
    require("micropython")
    script = push_and_pop()
    script.write(tmp_path / "script.u16")
    question = {
        "script": str(tmp_path / "script.u16"),
        "period_ns": script.sample_period_ns,
        "rest_samples": script.rest_samples,
        "mode": Mode.encmapping[mode],
    }
    ((changes, events, (light, buzzer)),) = run_script("twin_pins", "micropython", question)
    ticks = dict(events)[POP]
    assert changes[:2] == [[light, 1, ticks], [buzzer, 1, ticks]][:pins]
    assert len(changes) == pins
