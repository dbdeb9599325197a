"""Where the firmware's files are found."""

from pathlib import Path

import pytest

from popsense.errors import TwinError
from popsense.twin import firmware_files
from popsense.twin.firmware_files import firmware_root
from tests.architecture.tree import ROOT


def test_the_checkout_has_them():
    assert firmware_root() == ROOT / "firmware"


def test_a_wheels_copy_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "a" / "popsense"
    for root in (package / "_firmware", tmp_path / "firmware"):
        root.mkdir(parents=True)
        (root / "main.py").touch()
    monkeypatch.setattr(firmware_files, "PACKAGE", package)
    assert firmware_root() == package / "_firmware"


def test_an_installation_without_them_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(firmware_files, "PACKAGE", tmp_path / "a" / "popsense")
    with pytest.raises(TwinError, match="missing"):
        firmware_root()
