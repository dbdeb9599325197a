"""The board on paper keeps to the protocol, so that what is measured with it is the reader's work."""

import numpy as np

from popsense.link.session import Session
from popsense_protocol.bulk import read_packets
from tests.benchmarks.link.paper_board import BLOCK_SAMPLES, TICKS_MODULUS, PaperBoard, PaperWire

BLOCKS = 500  # ten seconds
WIRE = PaperWire(period_us=1000)


def read(board: PaperBoard, blocks: int = BLOCKS) -> tuple[Session, int]:
    """The session after STOP, and how many events it was handed."""
    session = Session(board)
    session.connect()
    session.start("guided")
    events = 0
    while board.turns < blocks:
        events += sum(packet.name == "EVENT" for packet in session.receive())
    assert session.stop() == (blocks * BLOCK_SAMPLES, 10)
    return session, events


def test_its_wire_holds_every_sample_once():
    found = read_packets([b"".join(map(WIRE.turn, range(BLOCKS)))])
    assert found.bad_frames == 0
    assert found.blocks["first_sample"].tolist() == list(range(0, BLOCKS * BLOCK_SAMPLES, BLOCK_SAMPLES))
    assert len(np.unique(found.samples)) > BLOCKS
    assert [other.packet.name for other in found.others] == ["EVENT", "STATUS", "HELLO"] * 10


def test_its_clock_turns():
    assert WIRE.ticks_us(TICKS_MODULUS // 1000 + 1) == 1000 - TICKS_MODULUS % 1000


def test_what_it_lost_is_sent_again_when_asked():
    lost = {7, 100, 101, 102, 300}  # with blocks 100 and 300 an event each
    board = PaperBoard(WIRE, lost=lost)
    session, events = read(board)
    assert session.settled_below == BLOCKS * BLOCK_SAMPLES
    assert session.repair is not None
    assert session.repair.holes() == []
    assert board.resent_frames == len(lost) + 2
    assert events == 10


def test_what_it_has_no_more_stays_a_hole():
    board = PaperBoard(WIRE, lost={7, 8, 300}, gone={7})
    session, _ = read(board)
    assert session.repair is not None
    assert [(hole.first_sample, hole.count) for hole in session.repair.holes()] == [(140, 20)]
    assert session.settled_below == BLOCKS * BLOCK_SAMPLES
