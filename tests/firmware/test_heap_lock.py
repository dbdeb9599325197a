"""While sampling nothing allocates: the whole path runs under micropython.heap_lock() in real MicroPython.

The unix port's small integers have 63 bits, the board's 31: an integer of 2^30 or more that is boxed on the
board only is not seen here.
"""

from functools import cache
from typing import Any

import pytest

from popsense.link.fault_wording import present_faults
from popsense_protocol.codec import NAME_OF_TYPE
from popsense_protocol.packets import EventKind
from tests.conftest import Require
from tests.firmware.interpreters import ScriptProcess

PATH = (
    *("interrupt body", "whole puncture", "blocks and events", "status and hello", "commands"),
    *("foul frames", "random bytes", "resending", "whole loop", "faults"),
)
ALLOCATING = ("a list", "a bound method", "a float")
CONSOLE = "real console"  # reads what stands behind its line


@cache
def verdicts() -> dict[str, Any]:
    """Of all cases in one process: verdict, frames sent by packet name, samples taken, events, faults."""
    cases = [*PATH, *ALLOCATING, CONSOLE]
    script = ScriptProcess("heap_lock", "micropython")
    answers = [script.ask(case, behind="abcdef" if case == CONSOLE else "") for case in cases]
    script.close()
    return {
        case: (
            verdict,
            {NAME_OF_TYPE[int(kind)]: count for kind, count in sent.items()},
            samples,
            [EventKind.decmapping[event] for event in events],
            present_faults(faults),
        )
        for case, (verdict, sent, samples, events, faults) in zip(cases, answers, strict=True)
    }


@pytest.mark.parametrize("case", [*PATH, CONSOLE])
def test_the_sampling_path_allocates_nothing(case: str, require: Require):
    require("micropython")
    assert verdicts()[case][0] == "ok"


@pytest.mark.parametrize("case", ALLOCATING)
def test_the_proof_can_fail(case: str, require: Require):
    require("micropython")
    assert verdicts()[case][0] == "MemoryError"


def test_the_path_was_really_taken(require: Require):
    """A proof over code that was not run proves nothing."""
    require("micropython")
    sent = {case: frames for case, (_, frames, *_) in verdicts().items()}
    assert verdicts()["interrupt body"][2] >= 500
    assert sent["blocks and events"]["EVENT"] == 20
    assert sent["blocks and events"]["SAMPLE_BLOCK"] >= 250
    assert sent["status and hello"] == {"STATUS": 3, "HELLO": 3}
    assert (sent["commands"]["ACK"], sent["commands"]["NAK"]) == (2, 2)
    assert sent["commands"]["HELLO"] >= 1  # IDENTIFY's
    assert sent["foul frames"]["NAK"] == 2
    # Three requests refused at once, and two overtaken; three done, one of them the clock, and two begun.
    assert (sent["resending"]["NAK"], sent["resending"]["ACK"]) == (5, 5)
    assert sent["resending"]["EVENT"] >= 3 + 3 + 64
    assert sent["resending"]["SAMPLE_BLOCK"] > 100
    repeated = ("STATUS", "HEALTH", "HELLO", "SAMPLE_BLOCK")
    assert all(sent["whole loop"][name] >= 2 for name in repeated)
    assert sent["faults"]["FAULT"] >= 20  # each begins and is over
    assert set(verdicts()["faults"][4]) >= {
        *("force_saturated", "force_stuck", "force_garbage", "data_ready_timeout", "conversions_missed"),
        *("depth_open", "pressure_saturated", "overload", "undervoltage", "host_not_reading"),
        "command_garbage",
    }


def test_of_a_million_random_bytes_no_frame_is_accepted(require: Require):
    """Nor does the board's memory grow: all of it runs under the lock."""
    require("micropython")
    verdict, frames, *_ = verdicts()["random bytes"]
    assert (verdict, frames) == ("ok", {})


def test_every_phase_of_the_detector_was_gone_through(require: Require):
    require("micropython")
    assert verdicts()["whole puncture"][3] == [
        *("contact", "uncertain_pop", "pop", "loss_of_resistance", "overload", "far_cortex_contact"),
        *("withdrawal", "contact", "re_puncture", "uncertain_pop", "withdrawal", "used_hole"),
    ]
    assert verdicts()["interrupt body"][3] == ["contact", "released"]
