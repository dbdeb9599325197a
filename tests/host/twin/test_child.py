"""The firmware's process: crashes at the start and later, and what is left behind."""

import shutil
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from popsense.errors import TwinError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.child import FirmwareChild
from popsense.twin.firmware_files import firmware_root
from popsense.twin.insertion import Setup
from popsense.twin.interpreter import Interpreter, find_interpreter
from popsense.twin.script import SensorScript, build_script


@pytest.fixture(scope="module")
def script() -> SensorScript:
    return build_script(Setup(ADULT_PROXIMAL_TIBIA, seed=1))


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request: pytest.FixtureRequest, require) -> str:
    if request.param == "micropython":
        require("micropython")
    return request.param


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary folders."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def firmware(folder: Path, monkeypatch: pytest.MonkeyPatch, main: str) -> None:
    """Our firmware with another main.py."""
    root = folder / "firmware"
    shutil.copytree(firmware_root(), root)
    (root / "main.py").write_text(main, encoding="utf-8")
    monkeypatch.setattr("popsense.twin.child.firmware_root", lambda: root)


def test_a_grant_is_used_up(script: SensorScript):
    with closing(FirmwareChild(script, find_interpreter(), 1)) as child:
        first = child.exchange(100_000)
        second = child.exchange(50_000)
    assert first.now_us >= 100_000
    assert 0 <= second.now_us - first.now_us - 50_000 < 5_000
    assert not second.ended
    assert second.origin_us is None


def test_a_crash_at_the_start_leaves_nothing_behind(
    script: SensorScript, interpreter: str, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    firmware(tmp_path, monkeypatch, "raise ValueError('no such chip')\n")
    with pytest.raises(TwinError, match="the simulated board stopped: ValueError: no such chip") as caught:
        FirmwareChild(script, find_interpreter(interpreter), 1).close()
    assert "Traceback" in caught.value.__notes__[0]
    assert "main.py" in caught.value.__notes__[0]
    assert list(scratch.iterdir()) == []


def test_a_crash_later_comes_with_the_firmwares_traceback(
    script: SensorScript, interpreter: str, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    main = "from bone import board\nfor n in range(300):\n    board.time.sleep_ms(1)\nraise OSError(5)\n"
    firmware(tmp_path, monkeypatch, main)
    with closing(FirmwareChild(script, find_interpreter(interpreter), 1)) as child:
        assert child.exchange(100_000).data == b""
        with pytest.raises(TwinError, match="OSError") as caught:
            child.exchange(300_000)
        assert "line 4" in caught.value.__notes__[0]
    assert list(scratch.iterdir()) == []


def test_no_interpreter_leaves_nothing_behind(script: SensorScript, scratch: Path):
    with pytest.raises(TwinError, match="cannot be started"):
        FirmwareChild(script, Interpreter(("/nonexistent/micropython",)), 1).close()
    assert list(scratch.iterdir()) == []


def test_closing_twice_is_safe(script: SensorScript):
    child = FirmwareChild(script, find_interpreter(), 1)
    child.close()
    child.close()
