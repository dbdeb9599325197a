"""What the operator does, in order, on a rig without noise: so that every event has its cause."""

from dataclasses import replace
from functools import cache
from math import sqrt

import numpy as np
import pytest

from popsense.model import FloatArray
from popsense.twin.conduct import END_S, GIVES_UP_S, PULL_S, PUSH_S
from popsense.twin.device import DEVICES
from popsense.twin.hand import REST_S, START_MM
from popsense.twin.insertion import CONTROL_HZ
from tests.host.twin.simulated import BONE, Course, course, drawn

OUT_MM = BONE.inner_mm + BONE.bevel_mm
both_devices = pytest.mark.parametrize("device", ["powered", "manual"])


@cache
def run(name: str, device: str = "powered") -> Course:
    return course(drawn(name, device), device)


def half(path: Course) -> int:
    """Instant at which the hand's force is half of its peak since the tip left the cortex."""
    out = path.first(path.in_plug_mm > BONE.inner_mm)
    return out + path.first(path.hand_n[out:] <= 0.5 * np.maximum.accumulate(path.hand_n[out:]))


def at(path: Course, moment: str) -> int:
    return round(path.moments[moment] * CONTROL_HZ)


def overshoot_mm(name: str = "novice", **changed: float) -> float:
    """How far the bevel's end goes beyond the inner face when those fields are changed."""
    me = drawn(name, **changed)
    mass_kg = DEVICES["powered"].moving_mass_kg
    damping = 2.0 * me.damping_ratio * sqrt(me.stiffness_n_per_mm * mass_kg / 1000.0)
    path = course(replace(me, damping_n_s_per_mm=damping))
    assert path.moments["stop"] < path.moments["aspiration"]
    return float(path.tip_mm[: at(path, "aspiration")].max()) - OUT_MM


def dips(values: FloatArray, level: float) -> int:
    """How often the values come down through the level."""
    return int((np.diff((values < level).astype(int)) > 0).sum())


# ---- order ---------------------------------------------------------------------------------------------


@both_devices
def test_an_attempt_begins_and_ends_at_rest_and_its_moments_come_in_order(device: str) -> None:
    path = run("expert", device)
    assert set(path.tip_mm[: round(REST_S * CONTROL_HZ)]) == {START_MM}
    assert list(path.moments) == ["stop", "aspiration", "flush", "removal"]
    assert list(path.moments.values()) == sorted(path.moments.values())
    assert path.moments["flush"] - path.moments["aspiration"] >= PULL_S
    assert path.moments["removal"] - path.moments["flush"] >= PUSH_S
    assert path.tip_mm[-round(END_S * CONTROL_HZ) :].max() <= START_MM + 0.1


def test_bone_is_felt_for_before_it_is_drilled() -> None:
    path, me = run("expert"), drawn("expert")
    begin = path.first(path.driving > 0.0)
    assert path.tip_mm[begin] == pytest.approx(BONE.outer_mm, abs=0.1)
    assert path.hand_n[begin] == pytest.approx(me.touch_n, abs=2.0)


def test_the_motor_runs_from_the_bone_to_the_stop_only() -> None:
    path = run("novice")
    assert path.first(path.driving > 0.0) < half(path)
    assert np.flatnonzero(path.driving)[-1] == at(path, "stop") - 1


def test_who_gets_nowhere_leans_harder_and_gives_up() -> None:
    """Bone that nobody drills: the push grows after 2 s up to the strongest, and ends after 9 s."""
    me = drawn("expert")
    path = course(me, bone=replace(BONE, hardness=40.0))
    begun = path.first(path.driving > 0.0)
    assert path.moments["stop"] - begun / CONTROL_HZ == pytest.approx(GIVES_UP_S, abs=0.01)
    early_n, late_n = path.hand_n[begun + 1900], path.hand_n[begun + 8500]
    assert early_n == pytest.approx(me.thrust_n, rel=0.1)
    assert late_n == pytest.approx(me.strongest_n, rel=0.05)
    assert path.in_plug_mm.max() < BONE.inner_mm


