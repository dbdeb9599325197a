"""`popsense flash`: what it says, its JSON and its exit codes, on a board in memory."""

import errno
import json
import os
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from popsense.cli import flash as command
from popsense.technician.flash import release
from popsense.technician.flash.install import Flasher
from popsense.technician.ports import Port
from popsense.technician.system import System
from popsense.twin.firmware_files import firmware_root
from tests.host.cli.programs import CommandLine, Done
from tests.host.link.bridges import Canned, behind_pty
from tests.host.link.scripted import hello
from tests.host.technician.flash_board import BY_HAND
from tests.host.technician.machines import PICO, machine
from tests.host.technician.test_discovery import port, refusal
from tests.host.technician.test_flash_install import Pico

VERSION = release.release_version(firmware_root())
FILES = len(list((firmware_root() / "bone").glob("*.py"))) + 3  # main.py twice, and the manifest
compiled_once = cache(release._compiled)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(release, "_compiled", compiled_once)
    return CommandLine(monkeypatch, capfd)


@pytest.fixture
def pico(monkeypatch: pytest.MonkeyPatch) -> Pico:
    """The only board of this computer, with a firmware that was copied by hand."""
    board = Pico(says=hello(firmware_version=[int(part) for part in VERSION.split(".")]))
    board.board.files = dict(BY_HAND)
    with_computer(monkeypatch, replace(machine(ports=(PICO,)), open_url=lambda url: board.opened()))

    def flasher(port: Port, *ways: object) -> Flasher:
        return Flasher(port, *ways, open_board=lambda name: board.board)

    monkeypatch.setattr(command, "Flasher", flasher)
    return board


def with_computer(monkeypatch: pytest.MonkeyPatch, computer: System) -> None:
    monkeypatch.setattr(command, "System", lambda: computer)


def well(done: Done, code: int = 0) -> str:
    assert (done.code, done.err) == (code, "")
    return done.out


@pytest.mark.usefixtures("pico")
def test_versions_files_and_duration_are_told(run: CommandLine):
    last = well(run("flash", "--yes")).splitlines()[-1]
    assert last.startswith(f"/dev/ttyACM0: firmware {VERSION} -> {VERSION}, copied; ")
    assert f"{FILES} files" in last
    assert last.endswith(" s")
    assert "already there" in well(run("flash", "--yes"))


def test_the_sources_are_copied_where_asked_for(run: CommandLine, pico: Pico):
    well(run("flash", "--yes", "--source"))
    assert pico.board.files["bone/app.py"] == (firmware_root() / "bone/app.py").read_bytes()


@pytest.mark.usefixtures("pico")
def test_a_comparison_tells_each_file_and_exits_with_1_where_one_differs(run: CommandLine):
    lines = well(run("flash", "--check"), code=1).splitlines()
    assert "different  main.py" in lines
    assert "extra      bone/app.py" in lines
    assert "missing    bone/app.mpy" in lines
    assert lines[-1] == "The firmware on /dev/ttyACM0 differs from this release's."
    well(run("flash", "--yes"))
    lines = well(run("flash", "--check")).splitlines()
    assert lines[-1] == "The firmware on /dev/ttyACM0 is this release's."


def test_a_rollback_puts_back_what_was_there(run: CommandLine, pico: Pico):
    well(run("flash", "--yes"))
    assert "rolled back" in well(run("flash", "--yes", "--rollback"))
    assert pico.board.files.items() >= BY_HAND.items()


def test_without_a_yes_nothing_happens(run: CommandLine, pico: Pico, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    done = run("flash")
    assert done.code == 1
    assert f"Copy firmware {VERSION} on /dev/ttyACM0? What runs there is stopped." in done.err
    assert (pico.board.files, pico.written) == (BY_HAND, b"")


@pytest.mark.usefixtures("pico")
def test_the_help_documents_every_field_of_the_json(run: CommandLine):
    said = json.loads(well(run("flash", "--json")))
    helped = well(run("flash", "--help"))
    for name in [*said, *said["files"][0]]:
        assert name in helped
    for word in ("copied", "already there", "rolled", "compared", "same", "different", "missing", "extra"):
        assert word in helped
    assert (said["action"], said["version_after"], said["port"]) == (
        "copied",
        VERSION,
        "/dev/ttyACM0",
    )


@pytest.mark.parametrize(
    ("computer", "arguments", "says"),
    [
        (machine(), (), "no board found. Plug one in"),
        (machine(ports=(PICO, port(1))), (), "there are 2 boards: /dev/ttyACM0, /dev/ttyACM1. Name one"),
        (machine((PICO.address, refusal(errno.EBUSY)), ports=(PICO,)), (), "refused. Do something."),
        (machine(), ("--check", "--rollback"), "do not go together. Choose one."),
    ],
)
def test_what_goes_wrong_is_one_line_with_what_to_do(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, computer: System, arguments: tuple[str, ...], says: str
):
    with_computer(monkeypatch, computer)
    done = run("flash", "--yes", *arguments)
    assert done.code == 2
    assert says in done.err


def test_a_port_that_another_program_holds_is_not_touched(run: CommandLine):
    board = Canned(hello())
    with behind_pty(board) as url:
        name = url.removeprefix("serial://")
        holder = os.open(name, os.O_RDWR)
        try:
            import fcntl

            fcntl.flock(holder, fcntl.LOCK_EX)
            done = run("flash", "--yes", "--port", name)
        finally:
            os.close(holder)
    assert done.code == 2
    assert "is held by another program" in done.err
    assert board.heard == b""
