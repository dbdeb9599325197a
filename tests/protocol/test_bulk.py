"""The bulk reader gives what FrameDecoder and codec.decode give, whatever was sent and became of it."""

import zlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from popsense_protocol import bulk
from popsense_protocol.bulk import WirePackets, read_packets
from popsense_protocol.codec import Packet, PacketError, decode, encode
from popsense_protocol.framing import MAX_FRAME_BYTES, FrameDecoder, encode_frame
from tests.protocol.strategies import NAMES, packet_fields

Found = tuple[list[tuple[str, dict[str, Any]]], int]


def fields_of(packet: Packet) -> tuple[str, dict[str, Any]]:
    values = {name: value for name, value in packet.fields.items() if name != "_io"}
    if packet.name == "SAMPLE_BLOCK":
        values["samples"] = [{k: v for k, v in one.items() if k != "_io"} for one in values["samples"]]
    return packet.name, values


def one_at_a_time(*wires: bytes) -> Found:
    """The packets by the live reader, and what it counts as bad."""
    found: list[tuple[str, dict[str, Any]]] = []
    bad = 0
    for wire in wires:
        decoder = FrameDecoder()
        for payload in decoder.feed(wire):
            try:
                found.append(fields_of(decode(payload)))
            except PacketError:
                bad += 1
        bad += decoder.bad_frames
    return found, bad


def at_once(*wires: bytes) -> Found:
    """The same by the bulk reader, put together in order of arrival."""
    read = read_packets(wires)
    found = blocks_of(read)
    for shift, other in enumerate(read.others):
        found.insert(other.blocks_before + shift, fields_of(other.packet))
    return found, read.bad_frames


def blocks_of(read: WirePackets) -> list[tuple[str, dict[str, Any]]]:
    ends = np.cumsum(read.blocks["count"], dtype=np.int64).tolist()
    assert len(read.samples) == ([0, *ends])[-1]
    return [
        ("SAMPLE_BLOCK", named(header) | {"samples": [named(one) for one in read.samples[start:end]]})
        for header, (start, end) in zip(read.blocks, pairwise([0, *ends]), strict=True)
    ]


def named(record: Any) -> dict[str, Any]:
    return dict(zip(record.dtype.names, record.tolist(), strict=True))


def stuffed(body: bytes) -> bytes:
    return cobs.encode(body) + b"\0"


def checked(payload: bytes) -> bytes:
    """A frame of any payload, also of those that encode_frame refuses."""
    return stuffed(payload + zlib.crc32(payload).to_bytes(4, "little"))


packet_payloads = st.sampled_from([*NAMES, *["SAMPLE_BLOCK"] * 6]).flatmap(
    lambda name: packet_fields(name).map(lambda fields: encode(name, **fields))
)
wrong_payloads = st.one_of(
    st.tuples(packet_payloads, st.binary(min_size=1, max_size=9)).map(b"".join),
    st.tuples(packet_payloads, st.integers(1, 9)).map(lambda cut: cut[0][: -cut[1]]),
    st.tuples(packet_payloads, st.integers(0), st.integers(0, 255)).map(
        lambda change: replaced(change[0], change[1] % len(change[0]), change[2])
    ),
    st.binary(max_size=3),
)
frames = st.one_of(
    packet_payloads.map(checked),
    wrong_payloads.map(checked),
    st.binary(max_size=40),
    st.binary(max_size=8).map(stuffed),
    st.tuples(packet_payloads, st.binary(min_size=4, max_size=4)).map(b"".join).map(stuffed),
    st.integers(1, 5).map(bytes),
    st.integers(MAX_FRAME_BYTES - 3, MAX_FRAME_BYTES + 3).map(lambda length: b"\x01" * length + b"\0"),
    st.integers(1018, 1034).map(lambda length: checked(b"\x07" * length)),
)
Damage = tuple[int, int, bytes]  # position, bytes taken out there, bytes put in instead
damages = st.lists(st.tuples(st.integers(0), st.integers(0, 300), st.binary(max_size=3)), max_size=4)


def replaced(payload: bytes, at: int, byte: int) -> bytes:
    return payload[:at] + bytes([byte]) + payload[at + 1 :]


