"""A million random bytes, and frames whose CRC is right and whose content is not, into both ends."""

import gc
import random
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from cobs import cobs

from popsense.link.session import Session
from popsense_protocol.codec import TYPE_OF_NAME, PacketError, decode
from popsense_protocol.framing import MAX_FRAME_BYTES, FrameDecoder
from tests.host.link.board_in_process import Board, ShakyPort
from tests.host.link.scripted import RUN, ack
from tests.host.link.test_session import board as board_of
from tests.host.link.test_session import connected

MILLION = 1_000_000
CHUNK = 4000
GROWTH_BYTES = 200_000  # caches of the interpreter and the compiled declarations, not of the million
OURS = bytes(TYPE_OF_NAME.values())


def noise(seed: int, size: int = MILLION) -> bytes:
    return random.Random(seed).randbytes(size)


def frames(seed: int, size: int = MILLION, longest: int = 80) -> bytes:
    """Frames in order but for what they hold; half of them say that they are of a type of ours."""
    chance = random.Random(seed)
    made = bytearray()
    while len(made) < size:
        payload = chance.randbytes(chance.randint(1, longest))
        if chance.random() < 0.5:
            payload = bytes([chance.choice(OURS)]) + payload[1:]
        made += b"\0" + cobs.encode(payload + zlib.crc32(payload).to_bytes(4, "little")) + b"\0"
    return bytes(made[:size])


def chunks(data: bytes, size: int = CHUNK) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def growth() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_the_hosts_decoder_accepts_nothing_of_a_million_random_bytes():
    data = noise(1)
    decoder = FrameDecoder()
    before = growth()
    found = [payload for chunk in chunks(data) for payload in decoder.feed(chunk)]
    # 32 bits of CRC: of 4,000 frames one in a million runs would be let through.
    assert found == []
    empty = data.count(b"\0\0")
    assert decoder.bad_frames >= data.count(b"\0") - empty - 1 - MILLION // MAX_FRAME_BYTES
    assert growth() - before < GROWTH_BYTES


def test_what_is_let_through_has_its_crc_and_what_is_no_packet_is_refused():
    decoder = FrameDecoder()
    packets = refused = 0
    for payload in decoder.feed(frames(2, MILLION // 4)):
        try:
            decode(payload)
            packets += 1
        except PacketError:
            refused += 1
    assert decoder.bad_frames == 0
    assert refused > 4000
    assert packets < refused / 20


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("make", [noise, pytest.param(frames, marks=pytest.mark.slow)])
def test_a_session_lives_through_a_million_bytes_of_nonsense(make):
    data = b"".join(_without_hello(make(3)))
    session = connected(answer=lambda command: [ack(command)] if command.name == "START" else [])
    session.start("guided")
    run = RUN.to_bytes(2, "little")
    before = growth()
    for chunk in chunks(data):
        board_of(session).incoming.append(chunk)
        for packet in session.receive(0):
            assert packet.name not in ("SAMPLE_BLOCK", "EVENT") or run in data
        board_of(session).commands.clear()
        board_of(session).log.clear()
    assert session.bad_frames > 1000
    assert session.settled_below == 0
    assert growth() - before < GROWTH_BYTES


def _without_hello(data: bytes) -> Iterator[bytes]:
    """A HELLO, ACK or STATUS whose CRC is right is believed: these are another test's."""
    trusted = {TYPE_OF_NAME[name] for name in ("HELLO", "ACK", "NAK", "STATUS")}
    for frame in data.split(b"\0"):
        payload = next(iter(FrameDecoder().feed(frame + b"\0")), b"")
        if not payload or payload[0] not in trusted:
            yield frame + b"\0"


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("make", [noise, pytest.param(frames, marks=pytest.mark.slow)])
def test_the_firmware_lives_through_a_quarter_million_bytes_of_nonsense(make):
    """In CPython; the interpreter of the board has its own test beside the firmware's."""
    board = Board()
    data = make(4, MILLION // 4)
    _hear(board, data[:20_000])
    runs, before = len(board.runs), growth()
    for chunk in chunks(data[20_000:]):
        _hear(board, chunk)
    assert not board.app.commands.identified
    assert not board.sampling
    assert len(board.runs) == runs
    assert board.app.link.bad_frames > 100 or make is frames
    assert growth() - before < GROWTH_BYTES


def _hear(board: Board, data: bytes) -> None:
    board.heard.extend(data)
    while board.heard:
        length = board.app.link.receive()
        if length:
            board.app.commands.answer(length)
    board.fifo.clear()


def test_after_the_nonsense_the_board_can_still_be_spoken_to():
    board = Board()
    _hear(board, noise(5, 100_000))
    session = Session(ShakyPort(board))
    session.connect()
    session.start("guided", uncalibrated=True)
    assert board.sampling
