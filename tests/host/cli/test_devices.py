"""`popsense devices`: the table, the JSON, and always exit code 0."""

import errno
import json
from pathlib import Path

import pytest

from popsense.technician.system import System
from tests.conftest import Require
from tests.host.cli.programs import CommandLine, Done
from tests.host.link.bridges import SIM, Canned, behind_pty, behind_tcp, simulated
from tests.host.link.scripted import hello
from tests.host.technician.machines import PICO, FakeBoard, machine
from tests.host.technician.test_discovery import port, refusal


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


def with_computer(monkeypatch: pytest.MonkeyPatch, computer: System) -> None:
    monkeypatch.setattr("popsense.cli.devices.System", lambda: computer)


def well(done: Done) -> str:
    assert (done.code, done.err) == (0, "")
    return done.out


def test_boards_are_listed_with_what_they_say(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    boards = (port(1).address, FakeBoard(hello(calibration_id=7), state="sampling"))
    with_computer(monkeypatch, machine(boards, ports=(PICO, port(1))))
    said = well(run("devices"))
    first, second = (line for line in said.splitlines() if "ttyACM" in line)
    assert first.split() == [
        "/dev/ttyACM0",
        "idle",
        "1.2.3",
        "0001020304050607",
        "none",
        "988.5",
        "2e8a:0005",
    ]
    assert second.split()[1:5] == ["sampling", "1.2.3", "0001020304050607", "7"]


def test_the_table_fits_into_80_columns(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    board = FakeBoard(hello(sample_rate_mhz=988_500), state="sampling")
    with_computer(monkeypatch, machine((PICO.address, board), ports=(PICO,)))
    said = well(run("devices"))
    (line,) = (line for line in said.splitlines() if "/dev/ttyACM0" in line)
    assert line.split() == ["/dev/ttyACM0", "sampling", "1.2.3", "0001020304050607", "none", "988.5"]
    assert max(len(line) for line in said.splitlines()) <= 80


def test_a_bad_port_is_a_line_with_its_remedy(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    with_computer(monkeypatch, machine((PICO.address, refusal(errno.EBUSY)), ports=(PICO, port(1))))
    said = well(run("devices"))
    assert "held by another program" in said
    assert "/dev/ttyACM0: refused. Do something." in said
    assert "idle" in said


def test_a_board_without_force_sensor_says_so(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    board = FakeBoard(hello(sample_rate_mhz=0))
    with_computer(monkeypatch, machine((PICO.address, board), ports=(PICO,)))
    assert "no sensor" in well(run("devices"))


def test_no_board_is_no_error_and_says_what_to_do(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    with_computer(monkeypatch, machine())
    assert "popsense doctor" in well(run("devices"))
    assert json.loads(well(run("devices", "--json"))) == {"devices": []}


def test_the_help_documents_every_field_of_the_json(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    boards = ((PICO.address, refusal(errno.EBUSY)),)
    with_computer(monkeypatch, machine(*boards, ports=(PICO, port(1))))
    bad, good = json.loads(well(run("devices", "--json")))["devices"]
    helped = well(run("devices", "--help"))
    for name in [*good, *good["board"], *bad["problem"]]:
        assert name in helped
    assert (bad["board"], good["problem"], good["usb_serial_number"]) == (None, None, None)


def test_real_ports_are_asked_together(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("popsense.link.session.HELLO_TIMEOUT_S", 0.3)
    silent, foreign = Canned(b""), Canned(b"$GPGGA,123519\r\n")
    with behind_pty(silent) as one, behind_tcp(foreign) as two:
        said = json.loads(well(run("devices", one.removeprefix("serial://"), two, "usb://3", "--json")))
    mine = said["devices"][-3:]
    assert [device["status"] for device in mine] == [
        "no popsense board",
        "no popsense board",
        "cannot be opened",
    ]
    assert [device["address"] for device in mine] == [one, two, "usb://3"]
    assert silent.heard + foreign.heard == b""


def test_simulated_boards_answer_side_by_side(run: CommandLine, require: Require):
    require("micropython")
    with simulated() as board, behind_pty(board) as url:
        said = json.loads(well(run("devices", SIM, url, "--json")))
    mine = said["devices"][-2:]
    assert [device["status"] for device in mine] == ["idle", "idle"]
    assert all(device["board"]["interpreter"].startswith("micropython") for device in mine)
