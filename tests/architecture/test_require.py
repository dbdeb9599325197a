"""POPSENSE_REQUIRE: what it lists may not be skipped. Shown on a small suite under our own conftest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

SUITE = """
from pathlib import Path
import conftest
conftest.PRESENT["chromium"] = lambda: False
conftest.PRESENT["git"] = lambda: True

def test_needs_chromium(require):
    require("chromium")

def test_needs_git(require):
    require("git")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    return tmp_path


def run(suite: Path, required: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--rootdir=.", str(suite)],
        cwd=suite,
        env=os.environ | {"POPSENSE_REQUIRE": required},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("required", ["", "git", "git, micropython"])
def test_what_is_missing_is_skipped_with_the_reason(suite: Path, required: str):
    done = run(suite, required)
    assert done.returncode == 0
    assert "chromium is not on this machine" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("required", ["chromium", "git,chromium"])
def test_what_is_missing_and_required_fails(suite: Path, required: str):
    done = run(suite, required)
    assert done.returncode == 1
    assert "chromium is missing, and POPSENSE_REQUIRE lists it" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.slow
def test_a_misspelt_requirement_stops_the_run(suite: Path):
    done = run(suite, "micropyton")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "POPSENSE_REQUIRE names ['micropyton']" in done.stderr
