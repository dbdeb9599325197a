"""What the reader's whole work costs while an attempt is recorded: processor time of 600 simulated seconds.

Session with repair and clock, a journal on the disk as its witness, and what attempts/record.py does with
the packets. The board's bytes are made beforehand, its few answers as they are asked for. PROFILE=1 shows
where the time goes.
"""

import cProfile
import os
import pstats
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from popsense.link.session import Session
from popsense.recording.journal import JournalWriter
from popsense_protocol.codec import decode
from popsense_protocol.framing import FrameDecoder
from tests.benchmarks.link.paper_board import BLOCK_SAMPLES, PaperBoard, PaperWire
from tests.benchmarks.report import OUTPUT, Figure
from tests.host.recording.journals import HEADER

SIMULATED_S = 600
PERIOD_US = 1012  # 988 samples/s
LOST_EVERY_S = 10  # a block each, so that repair has something to do
RUNS = 3
BAR_S = 6.0
TOP = 5
UNIT = "s processor"


def figures() -> list[Figure]:
    """Processor seconds of the whole reader, and of decoding alone."""
    wire = PaperWire(PERIOD_US)
    blocks = -(-SIMULATED_S * 1_000_000 // (PERIOD_US * BLOCK_SAMPLES))
    turns = [wire.turn(number) for number in range(blocks)]
    if os.environ.get("PROFILE"):
        _profile(lambda: _read_whole(wire, turns))
    whole = min(_processor_s(lambda: _read_whole(wire, turns)) for _ in range(RUNS))
    decoding = min(_processor_s(lambda: _only_decode(turns)) for _ in range(RUNS))
    return [
        Figure(f"live reader, {SIMULATED_S} simulated s", whole, UNIT, BAR_S, higher_is_better=False),
        Figure("of it decoding: COBS, CRC, construct", decoding, UNIT),
        Figure("live reader / decoding", whole / decoding, "x"),
    ]


def _read_whole(wire: PaperWire, turns: Sequence[bytes]) -> None:
    """One recording from HELLO to the ACK of STOP; AssertionError where anything is missing."""
    every = LOST_EVERY_S * wire.blocks_a_second
    board = PaperBoard(wire, turns.__getitem__, lost=range(every // 2, len(turns), every))
    session = Session(board)
    session.connect()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=OUTPUT) as folder:
        kept = [0]
        journal = JournalWriter(
            Path(folder) / "live.journal", HEADER, lambda: kept.append(session.settled_below)
        )
        session.watch(journal)
        session.start("guided")
        while board.turns < len(turns):
            for packet in session.receive():
                if packet.name == "EVENT":
                    journal.sync(board.now())
        session.stop()
        journal.close(board.now(), {"outcome": "removed"})
    if kept[-1] != len(turns) * BLOCK_SAMPLES or session.repair is None or session.repair.holes():
        raise AssertionError(f"only {kept[-1]} of {len(turns) * BLOCK_SAMPLES} samples were kept")


def _only_decode(turns: Sequence[bytes]) -> None:
    decoder = FrameDecoder()
    for chunk in turns:
        for payload in decoder.feed(chunk):
            decode(payload)


def _processor_s(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _profile(work: Callable[[], None]) -> None:
    profile = cProfile.Profile(time.process_time)
    profile.runcall(work)
    pstats.Stats(profile).sort_stats("tottime").print_stats(TOP)
