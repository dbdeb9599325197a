"""What closing a recording of an hour costs: journal to Parquet, in a process of its own.

No attempt is that long (180 s at most): the figures show that nothing breaks where one is.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from popsense.recording.journal import JournalWriter
from tests.benchmarks.link.paper_board import BLOCK_SAMPLES, RUN, PaperWire
from tests.benchmarks.report import OUTPUT, Figure
from tests.host.recording.journals import HEADER

PERIOD_US = 1012
HOUR_S = 3600
PEAK_BAR_MB = 1000.0  # of a laptop with 4 GB

CLOSE = """
import json, resource, sys, time
from pathlib import Path
import popsense.recording.parquet
from popsense.recording.closing import close_recording
from popsense.recording.reader import read_recording
from popsense.recording.attempt import decoded
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
before, began = peak(), time.process_time()
path = close_recording(Path(sys.argv[1]))
closing_s, closing_mb = time.process_time() - began, peak()
began = time.process_time()
samples = len(decoded(read_recording(path).stored, 988.0).raw.time_s)
reading_s = time.process_time() - began
print(json.dumps([before, closing_s, closing_mb, reading_s, peak(), samples, path.stat().st_size]))
"""


def figures() -> list[Figure]:
    """Processor seconds and resident memory, at their peak, in the process that closes."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=OUTPUT) as folder:
        journal, samples = _hour(Path(folder) / "hour.journal")
        journal_mb = journal.stat().st_size / 1e6
        done = subprocess.run(
            [sys.executable, "-c", CLOSE, str(journal)], capture_output=True, text=True, check=True
        )
    before_mb, closing_s, closing_mb, reading_s, reading_mb, found, size = json.loads(done.stdout)
    if found != samples:
        raise AssertionError(f"{found} of {samples} samples are in the Parquet")
    return [
        Figure("closing an hour", closing_s, "s processor"),
        Figure("resident before it", before_mb, "MB"),
        Figure("resident at its peak", closing_mb, "MB", PEAK_BAR_MB, higher_is_better=False),
        Figure("reading that hour back, decoded", reading_s, "s processor"),
        Figure("resident at its peak, closing and reading", reading_mb, "MB"),
        Figure("journal of an hour", journal_mb, "MB"),
        Figure("Parquet of an hour", size / 1e6, "MB"),
    ]


def _hour(path: Path) -> tuple[Path, int]:
    """The journal of an hour, and how many samples it holds."""
    wire = PaperWire(PERIOD_US)
    blocks = HOUR_S * 1_000_000 // (PERIOD_US * BLOCK_SAMPLES)
    journal = JournalWriter(path, HEADER)
    journal.note(0.0, {"what": "started", "run": RUN})
    for number in range(blocks):
        journal.wire(0.0, wire.turn(number))  # at one instant, so that nothing is synced on the way
    journal.close(0.0, {"outcome": "removed"})
    return path, blocks * BLOCK_SAMPLES
