"""A thousand attempts on which something goes wrong: `RUNS=` and `SEED=` may be set, `JOBS=` too.

Prints the table faults x verdicts, and every rule that a run has broken.
"""

import os
import time

from tests.benchmarks.report import Figure
from tests.campaign.results import VERDICTS, campaign, complaints, counts, table, unmet

FULL = 1000  # fewer runs do not meet every kind of fault at every phase
LEAST_OF_EACH = 100


def figures() -> list[Figure]:
    runs, seed, jobs = (int(os.environ.get(name, usual)) for name, usual in _USUAL.items())
    begun_s = time.perf_counter()
    results = list(campaign(range(runs), seed, jobs))
    took_s = time.perf_counter() - begun_s
    print(table(results))
    for line in complaints(results):
        print(line)
    by, whole = counts(results), runs >= FULL
    rows = [
        Figure("campaign: rules broken", len(complaints(results)), "", 0, higher_is_better=False),
        Figure(
            "campaign: outages to 7 s not repaired",
            sum(one.is_unrepaired for one in results),
            "runs",
            0,
            higher_is_better=False,
        ),
        Figure(
            "campaign: faults x phases not met",
            len(unmet(results)),
            "",
            0 if whole else None,
            higher_is_better=False,
        ),
    ]
    rows += [
        Figure(f"campaign: {verdict}", by[verdict], "runs", LEAST_OF_EACH if whole else None)
        for verdict in VERDICTS
    ]
    return [*rows, Figure("campaign: time", took_s, "s"), Figure("campaign: runs", runs, "")]


_USUAL = {"RUNS": "1000", "SEED": "1", "JOBS": "2"}
