"""Framing: any chunking, any single damaged byte, any garbage. No I/O, so neither in these tests."""

import zlib
from itertools import accumulate, pairwise

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from popsense_protocol.framing import (
    MAX_FRAME_BYTES,
    MAX_PAYLOAD_BYTES,
    FrameDecoder,
    FramingError,
    decode_frame,
    encode_frame,
)

# What COBS treats specially: zeros, and runs around 254 bytes without one.
runs = st.integers(252, 257).map(lambda count: b"\x07" * count)
zeros = st.integers(1, 40).map(bytes)
pieces = st.one_of(runs, zeros, st.binary(max_size=12), st.just(b"\xff" * 254 + b"\0"))
awkward = st.lists(pieces, min_size=1, max_size=3).map(b"".join)
one_payload = st.one_of(st.binary(min_size=1, max_size=30), awkward.filter(bool))
payload_lists = st.lists(one_payload, min_size=1, max_size=6)


def received(*chunks: bytes) -> list[bytes]:
    """What a fresh decoder gives for these chunks."""
    decoder = FrameDecoder()
    return [payload for chunk in chunks for payload in decoder.feed(chunk)]


def wire_of(payloads: list[bytes]) -> bytes:
    return b"".join(encode_frame(payload) for payload in payloads)


def is_subsequence(part: list[bytes], whole: list[bytes]) -> bool:
    """Every item of `part` stands in `whole`, in this order."""
    rest = iter(whole)
    return all(any(item == other for other in rest) for item in part)


def assert_at_most_two_lost(sent: list[bytes], damaged: bytes) -> None:
    got = received(damaged)
    assert is_subsequence(got, sent)
    assert len(got) >= len(sent) - 2


@given(payload_lists, st.lists(st.integers(0, 300), max_size=30))
def test_any_chunking_yields_every_payload_once_in_order(sent: list[bytes], lengths: list[int]):
    wire = wire_of(sent)
    cuts = [0, *(cut for cut in accumulate(lengths) if cut < len(wire)), len(wire)]
    assert received(*(wire[start:end] for start, end in pairwise(cuts))) == sent


@given(payload_lists)
def test_byte_by_byte_yields_the_same_as_at_once(sent: list[bytes]):
    wire = wire_of(sent)
    assert received(*(wire[at : at + 1] for at in range(len(wire)))) == received(wire) == sent


@given(payload_lists, st.integers(min_value=0), st.integers(1, 255))
def test_one_flipped_byte_costs_at_most_two_payloads(sent: list[bytes], position: int, flip: int):
    wire = bytearray(wire_of(sent))
    wire[position % len(wire)] ^= flip
    assert_at_most_two_lost(sent, bytes(wire))


@given(payload_lists, st.integers(min_value=0))
def test_one_dropped_byte_costs_at_most_two_payloads(sent: list[bytes], position: int):
    wire = bytearray(wire_of(sent))
    del wire[position % len(wire)]
    assert_at_most_two_lost(sent, bytes(wire))


@given(payload_lists, st.integers(min_value=0), st.integers(0, 255))
def test_one_inserted_byte_costs_at_most_two_payloads(sent: list[bytes], position: int, byte: int):
    wire = bytearray(wire_of(sent))
    wire.insert(position % (len(wire) + 1), byte)
    assert_at_most_two_lost(sent, bytes(wire))


def test_every_single_bit_flip_of_one_frame_is_noticed():
    """Exhaustive on one frame between two others; the neighbour is lost only with the delimiter."""
    sent = [b"before", bytes(range(40)) + b"\0\0\x05", b"after"]
    frames = [encode_frame(payload) for payload in sent]
    for bit in range(8 * len(frames[1])):
        middle = bytearray(frames[1])
        middle[bit // 8] ^= 1 << bit % 8
        got = received(frames[0] + bytes(middle) + frames[2])
        delimiter_hit = bit // 8 == len(middle) - 1
        assert got == ([b"before"] if delimiter_hit else [b"before", b"after"])


@given(st.lists(st.binary(max_size=600), max_size=12))
def test_random_bytes_never_raise_and_the_memory_is_bounded(chunks: list[bytes]):
    decoder = FrameDecoder()
    for chunk in chunks:
        list(decoder.feed(chunk))
        assert len(decoder._partial) <= MAX_FRAME_BYTES
    list(decoder.feed(b"\0"))
    assert list(decoder.feed(encode_frame(b"still here"))) == [b"still here"]


@pytest.mark.parametrize("chunk", [1, 7, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 100_000])
def test_an_oversize_frame_is_dropped_counted_once_and_the_decoder_recovers(chunk: int):
    wire = encode_frame(b"a") + b"\x55" * (3 * MAX_FRAME_BYTES) + b"\0" + wire_of([b"b", b"c"])
    decoder = FrameDecoder()
    got = [p for at in range(0, len(wire), chunk) for p in decoder.feed(wire[at : at + chunk])]
    assert (got, decoder.bad_frames) == ([b"a", b"b", b"c"], 1)


@pytest.mark.parametrize("chunk", [1, MAX_FRAME_BYTES, 100_000])
def test_a_well_formed_frame_over_the_limit_is_dropped(chunk: int):
    payload = b"\x01" * (MAX_PAYLOAD_BYTES + 40)
    wire = cobs.encode(payload + zlib.crc32(payload).to_bytes(4, "little")) + b"\0" + encode_frame(b"b")
    decoder = FrameDecoder()
    got = [p for at in range(0, len(wire), chunk) for p in decoder.feed(wire[at : at + chunk])]
    assert (got, decoder.bad_frames) == ([b"b"], 1)


@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\xff"])
@pytest.mark.parametrize("count", [1, 249, 250, 251, 504, MAX_PAYLOAD_BYTES])
def test_payloads_around_the_run_length_round_trip(byte: bytes, count: int):
    frame = encode_frame(byte * count)
    assert received(frame) == [byte * count]
    assert len(frame) <= MAX_FRAME_BYTES + 1
    assert frame.count(0) == 1


def test_a_payload_that_no_frame_can_carry_is_refused():
    for payload in (b"", bytes(MAX_PAYLOAD_BYTES + 1)):
        with pytest.raises(FramingError, match="payload of"):
            encode_frame(payload)


def test_crc_is_the_common_one():
    """The check value of CRC-32, little-endian behind the payload."""
    assert cobs.decode(encode_frame(b"123456789")[:-1]) == b"123456789" + bytes.fromhex("2639f4cb")


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\0\0\0", b"abcd", b"abc\0\0\0\0"])
def test_a_body_without_payload_or_with_a_wrong_checksum_is_no_payload(body: bytes):
    assert decode_frame(cobs.encode(body)) is None


def test_idle_filling_is_no_bad_frame():
    decoder = FrameDecoder()
    assert list(decoder.feed(b"\0\0" + encode_frame(b"x") + b"\0\0\0")) == [b"x"]
    assert decoder.bad_frames == 0


def test_a_chunk_counts_even_if_its_payloads_are_not_looked_at():
    decoder = FrameDecoder()
    decoder.feed(encode_frame(b"first")[:3])
    assert list(decoder.feed(encode_frame(b"first")[3:])) == [b"first"]
