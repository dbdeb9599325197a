"""Leak-down and known weight: what is injected is found, with its figure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.technician.hands_on_lines import (
    LEAK,
    STANDARD_GRAVITY,
    WEIGHT_MOST_N,
    WEIGHT_PART,
    leak_line,
    weight_line,
)

TIME_S = np.arange(0, 14.0, 0.01)
seeds = st.integers(0, 2**32 - 1)


def noise(seed: int, rms: float, n: int = TIME_S.size) -> np.ndarray:
    return rms * np.random.default_rng(seed).standard_normal(n)


@given(seeds, st.floats(25.0, 59.0), st.floats(20.0, 2000.0))
@settings(max_examples=40)
def test_a_leak_is_judged_by_the_share_that_it_loses_each_second(seed: int, start_kpa: float, tau_s: float):
    pressure = start_kpa * np.exp(-TIME_S / tau_s)
    settled = pressure[TIME_S > 3.5]
    loss = 100 * (settled[0] - settled[-1]) / (TIME_S[-1] - 3.5) / settled[0]
    line = leak_line(TIME_S, pressure + noise(seed, 0.034))
    if settled[0] < 20.5 or abs(loss - LEAK.high) < 0.1:
        return
    assert line.outcome == ("fail" if loss > LEAK.high else "pass")
    assert line.figure == pytest.approx(loss, rel=0.15, abs=0.03)


@given(seeds, st.floats(60.0, 140.0))
@settings(max_examples=40)
def test_the_verdict_on_a_leak_is_the_same_from_any_pressure_that_is_asked_for(seed: int, tau_s: float):
    if abs(tau_s - 95.0) < 5.0:
        return  # at the limit, where noise decides
    lines = [
        leak_line(TIME_S, start * np.exp(-TIME_S / tau_s) + noise(seed, 0.034))
        for start in (26.0, 40.0, 60.0)
    ]
    assert {line.outcome for line in lines} == {"fail" if tau_s < 95.0 else "pass"}


@given(seeds, st.floats(0.3, 3.0))
@settings(max_examples=20)
def test_a_chamber_that_is_still_pumped_up_is_not_tight(seed: int, kpa_per_s: float):
    line = leak_line(TIME_S, 22.0 + kpa_per_s * TIME_S + noise(seed, 0.034))
    assert line.outcome == "fail"
    assert "syringe's line too" in line.remedy
    assert "rising" in line.seen


def test_no_figure_is_minus_nothing():
    assert "held 0.0 kPa" in leak_line(TIME_S, 0 * TIME_S - 0.01).seen
    assert leak_line(TIME_S, 40 + 1e-5 * TIME_S).seen.startswith("0.00 %/s")


@pytest.mark.parametrize("mass_kg", [1.0, 2.0, 5.0])
def test_a_mass_that_was_never_put_on_fails(mass_kg: float):
    assert weight_line(noise(1, 0.06), noise(2, 0.06), mass_kg).outcome == "fail"


def test_the_time_constant_is_told():
    assert "time constant 50 s" in leak_line(TIME_S, 40 * np.exp(-TIME_S / 50)).seen
    assert "over 10,000 s" in leak_line(TIME_S, 40 + 0 * TIME_S).seen


@given(st.floats(-20.0, 19.0) | st.floats(61.0, 100.0))
def test_a_chamber_that_was_not_pressurised_or_too_much_says_so(kpa: float):
    line = leak_line(TIME_S, kpa + noise(1, 0.034))
    assert line.outcome == "fail"
    assert "20 to 60 kPa" in line.remedy


def test_what_a_syringe_does_in_the_first_moment_is_no_leak():
    assert leak_line(TIME_S, 25.0 + 30.0 * np.exp(-TIME_S)).outcome == "pass"


@given(seeds, st.floats(1.0, 30.0), st.floats(-0.2, 0.2), st.floats(-40.0, 40.0))
@settings(max_examples=60)
def test_a_weight_is_judged_by_its_error_whatever_the_zero(
    seed: int, mass_kg: float, off: float, zero_n: float
):
    expected = mass_kg * STANDARD_GRAVITY
    loaded = zero_n + expected * (1 + off) + noise(seed, 0.06)
    line = weight_line(zero_n + noise(seed + 1, 0.06), loaded, mass_kg)
    allowed = min(WEIGHT_MOST_N, WEIGHT_PART * expected)
    if abs(abs(off * expected) - allowed) > 0.05:
        assert line.outcome == ("fail" if abs(off * expected) > allowed else "pass")
    assert line.figure == pytest.approx(off * expected, abs=0.05)


def test_a_mass_that_swings_is_not_compared():
    line = weight_line(noise(1, 0.06), 49.03 + 3.0 * np.sin(8 * TIME_S), 5.0)
    assert (line.outcome, "swung" in line.seen) == ("fail", True)


def test_a_hand_that_lets_go_late_does_not_count():
    loaded = np.where(TIME_S < 3.0, 80.0, 49.03) + noise(1, 0.06)
    assert weight_line(noise(2, 0.06), loaded, 5.0).outcome == "pass"


def test_nothing_recorded_is_a_failure_and_no_crash():
    nothing = np.zeros(0)
    assert leak_line(nothing, nothing).outcome == weight_line(nothing, nothing, 5.0).outcome == "fail"
