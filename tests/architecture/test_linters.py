"""The linters' settings bite: each is shown a fault and must name it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

BANNED = [
    "import fcntl",
    "import pty",
    "import termios",
    "from resource import getrusage",
    "import os\n\nos.fork()",
    "from os import fdatasync",
    "import signal\n\nprint(signal.SIGKILL)",
]
# Without what is planned only: those rows stand in parentheses.
ROWS = (
    "errors model settings calibration analysis procedure scoring link recording twin reports backends"
    " attempts foreign technician cli"
)
PURE = ["model", "calibration", "analysis", "procedure", "scoring"]


def run(*command: str, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, **settings
    )


def banned_in(path: str, source: str) -> bool:
    done = run(
        "ruff", "check", "--select=TID251", "--stdin-filename", path, "-", cwd=ROOT, input=source + "\n"
    )
    return "TID251" in done.stdout


@pytest.mark.parametrize("source", BANNED)
def test_ruff_keeps_calls_of_one_operating_system_out_of_the_host(source: str):
    assert banned_in("host/popsense/recording/journal.py", source)


def test_ruff_lets_durability_and_tests_use_them():
    assert not banned_in("host/popsense/recording/durability.py", BANNED[-2])
    assert not banned_in("tests/host/recording/test_journal.py", BANNED[-1])


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A popsense of empty rows under our own import contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for row in ROWS.split():
        write(tmp_path / "popsense" / row / "__init__.py", "")
    write(tmp_path / "popsense/__init__.py", "")
    write(tmp_path / "popsense_protocol/__init__.py", "")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_linter_accepts_a_clean_tree(small_tree: Path):
    write(small_tree / "popsense/scoring/scorer.py", "from popsense import model\nimport numpy\n")
    done = lint_imports(small_tree)
    assert (done.returncode, "0 broken" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("row", "source"),
    [
        ("model", "from popsense import link"),
        ("analysis", "from popsense import procedure"),
        ("recording", "import popsense.link"),
        ("errors", "def late():\n    from popsense.cli import main"),
        ("unplanned", "from popsense import errors"),
    ],
)
def test_import_linter_notices_a_breach_of_the_rows(small_tree: Path, row: str, source: str):
    write(small_tree / "popsense" / row / "__init__.py", source)
    done = lint_imports(small_tree)
    assert (done.returncode, "1 broken" in done.stdout) == (1, True), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("row", PURE)
@pytest.mark.parametrize("module", ["serial", "sqlalchemy.orm", "popsense_protocol"])
def test_import_linter_keeps_pure_rows_pure(small_tree: Path, row: str, module: str):
    write(small_tree / "popsense" / row / "__init__.py", f"import {module}")
    done = lint_imports(small_tree)
    assert (done.returncode, f"{row} is pure: no device, packet, SQL or web BROKEN" in done.stdout) == (
        1,
        True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "source", "rule"),
    [
        ("host/popsense/bad.py", "def f(x):\n    return x\n", "reportMissingParameterType"),
        (
            "protocol/popsense_protocol/bad.py",
            "from popsense_protocol.absent import x\n",
            "reportMissingImports",
        ),
    ],
)
def test_pyright_is_strict_on_host_and_protocol(tmp_path: Path, path: str, source: str, rule: str):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / ".ci/stubs", tmp_path / ".ci/stubs")
    for package in ("host/popsense", "protocol/popsense_protocol"):
        write(tmp_path / package / "__init__.py", "")
    write(tmp_path / path, source)
    assert rule in run("basedpyright", cwd=tmp_path).stdout


@pytest.mark.slow
def test_pyright_knows_the_board_and_viper(tmp_path: Path):
    (tmp_path / "typings").symlink_to(ROOT / "typings")
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    write(tmp_path / "firmware/bone/kernels.py", VIPER)
    errors = [line for line in run(*FIRMWARE_CHECK, cwd=tmp_path).stdout.splitlines() if " error: " in line]
    assert len(errors) == 1
    assert '"no_such_name" is not a known attribute of module "machine"' in errors[0]


FIRMWARE_CHECK = ("basedpyright", "-p", ".ci/pyright-firmware.json")
VIPER = """
import machine
import micropython

@micropython.viper
def push(ring: ptr8, words: ptr32, n: uint) -> int:
    ring[0] = words[0] & 0xFF
    other = ptr8(words)
    return int(n) + other[1]

push(bytearray(8), bytearray(8), 3)
machine.Pin(2, machine.Pin.OUT)
machine.no_such_name
"""
