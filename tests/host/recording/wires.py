"""Wire bytes of an attempt as a board would send it, with a known truth behind them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from popsense.recording.attempt import DecodedAttempt, decoded
from popsense.recording.decode import decode_wire
from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import FLAG_AFTER_GAP, FORCE_OFFSET_COUNTS

PERIOD_US = 1012
RATE_HZ = 1e6 / PERIOD_US
BLOCK = 20
RUN = 7
START, STOP, CLOCK = 0x42, 0x43, 0x46


@dataclass(frozen=True)
class Attempt:
    """`taken` samples from `ticks` on; `gaps`: sample -> conversions missed just before it.

    origin: index of the first of them; those before it never came.
    """

    taken: int
    ticks: int = 5_000_000
    gaps: tuple[tuple[int, int], ...] = ()
    events: int = 0
    period_us: int = PERIOD_US
    origin: int = 0
    run: int = RUN

    def times_us(self) -> list[int]:
        """True time of every sample from sample 0 on."""
        return _times_us(self)

    def block(self, first: int, count: int) -> bytes:
        """Frame of one SAMPLE_BLOCK.

        Sample k has index origin + k, force k - 100, depth k + 1 and pressure k + 2.
        """
        missed = dict(self.gaps)
        samples = [
            {
                "force_and_flags": (k - 100 + FORCE_OFFSET_COUNTS)
                | (FLAG_AFTER_GAP << 24 if k in missed else 0),
                "depth": (k + 1) & 0x3FFF,
                "pressure": (k + 2) & 0x3FFF,
            }
            for k in range(first, first + count)
        ]
        so_far = sum(count_ for sample, count_ in self.gaps if sample < first + count)
        stamp = (self.ticks + self.times_us()[first]) % 2**30
        return frame(
            "SAMPLE_BLOCK",
            run=self.run,
            missed=so_far,
            first_sample=(self.origin + first) % 2**32,
            first_ticks_us=stamp,
            samples=samples,
        )

    def blocks(self) -> list[bytes]:
        return list(_blocks(self))

    def wire(
        self, blocks: Sequence[bytes] | None = None, stopped: bool = True, lost_events: Collection[int] = ()
    ) -> bytes:
        """From START's ACK to STOP's; `blocks` instead of all of them."""
        parts = [self.started(), *(self.blocks() if blocks is None else blocks)]
        latest = self.origin + self.taken - 1  # an event that came behind the block of its sample was resent
        parts += [
            event(number, self.run, latest % 2**32)
            for number in range(self.events)
            if number not in lost_events
        ]
        return b"".join([*parts, self.ended()] if stopped else parts)

    def started(self) -> bytes:
        """ACK of START."""
        return ack(START, run=self.run)

    def ended(self) -> bytes:
        """ACK of STOP, with the counts."""
        missed = sum(count for _, count in self.gaps)
        taken = (self.origin + self.taken) % 2**32
        return ack(STOP, taken, self.events, state="idle", run=self.run, missed=missed)


@cache
def _times_us(attempt: Attempt) -> list[int]:
    missed = dict(attempt.gaps)
    found, now = [], 0
    for sample in range(attempt.taken):
        now += attempt.period_us * missed.get(sample, 0)
        found.append(now)
        now += attempt.period_us
    return found


@cache
def _blocks(attempt: Attempt) -> list[bytes]:
    return [
        attempt.block(first, min(BLOCK, attempt.taken - first)) for first in range(0, attempt.taken, BLOCK)
    ]


def frame(name: str, **fields: Any) -> bytes:
    return encode_frame(encode(name, **fields))


def ack(
    command: int,
    next_sample: int = 0,
    next_event: int = 0,
    state: str = "sampling",
    run: int = RUN,
    **more: int,
) -> bytes:
    counts = {"next_sample": next_sample, "next_event": next_event, "missed": 0, "ticks_us": 0}
    return frame("ACK", command=command, request=1, run=run, state=state, **counts | more)


def status(next_sample: int, next_event: int = 0, missed: int = 0, run: int = RUN) -> bytes:
    zero = dict.fromkeys(("uptime_ms", "overruns", "bad_frames", "heap_free_bytes"), 0)
    counts = {"next_sample": next_sample, "next_event": next_event, "missed": missed}
    return frame("STATUS", state="sampling", run=run, **counts, **zero)


def event(number: int, run: int = RUN, sample_index: int | None = None, **more: int) -> bytes:
    index = number if sample_index is None else sample_index
    zero = dict.fromkeys(("ticks_us", "peak_counts", "level_counts", "drop_permille", "advance_counts"), 0)
    fixed = {"kind": "contact", "detector_version": 2, "basis": 3, "sample_index": index, "duration_us": 0}
    return frame("EVENT", number=number, run=run, **fixed | zero | more)


def decode(*connections: bytes, run: int | None = None) -> DecodedAttempt:
    """From the wire to counts in one go."""
    return decoded(decode_wire(connections, run), RATE_HZ)


def holes(found: DecodedAttempt) -> list[tuple[int, int]]:
    """First sample and length of each."""
    return [(hole.first_sample, hole.count) for hole in found.raw.holes]
