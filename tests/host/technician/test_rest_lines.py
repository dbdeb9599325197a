"""An untouched bone: what is injected is found and named, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.calibration.record import SENSORS
from popsense.model import RawTrace, Stretch
from popsense.recording.attempt import SATURATED
from popsense.technician.check_line import Limit
from popsense.technician.rest_lines import (
    DRIFT,
    NOISE,
    NOISE_PEAK,
    RANGE,
    Rest,
    jitter_limit,
    jitter_us,
    rest_lines,
)
from popsense.technician.sampled import Sampled
from popsense_protocol.packets import FLAG_AFTER_GAP

QUIET = {"force": 0.06, "depth": 0.007, "pressure": 0.034}  # rms of the reference build: N, mm, kPa
SECONDS = 10.0
seeds = st.integers(0, 2**32 - 1)
sensors = st.sampled_from(SENSORS)
signs = st.sampled_from([-1.0, 1.0])
beyond = st.floats(1.3, 20.0)  # how many times the limit


def rest(seed: int = 0, rate_hz: float = 988.0, added=None, told_hz: float | None = None, **sampled) -> Rest:
    """Quiet sensors; added: sensor -> function of (time, noise) that gives what is on top of its noise."""
    rng = np.random.default_rng(seed)
    n = int(SECONDS * rate_hz)
    time_s = np.arange(n) / rate_hz
    units = {}
    for sensor in SENSORS:
        noise = rng.standard_normal(n)
        units[sensor] = QUIET[sensor] * noise
        if added and sensor in added:
            units[sensor] = units[sensor] + added[sensor](time_s, noise)
    raw = raw_trace(time_s, **sampled)
    stamped = np.arange(0, n, 20)
    return Rest(Sampled(raw, stamped, time_s[stamped]), units, told_hz or rate_hz)


def raw_trace(time_s, flags=None, holes=(), missed=0) -> RawTrace:
    n = time_s.size
    zero = np.zeros(n, dtype=np.int64)
    flags = zero if flags is None else flags
    return RawTrace(np.arange(n), time_s, zero, zero, zero, flags, tuple(holes), (), missed)


def failing(one: Rest) -> set[str]:
    return {line.name for line in rest_lines(one) if line.outcome == "fail"}


@given(seeds, st.sampled_from([988.0, 968.3, 1007.7, 82.0, 10.5]))
@settings(max_examples=25)
def test_a_quiet_bone_passes_at_the_rate_of_any_converter(seed: int, rate_hz: float):
    lines = rest_lines(rest(seed, rate_hz))
    assert {line.outcome for line in lines} == {"pass"}
    assert len({line.name for line in lines}) == len(lines) == 7 + 5 * 3


@given(seeds, sensors, beyond, signs)
@settings(max_examples=30)
def test_a_drift_is_found_and_named_with_its_size(seed: int, sensor: str, times: float, sign: float):
    drift = sign * times * DRIFT[sensor]
    one = rest(seed, added={sensor: lambda time_s, noise: drift * (time_s - SECONDS / 2) / 10.0})
    assert failing(one) == {f"{sensor} drift in 10 s"}
    (line,) = [line for line in rest_lines(one) if line.outcome == "fail"]
    assert line.figure == pytest.approx(0.9 * abs(drift), rel=0.1), "first to last second are 9 s"


@given(seeds, st.sampled_from(["depth", "pressure"]), st.floats(2.5, 7.5), signs)
@settings(max_examples=30)
def test_a_bump_that_comes_and_goes_is_a_drift(seed: int, sensor: str, at_s: float, sign: float):
    def bump(time_s, noise):
        return sign * 1.5 * DRIFT[sensor] * np.exp(-((time_s - at_s) ** 2) / 2)

    assert f"{sensor} drift in 10 s" in failing(rest(seed, added={sensor: bump}))


@given(seeds, sensors, st.floats(1.3, 4.0))
@settings(max_examples=30)
def test_noise_is_found_and_named(seed: int, sensor: str, times: float):
    rms = times * NOISE[sensor]
    one = rest(seed, added={sensor: lambda time_s, noise: (rms - QUIET[sensor]) * noise})
    assert f"{sensor} noise" in failing(one)
    assert failing(one) <= {f"{sensor} noise", f"{sensor} noise, peak to peak"}


@given(seeds, sensors, st.floats(1.3, 8.0), signs)  # more of it would move the rms
@settings(max_examples=30)
def test_a_single_knock_is_no_noise_but_a_peak(seed: int, sensor: str, times: float, sign: float):
    def knock(time_s, noise):
        return np.where(np.arange(time_s.size) == time_s.size // 2, sign * times * NOISE_PEAK[sensor], 0.0)

    assert failing(rest(seed, added={sensor: knock})) == {f"{sensor} noise, peak to peak"}


@given(seeds, sensors, st.floats(1.05, 3.0), signs)
@settings(max_examples=30)
def test_a_zero_far_off_is_out_of_range_and_nothing_else(seed: int, sensor: str, times: float, sign: float):
    low, high = RANGE[sensor]
    away = times * (high if sign > 0 else low)
    assert failing(rest(seed, added={sensor: lambda time_s, noise: away + 0 * noise})) == {f"{sensor} range"}


@given(sensors, st.floats(-1.0, 1.0))
@settings(max_examples=20)
def test_a_reading_that_never_changes_is_a_dead_sensor(sensor: str, at: float):
    one = rest(added={sensor: lambda time_s, noise: at - QUIET[sensor] * noise})
    assert failing(one) == {f"{sensor} noise"}
    (line,) = [line for line in rest_lines(one) if line.outcome == "fail"]
    assert "wires" in line.remedy


@given(sensors, st.integers(1, 50))
@settings(max_examples=20)
def test_saturated_samples_are_counted_by_sensor(sensor: str, count: int):
    flags = np.zeros(int(SECONDS * 988), dtype=np.int64)
    flags[100 : 100 + count] = SATURATED[sensor]
    one = rest(flags=flags)
    assert failing(one) == {f"{sensor} saturated"}
    (line,) = [line for line in rest_lines(one) if line.outcome == "fail"]
    assert line.figure == count


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"missed": 1}, "conversions missed"),
        ({"holes": [Stretch(40, 2)]}, "samples lost"),
        ({"told_hz": 940.0}, "sample rate, off what was told"),
    ],
)
def test_a_loss_or_a_wrong_rate_is_named(changed, name: str):
    assert failing(rest(**changed)) == {name}


@given(st.floats(150.0, 700.0))
@settings(max_examples=30)
def test_a_rate_that_no_converter_has_is_found(rate_hz: float):
    assert failing(rest(rate_hz=rate_hz)) == {"sample rate"}


@given(seeds, st.floats(200.0, 5000.0))
@settings(max_examples=20)
def test_a_late_stamp_is_jitter_by_its_own_size(seed: int, late_us: float):
    one = rest(seed)
    one.sampled.stamp_s[7] += late_us / 1e6
    assert jitter_us(one.sampled) == pytest.approx(late_us, abs=1.0)
    assert failing(one) == {"jitter of the sample times"}


@given(st.sets(st.integers(1, 9000), min_size=1, max_size=5))
@settings(max_examples=20)
def test_missed_conversions_are_no_jitter_and_do_not_move_the_rate(gaps: set[int]):
    flags = np.zeros(int(SECONDS * 988), dtype=np.int64)
    flags[sorted(gaps)] = FLAG_AFTER_GAP
    time_s = (np.arange(flags.size) + np.cumsum(flags > 0)) / 988.0
    stamped = np.arange(0, flags.size, 20)
    sampled = Sampled(raw_trace(time_s, flags=flags), stamped, time_s[stamped])
    assert jitter_us(sampled) < 1e-3


@pytest.mark.parametrize(("rate_hz", "most_us"), [(988.0, 101), (80.0, 1250), (10.0, 10_000)])
def test_jitter_is_a_part_of_the_sample_period(rate_hz: float, most_us: float):
    assert jitter_limit(rate_hz).high == most_us
    one = rest(rate_hz=rate_hz)
    one.sampled.stamp_s[2] += 0.8 * most_us / 1e6
    assert failing(one) == set()
    one.sampled.stamp_s[2] += 0.8 * most_us / 1e6
    assert failing(one) == {"jitter of the sample times"}


def test_a_sensor_without_a_calibration_is_said_to_be_in_nominal_units():
    quiet = rest()
    lines = rest_lines(Rest(quiet.sampled, quiet.units, 988.0, nominal=frozenset({"depth"})))
    marked = {line.name for line in lines if "(nominal scale)" in line.seen}
    assert marked == {line.name for line in lines if line.unit == "mm"}


def test_a_sensor_that_is_not_fitted_and_one_without_samples_are_skipped():
    one = rest()
    without = Rest(one.sampled, {"force": one.units["force"]}, 988.0)
    skipped = [line.name for line in rest_lines(without) if line.outcome == "skipped"]
    assert skipped == ["depth", "pressure"]
    none = Sampled(raw_trace(np.zeros(0)), np.zeros(0, dtype=np.int64), np.zeros(0))
    empty = rest_lines(Rest(none, dict.fromkeys(SENSORS, np.zeros(0)), 988.0))
    assert [line.name for line in empty if line.outcome == "skipped"] == [*SENSORS]
    assert [line.name for line in empty if line.outcome == "fail"] == ["sample rate"]


def test_a_raised_reservoir_may_press_on_the_chamber():
    one = rest(added={"pressure": lambda time_s, noise: 12.0 + 0 * noise})
    assert failing(one) == {"pressure range"}
    assert failing(Rest(one.sampled, one.units, 988.0, reservoir=True)) == set()


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit(None, 0.2, ""), "at most 0.2"),
        (Limit(3.0, None, ""), "at least 3"),
        (Limit(-1.0, 1.0, ""), "-1 to 1"),
        (Limit(0.0, 0.0, ""), "must be 0"),
    ],
)
def test_a_limit_reads_as_a_person_would_say_it_and_nan_is_outside(limit: Limit, text: str):
    assert limit.text() == text
    assert not limit.holds(float("nan"))
