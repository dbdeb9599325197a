"""Before an attempt the faults of the board are told; what cannot be told stops nothing."""

from pathlib import Path

import pytest

from popsense.attempts.record import Listeners, record_attempt
from popsense.errors import LinkLost
from popsense.settings import Settings
from tests.host.attempts.boards import PLAN
from tests.host.technician.sampling_board import SamplingBoard

QUICK = Settings(contact_timeout_s=0.5)


class Board(SamplingBoard):
    """Nobody pushes: the attempt is over when it has waited for contact."""

    def operator_may_begin(self) -> None:
        return


def told(board: SamplingBoard, folder: Path) -> list[str]:
    heard: list[str] = []
    record_attempt(board, PLAN, folder / "a.journal", QUICK, Listeners(faults=heard.append))
    return heard


def test_each_fault_is_told_with_its_remedy_before_the_board_samples(tmp_path: Path):
    board = Board(faults=(2, 15))
    (notice,) = told(board, tmp_path)
    cell, supply = notice.splitlines()
    assert cell == (
        "The load cell, or a wire of it, is not connected. "
        "Check the four wires of the load cell at the converter board."
    )
    assert supply.startswith("The supply voltage of the board is too low. ")
    asked = board.asked()
    assert asked.index("READ_HEALTH") < asked.index("START")


def test_of_a_board_without_faults_nothing_is_told(tmp_path: Path):
    assert told(Board(), tmp_path) == [""]


def test_an_older_firmware_tells_nothing_and_is_recorded(tmp_path: Path):
    board = Board(refuses={"READ_HEALTH": "unknown_command"}, faults=(2,))
    assert told(board, tmp_path) == [""]
    assert "START" in board.asked()


def test_a_board_that_is_gone_leaves_no_journal(tmp_path: Path):
    class Gone(Board):
        def read(self, timeout_s: float) -> bytes:
            if "READ_HEALTH" in self.asked():
                raise LinkLost("it is gone", "Check the cable.")
            return super().read(timeout_s)

    with pytest.raises(LinkLost):
        told(Gone(), tmp_path)
    assert list(tmp_path.iterdir()) == []
