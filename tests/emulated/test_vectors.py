"""The same vectors of codec, ring and detector on CPython, the unix port and the emulated board."""

import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cobs import cobs

from popsense.twin.interpreter import find_interpreter
from tests.conftest import Require
from tests.emulated.console_script import ConsoleScript
from tests.emulated.moves import PUNCTURE
from tests.emulated.retry import once_more
from tests.firmware import interpreters
from tests.firmware.hands import PERIODS_US, Hand
from tests.firmware.interpreters import run_script
from tests.firmware.test_framing_vectors import BAD_COBS, DATA

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

GOLDEN = Path(__file__).parents[2] / "protocol" / "golden"
RATES = tuple(PERIODS_US)
LATE_TICKS = (1 << 30) - 700_000  # the device's clock turns in the midst of it


def codec_vectors() -> list[Any]:
    data = [block.hex() for block in DATA]
    frames = [cobs.encode(block).hex() for block in DATA] + [frame.hex() for frame in BAD_COBS]
    golden = [path.read_text(encoding="ascii").split() for path in sorted(GOLDEN.glob("*.hex"))]
    whole = ["".join(words) for words in golden]
    return [
        *([kind, text] for text in data for kind in ("crc", "cobs")),
        *(["uncobs", text] for text in frames),
        *([kind, text] for text in whole for kind in ("crc", "cobs")),
    ]


def ring_vectors() -> list[Any]:
    """Indices and stamps at their turns, blocks and what is due."""
    steps = [["push_many", 45, (1 << 30) - 20_000, 1012], ["waiting"], ["due", 5], ["take", 20], ["counters"]]
    starts = (0, 8_120, (1 << 30) - 5, (1 << 31) - 5, (1 << 32) - 5)
    return [["samples", {"start": start, "period_us": 1012, "steps": steps}] for start in starts]


def detector_vectors() -> list[Any]:
    """A whole puncture at every rate, with depth and without, and hands that nobody has."""
    rng = random.Random(5)
    # Whatever the converters can give: depth counts under 0 they cannot.
    wild = tuple((rng.randrange(1, 80), rng.uniform(-300, 600), rng.uniform(2, 25)) for _ in range(40))
    hands = [
        *(Hand(PUNCTURE, rate, ticks) for rate in RATES for ticks in (5_000, LATE_TICKS)),
        Hand(PUNCTURE, profile={"depth_fitted": 0}),
        Hand(wild),
    ]
    return [["detect", hand.argument()] for hand in hands]


VECTORS = {"codec": codec_vectors(), "ring": ring_vectors(), "detector": detector_vectors()}


@cache
def on_the_board(kind: str) -> list[Any]:
    def ask_all() -> list[Any]:
        script = ConsoleScript("vectors")
        return [script.ask(vector) for vector in VECTORS[kind]]

    return once_more(ask_all)


@pytest.fixture
def _heap_of_a_board(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unix port with less than a Pico has, though its objects are twice the size."""
    require("micropython")
    unix = find_interpreter("micropython")
    small = replace(unix, command=(unix.command[0], "-X", "heapsize=200k"))
    monkeypatch.setattr(interpreters, "find_interpreter", lambda _: small)


@pytest.mark.usefixtures("_heap_of_a_board")
@pytest.mark.parametrize("kind", VECTORS)
def test_board_unix_port_and_cpython_agree(kind: str, require: Require):
    require("pico_image")
    board = on_the_board(kind)
    assert board == run_script("vectors", "micropython", *VECTORS[kind])
    assert board == run_script("vectors", "cpython", *VECTORS[kind])


def test_the_hands_make_the_detector_speak():
    """Vectors that give nothing prove nothing."""
    events = [run_script("vectors", "cpython", vector)[0] for vector in VECTORS["detector"]]
    assert [len(found) > 0 for found in events] == [True] * len(events)
    kinds = {text[2:4] for found in events for text in found}
    assert len(kinds) >= 8, json.dumps(sorted(kinds))
