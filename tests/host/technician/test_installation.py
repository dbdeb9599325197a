"""What may be wrong before any board is plugged in."""

import os
from importlib import metadata
from pathlib import Path

import pytest

from popsense.errors import TwinError
from popsense.technician import installation
from popsense.technician.installation import (
    SIMULATED,
    check_firmware_files,
    check_installation,
    check_packages,
    check_python,
    check_recordings,
    check_twin,
)
from tests.host.link.scripted import hello
from tests.host.technician.machines import FakeBoard, machine


def test_this_installation_is_sound(tmp_path: Path):
    checks = check_installation(tmp_path / "recordings", machine())
    assert [(check.name, check.outcome) for check in checks] == [
        ("Python", "ok"),
        ("packages", "ok"),
        ("firmware files", "ok"),
        ("recordings", "ok"),
        ("simulated board", "ok"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_an_old_python():
    check = check_python((3, 10, 4))
    assert (check.outcome, check.seen) == ("failed", "3.10.4")
    assert "3.11" in check.remedy[0]


def test_a_missing_package_is_named():
    def version(name: str) -> str:
        if name == "cobs":
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    needs = ["cobs>=1.2.1", "numpy>=1.26", "pytest>=8.3; extra == 'test'"]
    check = check_packages(lambda _: needs, version)
    assert (check.outcome, check.seen) == ("failed", "missing: cobs")
    assert "pip install" in check.remedy[0]
    assert "the 2 packages" in check_packages(lambda _: needs, lambda _: "1.0").seen


def test_popsense_itself_is_not_installed():
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    assert check_packages(lambda _: None, version).seen == "popsense is not installed"


@pytest.mark.parametrize("wire", ["SCHEMA_HASH = const(0x00000001)\n", "nothing of the kind\n", None])
def test_firmware_files_of_another_release_are_not_recommended(tmp_path: Path, wire: str | None):
    (tmp_path / "bone").mkdir()
    if wire is not None:
        (tmp_path / "bone/wire.py").write_text(wire, "utf-8")
    check = check_firmware_files(lambda: tmp_path)
    assert check.outcome == "failed"
    assert check.remedy


def test_missing_firmware_files_are_noticed():
    def root() -> Path:
        raise TwinError("the firmware's files are missing from this installation", "Reinstall popsense.")

    assert "missing" in check_firmware_files(root).seen


def test_a_recordings_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Mocked: a test that runs as root is refused nothing."""

    def refuse(**_: object) -> object:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(installation.tempfile, "TemporaryFile", refuse)
    check = check_recordings(tmp_path / "new" / "recordings", machine())
    assert (check.outcome, check.name) == ("failed", "recordings")
    assert "Permission denied" in check.seen
    assert "POPSENSE_RECORDINGS" in check.remedy[0]


def test_a_recordings_folder_that_is_a_file(tmp_path: Path):
    (tmp_path / "recordings").write_text("no folder", "utf-8")
    assert check_recordings(tmp_path / "recordings", machine()).outcome == "failed"


def test_too_little_space(tmp_path: Path):
    check = check_recordings(tmp_path, machine(free_bytes=99_000_000))
    assert check.outcome == "failed"
    assert "99 MB free" in check.seen
    assert "Make room" in check.remedy[0]


def test_a_relative_folder_is_looked_for_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert check_recordings(Path("recordings"), machine()).outcome == "ok"


def test_a_twin_that_does_not_start_says_why():
    check = check_twin(machine((SIMULATED, TwinError("no interpreter", "Install one."))))
    assert (check.outcome, check.seen, check.remedy) == ("failed", "no interpreter", ("Install one.",))


def test_a_twin_that_says_nothing_is_switched_off_again():
    board = FakeBoard()
    assert check_twin(machine((SIMULATED, board))).outcome == "failed"
    assert board.closed


def test_a_twin_that_answers_is_switched_off_again():
    board = FakeBoard(hello())
    assert "scripted 1" in check_twin(machine((SIMULATED, board))).seen
    assert board.closed
