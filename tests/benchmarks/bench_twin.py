"""How much faster than life an attempt runs through firmware (in MicroPython), link and recording.

The physics is computed before (a script of sensor codes) and timed apart, as is the start of the interpreter.
"""

import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from popsense.attempts.evaluate import evaluate
from popsense.attempts.record import AttemptPlan, record_attempt
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.settings import Settings
from popsense.twin.insertion import Setup
from popsense.twin.script import build_script
from popsense.twin.transport import SimTransport, parse_address
from report import Figure, write_bench

ATTEMPTS = 12
OPERATORS = ("expert", "novice", "plunger")


def one_attempt(folder: Path, number: int, interpreter: str) -> dict[str, float]:
    """Seconds of each stage, and how many seconds of the attempt they carried."""
    operator = OPERATORS[number % len(OPERATORS)]
    address = parse_address(
        f"sim://adult-proximal-tibia?operator={operator}&seed={number}&interpreter={interpreter}"
    )
    marks = [time.perf_counter()]
    build_script(Setup(address.site, address.operator, address.device, address.seed))
    marks.append(time.perf_counter())
    transport = SimTransport(address)
    marks.append(time.perf_counter())
    try:
        plan = AttemptPlan(ADULT_PROXIMAL_TIBIA, "assessment", "powered", operator, uncalibrated=True)
        recorded = record_attempt(transport, plan, folder / f"{interpreter}-{number}.journal", Settings())
        marks.append(time.perf_counter())
        simulated_s = transport.now()
    finally:
        transport.close()
    evaluate(recorded.path)
    marks.append(time.perf_counter())
    physics, opening, recording, evaluation = (b - a for a, b in pairwise(marks))
    return {
        "simulated": simulated_s,
        "physics": physics,
        "start": opening - physics,
        "recording": recording,
        "evaluation": evaluation,
    }


def ratio(runs: list[dict[str, float]]) -> float:
    return sum(run["simulated"] for run in runs) / sum(run["recording"] for run in runs)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        runs = [one_attempt(Path(scratch), number, "micropython") for number in range(ATTEMPTS)]
        shim = [one_attempt(Path(scratch), number, "cpython") for number in range(3)]
    rows = [Figure("firmware, link and recording, MicroPython", ratio(runs), "sim s/s", bar=50)]
    rows.append(Figure("the same with firmware on CPython", ratio(shim), "sim s/s"))
    rows += [
        Figure(f"{stage}, median an attempt", statistics.median(run[stage] for run in runs), "s")
        for stage in ("physics", "start", "recording", "evaluation")
    ]
    write_bench("twin", rows)


if __name__ == "__main__":
    main()
