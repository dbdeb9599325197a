"""The file that the simulated board reads, and the rate that its converter really has."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA as SITE
from popsense.twin.insertion import Setup
from popsense.twin.script import NOMINAL_RATE_HZ, SensorScript, build_script, draw_period_ns

SETUP = Setup(SITE, "expert", "powered", 11)
SAMPLE = struct.Struct("<i4H4H")


@pytest.fixture(scope="module")
def script() -> SensorScript:
    """An attempt with everything in it."""
    return build_script(SETUP)


def test_file_holds_twenty_bytes_per_sample_that_read_back(script: SensorScript, tmp_path: Path) -> None:
    path = tmp_path / "script.bin"
    script.write(path)
    data = path.read_bytes()
    assert len(data) == SAMPLE.size * len(script.force_counts)
    rows = np.array(list(SAMPLE.iter_unpack(data)))
    assert (rows[:, 0] == script.force_counts).all()
    assert (rows[:, 1:5] == script.depth_codes).all()
    assert (rows[:, 5:] == script.pressure_codes).all()


def test_negative_force_has_golden_bytes(script: SensorScript, tmp_path: Path) -> None:
    codes = np.array([[1, 2, 3, 4095]], dtype=np.uint16)
    one = replace(
        script, force_counts=np.array([-2], dtype=np.int32), depth_codes=codes, pressure_codes=codes
    )
    one.write(tmp_path / "one.bin")
    assert (tmp_path / "one.bin").read_bytes().hex() == "feffffff" + 2 * "010002000300ff0f"


def test_a_longer_attempt_is_a_longer_file(script: SensorScript, tmp_path: Path) -> None:
    shorter = replace(
        script,
        force_counts=script.force_counts[:1000],
        depth_codes=script.depth_codes[:1000],
        pressure_codes=script.pressure_codes[:1000],
    )
    sizes: list[int] = []
    for one in (shorter, script):
        one.write(tmp_path / "script.bin")
        sizes.append((tmp_path / "script.bin").stat().st_size)
    assert 0 < sizes[0] < sizes[1]


def test_same_seed_same_file(script: SensorScript, tmp_path: Path) -> None:
    script.write(tmp_path / "a.bin")
    build_script(SETUP).write(tmp_path / "b.bin")
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_period_is_that_of_an_oscillator_within_two_percent(script: SensorScript) -> None:
    rates_hz = np.array([1e9 / draw_period_ns(seed) for seed in range(200)])
    assert np.abs(rates_hz / NOMINAL_RATE_HZ - 1.0).max() <= 0.0201
    assert np.ptp(rates_hz) > 0.03 * NOMINAL_RATE_HZ
    assert script.sample_period_ns == draw_period_ns(11)


def test_rest_is_rest(script: SensorScript) -> None:
    assert script.rest_samples * script.sample_period_ns == pytest.approx(0.5e9, rel=0.01)
    rest = slice(0, script.rest_samples)
    assert script.force_counts[rest].std() < 500
    assert script.depth_codes[rest].std() < 3
    assert script.pressure_codes[rest].std() < 3


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError):
        build_script(Setup(SITE, "nobody"))
