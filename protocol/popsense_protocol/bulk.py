"""Stored wire bytes -> all packets at once, through numpy. No I/O.

The rules are those of `framing.FrameDecoder` and `codec.decode`, which read one packet at a time; tests hold
the two ways equal. C code does all that is done to a sample (split, COBS, CRC, numpy), Python sees a list of
frames. The wire is taken in pieces that the processor's cache holds, so the lists stay short.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import compress
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from cobs import cobs

from popsense_protocol.codec import TYPE_OF_NAME, Packet, PacketError, decode
from popsense_protocol.framing import CRC_BYTES, MAX_FRAME_BYTES
from popsense_protocol.layouts import BLOCK_HEADER_DTYPE, SAMPLE_DTYPE, fields
from popsense_protocol.packets import SAMPLE_BLOCK

PIECE_BYTES = 1 << 19
CRC_RESIDUE = 0x2144DF1C  # CRC-32 of anything followed by its own CRC-32, little-endian
BLOCK = TYPE_OF_NAME["SAMPLE_BLOCK"]
TYPE_AT, COUNT_AT = (field.offset for field in fields(SAMPLE_BLOCK)[:2])
BARE_BLOCK_BYTES = BLOCK_HEADER_DTYPE.itemsize + CRC_BYTES  # on the wire, without samples
WHOLE_SAMPLE = np.dtype((np.void, SAMPLE_DTYPE.itemsize))  # is moved in one go, a record field by field


@dataclass(frozen=True)
class OtherPacket:
    """A packet that is no SAMPLE_BLOCK, and how many blocks of the same reading came before it."""

    blocks_before: int
    packet: Packet


@dataclass(frozen=True)
class WirePackets:
    """Every intact packet in order of arrival.

    blocks: header fields of every SAMPLE_BLOCK, BLOCK_HEADER_DTYPE, shape (blocks,). samples: those of all
    blocks one after another, SAMPLE_DTYPE, shape (sum of blocks["count"],). bad_frames: frames dropped for
    COBS, checksum or length, and payloads that `codec.decode` refuses.
    """

    blocks: npt.NDArray[Any]
    samples: npt.NDArray[Any]
    others: tuple[OtherPacket, ...]
    bad_frames: int


def read_packets(wires: Iterable[bytes]) -> WirePackets:
    """Packets of several connections, one after another; a frame never goes on in the next of them."""
    return _joined([_packets(frames) for wire in wires for frames in _frames(wire)])


def _joined(parts: Sequence[WirePackets]) -> WirePackets:
    before = np.cumsum([0, *(len(part.blocks) for part in parts)]).tolist()
    return WirePackets(
        blocks=np.concatenate([np.empty(0, BLOCK_HEADER_DTYPE), *(part.blocks for part in parts)]),
        samples=np.concatenate([np.empty(0, SAMPLE_DTYPE), *(part.samples for part in parts)]),
        others=tuple(
            OtherPacket(shift + other.blocks_before, other.packet)
            for shift, part in zip(before, parts, strict=False)
            for other in part.others
        ),
        bad_frames=sum(part.bad_frames for part in parts),
    )


def _frames(wire: bytes) -> Iterator[list[bytes]]:
    """Frames without delimiters, none empty, in lists of about PIECE_BYTES.

    An unfinished one at the end is left out, unless it is over-long already: then it counts as bad.
    """
    start = 0
    while (end := _end_of_piece(wire, start)) > start:
        yield list(filter(None, wire[start:end].split(b"\0")))
        start = end
    if len(wire) - start > MAX_FRAME_BYTES:
        yield [wire[start:]]


def _end_of_piece(wire: bytes, start: int) -> int:
    """Behind the last delimiter of a piece from `start` on, or the first beyond it; 0 where none is left."""
    last = wire.rfind(b"\0", start, start + PIECE_BYTES)
    return (last if last >= 0 else wire.find(b"\0", start)) + 1


def _packets(frames: list[bytes]) -> WirePackets:
    bodies = _intact(_bodies(frames))
    counts = _each(itemgetter(COUNT_AT), bodies)
    as_block = BARE_BLOCK_BYTES + counts * SAMPLE_DTYPE.itemsize
    is_block = (_each(itemgetter(TYPE_AT), bodies) == BLOCK) & (_each(len, bodies) == as_block)
    others, refused = _others(bodies, is_block)
    blocks, samples = _blocks(list(compress(bodies, is_block.tolist())), counts[is_block])
    return WirePackets(blocks, samples, others, len(frames) - len(bodies) + refused)


def _bodies(frames: list[bytes]) -> list[bytes]:
    """Payload and CRC of every frame; empty where COBS or the length do not hold."""
    with suppress(cobs.DecodeError):
        if max(map(len, frames), default=0) <= MAX_FRAME_BYTES:
            return list(map(cobs.decode, frames))
    return [_body(frame) for frame in frames]


def _body(frame: bytes) -> bytes:
    try:
        return cobs.decode(frame) if len(frame) <= MAX_FRAME_BYTES else b""
    except cobs.DecodeError:
        return b""


def _intact(bodies: list[bytes]) -> list[bytes]:
    """Those with a payload and the right CRC behind it."""
    good = (_each(zlib.crc32, bodies) == CRC_RESIDUE) & (_each(len, bodies) > CRC_BYTES)
    return bodies if good.all() else list(compress(bodies, good.tolist()))


def _each(measure: Callable[[bytes], int], bodies: Sequence[bytes]) -> npt.NDArray[np.int64]:
    return np.fromiter(map(measure, bodies), np.int64, len(bodies))


def _others(bodies: list[bytes], is_block: npt.NDArray[np.bool_]) -> tuple[tuple[OtherPacket, ...], int]:
    """What is no block, and how many payloads are no packet at all."""
    found: list[OtherPacket] = []
    at = np.flatnonzero(~is_block)
    before = np.cumsum(is_block)[at]
    for blocks_before, body in zip(before.tolist(), [bodies[one] for one in at.tolist()], strict=True):
        with suppress(PacketError):
            found.append(OtherPacket(blocks_before, decode(body[:-CRC_BYTES])))
    return tuple(found), len(at) - len(found)


def _blocks(bodies: list[bytes], counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Headers and samples. Blocks of the same length become the rows of one table."""
    headers = np.empty(len(bodies), BLOCK_HEADER_DTYPE)
    samples = np.empty(int(counts.sum()), WHOLE_SAMPLE)
    first = np.cumsum(counts) - counts
    for count in np.unique(counts).tolist():
        same = counts == count
        rows = np.frombuffer(b"".join(compress(bodies, same.tolist())), _row(count))
        headers[same] = rows["header"]
        samples[first[same, np.newaxis] + np.arange(count)] = rows["samples"]
    return headers, samples.view(SAMPLE_DTYPE)


@cache
def _row(count: int) -> np.dtype[Any]:
    """A block of `count` samples with its CRC."""
    samples = (WHOLE_SAMPLE, (count,))
    return np.dtype([("header", BLOCK_HEADER_DTYPE), ("samples", *samples), ("crc", f"V{CRC_BYTES}")])
