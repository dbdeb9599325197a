"""Quantities to counts at 988, 320 and 80 samples/s: each term shows in the counts by its own figure only."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from popsense.model import FloatArray
from popsense.twin.converters import HX711
from popsense.twin.insertion import Insertion, Truth
from popsense.twin.sensors import Ratiometric, SensorScript, SensorSpec, digitise

PERIODS_NS = (1_012_146, 3_125_000, 12_500_000)  # 988, 320 and 80 samples/s
SPEC = SensorSpec()
# Nothing but rounding.
IDEAL = replace(
    SPEC,
    zero_balance_n=0.0,
    drift_n_per_s=0.0,
    creep_fraction=0.0,
    hysteresis_fraction=0.0,
    force_noise_n=0.0,
    hum_n=0.0,
    adc_noise_lsb=0.0,
    adc_step_lsb=0.0,
    depth_hysteresis_mm=0.0,
)
EVENTFUL = replace(SPEC, bursts_per_s=1.0, missed_per_s=3.0, bumps=((2.0, 9.0),), adc_hum_lsb=0.5)


def insertion(rate_hz: float = 2000.0) -> Insertion:
    """8 s: rest, up to 60 N from 1 s to 4 s, held, gone at 6 s with the tip 3 mm out in 30 ms, suction."""
    time_s = np.arange(round(8.0 * rate_hz) + 1, dtype=np.float64) / rate_hz
    force_n = np.clip(20.0 * (time_s - 1.0), 0.0, 60.0) * (time_s < 6.0)
    protrusion_mm = np.clip(100.0 * (time_s - 6.0), 0.0, 3.0)
    pressure_kpa = np.where((time_s > 6.5) & (time_s < 7.0), -20.0, 0.0)
    return Insertion(
        time_s=time_s,
        force_n=force_n,
        protrusion_mm=protrusion_mm,
        pressure_kpa=pressure_kpa,
        tip_mm=protrusion_mm,
        truth=cast(Truth, None),
    )


INSERTION = insertion()
RESTING = replace(INSERTION, force_n=0.0 * INSERTION.time_s, protrusion_mm=0.0 * INSERTION.time_s)


def times_s(script: SensorScript) -> FloatArray:
    return np.arange(len(script.force_counts), dtype=np.float64) * script.sample_period_ns * 1e-9


def force_n(script: SensorScript) -> FloatArray:
    return script.force_counts / SPEC.counts_per_n


def in_unit(codes: Any, sensor: Ratiometric) -> FloatArray:
    """The way back, written anew: 10 % to 90 % of 4095 are low to high; mean of the reads."""
    return sensor.low + (codes.mean(axis=1) / 4095.0 - 0.1) / 0.8 * (sensor.high - sensor.low)


def depth_mm(script: SensorScript) -> FloatArray:
    return in_unit(script.depth_codes, SPEC.depth_mm)


def test_one_newton_is_4295_counts():
    assert SPEC.counts_per_n == pytest.approx(4294.967, abs=0.001)


@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_ideal_sensors_give_the_quantities_back(period_ns: int):
    script = digitise(INSERTION, 5, IDEAL, period_ns)
    at_s = times_s(script)
    middle_s = at_s - 0.5e-9 * period_ns
    steady = (
        (np.abs(middle_s - 6.0) > 0.02) & (np.abs(middle_s - 1.0) > 0.02) & (np.abs(middle_s - 4.0) > 0.02)
    )
    expected_n = np.interp(middle_s, INSERTION.time_s, INSERTION.force_n)
    assert force_n(script)[steady] == pytest.approx(expected_n[steady], abs=0.003)
    expected_mm = np.interp(at_s, INSERTION.time_s, INSERTION.protrusion_mm)
    assert depth_mm(script) == pytest.approx(expected_mm, abs=0.006)  # an LSB is 9.2 um
    expected_kpa = np.interp(at_s, INSERTION.time_s, INSERTION.pressure_kpa)
    assert in_unit(script.pressure_codes, SPEC.pressure_kpa) == pytest.approx(expected_kpa, abs=0.03)


@pytest.mark.parametrize("period_ns", [*PERIODS_NS, None])
def test_the_script_covers_the_insertion(period_ns: int | None):
    script = digitise(INSERTION, 5, SPEC, period_ns)
    period_s = script.sample_period_ns * 1e-9
    n = len(script.force_counts)
    assert period_s == pytest.approx(1e-9 * period_ns if period_ns else 1.0 / 2000.0)
    assert (n - 1) * period_s == pytest.approx(8.0, abs=0.51 * period_s)
    assert script.rest_samples * period_s == pytest.approx(0.5, abs=1.01 * period_s)
    assert (script.force_counts.dtype, script.force_counts.shape) == (np.int32, (n,))
    assert (script.depth_codes.dtype, script.depth_codes.shape) == (np.uint16, (n, 4))
    assert (script.pressure_codes.dtype, script.pressure_codes.shape) == (np.uint16, (n, 4))


def test_an_hx711_shows_a_fall_in_full_after_four_conversions():
    fall = replace(INSERTION, force_n=np.where(INSERTION.time_s < 6.0, 50.0, 0.0))
    spec = replace(IDEAL, converter=HX711)
    script = digitise(fall, 5, spec, PERIODS_NS[2])
    shown_n = script.force_counts / spec.counts_per_n
    assert shown_n[480:486] == pytest.approx([50.0, 37.5, 25.0, 12.5, 0.0, 0.0], abs=0.6)
    assert script.chip == "hx711"


def test_an_hx711_gives_twice_the_counts_of_an_ads1220():
    """Its full scale is half of the excitation over the gain."""
    assert replace(SPEC, converter=HX711).counts_per_n == pytest.approx(2 * SPEC.counts_per_n)


def test_slow_sampling_averages_a_fall_between_two_instants():
    fall = replace(INSERTION, force_n=np.where(INSERTION.time_s < 6.005, 50.0, 0.0))
    shown_n = force_n(digitise(fall, 5, IDEAL, 12_500_000))
    assert shown_n[[479, 480, 481, 482]] == pytest.approx([50.0, 50.0, 20.0, 0.0], abs=1.1)


@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_noise_grows_with_the_root_of_the_rate(period_ns: int):
    script = digitise(RESTING, 5, replace(IDEAL, force_noise_n=0.06), period_ns)
    assert force_n(script).std() == pytest.approx(0.06 * (1e6 / period_ns) ** 0.5, rel=0.15)


@pytest.mark.parametrize("hum_hz", [50.0, 60.0])
@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_hum_keeps_what_the_average_leaves(period_ns: int, hum_hz: float):
    script = digitise(RESTING, 5, replace(IDEAL, hum_n=0.5, hum_hz=hum_hz), period_ns)
    assert force_n(script).std() == pytest.approx(0.5 * np.sinc(hum_hz * 1e-9 * period_ns), rel=0.03)


def test_hum_on_the_chip_is_the_same_for_the_reads_of_a_sample():
    script = digitise(RESTING, 5, replace(IDEAL, adc_hum_lsb=4.0), PERIODS_NS[0])
    codes = script.depth_codes.astype(np.float64)
    assert np.ptp(codes, axis=1).max() == 0.0
    assert codes[:, 0].std() == pytest.approx(4.0, rel=0.03)


def test_zero_balance_stays_within_its_bound():
    zeros_n = [force_n(digitise(RESTING, seed, SPEC, PERIODS_NS[2])).mean() for seed in range(30)]
    assert max(abs(zero) for zero in zeros_n) < 5.1
    assert np.std(zeros_n) > 1.5


def test_drift_is_a_line():
    shown_n = force_n(digitise(RESTING, 5, replace(IDEAL, drift_n_per_s=0.5), PERIODS_NS[2]))
    assert np.ptp(np.diff(shown_n)) < 0.0006
    assert 0.1 < abs(shown_n[-1]) < 12.0


@pytest.mark.parametrize(
    ("changed", "at_60_n"),
    [
        ({"gain_error": 0.02}, 61.2),
        ({"creep_fraction": 0.05, "creep_tau_s": 0.1}, 63.0),
        ({"hysteresis_fraction": 0.004}, 59.0),
    ],
)
@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_steady_errors_of_force(period_ns: int, changed: dict[str, float], at_60_n: float):
    script = digitise(INSERTION, 5, replace(IDEAL, **cast(Any, changed)), period_ns)
    held = (times_s(script) > 5.5) & (times_s(script) < 5.9)
    assert force_n(script)[held] == pytest.approx(at_60_n, abs=0.01)
    assert force_n(script)[: script.rest_samples] == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize(
    ("changed", "at_3_mm"),
    [({"depth_gain_error": -0.04}, 2.88), ({"depth_zero_mm": 0.5}, 3.5), ({"depth_hysteresis_mm": 0.2}, 2.9)],
)
def test_steady_errors_of_depth(changed: dict[str, float], at_3_mm: float):
    script = digitise(INSERTION, 5, replace(IDEAL, **cast(Any, changed)), PERIODS_NS[0])
    assert depth_mm(script)[times_s(script) > 6.1] == pytest.approx(at_3_mm, abs=0.006)


def test_steady_errors_of_pressure():
    spec = replace(IDEAL, pressure_gain_error=0.1, pressure_zero_kpa=2.0)
    script = digitise(INSERTION, 5, spec, PERIODS_NS[0])
    kpa = in_unit(script.pressure_codes, SPEC.pressure_kpa)
    assert kpa[(times_s(script) > 6.51) & (times_s(script) < 6.99)] == pytest.approx(-20.0, abs=0.03)
    assert kpa[: script.rest_samples] == pytest.approx(2.0, abs=0.03)


def test_averaging_the_reads_leaves_the_code_steps():
    """A slow ramp over code 512: the mean of many noisy reads is off by half of the step at its edges."""
    ramp = replace(INSERTION, protrusion_mm=2.0 * INSERTION.time_s / 8.0)
    spec = replace(IDEAL, adc_noise_lsb=0.5, adc_step_lsb=9.0)
    script = digitise(ramp, 5, spec, PERIODS_NS[0])
    error_lsb = (depth_mm(script) - 2.0 * times_s(script) / 8.0) / 30.0 * 0.8 * 4095
    smooth = np.convolve(error_lsb, np.full(41, 1.0 / 41), "valid")
    assert np.ptp(smooth) == pytest.approx(9.0, abs=1.5)
    assert (script.depth_codes == 512).sum() > 7 * (script.depth_codes == 520).sum()


def test_each_read_has_its_own_noise():
    reads = digitise(RESTING, 5, SPEC, PERIODS_NS[0]).depth_codes.astype(float)
    assert np.abs(np.corrcoef(reads.T) - np.eye(4)).max() < 0.1
    assert reads.std() == pytest.approx(SPEC.adc_noise_lsb, rel=0.1)


def test_a_bump_moves_force_and_a_little_the_follower():
    script = digitise(
        RESTING, 5, replace(IDEAL, bumps=((2.0, 20.0), (5.0, -8.0)), bump_mm_per_n=0.02), PERIODS_NS[0]
    )
    at_s, shown_n, shown_mm = times_s(script), force_n(script), depth_mm(script)
    assert shown_n[at_s < 2.0] == pytest.approx(0.0, abs=0.001)
    assert shown_n.max() == pytest.approx(20.0, rel=0.02)
    assert shown_n[at_s > 4.0].min() == pytest.approx(-8.0, rel=0.02)
    assert shown_mm.max() == pytest.approx(0.4, rel=0.05)
    assert np.corrcoef(shown_n, shown_mm)[0, 1] > 0.95


@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_bursts_are_short_common_to_force_and_depth_and_spare_the_rest(period_ns: int):
    spec = replace(IDEAL, bursts_per_s=2.0, burst_s=0.05, burst_n=2.0, burst_mm=0.3)
    script = digitise(RESTING, 7, spec, period_ns)
    shaken = np.abs(force_n(script)) > 0.01
    assert not shaken[: script.rest_samples].any()
    assert 0.02 < shaken.mean() < 0.2
    assert force_n(script)[shaken].std() == pytest.approx(2.0, rel=0.4)
    # Where force is quiet so is depth, and the other way round but for the few draws near zero.
    still_mm = depth_mm(script)[~shaken]
    assert np.abs(still_mm - np.median(still_mm)).max() < (0.01 if period_ns > 2_000_000 else 0.9)
    assert depth_mm(script)[shaken].std() == pytest.approx(0.3, rel=0.4)


@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_missed_conversions_come_as_often_as_said_and_spare_the_rest(period_ns: int):
    found = [digitise(RESTING, seed, replace(IDEAL, missed_per_s=4.0), period_ns) for seed in range(12)]
    missed = np.concatenate([script.missed for script in found])
    assert len(missed) == pytest.approx(12 * 7.5 * 4.0, rel=0.2)
    assert missed.min() >= found[0].rest_samples
    assert missed.max() < len(found[0].force_counts)


def test_a_quiet_room_misses_nothing():
    assert digitise(RESTING, 5, SPEC, PERIODS_NS[0]).missed.tolist() == []


def test_the_file_marks_missed_conversions_and_nothing_else(tmp_path: Path):
    script = replace(digitise(INSERTION, 5, EVENTFUL, PERIODS_NS[0]), missed=np.array([600, 601, 4000]))
    script.write(tmp_path / "with.u16")
    replace(script, missed=np.empty(0, np.int64)).write(tmp_path / "without.u16")
    marked, plain = (
        np.fromfile(tmp_path / name, "<u2").reshape(-1, 10) for name in ("with.u16", "without.u16")
    )
    assert np.argwhere(marked != plain).tolist() == [[600, 1], [601, 1], [4000, 1]]
    assert marked[[600, 601, 4000], 1].tolist() == [0x8000] * 3


def test_everything_clips_at_its_converter():
    beyond = np.where(INSERTION.time_s % 2.0 < 1.0, 1e5, -1e5)
    script = digitise(replace(INSERTION, force_n=beyond, protrusion_mm=beyond, pressure_kpa=beyond), 5)
    assert (script.force_counts.min(), script.force_counts.max()) == (-(2**23), 2**23 - 1)
    for codes in (script.depth_codes, script.pressure_codes):
        assert set(codes.ravel().tolist()) == {0, 4095}


@pytest.mark.parametrize("period_ns", PERIODS_NS)
def test_same_seed_and_spec_same_bytes(period_ns: int, tmp_path: Path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        digitise(INSERTION, seed, EVENTFUL, period_ns).write(tmp_path / name)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_a_changed_term_leaves_the_draws_of_the_others():
    """Only the burst, and nothing beside it, differs between two specs that differ in bursts."""
    quiet = digitise(INSERTION, 9, replace(EVENTFUL, bursts_per_s=0.0), PERIODS_NS[0])
    shaken = digitise(INSERTION, 9, EVENTFUL, PERIODS_NS[0])
    assert 0.005 < (quiet.force_counts != shaken.force_counts).mean() < 0.1
    assert (quiet.pressure_codes == shaken.pressure_codes).all()
    assert (quiet.missed == shaken.missed).all()


def test_the_defaults_stay_near_the_truth():
    """What the demo rests on: after the tare within half a newton and 0.1 mm (0.074 mm are code steps)."""
    script = digitise(insertion(4000.0), 5, SPEC, PERIODS_NS[0])
    at_s, rest = times_s(script), slice(0, script.rest_samples)
    error_n = (
        force_n(script)
        - np.median(force_n(script)[rest])
        - np.interp(at_s, INSERTION.time_s, INSERTION.force_n)
    )
    error_mm = (
        depth_mm(script)
        - np.median(depth_mm(script)[rest])
        - np.interp(at_s, INSERTION.time_s, INSERTION.protrusion_mm)
    )
    away = np.abs(at_s - 6.015) > 0.03
    assert np.abs(error_n[away]).max() < 0.5
    assert np.abs(error_mm[away]).max() < 0.1