# ---- delay and stored energy ---------------------------------------------------------------------------


@both_devices
@pytest.mark.parametrize("reaction_s", [0.12, 0.23, 0.4])
def test_a_hand_does_not_react_before_its_reaction_time(device: str, reaction_s: float) -> None:
    """Nothing but the loss of resistance stops it: reaction_s later the motor stops, the aim turns back."""
    path = course(drawn("novice", device, reaction_s=reaction_s), device)
    stopped = at(path, "stop")
    assert stopped - half(path) == pytest.approx(reaction_s * CONTROL_HZ, abs=3)
    assert (path.rate_mm_per_s[half(path) : stopped] > 0.0).all()
    assert path.driving[half(path) : stopped - 1].all()
    assert path.rate_mm_per_s[stopped + 1 : stopped + 300].min() < 0.0


def test_overshoot_grows_with_the_force_stored() -> None:
    overshoots = [overshoot_mm(thrust_n=thrust_n) for thrust_n in (40.0, 60.0, 80.0)]
    assert np.diff(overshoots).min() > 2.0


def test_overshoot_falls_with_stiffness_and_vanishes_for_a_stiff_hand() -> None:
    """No figure of an operator sets it: only the spring is changed here."""
    overshoots = [overshoot_mm(stiffness_n_per_mm=k) for k in (2.0, 4.0, 8.0, 16.0, 50.0)]
    assert np.diff(overshoots).max() < -2.0
    assert overshoots[0] > 15.0
    assert overshoots[-1] < 0.5


def test_overshoot_grows_with_the_reaction_time() -> None:
    overshoots = [overshoot_mm("expert", reaction_s=reaction_s) for reaction_s in (0.1, 0.2, 0.3, 0.6)]
    assert np.diff(overshoots).min() > 0.3
    assert overshoots[-1] > 2.0 * overshoots[0]


def test_overshoot_is_set_by_nothing_but_the_bone_and_the_hand() -> None:
    """A cavity that is deeper, a plate further off: the needle stops at the same place."""
    deep = replace(BONE, far_mm=60.0, stop_mm=63.0)
    assert course(drawn("expert"), bone=deep).tip_mm.max() == pytest.approx(run("expert").tip_mm.max())


# ---- variants ------------------------------------------------------------------------------------------


@both_devices
@pytest.mark.parametrize("name", ["hesitant", "easer"])
def test_a_hesitant_hand_eases_off_so_often_and_goes_on(name: str, device: str) -> None:
    me, path = drawn(name, device), run(name, device)
    begun, end = path.first(path.driving > 0.0), at(path, "stop")
    worked_n = path.hand_n[begun:end]
    pauses = np.flatnonzero(np.diff(path.driving[begun:end]) < 0.0)
    assert len(pauses) >= me.hesitations > 0
    for pause in pauses[: me.hesitations]:
        assert worked_n[pause : pause + 400].min() < 0.75 * worked_n[pause - 5]
        assert path.driving[begun + pause + 352], "and pushes again"


def test_nobody_else_eases_off() -> None:
    path = run("novice")
    assert (np.diff(path.driving) < 0.0).sum() == 1


def test_a_togglers_force_swings_at_toggle_hz() -> None:
    """In the cortex, against the same hand that does not rock: Fourier terms of a second, in N."""
    rocking, steady = run("toggler"), course(drawn("toggler", toggle=0.0))
    second = slice(rocking.first(rocking.driving > 0.0) + 500, rocking.first(rocking.driving > 0.0) + 1500)
    assert rocking.in_plug_mm[second].max() < BONE.inner_mm
    swing_n = np.abs(np.fft.rfft(rocking.hand_n[second] - steady.hand_n[second]))[1:] / 500.0
    assert 1 + swing_n.argmax() == drawn("toggler").toggle_hz
    assert swing_n.max() > 2.0


@both_devices
def test_through_and_through_goes_to_the_plate(device: str) -> None:
    path = run("through_and_through", device)
    assert path.tip_mm.max() > BONE.stop_mm - 0.15
    assert path.tip_mm[at(path, "aspiration")] > BONE.far_mm + 1.0


