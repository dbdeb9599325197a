"""The marrow chamber: the model of before where nothing is wrong, and what each fault does to it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from popsense.errors import UsageError
from popsense.model import FloatArray
from popsense.twin.chamber import RESTING_KPA, TISSUE_TAU_S, Chamber, Fluid, chamber_kpa

TIME_S = np.arange(0.0, 12.0, 0.001)
PULL = Fluid(1.0, 1.6, -10.0)
FLUSH = Fluid(2.0, 2.3, 26.0)
LONG_FLUSH = Fluid(2.0, 4.0, 26.0)  # long enough for a plateau
TIBIA = Chamber(reservoir_kpa=RESTING_KPA)


def at(curve: FloatArray, time_s: float) -> float:
    return float(curve[TIME_S.searchsorted(time_s)])


def plateau_kpa(chamber: Chamber) -> float:
    return at(chamber_kpa(TIME_S, [LONG_FLUSH], chamber), 3.999)


def decay_s(chamber: Chamber) -> float:
    """From the end of the flush to 1/e of the pressure there."""
    after = chamber_kpa(TIME_S, [LONG_FLUSH], chamber)[TIME_S >= 4.0]
    return float(np.flatnonzero(after <= after[0] / np.e)[0]) * 0.001


def first_model_kpa(time_s: FloatArray, actions: list[Fluid]) -> FloatArray:
    """The chamber of before, from its description: 0.08 s to fill, 0.5 s to empty, sample by sample."""
    curve = np.zeros_like(time_s)
    for action in actions:
        start_kpa = np.interp(action.start_s, time_s, curve)
        for k in np.flatnonzero(time_s >= action.start_s):
            under_way_s = min(time_s[k] - action.start_s, action.end_s - action.start_s)
            over_s = max(0.0, time_s[k] - action.end_s)
            driven_kpa = action.kpa + (start_kpa - action.kpa) * np.exp(-under_way_s / 0.08)
            curve[k] = driven_kpa * np.exp(-over_s / 0.5)
    return curve


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [PULL],
        [PULL, FLUSH],
        [FLUSH, Fluid(2.1, 2.9, -30.0), Fluid(2.85, 3.0, 50.0)],
        [Fluid(1.0, 1.0, 9.0)],
    ],
)
def test_a_sound_chamber_is_the_one_of_before(actions: list[Fluid]) -> None:
    time_s = np.arange(0.0, 5.0, 1 / 988)
    # 1e-14: numpy's exp on arrays may differ from the one on scalars in the last bit.
    np.testing.assert_allclose(
        chamber_kpa(time_s, actions), first_model_kpa(time_s, actions), rtol=1e-14, atol=1e-15
    )


def test_neither_silence_nor_a_sound_chamber_makes_pressure() -> None:
    assert not chamber_kpa(TIME_S, []).any()
    assert not chamber_kpa(TIME_S, [], Chamber(leak=0.5, blocked=True)).any()
    assert not chamber_kpa(TIME_S, [FLUSH])[TIME_S < 2.0].any()


@pytest.mark.parametrize("chamber", [Chamber(), Chamber(leak=0.4), Chamber(blocked=True, leak=0.1)])
def test_pressure_rises_under_the_flush_and_falls_ever_after(chamber: Chamber) -> None:
    steps_kpa = np.diff(chamber_kpa(TIME_S, [FLUSH], chamber))
    assert (steps_kpa[(TIME_S[1:] > 2.0) & (TIME_S[1:] <= 2.3)] > 0.0).all()
    assert (steps_kpa[TIME_S[1:] > 2.301] < 0.0).all()
    assert np.abs(steps_kpa).max() < 1.0, "no step"


@pytest.mark.parametrize("chamber", [Chamber(), Chamber(leak=0.7), Chamber(blocked=True), Chamber(0.2, 0.1)])
def test_suction_never_presses_and_a_flush_never_sucks(chamber: Chamber) -> None:
    aspirated, flushed = (
        chamber_kpa(TIME_S, [one], chamber) for one in (PULL, Fluid(2.0, 2.3, 26.0, outside=0.5))
    )
    assert aspirated.max() == 0.0
    assert aspirated.min() < -1.0
    assert flushed.min() == 0.0
    assert flushed.max() > 1.0
    np.testing.assert_allclose(  # linear: both at once are the sum where one cannot disturb the other
        chamber_kpa(TIME_S, [Fluid(2.0, 2.3, -26.0)], chamber),
        -chamber_kpa(TIME_S, [FLUSH], chamber),
        atol=1e-12,
    )


def test_aspiration_stops_at_what_the_syringe_pulls_sensor_range_or_not() -> None:
    assert chamber_kpa(TIME_S, [Fluid(1.0, 5.0, -80.0)]).min() == pytest.approx(-80.0, rel=1e-9)


@pytest.mark.parametrize("leak", [0.2, 0.5, 0.8])
def test_a_leak_lowers_the_plateau_by_its_share_and_shortens_the_decay(leak: float) -> None:
    assert plateau_kpa(Chamber(leak=leak)) == pytest.approx(26.0 * (1.0 - leak), rel=1e-6)
    assert decay_s(Chamber()) == pytest.approx(0.5, abs=0.002)
    rates_per_s = 1 / 0.5 + leak / (1.0 - leak) / 0.08  # outlet and seal side by side
    assert decay_s(Chamber(leak=leak)) == pytest.approx(1 / rates_per_s, abs=0.002)


@pytest.mark.parametrize("chamber", [Chamber(leak=0.6), Chamber(blocked=True)])
def test_flow_into_the_empty_chamber_is_the_lines_alone(chamber: Chamber) -> None:
    """At pressure 0 nothing leaves yet, by whatever way: the first rise is that of a sound chamber."""
    start_s = np.array([0.0, 2.0, 2.0001])
    first, sound = (chamber_kpa(start_s, [LONG_FLUSH], one)[-1] for one in (chamber, Chamber()))
    assert first == pytest.approx(sound, rel=0.01)


def test_more_leak_is_less_pressure_at_every_instant() -> None:
    curves = [chamber_kpa(TIME_S, [FLUSH], Chamber(leak=leak)) for leak in (0.0, 0.1, 0.3, 0.9)]
    for tighter, looser in pairwise(curves):
        flushed = (TIME_S > 2.0) & (tighter > 1e-6)
        assert (tighter[flushed] > looser[flushed]).all()


def test_a_blocked_outlet_lets_the_flush_rise_higher_and_stay() -> None:
    blocked = chamber_kpa(TIME_S, [LONG_FLUSH], Chamber(blocked=True))
    assert plateau_kpa(Chamber(blocked=True)) == pytest.approx(26.0 / (1.0 - 0.08 / 0.5), rel=1e-6)
    assert at(blocked, 4.0) == blocked[-1] > 26.0
    leaky = chamber_kpa(TIME_S, [LONG_FLUSH], Chamber(blocked=True, leak=0.3))
    assert leaky[-1] < 1e-6, "a bad seal empties it all the same"


def test_a_slower_outlet_empties_more_slowly() -> None:
    assert decay_s(Chamber(outflow_tau_s=0.8)) == pytest.approx(0.8, abs=0.002)


def test_a_half_buried_bevel_lets_half_through() -> None:
    half = chamber_kpa(TIME_S, [Fluid(2.0, 2.3, 26.0, reach=0.5)])
    np.testing.assert_allclose(half, 0.5 * chamber_kpa(TIME_S, [FLUSH]), rtol=1e-12)
    assert not chamber_kpa(TIME_S, [Fluid(2.0, 2.3, 26.0, reach=0.0, outside=1.0)]).any()


def test_extravasation_lowers_the_flush_and_leaves_a_pressure_that_goes_slowly() -> None:
    sound = chamber_kpa(TIME_S, [FLUSH])
    beside = chamber_kpa(TIME_S, [Fluid(2.0, 2.3, 26.0, outside=0.5)])
    assert 0.5 * sound.max() < beside.max() < 0.7 * sound.max()
    assert at(sound, 6.0) < 0.03
    assert at(beside, 6.0) > 1.0
    assert at(beside, 6.0) / at(beside, 11.0) == pytest.approx(np.exp(5.0 / TISSUE_TAU_S), rel=0.01)


def test_a_bad_seal_lowers_the_back_pressure_too() -> None:
    beside = [Fluid(2.0, 2.3, 26.0, outside=0.5)]
    tight, leaky = (chamber_kpa(TIME_S, beside, Chamber(leak=leak)) for leak in (0.0, 0.4))
    assert at(leaky, 9.0) == pytest.approx(0.6 * at(tight, 9.0), rel=0.001)


def test_a_second_flush_adds_to_what_is_left_beside_the_bone() -> None:
    once, again = Fluid(2.0, 2.3, 26.0, outside=0.5), Fluid(4.0, 4.3, 26.0, outside=0.5)
    first, both = chamber_kpa(TIME_S, [once]), chamber_kpa(TIME_S, [once, again])
    assert at(both, 8.0) > at(first, 8.0)
    assert np.abs(np.diff(both)).max() < 1.0, "no step"


def test_suction_loses_nothing_beside_the_bone() -> None:
    outside = Fluid(1.0, 1.6, -10.0, outside=0.5)
    assert np.array_equal(chamber_kpa(TIME_S, [outside]), chamber_kpa(TIME_S, [PULL]))


def test_the_resting_pressure_is_the_volunteers_median_with_pulse_and_breath() -> None:
    resting = chamber_kpa(np.arange(0.0, 20.0, 0.001), [], TIBIA)  # 24 beats, 5 breaths
    assert resting.mean() == pytest.approx(60 * 0.133322, rel=0.002)
    assert 1.0 <= np.ptp(resting) < 2.0, "pulse and breath together"


def strength_at(curve: FloatArray, hz: float) -> float:
    """Amplitude of that frequency, kPa."""
    turning = np.exp(-2j * np.pi * hz * TIME_S[: curve.size])
    return 2.0 * float(np.abs(np.dot(curve - curve.mean(), turning))) / curve.size


def test_without_a_reservoir_there_is_no_pulse() -> None:
    assert not chamber_kpa(TIME_S, [], Chamber(pulse_kpa=5.0)).any()
    resting = chamber_kpa(TIME_S[:10_000], [], TIBIA)  # 12 beats, 2.5 breaths
    assert strength_at(resting, TIBIA.heart_hz) > 0.2
    assert strength_at(resting[:8000], TIBIA.breath_hz) > 0.2


def test_a_beat_has_two_peaks_with_a_notch_between() -> None:
    still = Chamber(reservoir_kpa=RESTING_KPA, heart_hz=1.0, breath_hz=0.0)
    beat = chamber_kpa(np.arange(0.0, 1.0, 0.001), [], still)
    inner = beat[1:-1]
    peaks = 1 + np.flatnonzero((inner > beat[:-2]) & (inner > beat[2:]))
    notch = beat[peaks[0] : peaks[1]].min()
    assert len(peaks) == 2
    assert beat[peaks[0]] - beat.min() == pytest.approx(1.0, abs=0.01), "pulse_kpa from lowest to highest"
    assert beat[peaks[0]] > beat[peaks[1]] > notch > beat.min()
    assert abs(beat[-1] - beat[0]) < 0.005, "no seam between beats"


def test_the_resting_pressure_falls_by_one_per_cent_a_minute() -> None:
    minutes_s = np.array([0.0, 60.0, 600.0])
    falling = chamber_kpa(minutes_s, [], Chamber(reservoir_kpa=8.0, pulse_kpa=0.0))
    assert falling[1] / falling[0] == pytest.approx(0.99, abs=0.0005)
    assert falling[2] / falling[0] == pytest.approx(0.90, abs=0.006)


def test_the_syringe_adds_to_the_resting_pressure() -> None:
    resting, flushed = chamber_kpa(TIME_S, [], TIBIA), chamber_kpa(TIME_S, [PULL, FLUSH], TIBIA)
    np.testing.assert_allclose(flushed - resting, chamber_kpa(TIME_S, [PULL, FLUSH]), atol=1e-12)


def test_a_leak_lowers_the_resting_pressure_and_a_blocked_outlet_keeps_the_reservoir_out() -> None:
    leaky = chamber_kpa(TIME_S, [], Chamber(reservoir_kpa=RESTING_KPA, leak=0.3))
    assert 0.0 < leaky.mean() < 0.5 * RESTING_KPA
    assert np.ptp(leaky) < 0.5 * np.ptp(chamber_kpa(TIME_S, [], TIBIA))
    assert not chamber_kpa(TIME_S, [], Chamber(reservoir_kpa=RESTING_KPA, blocked=True)).any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"leak": 1.0}, "leak 1.0"),
        ({"leak": -0.1}, "leak -0.1"),
        ({"outflow_tau_s": 0.05}, "empty in 0.05 s"),
        ({"line_tau_s": 0.0}, "fill in 0.0 s"),
    ],
)
def test_a_chamber_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Chamber(**wrong)
