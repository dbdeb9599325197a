"""Each disturbance alone: what it does to known inputs, and that it does nothing before its cause."""

from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from popsense.model import FloatArray
from popsense.twin import disturbances
from popsense.twin.disturbances import WIDE_CODES

TIME_S = np.arange(4001) / 4000.0
SIGNALS = arrays(np.float64, st.integers(2, 60), elements=st.floats(-100.0, 100.0, width=32))


def instants(period_s: float) -> FloatArray:
    return np.arange(int(1.0 / period_s), dtype=np.float64) * period_s


@pytest.mark.parametrize("period_s", [0.00025, 0.001012, 0.003125, 0.0125])
def test_mean_of_a_ramp_is_its_middle(period_s: float):
    at_s = instants(period_s)
    mean = disturbances.mean_over_period(TIME_S, 40.0 * TIME_S, at_s, period_s)
    inside = at_s >= period_s
    assert mean[inside] == pytest.approx(40.0 * (at_s[inside] - 0.5 * period_s), abs=2e-4)


def test_mean_holds_the_outermost_values():
    at_s = np.array([-0.01, 0.0, 1.0, 1.02])
    mean = disturbances.mean_over_period(TIME_S, 3.0 + TIME_S, at_s, 0.0125)
    assert mean[:2] == pytest.approx([3.0, 3.0])
    assert mean[3] == pytest.approx(4.0)


def test_a_step_between_two_instants_is_split_in_proportion():
    step = np.where(TIME_S > 0.5, 8.0, 0.0)
    mean = disturbances.mean_over_period(TIME_S, step, np.array([0.4875, 0.503, 0.5155, 0.53]), 0.0125)
    assert mean == pytest.approx([0.0, 8.0 * 0.003 / 0.0125, 8.0, 8.0], abs=0.1)


