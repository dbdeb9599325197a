"""`popsense record replay://...`: a recording is recorded again, and says so itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from popsense.attempts.evaluate import evaluate
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording
from tests.host.cli.programs import CommandLine, Done
from tests.host.recording.journals import write_journal
from tests.host.recording.wires import BLOCK, PERIOD_US, Attempt, event, holes

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
    assert "recording: holes" in done.out
    for name in ("samples", "sample_index", "stamp_us"):
        assert np.array_equal(getattr(again.stored, name), getattr(before.stored, name))
    assert (again.stored.taken, again.stored.missed_conversions) == (988, 3)
    assert [event["kind"] for event in again.stored.events] == ["contact", "pop", "withdrawal"]
    assert evaluate(Path("again.parquet")).score == evaluate(Path("sample.parquet")).score


def test_site_device_and_operator_are_those_of_the_recording(run: CommandLine):
    _, again = recorded(run)
    before = read_recording(SAMPLE).header
    for name in ("site", "device", "operator", "calibration_id"):
        assert again.header[name] == before[name]
    not_told = {"settle_samples": 0}  # a HELLO always has it, a recording of protocol 3 has not
    channels = {sensor: channel | not_told for sensor, channel in before["channels"].items()}
    assert again.header["channels"] == channels


def test_the_same_may_be_said_again(run: CommandLine):
    recorded(run, "--site", "adult-proximal-tibia", "--device", "manual", "--operator", "sample")


@pytest.mark.parametrize(("option", "value"), [("--device", "powered"), ("--operator", "somebody")])
def test_an_option_that_contradicts_the_recording_is_refused(run: CommandLine, option: str, value: str):
    done = run("record", "replay://sample.parquet", option, value, "--out", "refused.parquet")
    assert done.code == 2
    assert f"{option} '{value}' contradicts the address" in done.err
    assert not list(Path().glob("refused.*"))


ATTEMPT = Attempt(12_000, events=3)
WITHDRAWN_AT = 5_000
EVENTS = [
    event(number, sample_index=at, ticks_us=ATTEMPT.ticks + at * PERIOD_US, kind=kind)
    for number, (kind, at) in enumerate({"contact": 1000, "pop": 2000, "withdrawal": WITHDRAWN_AT}.items())
]


def journal_of(name: str, *parts: bytes) -> None:
    """What came behind START's ACK."""
    write_journal(Path(name), [b"".join([ATTEMPT.started(), *parts])], outcome=None)


def test_a_hole_stays_a_hole_where_a_withdrawal_in_it_ends_the_attempt(run: CommandLine):
    blocks = ATTEMPT.blocks()
    kept = [*blocks[: 3000 // BLOCK], *blocks[11_000 // BLOCK :]]
    journal_of("long.journal", *kept, *EVENTS, ATTEMPT.ended())
    done = run("record", "replay://long.journal?speed=max", "--mode", "assessment", "--out", "again")
    assert (done.code, done.err) == (0, "")
    found = evaluate(Path("again.parquet"))
    assert found.decoded.integrity == "holes"
    ((first, count),) = holes(found.decoded)
    assert first == 3000
    assert first + count == pytest.approx(WITHDRAWN_AT + 988, abs=100)  # 1 s of rest behind the withdrawal
    assert read_recording(Path("again.parquet")).stored.taken == first + count


def test_a_recording_that_was_cut_off_is_cut_off_again(run: CommandLine):
    journal_of("killed.journal", *ATTEMPT.blocks()[: 3000 // BLOCK], *EVENTS[:2])
    assert run("salvage", ".").code == 0
    done = run("record", "replay://killed.parquet?speed=max", "--out", "again")
    assert (done.code, done.err) == (3, "")
    assert "killed.parquet was cut off here" in " ".join(done.out.split())
    assert evaluate(Path("again.parquet")).decoded.integrity == "cut off"
    again = read_recording(Path("again.parquet"))
    assert again.outcome is not None
    assert again.outcome["outcome"] == "link_lost"
    assert (len(again.stored.samples), again.stored.taken, again.stored.at_least) == (3000, None, 3000)


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
