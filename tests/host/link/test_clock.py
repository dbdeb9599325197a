"""The device's clock on the host's: drift, wraps, and round trips that are worth nothing."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.link.clock import TICKS_MODULUS, ClockSync

WRAP_S = TICKS_MODULUS / 1e6


def ask(
    sync: ClockSync, at_s: float, drift_ppm: float = 0.0, offset_s: float = 100.0, out_s=0.001, back_s=0.001
):
    """One round trip, the device read its clock at `at_s` of the host's."""
    device_s = (at_s - offset_s) / (1 + drift_ppm * 1e-6)
    return sync.add(at_s - out_s, at_s + back_s, round(device_s * 1e6) % TICKS_MODULUS)


def fitted(sync: ClockSync):
    fit = sync.fit()
    assert fit is not None
    return fit


def test_before_the_first_round_trip_there_is_no_fit():
    assert ClockSync().fit() is None


def test_one_round_trip_gives_the_offset_and_its_bound():
    sync = ClockSync()
    ask(sync, 103.0)
    fit = fitted(sync)
    assert (fit.offset_s, fit.drift_ppm, fit.residual_us, fit.trips) == (pytest.approx(100.0), 0.0, 0.0, 1)
    assert fit.bound_us == pytest.approx(1000.0)


@given(drift=st.floats(-150, 150), seed=st.integers(0, 2**32), start=st.floats(0, 3 * WRAP_S))
def test_the_drift_is_found_under_jitter(drift: float, seed: int, start: float):
    chance = random.Random(seed)
    sync = ClockSync()
    for k in range(300):
        delays = {"out_s": 0.0005 + chance.random() * 0.0004, "back_s": 0.0005 + chance.random() * 0.0004}
        ask(sync, 100.0 + start + k, drift, **delays)
    fit = fitted(sync)
    assert fit.drift_ppm == pytest.approx(drift, abs=1.0)  # 0.2 ms of error over 300 s, averaged
    for at in (0.0, 150.0, 299.0):
        device_us = (start + at) * 1e6 / (1 + drift * 1e-6)
        turns = sync.trips[0].device_us - round(start * 1e6 / (1 + drift * 1e-6))
        assert fit.host_s(device_us + turns) == pytest.approx(100.0 + start + at, abs=2e-4)
    assert fit.residual_us < 250


def test_slow_round_trips_are_left_out():
    sync = ClockSync()
    for k in range(60):
        ask(sync, 100.0 + k, 40.0, back_s=0.5 if k % 7 == 3 else 0.001)  # one way only: half of it is error
    fit = fitted(sync)
    assert fit.drift_ppm == pytest.approx(40.0, abs=0.1)
    assert fit.trips == sum(k % 7 != 3 for k in range(60))


def test_one_lucky_round_trip_does_not_silence_all_others():
    sync = ClockSync()
    for k in range(60):
        delay_s = 1e-5 if k == 30 else 0.002
        ask(sync, 100.0 + k, 80.0, out_s=delay_s, back_s=delay_s)
    assert fitted(sync).drift_ppm == pytest.approx(80.0, abs=2.0)


def test_a_clock_that_wraps_goes_on():
    sync = ClockSync()
    trips = [ask(sync, 100.0 + WRAP_S - 3.5 + k) for k in range(8)]
    steps = [b.device_us - a.device_us for a, b in pairwise(trips)]
    assert steps == [1_000_000] * 7


@pytest.mark.parametrize("away_s", [0.4 * WRAP_S, 0.6 * WRAP_S, 1.0 * WRAP_S, 2.3 * WRAP_S])
def test_an_outage_longer_than_a_wrap_is_counted_by_the_hosts_clock(away_s: float):
    sync = ClockSync()
    first = ask(sync, 101.0)
    second = ask(sync, 101.0 + away_s)
    assert second.device_us - first.device_us == round(away_s * 1e6)


def test_round_trips_of_one_moment_have_no_drift():
    sync = ClockSync()
    for _ in range(5):
        ask(sync, 107.0)
    assert fitted(sync).drift_ppm == 0.0
    assert fitted(sync).offset_s == pytest.approx(100.0)


def test_over_a_short_time_no_drift_is_claimed():
    sync = ClockSync()
    for k in range(40):
        ask(sync, 100.0 + k * 0.1, out_s=0.001 + 0.0009 * (k > 20))
    assert fitted(sync).drift_ppm == 0.0


def test_memory_ends_with_the_latest_round_trips():
    sync = ClockSync()
    for k in range(5000):
        ask(sync, 100.0 + k)
    assert len(sync.trips) == 4096
    assert sync.trips[-1].sent_s == pytest.approx(5099.0, abs=0.01)


def test_a_host_that_slept_gives_no_line_through_both_sides():
    """Its clock stands still in a suspend; the device's goes on."""
    sync = ClockSync()
    for k in range(60):
        asleep_us = 10_000_000 if k >= 30 else 0
        sync.add(k * 1.0, k * 1.0 + 0.002, (k * 1_000_000 + 1000 + asleep_us) % (1 << 30))
    fit = sync.fit()
    assert fit is not None
    assert (fit.steps, fit.trips) == (1, 30)
    assert abs(fit.drift_ppm) < 1.0
    assert fit.residual_us < 10.0


def test_the_bound_is_that_of_the_slowest_round_trip_used():
    sync = ClockSync()
    for k in range(101):
        on_the_way_s = 0.001 if k == 50 else 0.1  # all of it on the way there
        sync.add(k * 1.0, k * 1.0 + on_the_way_s, k * 1_000_000 + round(on_the_way_s * 1e6))
    fit = sync.fit()
    assert fit is not None
    assert abs(fit.host_s(50e6) - 50.0) * 1e6 <= fit.bound_us
