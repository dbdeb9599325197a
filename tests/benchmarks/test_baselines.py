"""Published rules: they find a clear pop, at every rate, without looking ahead."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.model import FloatArray
from popsense.procedure.sites import SITES
from popsense.twin.insertion import CONTROL_HZ, Setup, Truth, generator, simulate
from tests.benchmarks.baselines import BASELINES, Baseline, alarms, armed_at, first_alarms
from tests.benchmarks.baselines.filtered_difference import settled_gain, variance_ratio
from tests.benchmarks.baselines.predicted_force import cusum, predicted_n
from tests.benchmarks.baselines.protocol import ARMING_N

TARE_SAMPLES = 64
NOISE_N = 0.06  # force_noise_n of the twin's reference sensors; uncalibrated
RATES_HZ = (1000.0, 320.0, 80.0)
POP_S = 2.5  # of push()
# Not the expert with a driver: a taper that the rules in newtons do not tell from easing off.
CLEAR = [("novice", "powered"), ("expert", "manual"), ("novice", "manual")]

every_rule = pytest.mark.parametrize("rule", BASELINES, ids=lambda rule: rule.name)
forces = st.lists(st.floats(-600.0, 600.0, width=32), min_size=2, max_size=120).map(np.array)


def measured(force_n: FloatArray) -> FloatArray:
    """With sensor noise, zero taken off."""
    noisy_n = force_n + NOISE_N * generator(3, "noise").standard_normal(len(force_n))
    return noisy_n - noisy_n[:TARE_SAMPLES].mean()


def push(rate_hz: float) -> FloatArray:
    """Rest, rise to 60 N, taper to 50 N, then at POP_S a fall to 5 N within 20 ms."""
    time_s = np.arange(0.0, 4.0, 1.0 / rate_hz)
    return measured(np.interp(time_s, [1.0, 2.0, POP_S, POP_S + 0.02, 3.0], [0.0, 60.0, 50.0, 5.0, 5.0]))


@cache
def attempt(operator: str, device: str) -> tuple[FloatArray, Truth]:
    """One attempt of the twin at CONTROL_HZ."""
    insertion = simulate(Setup(SITES["adult-proximal-tibia"], operator, device, 3))
    return measured(insertion.force_n), insertion.truth


def alarms_ms(rule: Baseline, rate_hz: float) -> list[float]:
    """Alarms in push() at the published threshold, ms after the fall begins."""
    found = alarms(rule.statistic(push(rate_hz), rate_hz), rule.published, rate_hz)
    return (1000.0 * (found / rate_hz - POP_S)).tolist()


@every_rule
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_pop_is_called_once_while_the_force_falls(rule: Baseline, rate_hz: float) -> None:
    (alarm_ms,) = alarms_ms(rule, rate_hz)
    assert 0.0 < alarm_ms < 20.0 + 1000.0 / rate_hz


@every_rule
@pytest.mark.parametrize("rate_hz", RATES_HZ[1:])
def test_the_latency_is_the_same_at_every_rate(rule: Baseline, rate_hz: float) -> None:
    assert abs(alarms_ms(rule, rate_hz)[0] - alarms_ms(rule, 1000.0)[0]) < 3.0 + 1000.0 / rate_hz


@every_rule
@pytest.mark.parametrize(("operator", "device"), CLEAR)
def test_a_clear_pop_of_the_twin_is_found(rule: Baseline, operator: str, device: str) -> None:
    force_n, truth = attempt(operator, device)
    assert truth.exit_start_s is not None
    assert truth.exit_end_s is not None
    found_s = alarms(rule.statistic(force_n, CONTROL_HZ), rule.published, CONTROL_HZ) / CONTROL_HZ
    assert ((found_s >= truth.exit_start_s) & (found_s <= truth.exit_end_s + 0.05)).any()


@pytest.mark.slow
@every_rule
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@settings(max_examples=30)
@given(known_n=forces, next_n=forces, other_n=forces)
def test_no_rule_looks_ahead(
    rule: Baseline, rate_hz: float, known_n: FloatArray, next_n: FloatArray, other_n: FloatArray
) -> None:
    # A peak before the cut and a fall behind it, so that every rule is armed and has something to see.
    one_n, two_n = (np.concatenate([known_n, [50.0, 45.0], tail_n]) for tail_n in (next_n, other_n - 600.0))
    known = len(known_n) + 2
    assert np.array_equal(rule.statistic(one_n, rate_hz)[:known], rule.statistic(two_n, rate_hz)[:known])


@every_rule
@given(force_n=forces)
def test_a_statistic_is_silent_until_armed_and_never_below_zero_after(
    rule: Baseline, force_n: FloatArray
) -> None:
    statistic = rule.statistic(force_n, 1000.0)
    armed = np.maximum.accumulate(force_n) >= ARMING_N
    assert statistic.shape == force_n.shape
    assert (statistic[armed] >= 0.0).all()
    assert np.isneginf(statistic[~armed]).all()


@every_rule
def test_the_sweep_goes_from_always_to_never(rule: Baseline) -> None:
    force_n = push(1000.0)
    assert 40 <= len(rule.thresholds) <= 60
    assert (np.diff(rule.thresholds) > 0.0).all()
    assert rule.published in rule.thresholds
    contact = int(np.flatnonzero(force_n >= ARMING_N)[0])
    swept = first_alarms(rule.statistic(force_n, 1000.0), rule.thresholds, 1000.0)
    assert swept[0].tolist() == [contact]
    assert len(swept[-1]) == 0


@every_rule
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_nothing_reaches_the_last_threshold(rule: Baseline, rate_hz: float) -> None:
    cliff_n = np.repeat([0.0, 5000.0, -5000.0], 200)
    assert rule.statistic(cliff_n, rate_hz).max() == rule.thresholds[-2]


@every_rule
def test_a_higher_threshold_never_alarms_earlier(rule: Baseline) -> None:
    force_n = push(320.0)
    swept = first_alarms(rule.statistic(force_n, 320.0), rule.thresholds, 320.0)
    firsts = [found[0] if len(found) else len(force_n) for found in swept]
    assert firsts == sorted(firsts)


def test_a_rule_armed_higher_speaks_later() -> None:
    force_n = np.array([0.0, 6.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0])
    for low, high in zip(armed_at(5.0), armed_at(10.0), strict=True):
        assert low.statistic(force_n, 1000.0)[1] == 0.0
        assert np.isneginf(high.statistic(force_n, 1000.0)[:5]).all()
        assert high.statistic(force_n, 1000.0)[5] == 0.0


def test_relative_drop_by_hand() -> None:
    rule = BASELINES[0]
    force_n = np.array([0.0, 10.0, 4.0, 4.0, 4.0, 8.0])
    assert np.allclose(rule.statistic(force_n, 1000.0)[1:], [0.0, 0.0, 0.0, 0.6, 0.2])  # 3 ms = 3 samples
    assert np.allclose(rule.statistic(force_n, 80.0)[1:], [0.0, 0.6, 0.6, 0.6, 0.2])  # 3 ms = 1 sample


@given(force_n=forces, rate_hz=st.sampled_from(RATES_HZ))
def test_largest_drop_is_that_of_the_window(force_n: FloatArray, rate_hz: float) -> None:
    rule = BASELINES[2]
    window = {1000.0: 40, 320.0: 13, 80.0: 3}[rate_hz]  # 40 ms
    drop_n = [force_n[max(0, k - window) : k + 1].max() - force_n[k] for k in range(len(force_n))]
    armed = np.maximum.accumulate(force_n) >= ARMING_N
    assert np.allclose(rule.statistic(force_n, rate_hz)[armed], np.clip(drop_n, 0.0, 500.0)[armed])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_steady_fall_is_its_own_filtered_difference(rate_hz: float) -> None:
    time_s = np.arange(0.0, 0.2, 1.0 / rate_hz)
    fall_n_per_s = BASELINES[1].statistic(100.0 - 300.0 * time_s, rate_hz)
    assert fall_n_per_s[0] == 0.0
    assert fall_n_per_s[round(0.05 * rate_hz) :] == pytest.approx(300.0, rel=0.01)  # 8 ms to settle


@pytest.mark.parametrize("gain", [0.05, 0.5, 0.9])
def test_the_gain_is_that_of_a_kalman_filter_that_settled(gain: float) -> None:
    process, uncertainty = variance_ratio(gain), 1.0
    settled = 0.0
    for _ in range(500):
        uncertainty += process
        settled = uncertainty / (uncertainty + 1.0)
        uncertainty *= 1.0 - settled
    assert settled_gain(process) == pytest.approx(settled) == pytest.approx(gain)


@pytest.mark.parametrize("kept", [0.78, 0.98])
def test_the_prediction_is_the_least_squares_line(kept: float) -> None:
    force_n = np.cumsum(generator(1, "walk").standard_normal(40))
    constant_n = np.full(2000, force_n[0])  # the past that predicted_n assumes
    past_n = np.concatenate([constant_n, force_n[:-1]])
    age = np.arange(len(past_n), 0.0, -1.0)  # 1 = the sample before the one to predict
    slope, level = np.polyfit(age, past_n, 1, w=kept ** (age / 2.0))
    assert predicted_n(force_n, kept)[-1] == pytest.approx(level, abs=1e-6)
    assert abs(slope) > 1e-3


@given(steps=st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=60))
def test_cusum_is_the_sum_that_stops_at_zero(steps: list[float]) -> None:
    expected: list[float] = []
    for step in steps:
        expected.append(max(0.0, (expected[-1] if expected else 0.0) + step))
    assert np.allclose(cusum(np.array(steps)), expected)


def alarms_by_hand(statistic: list[int], threshold: int, silent: int) -> list[int]:
    """The state machine that alarms() replaces."""
    found: list[int] = []
    was_below = True
    for k, value in enumerate(statistic):
        if value < threshold:
            was_below = True
        elif was_below and (not found or k - found[-1] >= silent):
            found.append(k)
            was_below = False
    return found


@given(
    statistic=st.lists(st.integers(0, 3), min_size=1, max_size=80),
    threshold=st.integers(0, 4),
    silent=st.integers(1, 12),
)
def test_alarms_equal_the_state_machine(statistic: list[int], threshold: int, silent: int) -> None:
    found = alarms(np.array(statistic, dtype=np.float64), threshold, 1.0, refractory_s=silent)
    assert found.tolist() == alarms_by_hand(statistic, threshold, silent)


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ([0, 9, 9, 9, 9, 9, 9, 9], [1]),  # never below again: no second alarm
        ([0, 9, 0, 9, 0, 0, 9, 9], [1, 6]),  # back too soon, and gone before the silence ended
        ([0, 9, 0, 9, 9, 9, 9, 9], [1, 5]),  # back too soon, and still there
        ([9, 0, 0, 0, 9, 0, 0, 0], [0, 4]),
    ],
)
def test_an_alarm_is_followed_by_silence(statistic: list[int], expected: list[int]) -> None:
    assert alarms(np.array(statistic, dtype=np.float64), 5.0, 10.0, refractory_s=0.4).tolist() == expected
