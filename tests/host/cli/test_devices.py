"""`popsense devices`: the table, the JSON, and always exit code 0."""

import errno
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from popsense.technician.system import System
from tests.conftest import Require
from tests.host.cli.programs import CommandLine, Done
from tests.host.link.bridges import SIM, Canned, behind_pty, behind_tcp, simulated
from tests.host.link.scripted import channel, hello
from tests.host.technician.machines import PICO, FakeBoard, machine
from tests.host.technician.sampling_board import calibrated
from tests.host.technician.test_discovery import port, refusal


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


LAST = date(2999, 1, 1)
RECORDS = dict.fromkeys(("force", "depth", "pressure"), calibrated(LAST - timedelta(days=10), valid_days=10))


def with_computer(monkeypatch: pytest.MonkeyPatch, computer: System) -> None:
    monkeypatch.setattr("popsense.cli.devices.System", lambda: computer)


def well(done: Done) -> str:
    assert (done.code, done.err) == (0, "")
    return done.out


def test_boards_are_listed_with_what_they_say(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    faulty = FakeBoard(hello(calibration_id=7), state="sampling", faults=(2, 15), records=RECORDS)
    boards = ((PICO.address, FakeBoard(hello(), records={})), (port(1).address, faulty))
    with_computer(monkeypatch, machine(*boards, ports=(PICO, port(1))))
    said = well(run("devices"))
    first, second = (line for line in said.splitlines() if line.startswith(" /dev/ttyACM"))
    assert first.split() == [
        "/dev/ttyACM0",
        "idle",
        "1.2.3",
        "0001020304050607",
        "none",
        "ok",
        "988.5",
        "2e8a:0005",
    ]
    assert second.split()[1:8] == [
        "sampling",
        "1.2.3",
        "0001020304050607",
        "until",
        "2999-01-01",
        "2",
        "faults",
    ]
    assert "/dev/ttyACM1: The supply voltage of the board is too low." in said


def test_the_table_fits_into_80_columns(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    board = FakeBoard(hello(sample_rate_mhz=988_500), state="sampling", records=RECORDS)
    with_computer(monkeypatch, machine((PICO.address, board), ports=(PICO,)))
    said = well(run("devices"))
    (line,) = (line for line in said.splitlines() if "/dev/ttyACM0" in line)
    assert line.split() == [
        "/dev/ttyACM0",
        "sampling",
        "1.2.3",
        "0001020304050607",
        "until",
        "2999-01-01",
        "ok",
    ]
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
    said = well(run("devices"))
    assert "no sensor" in said
    (line,) = (line for line in said.splitlines() if line.startswith(" /dev/ttyACM0"))
    assert "no samples" in line
    assert "/dev/ttyACM0: no force samples. Check the cable" in said


def test_no_board_is_no_error_and_says_what_to_do(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    with_computer(monkeypatch, machine())
    assert "popsense doctor" in well(run("devices"))
    assert json.loads(well(run("devices", "--json"))) == {"devices": []}


def test_the_help_documents_every_field_of_the_json(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    boards = ((PICO.address, refusal(errno.EBUSY)),)
    with_computer(monkeypatch, machine(*boards, ports=(PICO, port(1))))
    bad, good = json.loads(well(run("devices", "--json")))["devices"]
    helped = well(run("devices", "--help"))
    for name in [*good, *good["board"], *good["calibration"], *good["calibration"]["depth"], *good["health"]]:
        assert name in helped
    for name in bad["problem"]:
        assert name in helped
    assert (bad["board"], good["problem"], good["usb_serial_number"]) == (None, None, None)


@pytest.mark.slow
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


def test_below_the_table_stands_what_a_slow_converter_costs(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    slow = {**channel("newton"), "settle_samples": 4}
    with_computer(
        monkeypatch,
        machine((PICO.address, FakeBoard(hello(sample_rate_mhz=80_000, force=slow))), ports=(PICO,)),
    )
    assert "/dev/ttyACM0: 80 samples/s: a sample every 12.5 ms" in well(run("devices"))