@given(SIGNALS, st.integers(1, 40))
@settings(max_examples=60)
def test_the_means_lie_end_to_end(values: FloatArray, parts: int):
    """No force is lost or counted twice: means times period add up to the integral."""
    time_s = np.arange(len(values), dtype=np.float64)
    period_s = float(time_s[-1]) / parts
    at_s = np.arange(1, parts + 1, dtype=np.float64) * period_s
    means = disturbances.mean_over_period(time_s, values, at_s, period_s)
    integral = float(values.sum() - 0.5 * (values[0] + values[-1]))
    assert means.sum() * period_s == pytest.approx(integral, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("hum_hz", [50.0, 60.0])
@pytest.mark.parametrize("rate_hz", [988.0, 320.0, 80.0])
def test_hum_is_the_average_of_a_sine(rate_hz: float, hum_hz: float):
    """Against the average of a finely sampled sine, sample by sample: size, phase and alias at once."""
    fine_s = np.arange(200_001) / 100_000.0
    sine = sqrt(2.0) * 0.7 * np.sin(2.0 * pi * hum_hz * fine_s + 1.1)
    at_s = np.arange(1, int(2.0 * rate_hz), dtype=np.float64) / rate_hz
    averaged = disturbances.mean_over_period(fine_s, sine, at_s, 1.0 / rate_hz)
    assert disturbances.hum(at_s, 1.0 / rate_hz, 0.7, hum_hz, 1.1) == pytest.approx(averaged, abs=1e-3)


def test_hum_that_fits_the_period_is_gone():
    assert np.abs(disturbances.hum(instants(0.02), 0.02, 5.0, 50.0, 0.3)).max() < 1e-9


@pytest.mark.parametrize("peak", [12.0, -5.0])
def test_a_bump_is_at_rest_then_peaks_then_dies(peak: float):
    wave = disturbances.bump(TIME_S, 0.2, peak, 22.0, 0.08)
    assert (wave[TIME_S <= 0.2] == 0.0).all()
    assert wave[np.abs(wave).argmax()] == pytest.approx(peak, rel=1e-3)
    assert TIME_S[np.abs(wave).argmax()] < 0.2 + 0.25 / 22.0
    assert np.abs(wave[TIME_S > 0.2 + 6.0 * 0.08]).max() < 0.01 * abs(peak)
    assert np.sign(wave[TIME_S > 0.2]).tolist().count(-np.sign(peak)) > 800


@pytest.mark.parametrize("period_s", [0.001, 0.0125])
def test_creep_settles_by_its_fraction_in_its_time(period_s: float):
    at_s = np.arange(0.0, 40.0, period_s)
    crept = disturbances.creep(np.where(at_s > 0.0, 50.0, 0.0), period_s, 0.02, 4.0)
    assert crept[-1] == pytest.approx(51.0, abs=0.001)
    assert crept[round(4.0 / period_s)] == pytest.approx(50.0 + 1.0 - np.exp(-1.0), abs=0.005)
    assert crept[2] == pytest.approx(50.0, abs=0.02)


@given(SIGNALS, st.floats(0.001, 50.0))
def test_play_lags_by_half_its_width_at_most_and_never_runs_ahead(values: FloatArray, width: float):
    out = disturbances.play(values, width)
    assert np.abs(out - values).max() <= 0.5 * width + 1e-9
    assert np.ptp(out) <= np.ptp(values) + 1e-9
    assert (np.diff(out) * np.sign(np.diff(values)) >= -1e-9).all()


def test_play_rests_while_the_input_turns_inside_it():
    values = np.array([0.0, 3.0, 2.5, 2.1, 1.9, 1.0])
    assert disturbances.play(values, 1.0) == pytest.approx([0.0, 2.5, 2.5, 2.5, 2.4, 1.5])


def test_hysteresis_has_its_width_in_the_middle_and_no_dead_stretch():
    up = np.linspace(0.0, 500.0, 2001)
    out = disturbances.hysteresis(np.concatenate([up, up[::-1]]), 2.0, 20.0)
    rising, falling = out[:2001], out[2001:][::-1]
    middle = (up > 25.0) & (up < 475.0)
    assert falling[middle] - rising[middle] == pytest.approx(2.0)
    assert falling[-1] == rising[-1]
    assert np.diff(rising).min() > 0.2


@given(SIGNALS)
def test_without_width_hysteresis_and_creep_change_nothing(values: FloatArray):
    assert (disturbances.hysteresis(values, 0.0, 20.0) == values).all()
    assert (disturbances.creep(values, 0.001, 0.0, 10.0) == values).all()
    assert disturbances.play(values, 0.0) == pytest.approx(values, abs=1e-12)


@pytest.mark.parametrize("step_lsb", [0.0, 4.0, 9.0])
def test_four_codes_are_wider_by_the_step(step_lsb: float):
    codes = np.rint(disturbances.stepped_codes(np.linspace(0.0, 4095.0, 819_001), step_lsb)).astype(int)
    widths = np.bincount(codes, minlength=4096)[1:-1] / 200.0
    others = np.delete(widths, [code - 1 for code in WIDE_CODES])
    shrunk = 4095.0 / (4095.0 + 4.0 * step_lsb)
    assert others == pytest.approx(shrunk, abs=0.011)
    assert [widths[code - 1] for code in WIDE_CODES] == pytest.approx(
        [(1.0 + step_lsb) * shrunk] * 4, abs=0.011
    )


@given(st.floats(0.0, 15.0), arrays(np.float64, 30, elements=st.floats(-5000.0, 9000.0)))
def test_the_converter_clips_and_never_falls_while_its_input_rises(step_lsb: float, codes: FloatArray):
    out = disturbances.stepped_codes(np.sort(codes), step_lsb)
    assert (np.diff(out) >= 0.0).all()
    assert out.min() >= 0.0
    assert out.max() <= 4095.0
    inside = np.clip(np.sort(codes), 0.0, 4095.0)
    assert np.abs(out - inside).max() <= 0.5 * step_lsb + 1e-6


@given(st.lists(st.floats(0.0, 1.0), max_size=6), st.floats(0.001, 0.2))
def test_within_is_the_union_of_the_stretches(starts_s: list[float], duration_s: float):
    at_s = np.linspace(0.0, 1.2, 97)
    expected = [any(0.0 <= at - start < duration_s for start in starts_s) for at in at_s.tolist()]
    assert disturbances.within(at_s, np.array(starts_s, dtype=np.float64), duration_s).tolist() == expected
