"""Wire bytes of an attempt as a board would send it, with a known truth behind them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import FLAG_AFTER_GAP, FORCE_OFFSET_COUNTS

PERIOD_US = 1012
BLOCK = 20
START, STOP = 0x42, 0x43


@dataclass(frozen=True)
class Attempt:
    """`taken` samples from `ticks` on; `gaps`: sample -> conversions missed just before it."""

    taken: int
    ticks: int = 5_000_000
    gaps: tuple[tuple[int, int], ...] = ()
    events: int = 0
    period_us: int = PERIOD_US

    def times_us(self) -> list[int]:
        """True time of every sample from sample 0 on."""
        return _times_us(self)

    def block(self, first: int, count: int) -> bytes:
        """Frame of one SAMPLE_BLOCK. Sample k has force k - 100, depth k + 1 and pressure k + 2."""
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
        return frame("SAMPLE_BLOCK", missed=so_far, first_sample=first, first_ticks_us=stamp, samples=samples)

    def blocks(self) -> list[bytes]:
        return list(_blocks(self))

    def wire(
        self, blocks: Sequence[bytes] | None = None, stopped: bool = True, lost_events: Collection[int] = ()
    ) -> bytes:
        """From START's ACK to STOP's; `blocks` instead of all of them."""
        parts = [ack(START), *(self.blocks() if blocks is None else blocks)]
        parts += [event(number) for number in range(self.events) if number not in lost_events]
        return b"".join([*parts, ack(STOP, self.taken, self.events)] if stopped else parts)


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


def ack(command: int, next_sample: int = 0, next_event: int = 0) -> bytes:
    return frame("ACK", command=command, request=1, next_sample=next_sample, next_event=next_event)


def event(number: int) -> bytes:
    zero = dict.fromkeys(("ticks_us", "peak_counts", "level_counts", "drop_permille", "advance_counts"), 0)
    fixed = {"kind": "contact", "detector_version": 2, "basis": 3, "sample_index": number, "duration_us": 0}
    return frame("EVENT", number=number, **fixed, **zero)
