"""Driver, handle and spring: the variation that each puts on the resistance, and the running motor."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.errors import UsageError
from popsense.model import FloatArray
from popsense.twin.device import DEVICES, Device, device_named, draw_ripple, draw_vibration

RATE_HZ = 1000.0
every_device = pytest.mark.parametrize("name", DEVICES)


def ripple(device: Device, seconds: int = 40, seed: int = 2) -> FloatArray:
    return draw_ripple(device, round(seconds * RATE_HZ), RATE_HZ, np.random.default_rng(seed))


def share_of_power(values: FloatArray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(values - values.mean())) ** 2
    hz = np.fft.rfftfreq(len(values), 1.0 / RATE_HZ)
    return float(power[(hz >= low_hz) & (hz <= high_hz)].sum() / power.sum())


@every_device
def test_ripple_varies_about_one_by_its_figure(name: str) -> None:
    factor = ripple(DEVICES[name])
    assert factor.mean() == pytest.approx(1.0, abs=0.01)
    assert factor.std() == pytest.approx(DEVICES[name].ripple_fraction, rel=0.1)


@pytest.mark.parametrize("name", ["powered", "manual"])
def test_ripple_has_the_pace_of_the_motor_or_the_wrist(name: str) -> None:
    hz = DEVICES[name].ripple_hz
    assert share_of_power(ripple(DEVICES[name]), 0.9 * hz, 1.1 * hz) > 0.75


def test_ripple_never_takes_the_bone_away() -> None:
    assert ripple(replace(DEVICES["manual"], ripple_fraction=2.0)).min() == 0.3


def test_a_wrist_sticks_and_slips() -> None:
    """It dwells high (bone holds) and low (bone gives) and is seldom between; a smooth turn is not so."""
    stuck, smooth = (
        np.abs(ripple(replace(DEVICES["manual"], stick=stick)) - 1.0) / 0.15 for stick in (0.6, 0.0)
    )
    assert np.mean(stuck < 0.4) < 0.7 * np.mean(smooth < 0.4)
    assert DEVICES["manual"].stick > 0.0 == DEVICES["powered"].stick


def test_only_a_motor_vibrates_and_in_its_band() -> None:
    motor = draw_vibration(DEVICES["powered"], 40_000, RATE_HZ, np.random.default_rng(3))
    assert motor.std() == pytest.approx(DEVICES["powered"].vibration_n)
    assert share_of_power(motor, 12.0, 30.0) > 0.7
    for name in ("manual", "spring_loaded"):
        assert not draw_vibration(DEVICES[name], 1000, RATE_HZ, np.random.default_rng(3)).any()


def test_manual_friction_is_the_larger_and_only_one_device_has_a_spring() -> None:
    assert DEVICES["manual"].shaft_friction_n > DEVICES["powered"].shaft_friction_n
    assert [name for name, device in DEVICES.items() if device.spring] == ["spring_loaded"]


def test_unknown_device_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refused:
        device_named("hammer")
    assert all(name in refused.value.remedy for name in DEVICES)
