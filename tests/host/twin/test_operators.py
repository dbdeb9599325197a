"""What tells the simulated operators apart in whole attempts, over a few seeds; and how they are drawn."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from popsense.errors import UsageError
from popsense.procedure.sites import SITES
from popsense.twin.conduct import PUSH_S
from popsense.twin.device import DEVICES
from popsense.twin.insertion import Insertion, Setup, simulate
from popsense.twin.operators import JITTER_FIELDS, OPERATORS, Operator, operator_named
from tests.host.twin.simulated import TIBIA, attempt, specimen_of

SEEDS = range(3)
BEVEL_MM = SITES[TIBIA].bevel.value
NEVER_THROUGH = ("early_stopper", "easer", "leaner", "slipper", "withdrawer")
both_devices = pytest.mark.parametrize("device", ["powered", "manual"])


def attempts(operator: str, device: str) -> list[Insertion]:
    """One attempt per seed."""
    return [attempt(operator, device, seed) for seed in SEEDS]


def overshoots_mm(operator: str, device: str) -> list[float]:
    """Deepest protrusion less the bevel, one per seed."""
    return [a.truth.deepest_protrusion_mm - BEVEL_MM for a in attempts(operator, device)]


def between(whole: Insertion, begin_s: float | None, end_s: float | None) -> slice:
    assert begin_s is not None
    assert end_s is not None
    return slice(int(whole.time_s.searchsorted(begin_s)), int(whole.time_s.searchsorted(end_s)))


# ---- who overshoots ------------------------------------------------------------------------------------


@both_devices
def test_expert_overshoots_least_and_never_reaches_the_far_cortex(device: str) -> None:
    assert 0.0 < np.mean(overshoots_mm("expert", device)) < 10.0
    assert all(a.truth.far_cortex_contact_s is None for a in attempts("expert", device))


@pytest.mark.slow
@both_devices
def test_more_force_less_stiffness_and_a_later_reaction_go_deeper(device: str) -> None:
    by_operator = [overshoots_mm(name, device) for name in ("expert", "novice", "plunger")]
    for less, more in pairwise(by_operator):
        assert np.mean(less) < np.mean(more)
    assert max(by_operator[0]) < min(by_operator[1])
    assert max(by_operator[0]) < min(by_operator[2])


@both_devices
def test_plunger_always_reaches_the_far_cortex(device: str) -> None:
    assert all(a.truth.far_cortex_in_s is not None for a in attempts("plunger", device))


@both_devices
def test_expert_tapers_before_the_breakthrough(device: str) -> None:
    for whole in attempts("expert", device):
        cortex = between(whole, whole.truth.contact_s, whole.truth.exit_start_s)
        assert whole.force_n[cortex][-50:].mean() < 0.85 * whole.force_n[cortex].max()


def test_powered_is_faster_than_manual() -> None:
    """From bone contact to the start of the exit; medians, since hardness spreads."""

    def median_s(device: str) -> float:
        truths = [a.truth for a in attempts("expert", device)]
        return float(np.median([(t.exit_start_s or 0.0) - (t.contact_s or 0.0) for t in truths]))

    assert 1.0 < median_s("powered") < median_s("manual") < 8.0


# ---- confirmation --------------------------------------------------------------------------------------


@both_devices
def test_who_is_in_aspirates_and_flushes(device: str) -> None:
    for whole in attempts("expert", device):
        assert -14.0 < whole.pressure_kpa.min() < -4.0
        assert 12.0 < whole.pressure_kpa.max() < 36.0


@both_devices
def test_who_forgets_to_flush_makes_no_pressure(device: str) -> None:
    for whole in attempts("forgets_to_flush", device):
        assert whole.truth.flush_s is None
        assert whole.truth.aspiration_s is not None
        assert whole.pressure_kpa.min() < -4.0
        assert whole.pressure_kpa.max() <= 0.0


@both_devices
@pytest.mark.parametrize("operator", ["expert", "novice"])
def test_needle_stands_while_it_is_confirmed(operator: str, device: str) -> None:
    for whole in attempts(operator, device):
        standing = between(whole, whole.truth.aspiration_s, whole.truth.removal_s)
        assert np.ptp(whole.protrusion_mm[standing]) < 0.5
        assert np.abs(whole.force_n[standing]).max() < 12.0


@pytest.mark.slow
@both_devices
@pytest.mark.parametrize("operator", NEVER_THROUGH)
def test_who_stays_in_the_cortex_has_no_exit_and_confirms_in_vain(operator: str, device: str) -> None:
    for whole in attempts(operator, device):
        assert whole.truth.contact_s is not None
        assert whole.truth.exit_half_s is None
        assert whole.truth.exit_end_s is None
        assert whole.truth.aspiration_s is not None
        assert not whole.pressure_kpa.any()


@pytest.mark.slow
@pytest.mark.parametrize("operator", NEVER_THROUGH)
def test_a_shot_set_inside_the_cortex_stays_there(operator: str) -> None:
    for seed in SEEDS:
        truth = attempt(operator, "spring_loaded", seed).truth
        assert truth.contact_s is not None
        assert truth.exit_start_s is None


# ---- variants ------------------------------------------------------------------------------------------


@both_devices
def test_through_and_through_reaches_the_plate(device: str) -> None:
    for seed, whole in zip(SEEDS, attempts("through_and_through", device), strict=True):
        bone = specimen_of("through_and_through", device, seed)
        assert whole.tip_mm.max() > bone.stop_mm - bone.inner_mm - 0.15
        assert whole.truth.far_cortex_in_s is not None


@both_devices
def test_dislodger_comes_back_by_twelve_millimetres_before_the_flush(device: str) -> None:
    for whole in attempts("dislodger", device):
        dragged = between(whole, whole.truth.aspiration_s, whole.truth.flush_s)
        tip_mm = whole.tip_mm[dragged]
        assert tip_mm[0] - tip_mm[-1] == pytest.approx(12.0, abs=1.0)


def test_a_flush_of_a_needle_dragged_out_of_the_cavity_does_not_arrive() -> None:
    for whole in attempts("dislodger", "powered"):
        assert whole.truth.flush_s is not None
        pushed = between(whole, whole.truth.flush_s, whole.truth.flush_s + PUSH_S)
        still_in = bool(whole.tip_mm[pushed][0] > BEVEL_MM)
        assert bool(whole.pressure_kpa[pushed].max() > 5.0) is still_in


@both_devices
def test_some_push_forward_on_removal(device: str) -> None:
    for whole in attempts("pushes_on_removal", device):
        removing = between(whole, whole.truth.removal_s, float(whole.time_s[-1]))
        tip_mm = whole.tip_mm[removing]
        assert tip_mm.max() - tip_mm[0] == pytest.approx(2.0, abs=0.5)
        assert tip_mm[-1] < -10.0


@pytest.mark.slow
@both_devices
@pytest.mark.parametrize("operator", ["repuncturer", "returner"])
def test_coming_back_by_its_own_hole_is_no_second_exit(operator: str, device: str) -> None:
    """The truth dates the first one; on the way back the bone's resistance is gone."""
    for whole in attempts(operator, device):
        truth = whole.truth
        assert truth.exit_half_s is not None
        assert truth.exit_start_s is not None
        returning = between(whole, truth.stop_s, truth.aspiration_s)
        assert truth.exit_half_s < whole.time_s[returning][0]
        inwards = np.diff(whole.tip_mm[returning], prepend=whole.tip_mm[returning][0]) > 0.004
        near = whole.tip_mm[returning] < BEVEL_MM
        first_n = whole.force_n[between(whole, truth.contact_s, truth.exit_start_s)].max()
        assert near.any()
        if (inwards & near).any():
            assert whole.force_n[returning][inwards & near].max() < 0.5 * first_n


