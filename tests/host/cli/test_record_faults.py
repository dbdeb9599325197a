"""`popsense record` tells before the attempt what is amiss on the board."""

from pathlib import Path

import pytest

from popsense.cli import record as cli
from tests.host.attempts.test_record_faults import Board
from tests.host.cli.programs import CommandLine


def test_a_fault_is_a_line_with_its_remedy_before_the_needle_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POPSENSE_CONTACT_TIMEOUT_S", "0.5")
    monkeypatch.setattr(cli, "open_url", lambda url: Board(faults=(15,)))
    run = CommandLine(monkeypatch, capfd)
    done = run("record", "serial:///dev/ttyACM0", "--site", "adult-proximal-tibia", "--uncalibrated")
    fault = "Fault: The supply voltage of the board is too low. Use another cable, or a port of the computer"
    assert done.code == 0, done.err
    assert 0 <= done.out.index(fault) < done.out.index("Ready. Insert the needle.")
