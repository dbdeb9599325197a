"""`popsense bringup`: from port to report and page, on a fake board and the script's real output."""

import json
from pathlib import Path

import pytest

from popsense.technician import bringup_board
from tests.conftest import Require
from tests.host.cli.programs import CommandLine
from tests.host.technician.bringup_child import PromptOfTheTwin
from tests.host.technician.machines import PICO, machine
from tests.host.technician.sampling_board import SamplingBoard


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(monkeypatch, capfd)


@pytest.mark.slow
def test_a_board_is_measured_and_compared(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, require: Require
):
    require("micropython")
    board, prompt, waited = SamplingBoard(), PromptOfTheTwin(), list[float]()
    board.reopens.append(b">>> ")
    computer = machine((PICO.address, board), ports=(PICO,))
    monkeypatch.setattr("popsense.cli.bringup.System", lambda: computer)
    monkeypatch.setattr(
        "popsense.cli.bringup.at_prompt",
        lambda port, open_url: bringup_board.at_prompt(port, open_url, lambda name: prompt),
    )
    monkeypatch.setattr("popsense.cli.bringup.time.sleep", waited.append)
    board.incoming.append(board.incoming[0])  # HELLO for the second time that the port is opened
    done = run("bringup", "--out", tmp_path / "new" / "report.json")
    assert (done.code, done.err) == (0, "")
    said = json.loads((tmp_path / "new/report.json").read_text("utf-8"))
    figures = {one["name"]: one for one in said["figures"]}
    assert figures["link_rate_hz"]["value"] == pytest.approx(988, abs=1)
    assert figures["rate_quiet_hz"]["value"] == pytest.approx(996.4, abs=0.5)
    assert figures["interrupt_us"]["value"] is None
    assert said["board"]["board_id"] == "0001020304050607"
    assert "Bring-up of board 0001020304050607" in (tmp_path / "new/report.html").read_text("utf-8")
    assert "follower" in done.out
    assert waited == [2.0]
    assert prompt.was_reset
    helped = run("bringup", "--help").out
    for name in [*said, *figures["rate_quiet_hz"], *said["emulated"]]:
        assert name in helped


def test_a_simulated_bone_has_no_prompt(run: CommandLine):
    done = run("bringup", "--port", "sim://adult-proximal-tibia")
    assert done.code == 2
    assert "serial port" in done.err


def test_the_report_is_no_page(run: CommandLine):
    assert "name of a page" in run("bringup", "--out", "report.html").err
