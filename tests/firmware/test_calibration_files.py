"""The records on flash: found again, refused where they cannot be meant, never half of one."""

import errno
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense_protocol.codec import encode
from tests.conftest import Require
from tests.firmware.in_process import load_bone
from tests.firmware.interpreters import INTERPRETERS, ScriptProcess

BONE = load_bone("calibration", "wire")
FORCE, DEPTH, PRESSURE = range(3)
ALL = (True, True, True)
LIMITS = {FORCE: (-(1 << 23), (1 << 23) - 1), DEPTH: (0, 16383), PRESSURE: (0, 16383)}


def record(counts: list[int], milliunits: list[int], **fields: Any) -> bytes:
    """As the host sends it, without the packet's head."""
    values = {"count": len(counts), "id": 7, "day": 20_000, "valid_days": 365, "residual_microunits": 12}
    points = {"counts": padded(counts), "milliunits": padded(milliunits)}
    whole = {**values, **points, **fields}
    return encode("WRITE_CALIBRATION", sensor="force", request=1, record=whole)[4:]


def padded(values: list[int]) -> list[int]:
    return [*values, *[0] * (16 - len(values))]


GOOD = record([100, 5000], [0, 30_000])
OTHER = record([100, 5000, 6000], [0, 30_000, 31_000], id=8)
NOTHING = bytes(len(GOOD))


def folder(path: Path) -> Any:
    return BONE.calibration.Calibrations(str(path))


def held(path: Path, sensor: int = DEPTH) -> bytes:
    payload = bytearray(len(GOOD))
    folder(path).pack_into(sensor, payload, 0)
    return bytes(payload)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_start_finds_what_was_stored_before(interpreter: str, tmp_path: Path, require: Require):
    if interpreter == "micropython":
        require("micropython")
    ask = ScriptProcess("calibration", interpreter)
    try:
        place = str(tmp_path / "calibration")
        assert ask.ask(["load", place]) == 0
        assert ask.ask(["combined_id", ALL]) == 0
        values = [0, 1, 800, 8000, 450_000, 1 << 23, 1 << 24]
        assert ask.ask(["convert", values]) == ask.ask(["nominal", values])
        for sensor in (FORCE, DEPTH, PRESSURE):
            assert ask.ask(["store", [sensor, GOOD.hex()]]) == 0
        assert ask.ask(["store", [DEPTH, OTHER.hex()]]) == 0
        before = ask.ask(["convert", values])
        assert ask.ask(["load", place]) == 0
        assert [ask.ask(["record", sensor]) for sensor in (FORCE, DEPTH)] == [GOOD.hex(), OTHER.hex()]
        assert ask.ask(["combined_id", ALL]) == zlib.crc32(bytes([7, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0]))
        assert ask.ask(["convert", values]) == before
        assert before[0][1] == 0  # 4,900 counts over 30 N
        assert before[1][3] == 1306
        assert sorted(file.name for file in Path(place).iterdir()) == [
            "depth.cal",
            "force.cal",
            "pressure.cal",
        ]
    finally:
        ask.close()


def test_a_fitted_sensor_without_a_record_leaves_the_board_uncalibrated(tmp_path: Path):
    found = folder(tmp_path)
    assert found.store(FORCE, GOOD) == 0
    assert found.combined_id((True, False, False)) != 0
    assert found.combined_id((True, True, False)) == 0
    assert found.combined_id((False, False, False)) != 0  # nothing is missing


def test_a_record_without_points_removes_what_is_there(tmp_path: Path):
    found = folder(tmp_path)
    found.store(DEPTH, GOOD)
    assert found.store(DEPTH, NOTHING) == 0
    assert list(tmp_path.iterdir()) == []
    assert held(tmp_path) == NOTHING
    assert found.store(DEPTH, NOTHING) == 0  # once more does no harm


