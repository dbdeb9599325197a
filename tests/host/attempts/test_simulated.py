"""Many simulated attempts: the same whatever the number of jobs, refused early, ended by Ctrl-C."""

import json
from pathlib import Path

import pytest

from popsense.attempts.simulated import DEMO_OPERATORS, as_json, run_many, run_simulated
from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.recording.reader import read_journal, read_recording
from popsense.twin.transport import SimTransport
from tests.host.attempts.boards import SETTINGS, record


def attempts_as_json(folder: Path, jobs: int, seeds: tuple[int, ...] = (4,)) -> str:
    chosen = [(operator, seed) for seed in seeds for operator in DEMO_OPERATORS]
    attempts = [as_json(one) for one in run_many(ADULT_PROXIMAL_TIBIA, chosen, folder, SETTINGS, jobs)]
    for attempt in attempts:
        del attempt["created"]
    return json.dumps(attempts)


@pytest.mark.slow
def test_the_same_seeds_give_the_same_json_whatever_the_number_of_jobs(tmp_path: Path):
    alone = attempts_as_json(tmp_path / "a", jobs=1)
    assert alone == attempts_as_json(tmp_path / "b", jobs=2)
    assert alone != attempts_as_json(tmp_path / "c", jobs=1, seeds=(5,))


def test_two_recordings_of_a_seed_differ_in_their_time_of_creation_only(tmp_path: Path):
    wires = [read_journal(record(tmp_path / name)[0].path).wire for name in ("a.journal", "b.journal")]
    assert wires[0] == wires[1]


def test_ctrl_c_ends_all_attempts_and_not_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reads = iter(range(1000))
    read = SimTransport.read

    def interrupted(board: SimTransport, timeout_s: float) -> bytes:
        if next(reads) == 20:
            raise KeyboardInterrupt
        return read(board, timeout_s)

    monkeypatch.setattr(SimTransport, "read", interrupted)
    chosen = [("expert", 0), ("expert", 1)]
    with pytest.raises(KeyboardInterrupt):
        list(run_many(ADULT_PROXIMAL_TIBIA, chosen, tmp_path, SETTINGS, 1))
    (path,) = tmp_path.iterdir()
    assert (read_recording(path).outcome or {})["outcome"] == "cancelled"


def test_an_unknown_operator_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(UsageError, match="surgeon"):
        run_simulated(ADULT_PROXIMAL_TIBIA, "surgeon", 1, tmp_path, SETTINGS)
    assert list(tmp_path.iterdir()) == []
