"""Cohorts as recordings: what is written, on whose clock, and how it ends."""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popsense.attempts import cohort
from popsense.attempts.cohort import CohortRun, Entry, plan_digest, record_case, record_cohort
from popsense.attempts.evaluate import evaluate
from popsense.attempts.workers import in_order
from popsense.errors import RecordingError, UsageError
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_recording
from popsense.twin.cohort import EVERYDAY, draw_case, load_plan
from popsense.twin.insertion import simulate
from popsense.twin.transport import SimTransport
from tests.host.recording.journals import differences

pytestmark = pytest.mark.slow  # whole recordings, in processes of their own

PLAN = load_plan(EVERYDAY)


def run_of(
    folder: Path, attempts: int = 1, negatives: int = 0, rate_hz: float = 988.0, **plan: Any
) -> CohortRun:
    drawn_from = PLAN.model_copy(update=plan)
    return CohortRun(drawn_from, plan_digest(EVERYDAY), attempts, negatives, rate_hz, folder)


def unheard(_: Entry) -> None:
    pass


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two attempts and a negative, recorded once."""
    folder = tmp_path_factory.mktemp("small") / "cohort"
    record_cohort(run_of(folder, 2, 1, operators={"expert": 1.0}), 1, unheard)
    return folder


def undated(header: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if name not in ("created", "host_clock")}


def truth_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def test_recordings_and_one_truth_file(small: Path):
    said = truth_of(small)
    names = [entry["file"] for entry in said["attempts"]]
    assert names == ["attempt-00000.parquet", "attempt-00001.parquet", "negative-00000.parquet"]
    assert {path.name for path in small.iterdir()} == {*names, "truth.json"}
    assert (said["schema"], said["seed"], said["complete"]) == (1, PLAN.seed, True)
    assert said["plan"] == {"name": "everyday", "sha256": plan_digest(EVERYDAY)}
    assert said["asked"] == {"attempts": 2, "negatives": 1, "rate_hz": 988.0}
    for entry in said["attempts"]:
        header = read_recording(small / entry["file"]).header
        assert said["versions"]["detector"] == header["versions"]["detector"]
        assert said["versions"]["popsense"] == header["versions"]["popsense"]
        for name in ("site", "device", "operator"):
            assert header[name] == entry[name]
        assert entry["recording"]["integrity"] == "complete"


def test_a_recording_of_a_cohort_is_scored_like_any_other(small: Path):
    entry = truth_of(small)["attempts"][0]
    evaluation = evaluate(small / entry["file"])
    assert evaluation.score.percent is not None
    assert len(evaluation.trace.time_s) == entry["recording"]["samples"]


def test_the_truth_is_on_the_recordings_clock(small: Path):
    """Where the truth has the whole bevel through, the recorded force lies between its peak and rest."""
    for entry in truth_of(small)["attempts"][:2]:
        trace = evaluate(small / entry["file"]).trace
        truth = entry["truth"]
        before = np.interp(truth["exit_start_s"], trace.time_s, trace.force_n)
        half, end = np.interp([truth["exit_half_s"], truth["exit_end_s"]], trace.time_s, trace.force_n)
        assert 0.3 * before < half < 0.75 * before
        assert end < 0.4 * before
        assert np.nanmax(trace.protrusion_mm) == pytest.approx(truth["deepest_protrusion_mm"], abs=0.3)


def test_the_same_arguments_give_the_same_bytes(small: Path, tmp_path: Path):
    run = run_of(tmp_path / "again", 2, 1, operators={"expert": 1.0})
    record_cohort(run, 1, unheard)
    for path in small.iterdir():
        other = run.folder / path.name
        if path.suffix == ".parquet":
            first, second = read_recording(path), read_recording(other)
            assert differences(first, second) == ["header"]
            assert undated(first.header) == undated(second.header)
        else:
            assert path.read_bytes() == other.read_bytes()


def test_a_site_without_a_rubric_is_recorded_at_another_rate(tmp_path: Path):
    run = run_of(tmp_path, rate_hz=320.0, sites={"newborn-proximal-tibia": 1.0}, devices={"manual": 1.0})
    entry = record_case(run, ("attempt", 0))
    assert entry["recording"]["integrity"] == "complete"
    recorded_hz = (entry["recording"]["samples"] - 1) / entry["recording"]["duration_s"]
    assert recorded_hz == pytest.approx(320.0, rel=0.021)
    assert entry["sample_period_ns"] == pytest.approx(1e9 / recorded_hz, rel=1e-3)


@pytest.mark.parametrize(("operator", "site"), [
    ("withdrawer", "adult-proximal-tibia"),
    ("repuncturer", "adult-proximal-tibia"),
    ("returner", "newborn-proximal-tibia"),
])  # fmt: skip
def test_a_recording_reaches_the_end_of_what_happened(tmp_path: Path, operator: str, site: str):
    """A needle that is drawn out and comes again does not end it, nor one that the board hardly feels."""
    run = run_of(tmp_path, sites={site: 1.0}, operators={operator: 1.0})
    entry = record_case(run, ("attempt", 0))
    insertion = simulate(draw_case(run.plan, "attempt", 0).setup)
    began_s = entry["truth"]["contact_s"] - (insertion.truth.contact_s or 0.0)
    assert entry["recording"]["duration_s"] > began_s + insertion.time_s[-1] - 0.1


# ---- what goes wrong -----------------------------------------------------------------------------------


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        record_cohort(run_of(tmp_path), 1, unheard)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="is a file"):
        record_cohort(run_of(tmp_path / "mine.txt"), 1, unheard)
    with pytest.raises(UsageError, match="cannot write into"):
        record_cohort(run_of(tmp_path / "mine.txt" / "in"), 1, unheard)


def test_after_ctrl_c_the_truth_lists_what_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read, heard = SimTransport.read, []

    def interrupted(board: SimTransport, timeout_s: float) -> bytes:
        if heard and board.now() > 3.0:
            raise KeyboardInterrupt
        return read(board, timeout_s)

    monkeypatch.setattr(SimTransport, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record_cohort(run_of(tmp_path, 3), 1, heard.append)
    said = truth_of(tmp_path)
    assert [entry["file"] for entry in said["attempts"]] == ["attempt-00000.parquet"]
    assert said["complete"] is False
    cut_short = read_recording(tmp_path / "attempt-00001.journal")
    assert (cut_short.outcome or {})["outcome"] == "cancelled"
    assert not (tmp_path / "attempt-00002.journal").exists()


def test_a_full_disk_is_told_and_costs_nothing_that_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    append = JournalWriter._append

    def full(writer: JournalWriter, kind: bytes, host_time_s: float, body: bytes) -> None:
        if writer.path.name == "attempt-00001.journal" and host_time_s > 2.0:
            with writer._disk():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(writer, kind, host_time_s, body)

    monkeypatch.setattr(JournalWriter, "_append", full)
    with pytest.raises(RecordingError, match="No space left") as caught:
        record_cohort(run_of(tmp_path, 2), 1, unheard)
    assert "Free some space" in caught.value.remedy
    assert [entry["number"] for entry in truth_of(tmp_path)["attempts"]] == [0]


def test_a_cohort_that_came_to_nothing_leaves_the_folder_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(run: CohortRun, chosen: tuple[str, int]) -> Entry:
        raise UsageError("no board today")

    monkeypatch.setattr(cohort, "record_case", broken)
    with pytest.raises(UsageError, match="no board today"):
        record_cohort(run_of(tmp_path), 1, unheard)
    assert list(tmp_path.iterdir()) == []


def test_a_truth_file_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "truth.json").mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*truth.json"):
        cohort.write_truth(run_of(tmp_path), [])


# ---- work in order -------------------------------------------------------------------------------------


def doubled(number: int) -> int:
    if number < 0:
        raise UsageError(f"{number} is negative", "Give 0 or more.")
    return 2 * number


def test_results_come_in_order_and_what_was_ready_is_handed_over_late():
    late: list[int] = []
    results = in_order(doubled, list(range(8)), 2, late.append)
    given = [next(results), next(results)]
    results.close()
    assert given == [0, 2]
    assert late == [2 * number for number in range(2, 2 + len(late))]


def test_an_error_of_a_worker_keeps_its_remedy():
    late: list[int] = []
    with pytest.raises(UsageError, match="-1 is negative") as caught:
        list(in_order(doubled, [-1, 1], 2, late.append))
    assert caught.value.remedy == "Give 0 or more."
    assert late in ([], [2])
