"""`ReplBoard` against a real MicroPython: its unix port's raw prompt behind a pseudo terminal."""

import os
import select
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from popsense.errors import DeviceError, LinkLost
from popsense.technician.flash.copying import copy_release, read_contents, roll_back
from popsense.technician.flash.plan import LIVE, MAIN
from popsense.technician.flash.release import read_release, sha256
from popsense.technician.flash.repl import ReplBoard
from popsense.twin.firmware_files import firmware_root
from popsense.twin.interpreter import find_interpreter
from tests.conftest import Require
from tests.host.link.bridges import Canned, behind_pty
from tests.host.technician.flash_board import small_release

pytestmark = pytest.mark.slow


class Terminal:
    """The near end of a terminal, for a bridge."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, timeout_s: float) -> bytes:
        readable, _, _ = select.select([self._descriptor], [], [], timeout_s)
        return os.read(self._descriptor, 4096) if readable else b""

    def write(self, data: bytes) -> None:
        os.write(self._descriptor, data)


@contextmanager
def prompt_in(folder: Path) -> Iterator[str]:
    """Name of a port on which a MicroPython waits whose files are in this folder."""
    master, slave = os.openpty()
    tty.setraw(slave)
    command = find_interpreter("micropython").command
    with subprocess.Popen(command, cwd=folder, stdin=slave, stdout=slave, stderr=slave) as child:
        try:
            with behind_pty(Terminal(master)) as url:
                yield url.removeprefix("serial://")
        finally:
            child.kill()
            os.close(slave)
            os.close(master)


@pytest.fixture
def board(tmp_path: Path, require: Require) -> Iterator[ReplBoard]:
    require("micropython")
    with prompt_in(tmp_path) as name:
        board = ReplBoard(name, soft_reset=False)
        yield board
        board.close()


def quiet(text: str) -> None: ...


def test_files_come_and_go_as_they_are(board: ReplBoard, tmp_path: Path):
    data = bytes(range(256)) * 9
    board.make_folder("bone.new")
    board.make_folder("bone.new")
    board.put("bone.new/all.bin", data)
    board.copy("bone.new/all.bin", "main.py.new")
    assert (tmp_path / "bone.new/all.bin").read_bytes() == data
    assert board.read("main.py.new") == data
    (tmp_path / "strange.txt").write_bytes(b"not ours")
    assert board.hashes() == {"bone.new/all.bin": sha256(data), "main.py.new": sha256(data)}
    board.rename(("bone.new", "bone"), ("main.py.new", "main.py"))
    assert {path.name for path in tmp_path.iterdir()} == {"bone", "main.py", "strange.txt"}
    board.remove("bone")
    board.remove("bone")
    assert board.hashes() == {"main.py": sha256(data)}
    assert board.free_bytes() > 0


def test_the_interpreter_and_the_firmware_on_it_are_told(board: ReplBoard, tmp_path: Path):
    before = board.about()
    assert before.version >= (1, 24, 0)
    assert (before.mpy & 0xFF, before.watchdog_running, before.firmware) == (6, False, "")
    assert "RP2040" not in before.machine
    (tmp_path / "bone").mkdir()
    (tmp_path / "bone/settings.py").write_text("FIRMWARE_VERSION = (1, 2, 3)")
    assert board.about().firmware == "1.2.3"
    (tmp_path / "bone/settings.py").write_text("1 +")
    assert board.about().firmware == ""


def test_what_the_board_refuses_is_told_in_its_words(board: ReplBoard):
    with pytest.raises(DeviceError, match=r"the board refused: OSError: .*ENOENT"):
        board.rename(("nowhere", "here"))
    assert board.hashes() == {}, "it goes on"


def test_a_whole_release_is_copied_and_rolled_back(board: ReplBoard, tmp_path: Path):
    release = read_release(firmware_root())
    copy_release(board, small_release("0.0.9"), quiet)
    (tmp_path / "calibration").mkdir()
    (tmp_path / "calibration/force").write_bytes(b"kept")
    assert copy_release(board, release, quiet)
    assert {path.name: path.read_bytes() for path in (tmp_path / LIVE).iterdir()} == release.files
    assert (tmp_path / MAIN).read_bytes() == release.files[MAIN]
    assert roll_back(board, quiet) == "0.0.9"
    assert read_contents(board).is_in_place(small_release("0.0.9"))
    assert (tmp_path / "calibration/force").read_bytes() == b"kept"


def test_a_prompt_that_goes_away_is_a_lost_link(tmp_path: Path, require: Require):
    require("micropython")
    with prompt_in(tmp_path) as name:
        board = ReplBoard(name, soft_reset=False)
        board.close()
        with pytest.raises(LinkLost, match="stopped answering") as lost:
            board.hashes()
        assert "popsense flash" in lost.value.remedy
        board.reset()
        board.close()


def test_where_no_prompt_answers_the_link_is_lost_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("popsense.technician.flash.repl.TIMEOUT_S", 0.1)
    with behind_pty(Canned(b"")) as url, pytest.raises(LinkLost, match="stopped answering"):
        ReplBoard(url.removeprefix("serial://"))
    assert capsys.readouterr().out == ""
