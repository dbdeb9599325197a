"""The wheel alone, in an empty environment and far from the checkout, runs the main job."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# One file of each kind that the package needs and that is no module of popsense.
CARRIED = [
    "popsense/_firmware/main.py",
    "popsense/_firmware/bone/wire.py",
    "popsense/twin/board/machine.py",
    "popsense_protocol/packets.py",
]
CARRIED_KINDS = [
    "popsense/scoring/rubrics/*.toml",
    "popsense/reports/templates/*",
    "popsense/twin/cohorts/*.toml",
]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without isolation: hatchling comes with the test extra, so no network is needed."""
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("popsense-*.whl"))


@pytest.fixture(scope="module")
def empty_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds this wheel and its core dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = ROOT / ".ci" / "constraints.txt"
    run(programs / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel, cwd=folder)
    return programs


@pytest.mark.parametrize("name", CARRIED)
def test_the_wheel_carries(wheel: Path, name: str):
    assert name in zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize("pattern", CARRIED_KINDS)
def test_the_wheel_carries_some(wheel: Path, pattern: str):
    assert any(Path(name).match(pattern) for name in zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_every_file_of_the_packages(wheel: Path):
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = run(
        "git", "ls-files", "host/popsense", "protocol/popsense_protocol", "firmware", cwd=ROOT
    ).split()
    assert [path for path in tracked if _place_in_wheel(path) not in inside] == []


def _place_in_wheel(path: str) -> str:
    if path.startswith("firmware/"):
        return f"popsense/_{path}"
    return path.split("/", 1)[1]


def test_it_scores_an_attempt_from_another_folder(empty_environment: Path, tmp_path: Path, require):
    require("micropython")
    attempts = json.loads(run(empty_environment / "popsense", "demo", "--once", "--json", cwd=tmp_path))[
        "attempts"
    ]
    assert {attempt["operator"] for attempt in attempts} >= {"expert", "plunger"}
    assert all(attempt["firmware"]["interpreter"].startswith("micropython") for attempt in attempts)
