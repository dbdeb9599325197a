"""Ctrl-C in a terminal: programs of their own, with their workers, end soon and leave nobody behind."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from popsense.recording.reader import read_recording
from popsense.twin.transport import open_sim
from tests.host.attempts.boards import address


@contextmanager
def demo_of_100_seeds(folder: Path, jobs: int) -> Iterator[subprocess.Popen[str]]:
    """Under way in a session of its own, with temporary files in `folder`/tmp."""
    (folder / "tmp").mkdir()
    command = ["demo", "--once", "--seeds", "0..99", "--out", str(folder / "out"), "--jobs", str(jobs)]
    with subprocess.Popen(
        [sys.executable, "-m", "popsense.cli.main", *command],
        env=os.environ | {"TMPDIR": str(folder / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            yield program
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)


def press_ctrl_c(program: subprocess.Popen[str], folder: Path) -> None:
    """As a terminal does: to the parent and to its workers. It must end soon and leave nobody behind."""
    os.killpg(program.pid, signal.SIGINT)
    _, complaint = program.communicate(timeout=80)
    assert (program.returncode, complaint) == (130, "")
    with pytest.raises(ProcessLookupError):  # the resource tracker may need a moment
        until(lambda: os.killpg(program.pid, 0), most_s=5)
    assert list((folder / "tmp").glob("popsense-twin-*")) == []  # every simulated board was switched off


def members(group: int) -> int:
    """Processes of a group."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid="], capture_output=True, text=True, check=True).stdout
    return sum(int(line) == group for line in listed.split())


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_ctrl_c_while_workers_start(tmp_path: Path, share: float):
    """They import for about a second, and know nothing of Ctrl-C before."""
    with demo_of_100_seeds(tmp_path, jobs=2) as program:
        until(lambda: members(program.pid) >= 2, program)  # resource tracker, then workers
        time.sleep(share)
        press_ctrl_c(program, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_the_demo_soon(tmp_path: Path, jobs: int):
    out = tmp_path / "out"
    with demo_of_100_seeds(tmp_path, jobs) as program:
        until(lambda: out.is_dir() and len(list(out.glob("*.parquet"))) >= 4, program)
        time.sleep(random.random())
        press_ctrl_c(program, tmp_path)
    assert len(list(out.glob("*.parquet"))) < 40


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
            said, complaint = program.communicate(timeout=80)
        finally:
            program.kill()
    assert (program.returncode, complaint) == (3, "")
    assert "Ended by you." in said
    outcome = read_recording(path.with_suffix(".parquet")).outcome
    assert outcome is not None
    assert (outcome["outcome"], outcome["detail"]) == ("cancelled", "ended by the user")


def until(holds, program: subprocess.Popen[str] | None = None, most_s: float = 80.0) -> None:
    """Waits until it holds; a program that has ended by then tells why."""
    end = time.monotonic() + most_s
    while not holds():
        assert program is None or program.poll() is None, program.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_ctrl_c_while_a_board_is_put_away_leaves_no_folder(monkeypatch: pytest.MonkeyPatch):
    board = open_sim(address())
    assert board.board._child is not None
    folder = Path(board.board._child._folder.name)
    remove = shutil.rmtree

    def interrupted(*arguments: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        remove(*arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        board.close()
    assert not folder.exists()
