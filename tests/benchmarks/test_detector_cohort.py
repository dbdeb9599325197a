"""Our detector on 200 attempts and 200 negatives of the held-back cohort; `make bench-detector` has 5,000.

Real MicroPython, all rates. After a failure do not tune on these cases: find the like of them among those for
tuning, `python tests/benchmarks/bench_detector.py --worst --attempts 200`.
"""

from dataclasses import asdict
from pathlib import Path

import pytest

from popsense.twin.cohort import load_plan
from tests.benchmarks.detectors.readings import Reading, run_cohort
from tests.benchmarks.detectors.summary import summarise
from tests.benchmarks.detectors.worst import worst_table
from tests.conftest import Require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PLAN = load_plan(Path(__file__).parents[1] / "cohorts" / "heldback.toml")
ATTEMPTS = 200
MOST_FALSE = 1  # in a set as a whole, all rates together
LEAST_RECALL_PERCENT = 98.0
ROWS = 10


@pytest.fixture(scope="module")
def readings(require: Require) -> list[Reading]:
    require("micropython")
    return run_cohort(PLAN, ATTEMPTS, ATTEMPTS, jobs=2, progress=False)


def test_hardly_any_false_pop(readings: list[Reading]):
    summary = summarise(readings)
    assert (summary.attempts, summary.negatives) == (3 * ATTEMPTS, 3 * ATTEMPTS)
    assert summary.false_in_attempts <= MOST_FALSE, worst_table(readings, ROWS)
    assert summary.false_in_negatives <= MOST_FALSE, worst_table(readings, ROWS)


@pytest.mark.parametrize("rate_hz", PLAN.rates_hz)
def test_nearly_every_pop_is_found(readings: list[Reading], rate_hz: float):
    own = [reading for reading in readings if reading.rate_hz == rate_hz]
    summary = summarise(own)
    assert summary.due > ATTEMPTS / 2
    assert summary.recall_percent.value >= LEAST_RECALL_PERCENT, worst_table(own, ROWS)


def test_the_detector_s_process_lives(readings: list[Reading]):
    assert [reading.crash for reading in readings if reading.crash] == []


def test_the_number_of_processes_changes_nothing(readings: list[Reading]):
    alone = run_cohort(PLAN, 3, 0, jobs=1, progress=False)
    assert [asdict(reading) for reading in alone] == [asdict(reading) for reading in readings[: len(alone)]]
