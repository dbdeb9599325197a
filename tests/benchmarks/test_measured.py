"""firmware/measured.json is told to be stale when it is, and nothing ever fails for it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.firmware import measured
from tests.emulated import image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    """A small firmware, measured."""
    (tmp_path / "bone").mkdir()
    (tmp_path / "main.py").write_text("import bone\n")
    (tmp_path / "bone" / "app.py").write_text("RING = 8192\n")
    measured.write_measured({"figures": []}, measured.firmware_hash(tmp_path), tmp_path)
    return tmp_path


def test_what_was_measured_holds_until_the_firmware_changes(firmware: Path):
    assert measured.stale_warning(firmware) == ""
    (firmware / "bone" / "app.py").write_text("RING = 4096\n")
    assert "stale" in measured.stale_warning(firmware)
    assert "make bench-firmware" in measured.stale_warning(firmware)


def test_a_moved_a_new_and_a_lost_file_are_changes(firmware: Path):
    (firmware / "bone" / "app.py").rename(firmware / "app.py")
    assert measured.stale_warning(firmware)
    (firmware / "app.py").rename(firmware / "bone" / "app.py")
    assert not measured.stale_warning(firmware)
    (firmware / "bone" / "new.py").touch()
    assert measured.stale_warning(firmware)
    (firmware / "bone" / "new.py").unlink()
    (firmware / "main.py").unlink()
    assert measured.stale_warning(firmware)


def test_the_figures_themselves_are_no_part_of_the_hash(firmware: Path):
    before = measured.firmware_hash(firmware)
    measured.write_measured({"figures": [1, 2, 3]}, "", firmware)
    assert measured.firmware_hash(firmware) == before


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"firmware_sha256": 1}', "no json", "null"])
def test_a_missing_or_foul_file_is_a_warning_and_no_failure(firmware: Path, content: str | None):
    (firmware / measured.NAME).unlink()
    if content is not None:
        (firmware / measured.NAME).write_text(content)
    done = _as_a_program(firmware)
    assert done.returncode == 0
    assert done.stdout.startswith("warning: ")
    assert measured.COMMAND in done.stdout


def test_nothing_is_said_of_figures_that_hold(firmware: Path):
    done = _as_a_program(firmware)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_make_quick_warns(require):
    require("make")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    planned = subprocess.run(
        ["make", "--dry-run", "quick"], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    )
    assert "tests/benchmarks/firmware/measured.py" in planned.stdout


def test_the_figures_do_not_go_onto_the_board(tmp_path: Path):
    shutil.copytree(ROOT / "firmware", tmp_path / "firmware")
    (tmp_path / "firmware" / measured.NAME).write_text(json.dumps({}))
    for files in (image.python_files, image.compiled_files):
        assert not [name for name in files(tmp_path / "firmware") if "measured" in name]


def _as_a_program(firmware: Path) -> subprocess.CompletedProcess[str]:
    program = ROOT / "tests/benchmarks/firmware/measured.py"
    return subprocess.run([sys.executable, program, firmware], capture_output=True, text=True, check=False)
