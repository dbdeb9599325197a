"""The firmware on the fake board, with the host's side played by hand: grants of time, flags, raw bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from popsense.twin.board.usb import FLAG_BEGIN, FLAG_DTR, FLAG_READING
from popsense.twin.child import FirmwareChild
from popsense.twin.insertion import Truth
from popsense.twin.interpreter import find_interpreter
from popsense.twin.script import SensorScript
from popsense_protocol.codec import TYPE_OF_NAME, Packet, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.packets import START_UNCALIBRATED
from tests.firmware.hands import COUNTS_PER_MM, COUNTS_PER_N

PERIOD_NS = 1_012_345
REST_SAMPLES = 100
LISTENING = FLAG_DTR | FLAG_READING
DEAF = FLAG_DTR  # the port is open, nobody reads
DEFAULTS = {"START": {"options": START_UNCALIBRATED}}  # no board has a calibration yet


class Bench:
    """One power-on. `packets` holds everything that came, in order."""

    def __init__(self, child: FirmwareChild) -> None:
        self.child = child
        self.packets: list[Packet] = []
        self.origin_us: int | None = None
        self.now_us = 0
        self.damaged_frames_allowed = 0
        self._decoder = FrameDecoder()

    def run(self, milliseconds: int, data: bytes = b"", flags: int = LISTENING) -> list[Packet]:
        """What came while the board ran so long; DEAF gives nothing."""
        answer = self.child.exchange(milliseconds * 1000, data, flags)
        self.now_us, self.origin_us = answer.now_us, answer.origin_us
        came = [decode(payload) for payload in self._decoder.feed(answer.data)]
        self.packets += came
        assert self._decoder.bad_frames <= self.damaged_frames_allowed
        return came

    def ask(self, name: str, **fields: Any) -> Any:
        """The ACK or NAK to one command, as a packet."""
        came = self.run(30, encode_frame(encode(name, **DEFAULTS.get(name, {}) | fields)))
        (answer,) = [p for p in came if p.name in ("ACK", "NAK") and p.fields.command == TYPE_OF_NAME[name]]
        return answer

    def begin(self, request: int = 1) -> None:
        """Identified and sampling, the hand on its way."""
        assert self.ask("IDENTIFY").name == "ACK"
        assert self.ask("START", mode="guided", request=request).name == "ACK"
        self.run(1, flags=LISTENING | FLAG_BEGIN)

    def blocks(self) -> list[Any]:
        """SAMPLE_BLOCKs that came so far."""
        return [packet.fields for packet in self.packets if packet.name == "SAMPLE_BLOCK"]


@contextmanager
def powered(script: SensorScript, interpreter: str) -> Iterator[Bench]:
    """A board with this script; switched off at the end."""
    child = FirmwareChild(script, find_interpreter(interpreter), seed=3)
    try:
        bench = Bench(child)
        bench.run(200)  # the application has tested itself and said HELLO
        yield bench
    finally:
        child.close()


def noise(samples: int = 700) -> SensorScript:
    """Any code that the chips can give, in each sample another."""
    rng = np.random.default_rng(7)
    force = rng.integers(-(1 << 23), 1 << 23, samples, dtype=np.int32)
    force[REST_SAMPLES : REST_SAMPLES + 4] = [-(1 << 23), (1 << 23) - 1, 0, -1]
    codes = rng.integers(0, 4096, (2, samples, 4), dtype=np.uint16)
    codes[:, REST_SAMPLES] = 0
    codes[:, REST_SAMPLES + 1] = 4095
    return _script(force, codes[0], codes[1])


def quiet(samples: int = 200) -> SensorScript:
    """Nobody is near."""
    return _script(np.zeros(samples, np.int32), *np.full((2, samples, 4), [[[410]], [[1500]]], np.uint16))


def push_and_pop() -> SensorScript:
    """Rest, 30 N, and a fall with the tip 2 mm out: contact, pop, loss of resistance."""
    force_n = np.concatenate([np.zeros(200), np.full(300, 30.0), np.full(300, 5.0)])
    depth_mm = np.concatenate([np.zeros(500), np.full(300, 2.0)])
    depth = np.repeat(((1638 + depth_mm * COUNTS_PER_MM) // 4).astype(np.uint16)[:, np.newaxis], 4, axis=1)
    return _script((force_n * COUNTS_PER_N).astype(np.int32), depth, np.full_like(depth, 1500))


def _script(force: Any, depth: Any, pressure: Any) -> SensorScript:
    truth = cast(Truth, None)  # nobody here asks what really happened
    return SensorScript(PERIOD_NS, REST_SAMPLES, force, depth, pressure, truth)