def damaged(wire: bytes, damage: list[Damage]) -> bytes:
    for position, length, instead in damage:
        at = position % (len(wire) + 1)
        wire = wire[:at] + instead + wire[at + length :]
    return wire


@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 7), max_size=4), damages)
def test_both_readers_find_the_same(sent: list[bytes], again: list[int], damage: list[Damage]):
    """Packets, refused payloads, rubbish, over-long and empty frames; some twice; then damage."""
    twice = [sent[number] for number in again if number < len(sent)]
    wire = damaged(b"".join(sent + twice), damage)
    assert at_once(wire) == one_at_a_time(wire)


@given(st.lists(frames, min_size=1, max_size=6), st.integers(0))
def test_a_frame_that_a_connection_cuts_is_in_neither_half(sent: list[bytes], position: int):
    wire = b"".join(sent)
    at = position % (len(wire) + 1)
    assert at_once(wire[:at], wire[at:]) == one_at_a_time(wire[:at], wire[at:])


@given(st.lists(frames, max_size=12), st.integers(1, 400))
def test_the_size_of_the_pieces_changes_nothing(sent: list[bytes], piece: int):
    wire = b"".join(sent)
    whole = at_once(wire)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "PIECE_BYTES", piece)
        assert at_once(wire) == whole


@pytest.mark.parametrize("count", [0, 1, 20, 125, 126])
def test_blocks_of_every_length_keep_their_order(count: int):
    """Beside blocks of other lengths; 126 samples are the most that a frame carries."""
    lengths = [20, count, 20, 3, count, 20]
    sent = [block(100 * number, length) for number, length in enumerate(lengths)]
    wire = b"".join(b"\0" + checked(payload) for payload in sent)
    read = read_packets([wire])
    assert read.blocks["count"].tolist() == lengths
    assert read.blocks["first_sample"].tolist() == [0, 100, 200, 300, 400, 500]
    index = [100 * number + k for number, length in enumerate(lengths) for k in range(length)]
    assert read.samples["force_and_flags"].tolist() == index
    assert at_once(wire) == one_at_a_time(wire)


@pytest.mark.parametrize("length", range(MAX_FRAME_BYTES - 2, MAX_FRAME_BYTES + 3))
@pytest.mark.parametrize("end", [b"", b"\0"])
def test_over_long_is_the_same_length_for_both(length: int, end: bytes):
    wire = checked(b"x") + b"\x01" * length + end
    bad = length > MAX_FRAME_BYTES or end == b"\0"
    assert at_once(wire) == one_at_a_time(wire)
    assert at_once(wire)[1] == bad + 1  # "x" is no packet


def test_a_whole_number_of_pieces_loses_nothing():
    one = b"\0" + encode_frame(block(0, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "PIECE_BYTES", len(one))
        read = read_packets([one * 9])
    assert (len(read.blocks), len(read.samples), read.bad_frames) == (9, 180, 0)


def test_nothing_gives_empty_arrays_of_the_right_kind():
    for wires in ([], [b""], [b"\0\0\0"], [b"\x05abc"]):
        read = read_packets(wires)
        assert (len(read.blocks), len(read.samples), read.others, read.bad_frames) == (0, 0, (), 0)
        assert read.blocks["first_sample"].size == read.samples["depth"].size == 0


def test_one_bad_frame_costs_no_other():
    good = encode_frame(block(7, 20))
    for bad in (b"\x05abc\0", good[:-2] + b"\x01\0", b"\xff" * 2000 + b"\0", stuffed(bytes(4))):
        read = read_packets([good + bad + good])
        assert (len(read.blocks), read.bad_frames) == (2, 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_million_random_bytes_are_no_packet(seed: int):
    """With zeros as often as in chance, and with so many that most frames are short."""
    noise = np.random.default_rng(seed).integers(0, 256 >> seed, 1_000_000, dtype=np.uint8).tobytes()
    found, bad = at_once(noise)
    assert (found, bad) == one_at_a_time(noise)
    assert found == []
    assert bad > 1000


def block(first: int, count: int) -> bytes:
    samples = [{"force_and_flags": first + k, "depth": k, "pressure": 2 * k} for k in range(count)]
    return encode("SAMPLE_BLOCK", run=1, missed=0, first_sample=first, first_ticks_us=5, samples=samples)
