"""For all tests: hypothesis profiles, and `require` for what a machine may lack.

A test that needs something says so: `require("micropython")`. Where it is missing the test is skipped with
the reason, unless POPSENSE_REQUIRE (a comma list, set by .ci/run) names it: then the test fails.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Speed of a machine is no finding: no deadline, no complaint about slow generation.
SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile(
    "ci", derandomize=True, max_examples=100, deadline=None, database=None, suppress_health_check=SLOW
)
hypothesis.settings.register_profile(
    "soak", max_examples=20_000, deadline=None, print_blob=True, suppress_health_check=SLOW
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A run in the background of a script is born deaf to Ctrl-C, and so would be each program that a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Require = Callable[[str], None]


def _has_program(*names: str) -> bool:
    return any(shutil.which(name) for name in names)


def _may_mount() -> bool:
    """Small disks of our own: root, with loop devices, and not in a container that forbids it."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and Path("/dev/loop-control").exists()):
        return False
    if not _has_program("mkfs.ext4"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False)
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return mounted.returncode == 0


def _has_pico_image() -> bool:
    """MicroPython for the emulated Pico; not ours to commit."""
    return Path(os.environ.get("POPSENSE_UF2") or Path.home() / ".cache/popsense/pico.uf2").is_file()


# What a test may require -> is it here?
PRESENT: dict[str, Callable[[], bool]] = {
    "micropython": lambda: importlib.util.find_spec("micropython_unix") is not None,
    "chromium": lambda: _has_program("chromium", "chromium-browser", "google-chrome"),
    "git": lambda: _has_program("git"),
    "make": lambda: _has_program("make"),
    "jq": lambda: _has_program("jq"),
    "mount": _may_mount,
    "pico_image": _has_pico_image,
    "statm": lambda: Path("/proc/self/statm").exists(),  # resident memory of this process
}


def _must_be_here() -> set[str]:
    return {name for name in os.environ.get("POPSENSE_REQUIRE", "").replace(" ", "").split(",") if name}


def pytest_configure() -> None:
    unknown = _must_be_here() - PRESENT.keys()
    if unknown:
        raise pytest.UsageError(f"POPSENSE_REQUIRE names {sorted(unknown)}; known are {sorted(PRESENT)}")


@pytest.fixture(scope="session")
def require() -> Require:
    """Call it with a name of PRESENT: it returns, skips the test, or fails it."""

    def check(name: str) -> None:
        if PRESENT[name]():
            return
        if name in _must_be_here():
            pytest.fail(f"{name} is missing, and POPSENSE_REQUIRE lists it", pytrace=False)
        pytest.skip(f"{name} is not on this machine")

    return check
