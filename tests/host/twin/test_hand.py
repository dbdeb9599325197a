"""The simulated hand: force control through a delay, stored travel, tremor, fatigue."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from popsense.twin.device import DEVICES
from popsense.twin.hand import ENDURANCE_S, TIRED_MOST, Hand
from popsense.twin.insertion import CONTROL_HZ
from popsense.twin.unsteadiness import Noise, draw_noise
from tests.host.twin.simulated import STEP_S, drawn, quiet, trembling

EXPERT = drawn("expert")
POWERED = DEVICES["powered"]
K = EXPERT.stiffness_n_per_mm


def hand_of(noise: Noise | None = None, **changed: float) -> Hand:
    hand = Hand(replace(EXPERT, **changed), POWERED, noise or quiet(), STEP_S)
    hand.aim_mm = 0.0
    return hand


def against_a_wall(hand: Hand, seconds: float, reference_n: float | None = None, now: int = 0) -> list[float]:
    """Force of the hand at each control instant while the hub stands at 0."""
    forces_n: list[float] = []
    for k in range(round(seconds * CONTROL_HZ)):
        if reference_n is not None:
            hand.steer(reference_n, EXPERT.follow_mm_per_s_per_n, EXPERT.advance_limit_mm_per_s)
        hand.feel(now + k)
        forces_n.append([hand.push(0.0, 0.0) for _ in range(3)][-1])
    return forces_n


def pressing(part: float, seconds: float, noise: Noise | None = None) -> Hand:
    """A hand that has pressed so long with that part of its strongest push."""
    hand = hand_of(noise)
    hand.aim_mm = part * EXPERT.strongest_n / K
    against_a_wall(hand, seconds)
    return hand


def test_force_follows_its_reference_against_a_wall() -> None:
    assert against_a_wall(hand_of(), 3.0, 30.0)[-1] == pytest.approx(30.0, abs=0.5)


def test_a_hand_that_let_go_does_not_push() -> None:
    hand = hand_of()
    hand.aim_mm, hand.grip = 50.0, 0.0
    assert hand.push(0.0, 0.0) == 0.0


def test_stored_travel_is_force_over_stiffness() -> None:
    """A wall that vanishes under 40 N: the hub comes to rest where the spring is slack, 40 / k further on."""
    for stiffness in (K, 2.0 * K):
        hand = hand_of(stiffness_n_per_mm=stiffness)
        hub_mm, speed = 0.0, 0.0
        stored_mm = hand.aim_mm = 40.0 / stiffness
        assert hand.push(0.0, 0.0) == pytest.approx(40.0)
        for _ in range(6000):
            speed += hand.push(hub_mm, speed) * STEP_S * 1000.0 / POWERED.moving_mass_kg
            hub_mm += speed * STEP_S
        assert hub_mm == pytest.approx(stored_mm, abs=0.01)


def test_easing_takes_the_force_off() -> None:
    hand = hand_of()
    hand.aim_mm = 5.0
    for k in range(500):
        hand.ease()
        hand.feel(k)
        [hand.push(0.0, 0.0) for _ in range(3)]
    assert abs(hand.push(0.0, 0.0)) < 1.5


# ---- delay ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_s", [0.05, 0.10, 0.20])
def test_nothing_is_felt_or_corrected_before_the_delay(delay_s: float) -> None:
    """A force that is there from one instant to the next: the aim stands until it has been felt."""
    hand = hand_of(delay_s=delay_s)
    hand.aim_mm = 40.0 / K
    rates: list[float] = []
    for k in range(300):
        hand.feel(k)
        hand.steer(0.0, 0.6, 40.0)
        rates.append(hand.rate_mm_per_s)
        hub_force = hand.push(0.0, 0.0)
        assert hub_force != 0.0
    first = int(np.flatnonzero(rates)[0])
    assert first == pytest.approx(delay_s * CONTROL_HZ, abs=2)


def test_speed_of_the_aim_is_limited_both_ways() -> None:
    hand = hand_of()
    for reference_n, rate in ((500.0, 15.0), (-500.0, -15.0), (1.0, 0.1)):
        hand.steer(reference_n, 0.1, 15.0)
        assert hand.rate_mm_per_s == pytest.approx(rate)


def test_a_long_delay_makes_the_force_ring() -> None:
    """Feedback through a delay overshoots its reference; what it overshoots by grows with the delay."""
    peaks_n = [max(against_a_wall(hand_of(delay_s=delay_s), 3.0, 30.0)) for delay_s in (0.02, 0.3, 0.5)]
    assert peaks_n == sorted(peaks_n)
    assert peaks_n[-1] > 35.0 > 31.0 > peaks_n[0]


# ---- unsteadiness --------------------------------------------------------------------------------------


def test_tremor_lies_in_its_band_and_all_noises_have_their_size() -> None:
    noise = draw_noise(32_000, CONTROL_HZ, np.zeros(32_000), np.random.default_rng(0))
    hz, power = signal.periodogram(np.array(noise.tremor), fs=CONTROL_HZ)
    assert 7.0 <= hz[power.argmax()] <= 13.0
    assert power[(hz >= 8.0) & (hz <= 12.0)].sum() > 0.5 * power.sum()
    assert power[(hz >= 5.0) & (hz <= 20.0)].sum() > 0.8 * power.sum()
    assert np.std(noise.tremor) == pytest.approx(1.0)
    hz, power = signal.periodogram(np.array(noise.wander), fs=CONTROL_HZ)
    assert power[hz < 2.0].sum() > 0.8 * power.sum(), "slow"
    assert np.std(noise.wander) == pytest.approx(1.0, abs=0.2)
    assert abs(np.corrcoef(noise.wander, noise.stray)[0, 1]) < 0.3


def test_vibration_is_there_only_while_driving() -> None:
    hand = hand_of(quiet(vibration_n=0.4))
    hand.feel(0)
    assert hand.extra_n == 0.0
    hand.driving = True
    hand.feel(1)
    assert hand.extra_n == 0.4
    hand.feel(2, stray=True)
    assert hand.extra_n == 0.0


def test_tremor_grows_with_the_force_that_is_worked_with() -> None:
    calm, hard = (drawn("expert", thrust_n=58.0), EXPERT)
    assert calm.tremor_n == hard.tremor_n
    strong = replace(EXPERT, tremor_n=2.0 * EXPERT.tremor_n)
    shaking = [Hand(who, POWERED, trembling(), STEP_S) for who in (EXPERT, strong)]
    for hand in shaking:
        hand.feel(0)
    assert shaking[1].extra_n == pytest.approx(2.0 * shaking[0].extra_n)
    assert shaking[0].extra_n == pytest.approx(0.1 + EXPERT.tremor * EXPERT.thrust_n)


# ---- fatigue -------------------------------------------------------------------------------------------


def test_fatigue_grows_unsteadiness_and_is_capped() -> None:
    growth = [pressing(0.8, seconds, trembling()) for seconds in (0.5, 5.0, 15.0, 30.0)]
    fatigue = [hand.fatigue for hand in growth]
    assert 1.0 <= fatigue[0] < 1.01 < 1.05 < fatigue[1] < fatigue[2]
    assert fatigue[-1] == TIRED_MOST == 3.0
    for hand in growth:
        hand.feel(0)
        assert hand.extra_n == pytest.approx(EXPERT.tremor_n * hand.fatigue, rel=1e-3)


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_endurance_falls_steeply_with_the_push(part: float) -> None:
    """After half of 14.9 f^-1.83 s unsteadiness has grown by 2 / 4."""
    endurance_s = ENDURANCE_S * part**-1.83
    assert pressing(part, 0.5 * min(endurance_s, 60.0)).fatigue == pytest.approx(1.5, abs=0.01)


def test_a_light_hand_does_not_tire() -> None:
    assert pressing(0.04, 30.0).fatigue == 1.0
