"""A cohort as the program writes it: the same whatever the number of jobs, and ended by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from popsense.recording.reader import read_recording
from tests.architecture.tree import ROOT
from tests.host.attempts.test_cohort import undated
from tests.host.cli.programs import popsense
from tests.host.recording.journals import differences

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PLAN = ROOT / "tests/cohorts/heldback.toml"


def cohort(folder: Path, out: str, *more: str) -> list[str]:
    return ["twin", "cohort", "--plan", str(PLAN), "--seed", "4", "--out", str(folder / out), *more]


def test_jobs_change_nothing(tmp_path: Path):
    for out, jobs in (("one", "1"), ("two", "2")):
        done = popsense(
            *cohort(tmp_path, out, "--attempts", "6", "--negatives", "6", "--jobs", jobs, "--json"),
            cwd=tmp_path,
            timeout=200,
        )
        assert (done.returncode, done.stderr) == (0, "")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 13
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    assert (tmp_path / "one/truth.json").read_bytes() == (tmp_path / "two/truth.json").read_bytes()
    for name in names[:-1]:
        first, second = read_recording(tmp_path / "one" / name), read_recording(tmp_path / "two" / name)
        assert differences(first, second) == ["header"]
        assert undated(first.header) == undated(second.header)


def test_ctrl_c_keeps_what_is_complete(tmp_path: Path):
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-m", "popsense.cli.main", *cohort(tmp_path, "out", "--attempts", "500")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            end = time.monotonic() + 100
            while not (out.is_dir() and len(list(out.glob("*.parquet"))) >= 5):
                assert program.poll() is None, program.communicate()
                assert time.monotonic() < end
                time.sleep(0.05)
            os.killpg(program.pid, signal.SIGINT)
            said, complaint = program.communicate(timeout=100)
        finally:
            program.kill()
    assert (program.returncode, complaint) == (130, "")
    assert "Ended by you." in said
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    listed = [entry["file"] for entry in truth["attempts"]]
    written = sorted(path.name for path in out.glob("*.parquet"))
    assert truth["complete"] is False
    assert listed == written  # those under way were finished: Ctrl-C is the parent's alone
    assert all((read_recording(out / name).outcome or {})["outcome"] != "cancelled" for name in listed)
