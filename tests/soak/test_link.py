"""`make soak-link`: a day at 1 kHz through the live reader into a journal, with a block lost now and then.

It takes a quarter of an hour, and 1 GB in build/ while it runs.
"""

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from popsense.link.session import Session
from popsense.recording.journal import JournalWriter
from tests.benchmarks.link.paper_board import BLOCK_SAMPLES, PaperBoard, PaperWire
from tests.conftest import Require
from tests.host.recording.journals import HEADER

BUILD = Path(__file__).parents[2] / "build"
STATM = Path("/proc/self/statm")
DAY_SAMPLES = 86_400_000
HOUR_SAMPLES = 3_600_000
MAY_GROW_BYTES = 5_000_000
LOST_EVERY = 3_000  # blocks, on average: once a minute
GONE = 24  # of the lost blocks, those that the board no longer had


@pytest.fixture
def folder() -> Iterator[Path]:
    found = BUILD / "soak-link"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    yield found
    shutil.rmtree(found)


def resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def lost_blocks(blocks: int) -> set[int]:
    """One, or a few in a row; neither the first nor the last ones, whose loss nobody could see at once."""
    seeded = random.Random(4)
    beginnings = seeded.sample(range(10, blocks - 10), blocks // LOST_EVERY)
    return {first + k for first in beginnings for k in range(seeded.choice((1, 1, 2, 5)))}


def some_of(lost: set[int]) -> set[int]:
    """GONE of them, each the first of its row: there the board is asked from."""
    rows = sorted(block for block in lost if block - 1 not in lost)
    return set(rows[:: len(rows) // GONE][:GONE])


def read_until(session: Session, board: PaperBoard, samples: int) -> int:
    """How many events came. Syncs are left to the journal, once a second: memory is what counts here."""
    events = 0
    while board.taken < samples:
        events += sum(packet.name == "EVENT" for packet in session.receive())
    return events


@pytest.mark.soak
def test_a_day_is_read_in_the_memory_of_an_hour(
    folder: Path, capsys: pytest.CaptureFixture[str], require: Require
):
    require("statm")
    lost = lost_blocks(DAY_SAMPLES // BLOCK_SAMPLES)
    gone = some_of(lost)
    board = PaperBoard(PaperWire(period_us=1000), lost=lost, gone=gone)
    session = Session(board)
    durable: list[int] = [0]

    def note_durable() -> None:
        durable[0] = session.settled_below

    began, cpu = time.monotonic(), time.process_time()
    session.connect()
    journal = JournalWriter(folder / "day.journal", HEADER, note_durable)
    session.watch(journal)
    session.start("guided")
    events = read_until(session, board, HOUR_SAMPLES)
    after_an_hour = resident_bytes()
    events += read_until(session, board, DAY_SAMPLES)
    counted = session.stop()
    journal.close(board.now(), {"outcome": "removed"})
    at_the_end = resident_bytes()

    with capsys.disabled():
        print(f"\nresident: {after_an_hour / 1e6:.1f} MB after an hour, {at_the_end / 1e6:.1f} at the end")
        print(f"journal: {journal.path.stat().st_size / 1e6:.0f} MB; resent frames: {board.resent_frames}")
        print(f"took: {time.monotonic() - began:.0f} s, processor {time.process_time() - cpu:.0f} s")
    assert counted == (DAY_SAMPLES, events) == (DAY_SAMPLES, DAY_SAMPLES // 1000)
    assert session.settled_below == durable[0] == DAY_SAMPLES
    assert session.repair is not None
    holes = session.repair.holes()
    assert {hole.first_sample // BLOCK_SAMPLES for hole in holes} == gone
    assert sum(hole.count for hole in holes) == len(gone) * BLOCK_SAMPLES
    assert board.resent_frames >= len(lost) - len(gone)
    assert session.bad_frames == 0
    assert at_the_end <= after_an_hour + MAY_GROW_BYTES
