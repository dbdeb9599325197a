"""The commands: what they print, what they write, how they end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from popsense.attempts.simulated import DEMO_OPERATORS
from popsense.cli.main import app
from popsense.recording.reader import read_recording
from tests.host.attempts.boards import address, journal_bytes
from tests.host.cli.programs import CommandLine, Done, popsense

OPTIONS = {
    "demo": {"--once", "--json", "--seeds", "--out", "--jobs"},
    "record": {"--site", "--mode", "--device", "--operator", "--out"},
    "score": {"--rubric", "--json"},
    "report": {"--out", "--rubric"},
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "expert.journal"
    path.write_bytes(journal_bytes())
    return path


def well(done: Done) -> str:
    assert done.code == 0, done.err
    assert done.err == ""
    return done.out


def test_help_names_every_command(run: CommandLine):
    assert {command.callback.__name__ for command in app.registered_commands} == OPTIONS.keys()
    assert all(name in well(run("--help")) for name in OPTIONS)


@pytest.mark.parametrize("command", OPTIONS)
def test_help_of_a_command_lists_its_options(run: CommandLine, command: str):
    listed = set(re.findall(r"(?<![\w-])--[a-z]+", well(run(command, "--help"))))
    assert listed == OPTIONS[command] | {"--help"}


def test_record_score_report(run: CommandLine, tmp_path: Path):
    path = tmp_path / "a.journal"
    said = well(run("record", address(), "--mode", "assessment", "--out", path))
    assert f"recorded: {path}" in said
    assert "points earned /" in said
    before = path.read_bytes()
    assert "points earned /" in well(run("score", path))
    result = json.loads(well(run("score", path, "--json")))
    assert (result["outcome"], result["mode"], result["integrity"]) == ("removed", "assessment", "complete")
    page = tmp_path / "there" / "a.html"
    assert well(run("report", path, "--out", page)).strip() == str(page)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert path.read_bytes() == before


def test_a_report_goes_beside_the_recording_and_may_be_made_again(run: CommandLine, journal: Path):
    for _ in range(2):
        well(run("report", journal))
    assert "<svg" in journal.with_suffix(".html").read_text(encoding="utf-8")


def test_a_recording_without_a_name_goes_into_the_recordings_folder(run: CommandLine, tmp_path: Path):
    well(run("record", address()))
    (path,) = (tmp_path / "recordings").iterdir()
    assert path.name.endswith("-adult-proximal-tibia.journal")


def test_the_header_tells_who_really_held_which_device(run: CommandLine, tmp_path: Path):
    path = tmp_path / "a.journal"
    site = "sim://adult-proximal-tibia"
    well(run("record", f"{site}?seed=2", "--device", "manual", "--operator", "T07", "--out", path))
    header = read_recording(path).header
    assert (header["operator"], header["device"]) == ("expert", "powered")


@pytest.mark.parametrize(("mode", "cued", "scored"), [
    ("guided", True, True), ("assessment", False, True), ("blind", False, False),
])  # fmt: skip
def test_what_a_mode_shows(run: CommandLine, tmp_path: Path, mode: str, cued: bool, scored: bool):
    said = well(run("record", address(), "--mode", mode, "--out", tmp_path / "a.journal"))
    assert ("In the marrow" in said) == cued
    assert ("points earned" in said) == scored
    assert "Ready. Insert the needle." in said


def test_another_rubric_is_used(run: CommandLine, journal: Path, tmp_path: Path):
    from importlib import resources

    text = (resources.files("popsense.scoring") / "rubrics/adult-proximal-tibia.toml").read_text()
    rubric = tmp_path / "mine.toml"
    rubric.write_text(re.sub(r"(?m)^version = \d+", "version = 77", text, count=1), encoding="utf-8")
    assert json.loads(well(run("score", journal, "--rubric", rubric, "--json")))["versions"]["rubric"] == 77


# ---- demo ----------------------------------------------------------------------------------------------


def test_demo_json_is_one_object_and_leaves_nothing(run: CommandLine, tmp_path: Path):
    result = json.loads(well(run("demo", "--once", "--json", "--jobs", "1")))
    assert [attempt["operator"] for attempt in result["attempts"]] == list(DEMO_OPERATORS)
    assert {attempt["seed"] for attempt in result["attempts"]} == {1}
    assert result["attempts"][0].keys() >= {
        "operator", "seed", "score", "passed", "critical_errors", "metrics", "events", "truth", "samples",
        "lost_samples", "integrity", "firmware", "versions",
    }  # fmt: skip
    assert {attempt["mode"] for attempt in result["attempts"]} == {"assessment"}
    assert list(tmp_path.iterdir()) == []


def test_demo_writes_a_page_for_each_attempt_and_one_that_links_to_them(run: CommandLine, tmp_path: Path):
    said = well(run("demo", "--once", "--seeds", "3", "--out", "out", "--jobs", "1"))
    names = {f"{operator}-0003" for operator in DEMO_OPERATORS}
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {f"{name}.{kind}" for name in names for kind in ("html", "journal")} | {"index.html"}
    index = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^"]+)"', index)) == {f"{name}.html" for name in names}
    for name in names:
        assert f"{name.removesuffix('-0003')}, seed 3" in said
    assert said.count("points earned /") == 4
    assert "report: out/index.html" in said
    assert "no evidence that its scores are valid" in said


@pytest.mark.slow
def test_it_is_the_installed_program(tmp_path: Path):
    done = popsense("demo", "--once", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["attempts"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_the_demo_soon(tmp_path: Path, jobs: int):
    out = tmp_path / "out"
    command = ["demo", "--once", "--seeds", "0..99", "--out", str(out), "--jobs", str(jobs)]
    with subprocess.Popen(
        [sys.executable, "-m", "popsense.cli.main", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            until(lambda: out.is_dir() and len(list(out.glob("*.journal"))) >= 4)
            os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to the parent and to its workers
            assert program.wait(timeout=20) != 0
        finally:
            program.kill()
    assert len(list(out.glob("*.journal"))) < 40


@pytest.mark.slow
def test_ctrl_c_ends_an_attempt_and_keeps_it(tmp_path: Path):
    path = tmp_path / "a.journal"
    with subprocess.Popen(
        [sys.executable, "-m", "popsense.cli.main", "record", address(more="&pace=real"), "--out", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            until(lambda: path.is_file() and path.stat().st_size > 3000)
            os.killpg(program.pid, signal.SIGINT)
            said, complaint = program.communicate(timeout=20)
        finally:
            program.kill()
    assert (program.returncode, complaint) == (0, "")
    assert "Ended by you." in said
    recording = read_recording(path)
    assert recording.outcome == {"outcome": "cancelled", "detail": "ended by the user"}


def until(holds, most_s: float = 30.0) -> None:
    end = time.monotonic() + most_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
