"""A disk that is small for real, so that it is full for real."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from popsense.recording import journal
from tests.conftest import Require


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Require) -> Iterator[Path]:
    """A file system of 256 KiB on which recordings begin all the same."""
    require("mount")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    monkeypatch.setattr(journal, "LEAST_FREE_BYTES", 0)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
