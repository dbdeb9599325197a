"""The simulated hand: force control, stored energy, and the order of an attempt."""

import numpy as np
import pytest

from popsense.twin.bone import DEVICES, Needle, Specimen
from popsense.twin.hand import REST_S, Conduct, Hand
from popsense.twin.operators import OPERATORS, draw_noise

STEP_S = 0.001
EXPERT = OPERATORS["expert"]


def test_force_follows_its_reference_against_a_wall() -> None:
    hand = Hand(EXPERT, STEP_S)
    for _ in range(3000):
        hand.steer(30.0, EXPERT.follow_mm_per_s_per_n, EXPERT.advance_limit_mm_per_s)
        hand.push(0.0, 0.0)
    assert hand.force_n == pytest.approx(30.0, abs=0.5)


def test_a_hand_that_let_go_does_not_push() -> None:
    hand = Hand(EXPERT, STEP_S)
    hand.aim_mm, hand.grip = 50.0, 0.0
    assert hand.push(0.0, 0.0) == 0.0


def test_stored_travel_is_force_over_stiffness() -> None:
    """A wall that vanishes under 40 N: the hub comes to rest where the spring is slack, 40 / k further on."""
    hand = Hand(EXPERT, STEP_S)
    hub_mm, speed = 0.0, 0.0
    hand.aim_mm = 40.0 / EXPERT.stiffness_n_per_mm
    for _ in range(4000):
        speed += hand.push(hub_mm, speed) * STEP_S * 1000.0 / 1.4
        hub_mm += speed * STEP_S
    assert hub_mm == pytest.approx(40.0 / EXPERT.stiffness_n_per_mm, abs=0.01)


def test_easing_takes_the_force_off() -> None:
    hand = Hand(EXPERT, STEP_S)
    hand.aim_mm = 5.0
    for _ in range(400):
        hand.push(0.0, 0.0)
        hand.ease()
    assert abs(hand.push(0.0, 0.0)) < 1.5


def test_an_attempt_begins_with_rest_and_its_moments_come_in_order() -> None:
    rate_hz = 1000.0
    bone = Specimen(11.0, 14.0, 34.0, 36.5, 2.0, 0.0008, 1.0)
    needle, hand = Needle(bone, DEVICES["powered"], -4.0, STEP_S), Hand(EXPERT, STEP_S)
    noise = draw_noise(EXPERT, 24_000, rate_hz, np.random.default_rng(3))
    conduct = Conduct(EXPERT, hand, needle, bone, noise)
    hub_mm, speed, aims = -4.0, 0.0, list[float]()
    for _ in conduct.steps():
        force_n = needle.follow(hub_mm)
        speed += (hand.push(hub_mm, speed) - force_n) * STEP_S * 1000.0 / 1.4
        hub_mm += speed * STEP_S
        aims.append(hand.aim_mm)
    assert len(set(aims[: round(REST_S * rate_hz)])) == 1
    assert list(conduct.moments) == ["stop", "aspiration", "flush", "removal"]
    assert list(conduct.moments.values()) == sorted(conduct.moments.values())
