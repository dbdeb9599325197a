"""Recordings killed with SIGKILL at seeded times, KILLS of them (20), and what their promises were worth."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from popsense.recording.attempt import decoded
from tests.benchmarks.report import Figure
from tests.end_to_end.killed_recording import (
    RATE_HZ,
    Killed,
    complaints,
    killed,
    planned_kill,
    put_in_order,
    undisturbed,
)

KILLS = 20
AT_ONCE = 5
COLUMNS = "{:>3} {:<8} {:<44} {:>8} {:>6} {:<9} {:<40} {}"


@dataclass(frozen=True)
class Outcome:
    """One victim and its recording; kept: samples."""

    victim: Killed
    kept: int
    verdict: str
    complaints: Sequence[str]


def figures() -> list[Figure]:
    """How many reopened with all that was promised; the table is printed."""
    count = int(os.environ.get("KILLS", KILLS))
    undisturbed()  # once, before the threads ask for it
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(_outcome, range(count)))
    _print_table(outcomes)
    beyond = [one.kept - one.victim.promised for one in outcomes]
    well = sum(not one.complaints for one in outcomes)
    return [
        Figure("recordings killed", count, ""),
        Figure("of them, reopened without a complaint", well, "", bar=count),
        Figure("promised samples lost", sum(-min(0, more) for more in beyond), "", 0, higher_is_better=False),
        Figure("most samples kept beyond the promise", max(beyond), ""),
    ]


def _outcome(number: int) -> Outcome:
    with TemporaryDirectory(prefix="popsense-kill-") as name:
        victim = killed(planned_kill(number), Path(name))
        found = put_in_order(Path(name), by_next_start=number % 2 == 0)
        verdict = decoded(found.stored, RATE_HZ).integrity
        return Outcome(victim, len(found.stored.sample_index), verdict, complaints(found, victim))


def _print_table(outcomes: Sequence[Outcome]) -> None:
    whole = len(undisturbed().stored.sample_index)
    print(f"kills; undisturbed, the recording has {whole} samples")
    print(COLUMNS.format("", "moment", "killed behind", "promised", "kept", "verdict", "files left", ""))
    for number, one in enumerate(outcomes):
        kill = one.victim.kill
        behind = f"{kill.nth}. {kill.line.strip()!r} + {kill.delay_s * 1e3:.0f} ms"
        behind += ", writing" if kill.partial else ""
        left = ", ".join(one.victim.left)
        row = (number, kill.moment, behind, one.victim.promised, one.kept, one.verdict, left)
        print(COLUMNS.format(*row, "; ".join(one.complaints)).rstrip())
