"""`popsense check`: its lines, its JSON, its exit code, and what it asks."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from popsense.link.fault_wording import FAULTS
from popsense.technician.system import System
from tests.conftest import Require
from tests.host.cli.programs import CommandLine
from tests.host.link.bridges import SIM
from tests.host.technician.machines import PICO, FakeBoard, machine
from tests.host.technician.sampling_board import SamplingBoard, calibrated, with_channels
from tests.host.technician.test_discovery import port

RECORD = calibrated(datetime.now(UTC).date())
ALL = {
    "force": RECORD,
    "depth": RECORD | {"counts": [1638, 9638] + [0] * 14, "milliunits": [0, 18315] + [0] * 14},
    "pressure": RECORD | {"counts": [6006, 14006] + [0] * 14, "milliunits": [0, 91575] + [0] * 14},
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(monkeypatch, capfd)


def with_computer(monkeypatch: pytest.MonkeyPatch, computer: System) -> None:
    monkeypatch.setattr("popsense.cli.check.System", lambda: computer)


def attach(monkeypatch: pytest.MonkeyPatch, board: SamplingBoard | FakeBoard) -> None:
    with_computer(monkeypatch, machine((PICO.address, board), ports=(PICO,)))


def test_a_healthy_board_is_code_0_and_the_port_is_closed(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    board = SamplingBoard(records=ALL)
    attach(monkeypatch, board)
    done = run("check", "--quick")
    assert (done.code, done.err) == (0, "")
    assert "Nothing failed." in done.out
    assert board.log[-1] == "close"
    assert max(map(len, done.out.splitlines())) <= 80
    assert "pass    force noise                      0.060 N  (at most 0.2, uncalibrated)" in done.out


def test_nothing_breaks_inside_a_word_or_a_command(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    attach(monkeypatch, SamplingBoard(faults=tuple(range(24))))
    done = run("check", "--quick")
    assert max(map(len, done.out.splitlines())) <= 80
    for sensor in ("force", "depth", "pressure"):
        assert f"popsense calibrate {sensor} --port /dev/ttyACM0" in done.out
    words = set(" ".join(fault.sentence for fault in FAULTS.values()).split())
    assert words <= set(done.out.replace(".", " ").split())


@pytest.mark.parametrize("mass", ["0.1", "0.99", "41", "nan", "-5"])
def test_a_mass_too_small_to_tell_anything_is_refused(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, mass: str
):
    board = SamplingBoard()
    attach(monkeypatch, board)
    done = run("check", f"--mass={mass}")
    assert done.code == 2
    assert "1 to 40 kg" in done.err
    assert board.log == []


def test_a_recording_is_refused_with_a_sentence(run: CommandLine):
    done = run("check", "--port", "replay://attempt.parquet?speed=max")
    assert done.code == 2
    assert "is a recording, which has no sensors to check" in done.err


def test_without_any_keyboard_nothing_is_asked(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    attach(monkeypatch, SamplingBoard(records=ALL))
    monkeypatch.setattr("sys.stdin", None)
    assert run("check", "--mass", "5").code == 0


def test_a_failure_is_code_1_with_limit_source_and_remedy(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    attach(monkeypatch, SamplingBoard(records=ALL, health={"supply_mv": 3500}, faults=(2,)))
    done = run("check", "--quick")
    assert done.code == 1
    assert "fail    supply                           3,500 mV  (4,000 to 5,300)" in done.out.splitlines()
    assert "    Limit: 4,000 to 5,300; USB 2.0" in done.out
    assert "another cable" in done.out
    assert "load cell unplugged" in done.out


def test_the_json_says_all_of_it_and_the_help_documents_it(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    attach(monkeypatch, SamplingBoard(records=ALL, missed=2))
    done = run("check", "--json")
    said = json.loads(done.out)
    assert (done.code, said["failed"], said["port"]) == (1, 1, "/dev/ttyACM0")
    (failure,) = [line for line in said["lines"] if line["outcome"] == "fail"]
    assert failure["limit"] == {"low": 0.0, "high": 0.0, "source": "no loss is needed by anything"}
    assert (failure["name"], failure["figure"], failure["unit"]) == ("conversions missed", 2, "")
    helped = run("check", "--help").out
    for name in [*said, *failure, *failure["limit"], "pass", "skipped"]:
        assert name in helped


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "outcomes"),
    [
        ("S\ns\n", 0),
        ("", 0),
        ("s\n\n", 1),
        pytest.param("\n\n", 2, marks=pytest.mark.slow),
    ],
)
def test_the_technician_is_asked_and_may_skip(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, typed: str, outcomes: int
):
    board = SamplingBoard(records=ALL)
    attach(monkeypatch, board)
    monkeypatch.setattr("sys.stdin", Keyboard(typed))
    done = run("check", "--mass", "5")
    assert "syringe" in done.out
    assert "mass of 5 kg" in done.out
    assert len(board.commands_named("START")) == 1 + outcomes
    assert done.code == (1 if outcomes else 0)  # nobody put anything there


def test_where_nobody_is_at_the_keyboard_nothing_is_asked(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    attach(monkeypatch, SamplingBoard(records=ALL))
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    done = run("check", "--mass", "5")
    assert done.code == 0
    assert "syringe" not in done.out


def test_of_several_boards_one_must_be_named(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    with_computer(monkeypatch, machine(ports=(PICO, port(1))))
    done = run("check")
    assert done.code == 2
    assert "popsense check --port PORT" in done.err
    with_computer(monkeypatch, machine())
    assert "popsense doctor" in run("check").err


def test_a_port_without_a_board_is_code_2_and_is_closed(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    silent = FakeBoard()
    attach(monkeypatch, silent)
    assert run("check").code == 2
    assert silent.closed


def test_a_board_of_another_protocol_is_a_failure(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    attach(monkeypatch, SamplingBoard(says=with_channels(protocol_version=3)))
    done = run("check")
    assert done.code == 1
    assert "Update the board's firmware" in done.out


@pytest.mark.slow
def test_a_simulated_board_is_well_but_for_what_nobody_calibrated(run: CommandLine, require: Require):
    require("micropython")
    said = json.loads(run("check", "--port", SIM, "--json").out)
    failed = {line["name"] for line in said["lines"] if line["outcome"] == "fail"}
    assert failed <= {"force calibration", "depth calibration", "pressure calibration"}
    (rate,) = [line for line in said["lines"] if line["name"] == "sample rate"]
    assert 968 < rate["figure"] < 1008
