"""A spring-loaded device: its preset depth, its kick, and bone too hard for it."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.twin.device import DEVICES, Spring
from popsense.twin.hand import START_MM
from popsense.twin.shot import Shot
from popsense.twin.shot_conduct import PRESS_N
from tests.host.twin.simulated import BONE, Course, attempt, course, drawn, specimen_of

DEVICE = DEVICES["spring_loaded"]
SEEDS = range(4)


def spring() -> Spring:
    assert DEVICE.spring is not None
    return DEVICE.spring


def shot(hardness: float = 1.0, name: str = "expert", **changed: float) -> Course:
    return course(drawn(name, "spring_loaded", **changed), DEVICE, replace(BONE, hardness=hardness))


def test_the_spring_falls_to_half_over_its_stroke_and_ends() -> None:
    full_n = spring().force_n
    forces_n = [Shot(spring(), -4.0, 16.0).push(mm, 0.0) for mm in (-4.0, 6.0, 15.999, 16.0, 30.0)]
    assert forces_n == pytest.approx([full_n, 0.75 * full_n, 0.5 * full_n, 0.0, 0.0], rel=1e-3)


def test_the_mechanism_drags_with_speed() -> None:
    at_rest_n, moving_n = (Shot(spring(), -4.0, 16.0).push(0.0, speed) for speed in (0.0, 1000.0))
    assert at_rest_n - moving_n == pytest.approx(1000.0 * spring().drag_n_s_per_mm)


@pytest.mark.parametrize("preset", [0.2, 0.4, 0.8])
def test_the_preset_depth_is_reached_and_not_passed(preset: float) -> None:
    set_mm = BONE.inner_mm + preset * (BONE.far_mm - BONE.inner_mm)
    course = shot(preset=preset)
    settled = course.tip_mm[round(course.moments["stop"] * 1000.0) - 1]
    assert settled == pytest.approx(set_mm, abs=0.1)
    assert course.hub_mm.max() == pytest.approx(set_mm, abs=1e-3)
    assert course.hub_mm.max() <= set_mm
    assert course.tip_mm.max() < set_mm + 0.3, "but for the needle's own spring"


@pytest.mark.parametrize("seed", SEEDS)
def test_so_it_is_in_whole_attempts(seed: int) -> None:
    deep_mm = attempt("expert", "spring_loaded", seed).tip_mm.max()
    bone = specimen_of("expert", "spring_loaded", seed)
    preset = deep_mm / (bone.far_mm - bone.inner_mm)
    assert preset == pytest.approx(0.4, abs=0.12)


def test_a_shot_takes_milliseconds() -> None:
    truth = attempt("expert", "spring_loaded").truth
    assert truth.contact_s is not None
    assert truth.exit_end_s is not None
    assert truth.exit_end_s - truth.contact_s < 0.03
    assert shot().shooting.sum() <= 0.2 * 1000.0


def test_bone_too_hard_ends_the_shot_in_the_cortex() -> None:
    misfired = shot(hardness=4.0)
    assert BONE.outer_mm < misfired.in_plug_mm.max() < BONE.inner_mm
    assert shot(hardness=1.0).in_plug_mm.max() > BONE.inner_mm + BONE.bevel_mm


def test_an_early_stoppers_device_is_set_inside_the_cortex() -> None:
    course = shot(name="early_stopper")
    set_mm = BONE.inner_mm - 0.42 * (BONE.inner_mm - BONE.outer_mm)
    assert set_mm - 0.5 < course.tip_mm.max() < set_mm
    assert course.hub_mm.max() == pytest.approx(set_mm, abs=0.01)


def test_the_body_is_pressed_on_before_and_lifted_after() -> None:
    course = shot()
    begin = course.first(course.shooting > 0.0)
    assert course.body_n[begin - 5] == pytest.approx(PRESS_N, rel=0.01)
    assert not course.body_n[:600].any()
    assert course.body_n[round(course.moments["aspiration"] * 1000.0)] == 0.0


def test_the_kick_takes_part_of_the_press_away_and_it_comes_back() -> None:
    course = shot()
    begin = course.first(course.shooting > 0.0)
    pressed_n = course.body_n[begin : begin + 100]
    part = 1.0 - pressed_n / PRESS_N
    assert part[0] == pytest.approx(spring().recoil)
    half_after = round(spring().recoil_tau_s * 1000.0)
    assert part[half_after] == pytest.approx(0.5 * spring().recoil)
    assert (np.diff(pressed_n) > 0.0).all()


def test_the_cartridge_feels_the_body_too() -> None:
    """Before the shot the needle waits above the skin: all force is the body's."""
    whole = attempt("expert", "spring_loaded")
    assert whole.truth.contact_s is not None
    before = (whole.time_s > whole.truth.contact_s - 0.15) & (whole.time_s < whole.truth.contact_s - 0.05)
    assert whole.force_n[before].mean() == pytest.approx(PRESS_N, rel=0.1)


def test_the_needle_waits_above_the_skin_until_it_is_shot() -> None:
    course = shot()
    begin = course.first(course.shooting > 0.0)
    assert set(course.tip_mm[:begin]) == {START_MM}


def test_a_hesitant_one_presses_lifts_and_presses_again() -> None:
    me = drawn("hesitant", "spring_loaded")
    body_n = course(me, DEVICE).body_n
    eased = np.diff((body_n < 0.5 * PRESS_N).astype(int)) > 0
    assert eased.sum() == me.hesitations + 2, "each lift, one before the shot, and the end"
