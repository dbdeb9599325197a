"""`popsense record replay://...`: a recording is recorded again, and says so itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from popsense.attempts.evaluate import evaluate
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording
from tests.host.cli.programs import CommandLine, Done

SAMPLE = Path(__file__).parents[2] / "formats" / "parquet-1.parquet"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """In a folder that has a recording with a hole, sample.parquet."""
    shutil.copy(SAMPLE, tmp_path / "sample.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


def recorded(run: CommandLine, *options: str) -> tuple[Done, Recording]:
    done = run("record", "replay://sample.parquet?speed=max", "--out", "again.parquet", *options)
    assert (done.code, done.err) == (0, "")
    return done, read_recording(Path("again.parquet"))


def test_a_replay_is_recorded_as_it_was_with_its_holes(run: CommandLine):
    before = read_recording(SAMPLE)
    done, again = recorded(run, "--mode", "assessment")
    assert "integrity: holes" in done.out
    for name in ("samples", "sample_index", "stamp_us"):
        assert np.array_equal(getattr(again.stored, name), getattr(before.stored, name))
    assert (again.stored.taken, again.stored.missed_conversions) == (988, 3)
    assert [event["kind"] for event in again.stored.events] == ["contact", "pop", "withdrawal"]
    assert evaluate(Path("again.parquet")).score == evaluate(Path("sample.parquet")).score


def test_site_device_and_operator_are_those_of_the_recording(run: CommandLine):
    _, again = recorded(run)
    before = read_recording(SAMPLE).header
    for name in ("site", "device", "operator", "channels", "calibration_id"):
        assert again.header[name] == before[name]


def test_the_same_may_be_said_again(run: CommandLine):
    recorded(run, "--site", "adult-proximal-tibia", "--device", "manual", "--operator", "sample")


@pytest.mark.parametrize(("option", "value"), [("--device", "powered"), ("--operator", "somebody")])
def test_an_option_that_contradicts_the_recording_is_refused(run: CommandLine, option: str, value: str):
    done = run("record", "replay://sample.parquet", option, value, "--out", "refused.parquet")
    assert done.code == 2
    assert f"{option} '{value}' contradicts the address" in done.err
    assert not list(Path().glob("refused.*"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("replay://nothing.parquet", "cannot read nothing.parquet"),
        ("replay://sample.parquet?speed=0", "speed '0' is no number"),
        ("replay://", "names no recording"),
    ],
)
def test_what_cannot_be_played_says_why(run: CommandLine, url: str, said: str):
    done = run("record", url)
    assert done.code == 2
    assert said in done.err
