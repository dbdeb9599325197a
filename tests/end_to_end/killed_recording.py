"""`popsense record` is killed while it records a simulated attempt; what it left, and what comes of it.

With pace=real the twin keeps to the wall clock, so kills fall anywhere in an attempt. Its bytes are the same
each time, since only virtual time decides them: an undisturbed recording is the truth.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from popsense.attempts.record import AttemptPlan, record_attempt
from popsense.model import IntArray, Stretch
from popsense.recording.attempt import decoded
from popsense.recording.closing import partial_path
from popsense.recording.journal import parquet_path
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording
from popsense.settings import Settings
from popsense.twin.transport import SimTransport, parse_address
from tests.host.cli.programs import popsense

URL = "sim://adult-proximal-tibia?operator=expert&seed=3"
RATE_HZ = 988.0
PROMISE = "durable_through "
EVENT_OF_LINE = {"Bone contact.": "contact", "In the marrow.": "pop", "Needle out.": "withdrawal"}
SETTLE_S = Settings().settle_s  # from the needle out to STOP
WAIT_S = 90.0


@dataclass(frozen=True)
class Kill:
    """SIGKILL so long after the victim has printed the n-th line that begins like this.

    partial: and after it has begun to write the Parquet.
    """

    moment: str
    line: str
    nth: int
    delay_s: float
    partial: bool = False


@dataclass(frozen=True)
class Killed:
    """What a victim left. promised: last `durable_through`; told: its whole lines; left: names of files."""

    kill: Kill
    promised: int
    told: tuple[str, ...]
    left: tuple[str, ...]


def planned_kill(number: int) -> Kill:
    """A kill of each kind in turn: in the attempt, at an event, about STOP, behind it, about the Parquet."""
    seeded = random.Random(number)
    return (
        Kill("attempt", PROMISE, seeded.randint(1, 9), seeded.uniform(0.0, 0.9)),
        Kill("event", seeded.choice(list(EVENT_OF_LINE)), 1, seeded.uniform(0.0, 0.05)),
        Kill("stop", "Needle out.", 1, SETTLE_S + seeded.uniform(-0.1, 0.2)),
        Kill("closing", f"{PROMISE}{_last_index()}", 1, seeded.uniform(0.0, 0.4)),
        Kill("parquet", f"{PROMISE}{_last_index()}", 1, seeded.uniform(0.0, 0.15), partial=True),
    )[number % 5]


def killed(kill: Kill, folder: Path) -> Killed:
    """Records into `folder`/victim.journal and kills. AssertionError where the victim ended before."""
    with TemporaryDirectory(prefix="popsense-victim-") as scratch:  # a killed twin cannot tidy up
        command = [sys.executable, "-m", "popsense.cli.main", "record", f"{URL}&pace=real", "--progress"]
        with subprocess.Popen(
            [*command, "--out", str(folder / "victim.parquet")],
            cwd=folder,
            env=os.environ | {"TMPDIR": scratch, "POPSENSE_RECORDINGS": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as victim:
            try:
                told = list(_lines_until(victim, kill))
                if kill.partial:
                    _await_parquet(folder / "victim.journal")
                time.sleep(kill.delay_s)
            finally:
                victim.kill()
            told += _whole_lines(victim.stdout.read())  # type: ignore[union-attr]
    promises = [int(line.removeprefix(PROMISE)) for line in told if line.startswith(PROMISE)]
    left = tuple(sorted(path.name for path in folder.iterdir()))
    return Killed(kill, max(promises, default=0), tuple(told), left)


def put_in_order(folder: Path, by_next_start: bool) -> Recording:
    """What `popsense salvage`, or the next `popsense record`, makes of what the victim left."""
    arguments = ("record", f"{URL}&pace=max", "--out", "next") if by_next_start else ("salvage", ".")
    done = popsense(*arguments, cwd=folder, POPSENSE_RECORDINGS=str(folder))
    assert done.returncode == 0, done.stderr
    others = {"next.parquet"} if by_next_start else set()
    assert {path.name for path in folder.iterdir()} - others == {"victim.parquet"}
    return read_recording(folder / "victim.parquet")


def complaints(found: Recording, victim: Killed) -> list[str]:
    """Everything in which the recording falls short of what was promised, or differs from the truth."""
    truth, stored = undisturbed().stored, found.stored
    index = stored.sample_index
    attempt = decoded(stored, RATE_HZ)
    missing = np.setdiff1d(np.arange(victim.promised), _accounted_for(index, attempt.raw.holes))
    shown = [event for line, event in EVENT_OF_LINE.items() if _begins(victim.told, line)]
    kept = {event["kind"] for event in stored.events}
    verdict = "complete" if attempt.stopped else "cut off"
    checks = {
        f"{len(missing)} promised samples are neither kept nor reported": not len(missing),
        "there are holes, though nothing was lost": not attempt.raw.holes,
        "samples differ": stored.samples.tobytes() == truth.samples[index].tobytes(),
        "stamps differ": stored.stamp_us.tobytes() == truth.stamp_us[index].tobytes(),
        "events differ": stored.events == truth.events[: len(stored.events)],
        f"of the events {shown}, which were shown, not all are kept": kept.issuperset(shown),
        f"the verdict is {attempt.integrity}": attempt.integrity == verdict,
    }
    return [complaint for complaint, is_well in checks.items() if not is_well]


@cache
def undisturbed() -> Recording:
    """The same attempt, without waiting for the wall clock and without a kill."""
    address = parse_address(f"{URL}&pace=real")
    plan = AttemptPlan(address.site, "guided", address.device, address.operator, uncalibrated=True)
    transport = SimTransport(address, sleep=lambda seconds: None)
    with TemporaryDirectory() as folder:
        try:
            recorded = record_attempt(transport, plan, Path(folder) / "truth.journal", Settings())
        finally:
            transport.close()
        return read_recording(recorded.path)


def _accounted_for(index: IntArray, holes: Sequence[Stretch]) -> IntArray:
    """Indices that are there, and those that are reported to be missing."""
    return np.concatenate([index, *(np.arange(hole.first_sample, hole.end) for hole in holes)])


def _begins(lines: Sequence[str], beginning: str) -> bool:
    return any(line.startswith(beginning) for line in lines)


def _last_index() -> int:
    return len(undisturbed().stored.sample_index)


def _lines_until(victim: subprocess.Popen[bytes], kill: Kill) -> Iterator[str]:
    seen = 0
    deadline = time.monotonic() + WAIT_S
    for line in victim.stdout or ():
        text = line.decode().rstrip("\n")
        yield text
        seen += text.startswith(kill.line)
        if seen == kill.nth:
            return
        assert time.monotonic() < deadline, f"the victim is slow; no {kill.line!r} yet"
    raise AssertionError(f"the victim ended before {kill}")


def _await_parquet(journal: Path) -> None:
    """Until a part of it is there, or all of it already."""
    deadline = time.monotonic() + WAIT_S
    while not (partial_path(journal).exists() or parquet_path(journal).exists()):
        assert time.monotonic() < deadline, "the victim does not close its recording"
        time.sleep(0.0005)


def _whole_lines(rest: bytes) -> list[str]:
    """What was printed to its end: half a number promises nothing."""
    return rest[: rest.rfind(b"\n") + 1].decode().splitlines()