REFUSED = {
    "one point": record([5], [1], count=1),
    "17 points": record(list(range(16)), list(range(16)), count=17),
    "no id": record([1, 2], [1, 2], id=0),
    "falling counts": record([2, 1], [1, 2]),
    "the same count twice": record([1, 1], [1, 2]),
    "falling units": record([1, 2, 3], [1, 0, 2]),
    "units that say nothing": record([1, 2], [5, 5]),
    "units beyond 29 bits": record([1, 2], [0, 1 << 29]),
    "units below 29 bits": record([1, 2], [-(1 << 29), 0]),
    "a reading below the sensor's range": record([-1, 2], [0, 1]),
    "a reading above the sensor's range": record([1, 16384], [0, 1]),
    "an unused point that is not 0": record([1, 2, 3], [1, 2, 3], count=2),
    "reserved bytes in use": GOOD[:1] + b"\1" + GOOD[2:],
    "too short": GOOD[:-1],
    "too long": GOOD + b"\0",
    "nothing at all": b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_and_the_old_one_stays(name: str, tmp_path: Path):
    found = folder(tmp_path)
    found.store(DEPTH, GOOD)
    assert found.store(DEPTH, REFUSED[name]) == BONE.wire.NAK_MALFORMED
    assert held(tmp_path) == GOOD


def test_a_sensor_that_does_not_exist_is_refused(tmp_path: Path):
    assert folder(tmp_path).store(3, GOOD) == BONE.wire.NAK_MALFORMED


@given(st.binary(min_size=len(GOOD), max_size=len(GOOD)), st.integers(0, 2))
def test_what_is_accepted_is_a_line_within_the_sensors_range(noise: bytes, sensor: int):
    accepted = BONE.calibration._can_be_meant(sensor, noise)
    assert not accepted or noise[0] == 0 or noise[0] in range(2, 17)


@given(st.integers(0, 159), st.integers(1, 255))
@settings(max_examples=40)
def test_a_damaged_file_is_told_and_stays_where_it_is(position: int, flipped: int):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        folder(path).store(DEPTH, GOOD)
        file = path / "depth.cal"
        content = bytearray(file.read_bytes())
        assert len(content) == 160
        content[position] ^= flipped
        file.write_bytes(content)
        found = folder(path)
        assert found.corrupt == 1 << DEPTH
        assert found.combined_id((False, True, False)) == 0
        assert file.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"PSC\1", bytes(160), bytes(4000)])
def test_any_other_file_is_corrupt(content: bytes, tmp_path: Path):
    (tmp_path / "force.cal").write_bytes(content)
    assert folder(tmp_path).corrupt == 1 << FORCE


def test_a_file_of_another_sensor_is_corrupt(tmp_path: Path):
    folder(tmp_path).store(DEPTH, GOOD)
    (tmp_path / "depth.cal").rename(tmp_path / "pressure.cal")
    assert folder(tmp_path).corrupt == 1 << PRESSURE


def test_a_new_record_puts_the_damaged_one_aside(tmp_path: Path):
    for number in (1, 2):
        (tmp_path / "depth.cal").write_bytes(b"damage %d" % number)
        found = folder(tmp_path)
        assert found.store(DEPTH, GOOD) == 0
        assert found.corrupt == 0
        assert (tmp_path / f"depth.cal.bad{number}").read_bytes() == b"damage %d" % number
        assert held(tmp_path) == GOOD


def test_what_a_cut_write_left_is_ignored_and_written_over(tmp_path: Path):
    folder(tmp_path).store(DEPTH, GOOD)
    (tmp_path / "depth.cal.new").write_bytes(b"PSC\1 half of it")
    assert held(tmp_path) == GOOD
    assert folder(tmp_path).store(DEPTH, OTHER) == 0
    assert held(tmp_path) == OTHER
    assert not (tmp_path / "depth.cal.new").exists()


@pytest.mark.parametrize("cut", ["while writing", "before the name", "wrong on flash"])
def test_power_that_goes_in_the_midst_leaves_the_old_record(
    cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = folder(tmp_path)
    found.store(DEPTH, GOOD)
    calibration = BONE.calibration
    if cut == "while writing":
        monkeypatch.setattr(calibration, "open", fail, raising=False)
    elif cut == "before the name":
        monkeypatch.setattr(calibration, "_replace", fail)
    else:
        monkeypatch.setattr(calibration, "_file", lambda sensor, content: b"PSC\1" + content)
    assert found.store(DEPTH, OTHER) == BONE.wire.NAK_FLASH_FAILED
    monkeypatch.undo()
    payload = bytearray(len(GOOD))
    found.pack_into(DEPTH, payload, 0)
    assert bytes(payload) == GOOD == held(tmp_path)


def fail(*_: Any, **__: Any) -> None:
    raise OSError(errno.EIO, "flash")


def test_a_folder_that_cannot_be_made_is_a_flash_that_failed(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    assert folder(tmp_path / "file").store(DEPTH, GOOD) == BONE.wire.NAK_FLASH_FAILED