@both_devices
def test_a_togglers_force_swings_at_his_rate(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the same attempt with a quiet wrist: Fourier terms of the last second in the cortex, in N."""
    rocking = attempt("toggler", device)
    monkeypatch.setitem(OPERATORS, "toggler", replace(OPERATORS["toggler"], toggle=0.0))
    steady = simulate(Setup(SITES[TIBIA], "toggler", device))
    exits_s = [whole.truth.exit_start_s or 0.0 for whole in (rocking, steady)]
    end = round(1000.0 * min(exits_s)) - 10
    apart_n = rocking.force_n[end - 1000 : end] - steady.force_n[end - 1000 : end]
    swing_n = np.abs(np.fft.rfft(apart_n))[1:8] / 500.0
    assert 1 + swing_n.argmax() == OPERATORS["toggler"].toggle_hz
    assert swing_n.max() > 2.0


# ---- how they are drawn --------------------------------------------------------------------------------


def drawn(name: str = "expert", spread: float = 1.0, count: int = 400, **changed: float) -> list[Operator]:
    rng = np.random.default_rng(4)
    me = replace(OPERATORS[name], **changed)
    return [me.drawn(DEVICES["powered"], 1.0, spread, rng) for _ in range(count)]


def sigma(values: list[float]) -> float:
    return float(np.std(np.log(values)))


@pytest.mark.parametrize("field", JITTER_FIELDS)
def test_spread_multiplies_the_variation_of_every_drawn_field(field: str) -> None:
    once, twice = (sigma([abs(getattr(o, field)) for o in drawn(spread=spread)]) for spread in (1.0, 2.0))
    assert once == pytest.approx(OPERATORS["expert"].jitter, rel=0.12)
    assert twice == pytest.approx(2.0 * once, rel=1e-6)


def test_spread_multiplies_the_variation_of_reaction_and_of_felt_depth() -> None:
    once, twice = drawn("easer", 1.0), drawn("easer", 2.0)
    assert sigma([o.reaction_s for o in once]) == pytest.approx(OPERATORS["easer"].reaction_cv, rel=0.15)
    assert sigma([o.reaction_s for o in twice]) == pytest.approx(
        2.0 * sigma([o.reaction_s for o in once]), rel=1e-6
    )
    assert np.std([o.preset for o in twice]) == pytest.approx(2.0 * np.std([o.preset for o in once]))


@pytest.mark.parametrize("spread", [1.0, 2.0, 4.0])
def test_a_hand_that_means_to_stay_inside_the_cortex_does(spread: float) -> None:
    for name in NEVER_THROUGH:
        assert all(0.1 <= o.gives_up_at <= 0.95 for o in drawn(name, spread))
    assert all(o.gives_up_at > 1.0 for o in drawn("novice", spread, 20))


def test_without_spread_an_operator_is_his_figures() -> None:
    me, (he,) = OPERATORS["expert"], drawn(spread=0.0, count=1)
    assert [getattr(he, name) for name in JITTER_FIELDS] == [getattr(me, name) for name in JITTER_FIELDS]
    assert he.reaction_s == me.reaction_s
    assert he.stiffness_n_per_mm == pytest.approx(1.5 * (0.2 + 0.017 * 58.0) + 6.0)
    assert he.damping_n_s_per_mm == pytest.approx(
        2.0 * 0.5 * np.sqrt(he.stiffness_n_per_mm * 1.8 / 1000.0), rel=1e-6
    )


def test_a_heavier_device_and_harder_bone_are_pushed_harder_by_a_stiffer_arm() -> None:
    rng = np.random.default_rng
    me, tools = OPERATORS["novice"], DEVICES
    light, heavy = (me.drawn(tools[name], 1.0, 1.0, rng(4)) for name in ("powered", "manual"))
    soft = me.drawn(tools["powered"], 0.5, 1.0, rng(4))
    assert heavy.thrust_n == pytest.approx(1.4 * light.thrust_n)
    assert heavy.strongest_n == pytest.approx(1.9 * light.strongest_n)
    assert soft.thrust_n == pytest.approx(0.5 * light.thrust_n)
    assert soft.touch_n == pytest.approx(0.5 * light.touch_n)
    assert soft.stiffness_n_per_mm < light.stiffness_n_per_mm < heavy.stiffness_n_per_mm
    assert heavy.stiffness_n_per_mm - light.stiffness_n_per_mm == pytest.approx(
        0.017 * (heavy.thrust_n - light.thrust_n)
    )


def test_no_figure_of_an_operator_sets_an_overshoot() -> None:
    """A hand knows force, time and how far its device is set; the way beyond the inner face is nobody's."""
    assert not [name for name in Operator.__dataclass_fields__ if "overshoot" in name or "depth" in name]
    assert {name for name in Operator.__dataclass_fields__ if name.endswith("_mm")} == {
        "bracing_n_per_mm", "stiffness_n_per_mm", "damping_n_s_per_mm", "returns_mm", "dislodges_mm",
        "pushes_on_removal_mm",
    }  # fmt: skip


def test_unknown_operator_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refused:
        operator_named("surgeon")
    assert all(name in refused.value.remedy for name in OPERATORS)