@both_devices
def test_a_dislodger_drags_the_needle_back_before_the_flush(device: str) -> None:
    path = run("dislodger", device)
    back_mm = path.tip_mm[at(path, "aspiration")] - path.tip_mm[at(path, "flush")]
    assert back_mm == pytest.approx(12.0, abs=0.5)
    assert np.ptp(run("novice", device).tip_mm[at(path, "aspiration") : at(path, "flush")]) < 0.5


def test_who_forgets_to_flush_does_not_date_one() -> None:
    assert list(run("forgets_to_flush").moments) == ["stop", "aspiration", "removal"]


@both_devices
def test_a_repuncturer_leaves_the_bone_and_comes_again(device: str) -> None:
    path = run("repuncturer", device)
    stopped, confirmed = at(path, "stop"), at(path, "aspiration")
    between_mm = path.tip_mm[stopped:confirmed]
    assert between_mm.min() < BONE.outer_mm - 1.0
    assert between_mm[-1] == pytest.approx(path.tip_mm[stopped:].max(), abs=1.0)
    force_n = path.tip_n[stopped + int(between_mm.argmin()) : confirmed]
    assert force_n.max() < 0.35 * path.tip_n[:stopped].max(), "its own hole resists little"


@both_devices
def test_a_returner_goes_back_and_forth_twice(device: str) -> None:
    path, me = run("returner", device), drawn("returner", device)
    moving_mm = path.tip_mm[at(path, "stop") : at(path, "aspiration")]
    middle_mm = 0.5 * (moving_mm.min() + moving_mm.max())
    assert dips(moving_mm, middle_mm) == me.returns == 2
    assert np.ptp(moving_mm) == pytest.approx(me.returns_mm, abs=1.5)


@both_devices
def test_some_push_before_they_pull(device: str) -> None:
    for name, pushed_mm in (("pushes_on_removal", 2.0), ("expert", 0.0)):
        path = run(name, device)
        removal = at(path, "removal")
        forward_mm = path.tip_mm[removal:].max() - path.tip_mm[removal]
        assert forward_mm == pytest.approx(pushed_mm, abs=0.4)


@both_devices
def test_a_leaner_leans_on_a_needle_that_stands(device: str) -> None:
    path, me = run("leaner", device), drawn("leaner", device)
    stopped = at(path, "stop")
    leaning = slice(stopped + 300, stopped + round(me.lingers_s * CONTROL_HZ))
    assert not path.driving[leaning].any()
    assert path.tip_n[leaning][0] > 10.0
    assert 0.2 < path.tip_n[leaning][-1] / path.tip_n[leaning][0] < 0.8, "relaxing"
    assert run("slipper", device).tip_n[stopped + 1500] < 2.0


@both_devices
def test_a_slipper_lets_go_at_once(device: str) -> None:
    """Held by half in 30 ms; who eases off takes longer."""
    fallen_s: list[float] = []
    for name in ("slipper", "early_stopper"):
        path = run(name, device)
        stopped = at(path, "stop")
        fallen_s.append(path.first(path.hand_n[stopped:] < 0.2 * path.hand_n[stopped - 1]) / CONTROL_HZ)
    assert fallen_s[0] < 0.04 < 0.06 < fallen_s[1]


@both_devices
@pytest.mark.parametrize("name", ["easer", "leaner", "slipper", "withdrawer", "early_stopper"])
def test_who_never_means_to_go_through_never_gets_half_out(name: str, device: str) -> None:
    assert run(name, device).in_plug_mm.max() < BONE.inner_mm + 0.29 * BONE.bevel_mm


@both_devices
def test_a_withdrawer_leaves_the_bone_twice_without_having_been_through(device: str) -> None:
    path = run("withdrawer", device)
    moving_mm = path.tip_mm[at(path, "stop") : at(path, "aspiration")]
    assert dips(moving_mm, BONE.outer_mm) == 2
    assert moving_mm[-1] > BONE.outer_mm
