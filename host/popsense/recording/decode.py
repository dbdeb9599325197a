"""Wire bytes of one attempt -> counts with times, device events, and what is missing.

The attempt begins at the ACK of START (the device sends it before the first block) and is complete when the
ACK of STOP told how many samples there were.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from popsense.model import Hole, IntegrityVerdict, RawTrace
from popsense.recording.timeline import holes, period_us, sample_times_us, unwrapped
from popsense_protocol import packets
from popsense_protocol.codec import BLOCK_HEADER_BYTES, TYPE_OF_NAME, Packet, PacketError, decode
from popsense_protocol.framing import FrameDecoder
from popsense_protocol.layouts import BLOCK_HEADER_DTYPE, SAMPLE_DTYPE

START, STOP = TYPE_OF_NAME["START"], TYPE_OF_NAME["STOP"]
BLOCK = TYPE_OF_NAME["SAMPLE_BLOCK"]


@dataclass(frozen=True)
class Block:
    """One SAMPLE_BLOCK: header fields and samples as a SAMPLE_DTYPE array."""

    first_sample: int
    first_ticks_us: int
    missed: int
    samples: npt.NDArray[Any]


@dataclass(frozen=True)
class DecodedAttempt:
    """What the wire bytes hold. start_ticks_us: device clock at sample 0. stopped: ACK of STOP was seen."""

    raw: RawTrace
    events: tuple[Any, ...]
    start_ticks_us: int
    stopped: bool
    bad_frames: int
    missing_events: int

    @property
    def lost_samples(self) -> int:
        return sum(hole.count for hole in self.raw.holes)

    @property
    def integrity(self) -> IntegrityVerdict:
        """Complete only if every sample and event that the device counted is here.

        Cut off: the device's count never came, so nobody knows what is missing behind the end.
        """
        if not self.stopped:
            return "cut off"
        return "holes" if self.raw.holes or self.missing_events else "complete"


def decode_wire(wire: bytes, declared_rate_hz: float = 1000.0) -> DecodedAttempt:
    """Everything between START and STOP. An attempt without any sample gives empty arrays.

    declared_rate_hz: what HELLO said; used only where a single block cannot tell the rate.
    """
    decoder = FrameDecoder()
    blocks: dict[int, Block] = {}
    events: dict[int, Any] = {}
    stop: Any = None
    undecodable = 0
    for payload in _attempt_payloads(decoder, wire):
        if payload[0] == BLOCK:
            block = _block(payload)
            if block is None:
                undecodable += 1
            else:
                blocks[block.first_sample] = block
            continue
        packet = _decode(payload)
        if packet is None:
            undecodable += 1
        elif packet.name == "EVENT":
            events[packet.fields.number] = packet.fields
        elif packet.name == "ACK" and packet.fields.command == STOP:
            stop = packet.fields
    taken = stop.next_sample if stop else None
    raw, start_ticks = _raw_trace([blocks[key] for key in sorted(blocks)], taken, 1e6 / declared_rate_hz)
    return DecodedAttempt(
        raw=raw,
        events=tuple(events[number] for number in sorted(events)),
        start_ticks_us=start_ticks,
        stopped=stop is not None,
        bad_frames=decoder.bad_frames + undecodable,
        missing_events=max(0, stop.next_event - len(events)) if stop else 0,
    )


def _attempt_payloads(decoder: FrameDecoder, wire: bytes) -> Iterator[bytes]:
    """Payloads from the ACK of START, or from block 0 where that ACK was damaged; before, nobody's."""
    begun = False
    for payload in decoder.feed(wire):
        begun = begun or _begins_attempt(payload)
        if begun:
            yield payload


def _begins_attempt(payload: bytes) -> bool:
    if payload[0] == BLOCK:
        block = _block(payload)
        return block is not None and block.first_sample == 0
    packet = _decode(payload) if payload[0] == TYPE_OF_NAME["ACK"] else None
    return packet is not None and packet.fields.command == START


def _decode(payload: bytes) -> Packet | None:
    try:
        return decode(payload)
    except PacketError:
        return None


def _block(payload: bytes) -> Block | None:
    """numpy over the sample part; None where the length does not fit the count, or without samples."""
    if (
        len(payload) <= BLOCK_HEADER_BYTES
        or len(payload) != BLOCK_HEADER_BYTES + payload[1] * SAMPLE_DTYPE.itemsize
    ):
        return None
    header = np.frombuffer(payload[:BLOCK_HEADER_BYTES], BLOCK_HEADER_DTYPE)[0]
    return Block(
        first_sample=int(header["first_sample"]),
        first_ticks_us=int(header["first_ticks_us"]),
        missed=int(header["missed"]),
        samples=np.frombuffer(payload[BLOCK_HEADER_BYTES:], SAMPLE_DTYPE),
    )


def _raw_trace(blocks: list[Block], taken: int | None, declared_us: float) -> tuple[RawTrace, int]:
    if not blocks:
        return _empty_trace(taken), 0
    samples = np.concatenate([block.samples for block in blocks])
    counts = np.array([len(block.samples) for block in blocks], dtype=np.int64)
    first = np.array([block.first_sample for block in blocks], dtype=np.int64)
    ticks_us = unwrapped([block.first_ticks_us for block in blocks])
    index = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum(), dtype=np.int64)
    flags = (samples["force_and_flags"] >> 24).astype(np.int64)
    period = period_us(first, ticks_us, declared_us)
    times_us = sample_times_us(first, counts, ticks_us, (flags & packets.FLAG_AFTER_GAP) > 0, period)
    start_us = times_us[0] - index[0] * period
    raw = RawTrace(
        sample_index=index,
        time_s=(times_us - start_us) / 1e6,
        force_counts=(samples["force_and_flags"] & packets.FORCE_MASK).astype(np.int64)
        - packets.FORCE_OFFSET_COUNTS,
        depth_counts=samples["depth"].astype(np.int64),
        pressure_counts=samples["pressure"].astype(np.int64),
        flags=flags,
        holes=holes(first, counts, taken),
        missed_conversions=blocks[-1].missed,
    )
    return raw, int(start_us)


def _empty_trace(taken: int | None) -> RawTrace:
    none = np.zeros(0, dtype=np.int64)
    holes = (Hole(0, taken),) if taken else ()
    return RawTrace(none, none.astype(np.float64), none, none, none, none, holes)
