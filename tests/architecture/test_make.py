"""The Makefile on machines that lack something, and its stamps. Nothing is installed here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

FAKE_PYTHON = {
    # Debian without python3-venv: `venv` is there, `ensurepip` is not.
    "without-venv": "import sys; sys.modules['ensurepip'] = None; ",
    "too-old": "import sys; sys.version_info = (3, 9, 2); ",
}


@pytest.fixture
def checkout(tmp_path: Path, require) -> Path:
    require("make")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """make as typed by a user: without what a surrounding make left in the environment."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        ["make", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def fake_python(checkout: Path, kind: str) -> Path:
    """A python3 that runs programs after spoiling what they look at."""
    script = checkout / "python3"
    script.write_text(
        "#!/bin/sh\n"
        f'exec python3 -c "{FAKE_PYTHON[kind]}import runpy; '
        'sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name=\'__main__\')" "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("target", ["setup", "demo"])
@pytest.mark.parametrize(
    ("kind", "remedy"), [("without-venv", "install python3-venv"), ("too-old", "Python 3.11")]
)
def test_a_missing_tool_gives_one_sentence(checkout: Path, target: str, kind: str, remedy: str):
    done = make(checkout, target, f"PYTHON={fake_python(checkout, kind)}")
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(said) == 1
    assert remedy in said[0]
    assert not (checkout / ".venv").exists()


def test_no_python_at_all_gives_one_sentence(checkout: Path):
    done = make(checkout, "setup", "PYTHON=python3.99")
    assert done.stdout.splitlines()[0] == (
        "python3.99 is not installed: install Python 3.11 or newer, then run make again."
    )


def test_an_installed_environment_is_left_alone(checkout: Path):
    for stamp in (".venv/bin/python", ".venv/.core", ".venv/.all"):
        (checkout / stamp).parent.mkdir(parents=True, exist_ok=True)
        (checkout / stamp).touch()
    assert "Installing" not in make(checkout, "--dry-run", "setup", "demo").stdout


def test_a_changed_dependency_is_installed(checkout: Path):
    test_an_installed_environment_is_left_alone(checkout)
    os.utime(checkout / "pyproject.toml", (2e9, 2e9))
    assert make(checkout, "--dry-run", "setup").stdout.count("Installing") == 1
    assert make(checkout, "--dry-run", "demo").stdout.count("Installing") == 1


def test_help_is_the_default_and_names_every_target(checkout: Path):
    listed = make(checkout).stdout
    targets = ("setup", "demo", "quick", "test", "mutants", "bench-NAME", "soak-NAME", "bench", "clean")
    assert [target for target in targets if f"make {target} " not in listed] == []
