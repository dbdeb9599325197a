"""`popsense doctor`: a line a check, remedies below, and the exit code."""

import json
from pathlib import Path

import pytest

from popsense.technician.system import System
from tests.conftest import Require
from tests.host.cli.programs import CommandLine
from tests.host.link.bridges import SIM
from tests.host.technician.machines import PICO, FakeBoard, machine

CHECKS = 16


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(monkeypatch, capfd)


def with_computer(monkeypatch: pytest.MonkeyPatch, computer: System) -> None:
    monkeypatch.setattr("popsense.cli.doctor.System", lambda: computer)


def test_where_all_is_well_the_exit_code_is_0(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    with_computer(monkeypatch, machine(ports=(PICO,)))
    done = run("doctor")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert len(lines) == CHECKS + 2, "a line a check, whatever the terminal's width"
    assert all(line.startswith("ok ") for line in lines[:CHECKS])
    assert lines[-1] == "Nothing failed."


def test_what_failed_comes_again_below_with_its_remedy(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    board = FakeBoard(after_return=b"\r\n>>> ")
    with_computer(monkeypatch, machine((PICO.address, board), ports=(PICO,)))
    done = run("doctor")
    assert (done.code, done.err) == (1, "")
    lines = done.out.splitlines()
    (finding,) = [line for line in lines[:CHECKS] if line.startswith("failed")]
    assert "/dev/ttyACM0: firmware" in finding
    below = lines.index("/dev/ttyACM0: firmware: MicroPython's prompt answers, no firmware of ours runs")
    assert "    popsense flash --port /dev/ttyACM0" in lines[below:]
    assert [line.split()[0] for line in lines[CHECKS - 4 : CHECKS]] == 4 * ["not"]


def test_the_json_holds_every_check_and_the_help_its_fields(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    with_computer(monkeypatch, machine())
    done = run("doctor", "--json")
    assert (done.code, done.err) == (1, "")
    said = json.loads(done.out)
    assert said["failed"] == 1
    assert len(said["checks"]) == CHECKS
    (failure,) = [check for check in said["checks"] if check["outcome"] == "failed"]
    assert failure["name"] == "board attached"
    assert failure["remedy"]
    helped = run("doctor", "--help").out
    for name in ["failed", "checks", *failure]:
        assert name in helped


def test_a_slip_in_an_address_is_one_line(run: CommandLine):
    done = run("doctor", "usb://1")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("popsense: 'usb://1' is no address of a board. ")


def test_a_simulated_board_passes_on_this_machine(run: CommandLine, require: Require):
    """Nothing is faked here, but a board on this machine's USB may be in its boot loader."""
    require("micropython")
    done = run("doctor", SIM, "--json")
    said = json.loads(done.out)["checks"]
    assert [check["outcome"] for check in said if check["subject"] == SIM] == [
        *(8 * ["ok"]),
        "not applicable",  # a simulated board needs no calibration
    ]
