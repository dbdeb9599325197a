"""The application on the stand-in board of scripts/fakes.py, asked packet by packet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from popsense_protocol.codec import TYPE_OF_NAME, Packet, decode, encode
from popsense_protocol.framing import decode_frame, encode_frame
from popsense_protocol.packets import FORCE_OFFSET_COUNTS, START_UNCALIBRATED
from tests.firmware.interpreters import ScriptProcess
from tests.firmware.sources import constants

RING = constants("sample_ring.py")["RING_SAMPLES"]
KEPT = constants("kernels.py")["KEPT_SAMPLES"]
BLOCK = constants("kernels.py")["BLOCK_SAMPLES"]
PERIOD_US = 1012
BOARD = "board"  # CPython with words of 32 bits that are loaded signed
WORLDS = ("micropython", "cpython", BOARD)


class StandIn:
    """One process; power_on() makes a new application in it. `heard`: all that it sent since then."""

    def __init__(self, script: ScriptProcess) -> None:
        self._script = script
        self._request = 0
        self.run = 0  # of the last answer
        self.heard: list[Packet] = []

    def power_on(self, **options: int) -> None:
        self.do("power_on", options)
        self.heard.clear()
        self._request = 0

    def do(self, operation: str, argument: Any = 0) -> list[Packet]:
        """What it wrote during one operation of scripts/application.py. Each frame has its 0x00 before it."""
        found: list[Packet] = []
        for text in self._script.ask([operation, argument])[1:]:
            frame = bytes.fromhex(text)
            assert frame[0] == 0
            assert frame[-1] == 0
            payload = decode_frame(frame[1:-1])
            assert payload is not None
            found.append(decode(payload))
        self.heard += found
        return found

    def tell(self, name: str, **fields: Any) -> list[Packet]:
        """Everything that came with the step that answered; request and run are filled in."""
        if name != "IDENTIFY":
            self._request += 1
            fields = {"request": self._request} | fields
        if name == "RESEND":
            fields = {"run": self.run} | fields
        if name == "START":
            fields = {"mode": "guided", "options": START_UNCALIBRATED} | fields
        came = self.do("tell", encode_frame(encode(name, **fields)).hex())
        for packet in came:
            if packet.name in ("ACK", "NAK"):
                self.run = packet.fields.run
        return came

    def ask(self, name: str, **fields: Any) -> Any:
        """The ACK or NAK alone."""
        came = [p for p in self.tell(name, **fields) if p.name in ("ACK", "NAK")]
        (answer,) = [p for p in came if p.fields.command == TYPE_OF_NAME[name]]
        assert name == "IDENTIFY" or answer.fields.request in (fields.get("request", self._request), 0)
        return answer

    def begin(self, **options: int) -> Any:
        """Powered, identified and sampling; the ACK of START."""
        self.power_on(**options)
        assert self.ask("IDENTIFY").name == "ACK"
        started = self.ask("START")
        assert started.name == "ACK"
        return started

    def resend(self, first: int, count: int, what: str = "samples", **fields: int) -> Any:
        """The answer to RESEND."""
        return self.ask("RESEND", what=what, first=first, count=count, **fields)


def interpreter_of(world: str) -> str:
    """The one in which that world runs."""
    return "cpython" if world == BOARD else world


@contextmanager
def stand_in(world: str) -> Iterator[StandIn]:
    """A process of that world."""
    script = ScriptProcess("application", interpreter_of(world))
    try:
        if world == BOARD:
            script.ask(["board_words", 0])
        yield StandIn(script)
    finally:
        script.close()


def blocks(packets: list[Packet]) -> list[Any]:
    return [packet.fields for packet in packets if packet.name == "SAMPLE_BLOCK"]


def covered(found: list[Any]) -> list[int]:
    """Index of every sample in the blocks, in the order of arrival."""
    return [(block.first_sample + k) % 2**32 for block in found for k in range(block.count)]


def assert_true(block: Any, first_sample: int, first_ticks_us: int) -> None:
    """Its samples and stamp are those that belong to its index, when that of `first_sample` is known."""
    gone = (block.first_sample - first_sample + 2**31) % 2**32 - 2**31
    assert block.first_ticks_us == (first_ticks_us + gone * PERIOD_US) % 2**30
    codes = [sample.force_and_flags & 0xFFFFFF for sample in block.samples]
    assert codes == [FORCE_OFFSET_COUNTS + ((block.first_sample + k) & 4095) for k in range(block.count)]
