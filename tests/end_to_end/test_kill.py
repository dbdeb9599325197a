"""SIGKILL of the whole program while it records: what it promised is there. `make bench-link` kills 20."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.end_to_end.killed_recording import (
    Killed,
    complaints,
    killed,
    planned_kill,
    put_in_order,
    undisturbed,
)

KILLS = (0, 1, 4)  # in the attempt, at an event, while the Parquet is written
Victims = dict[int, tuple[Path, Killed]]


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Victims:
    """All at once: most of the time they wait for the wall clock."""
    folders = {number: tmp_path_factory.mktemp(f"kill-{number}") for number in KILLS}
    plans = [planned_kill(number) for number in KILLS]
    with ThreadPoolExecutor(len(KILLS)) as pool:
        found = list(pool.map(killed, plans, folders.values()))
    return {number: (folders[number], one) for number, one in zip(KILLS, found, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("number", KILLS)
def test_a_killed_recording_keeps_what_it_promised(victims: Victims, number: int):
    folder, victim = victims[number]
    assert victim.promised > 0
    found = put_in_order(folder, by_next_start=number % 2 == 0)
    assert complaints(found, victim) == []
    if victim.kill.moment in ("attempt", "event"):
        assert found.outcome is None
        assert len(found.stored.sample_index) < len(undisturbed().stored.sample_index)


@pytest.mark.slow
def test_a_recording_that_falls_short_is_noticed():
    truth = undisturbed()
    whole = len(truth.stored.sample_index)
    honest = Killed(planned_kill(0), whole, ("Bone contact.",), ())
    assert complaints(truth, honest) == []
    beyond = Killed(planned_kill(0), whole + 1, (), ())
    assert complaints(truth, beyond) == ["1 promised samples are neither kept nor reported"]
