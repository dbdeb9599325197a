"""A board made of arithmetic, for long runs: every frame follows from its numbers, so nothing is remembered.

It answers by the book on virtual time, one block a turn and at most one resent block beside it. Once a
simulated second it says HELLO, STATUS and an EVENT, as an attempt full of events would.
"""

import struct
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

from popsense_protocol.codec import TYPE_OF_NAME, Packet, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.layouts import struct_format
from popsense_protocol.packets import SAMPLE_BLOCK
from tests.benchmarks.link.bulk_decode import readings
from tests.host.link.scripted import hello

BLOCK_SAMPLES = 20
RUN = 7
TICKS_MODULUS = 1 << 30
DIFFERENT_SAMPLES = 20_000  # then the readings begin anew
BLOCK_HEADER = struct.Struct(struct_format(SAMPLE_BLOCK))
KINDS = ("contact", "released")


def frame(name: str, **fields: object) -> bytes:
    """A packet as a board sends it, with a 0x00 before it."""
    return b"\0" + encode_frame(encode(name, **fields))


@dataclass(frozen=True)
class PaperWire:
    """What the board of one run sends. period_us: from sample to sample."""

    period_us: int

    @cached_property
    def _samples(self) -> bytes:
        once = readings(DIFFERENT_SAMPLES)
        return once.tobytes() + once[:BLOCK_SAMPLES].tobytes()

    @property
    def blocks_a_second(self) -> int:
        return round(1e6 / self.period_us / BLOCK_SAMPLES)

    def ticks_us(self, sample: int) -> int:
        return sample * self.period_us % TICKS_MODULUS

    def block(self, first: int, count: int = BLOCK_SAMPLES) -> bytes:
        header = BLOCK_HEADER.pack(TYPE_OF_NAME["SAMPLE_BLOCK"], count, RUN, 0, first, self.ticks_us(first))
        at = first % DIFFERENT_SAMPLES * 8
        return b"\0" + encode_frame(header + self._samples[at : at + count * 8])

    def turn(self, number: int) -> bytes:
        """What is sent when block `number` is full."""
        block = self.block(number * BLOCK_SAMPLES)
        if number % self.blocks_a_second:
            return block
        return block + self._told_each_second(number // self.blocks_a_second, number * BLOCK_SAMPLES)

    def event(self, number: int) -> bytes:
        sample = number * self.blocks_a_second * BLOCK_SAMPLES
        counts = {"peak_counts": 20_000, "level_counts": 900, "drop_permille": 0, "advance_counts": 12}
        return frame(
            "EVENT",
            kind=KINDS[number % 2],
            detector_version=2,
            basis=3,
            number=number,
            sample_index=sample,
            ticks_us=self.ticks_us(sample),
            duration_us=1000,
            run=RUN,
            **counts,
        )

    def ack(self, command: Packet, state: str, taken: int) -> bytes:
        return frame(
            "ACK",
            command=command.fields.type,
            request=command.fields.get("request", 0),
            run=RUN,
            state=state,
            next_sample=taken,
            next_event=self.events_by(taken),
            missed=0,
            ticks_us=self.ticks_us(taken),
        )

    def events_by(self, taken: int) -> int:
        return -(-(taken // BLOCK_SAMPLES) // self.blocks_a_second)

    def _told_each_second(self, second: int, sample: int) -> bytes:
        status = frame(
            "STATUS",
            state="sampling",
            run=RUN,
            uptime_ms=sample * self.period_us // 1000 % TICKS_MODULUS,
            next_sample=sample + BLOCK_SAMPLES,
            overruns=0,
            missed=0,
            next_event=second + 1,
            bad_frames=0,
            heap_free_bytes=35_000,
        )
        return self.event(second) + status + b"\0" + hello()


class PaperBoard:
    """A transport to such a board. `turn` gives what comes with each block; default: as the wire has it.

    lost: blocks of which nothing came. gone: those of them that the board has no more when it is asked.
    """

    name = "board on paper"

    def __init__(
        self,
        wire: PaperWire,
        turn: Callable[[int], bytes] | None = None,
        lost: Collection[int] = (),
        gone: Collection[int] = (),
    ) -> None:
        self._wire = wire
        self._turn = turn or wire.turn
        self._lost, self._gone = lost, gone
        self._at_us = 0
        self._answers: deque[bytes] = deque([b"\0" + hello()])
        self._resent: deque[bytes] = deque()
        self._decoder = FrameDecoder()
        self._state = "idle"
        self.turns = 0
        self.resent_frames = 0

    @property
    def taken(self) -> int:
        """Samples, since START."""
        return self.turns * BLOCK_SAMPLES

    def now(self) -> float:
        return self._at_us * 1e-6

    def read(self, timeout_s: float) -> bytes:
        """The next block with what belongs to it; answers come at once."""
        if self._answers:
            return self._answers.popleft()
        if self._state == "sampling":
            return self._next_turn() + self._one_resent()
        if self._resent:
            return self._one_resent()
        self._at_us += round(timeout_s * 1e6)
        return b""

    def write(self, data: bytes) -> None:
        for payload in self._decoder.feed(data):
            self._obey(decode(payload))

    def wait(self, seconds: float) -> None:
        self._at_us += round(seconds * 1e6)

    def operator_may_begin(self) -> None: ...

    def reopen(self) -> None: ...

    def close(self) -> None: ...

    def _next_turn(self) -> bytes:
        number = self.turns
        self.turns += 1
        self._at_us += BLOCK_SAMPLES * self._wire.period_us
        return b"" if number in self._lost else self._turn(number)

    def _one_resent(self) -> bytes:
        if not self._resent:
            return b""
        self.resent_frames += 1
        return self._resent.popleft()

    def _obey(self, command: Packet) -> None:
        if command.name == "RESEND":
            self._send_again(command)
            return
        if command.name in ("START", "STOP"):
            self._state = "sampling" if command.name == "START" else "idle"
        if command.name == "IDENTIFY":
            self._answers.append(b"\0" + hello())
        self._answers.append(self._wire.ack(command, self._state, self.taken))

    def _send_again(self, command: Packet) -> None:
        fields = command.fields
        if fields.what == "events":
            self._resent.extend(map(self._wire.event, range(fields.first, fields.first + fields.count)))
            return
        end = fields.first + fields.count
        if fields.first // BLOCK_SAMPLES in self._gone:
            kept = min(end, (fields.first // BLOCK_SAMPLES + 1) * BLOCK_SAMPLES)
            self._answers.append(self._refusal(command, kept))
            return
        for first in range(fields.first, end, BLOCK_SAMPLES):
            self._resent.append(self._wire.block(first, min(BLOCK_SAMPLES, end - first)))

    def _refusal(self, command: Packet, first_kept: int) -> bytes:
        return frame(
            "NAK",
            command=command.fields.type,
            request=command.fields.request,
            run=RUN,
            reason="not_kept",
            first_kept=first_kept,
        )
