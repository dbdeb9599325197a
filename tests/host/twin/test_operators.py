"""What tells the simulated operators apart, over a few seeds; and that both devices serve them all."""

from functools import cache

import numpy as np
import pytest

from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA as SITE
from popsense.twin.bone import DEVICES
from popsense.twin.insertion import Insertion, simulate
from popsense.twin.operators import OPERATORS, operator_named

SEEDS = range(6)
BEVEL_MM = SITE.bevel.value
both_devices = pytest.mark.parametrize("device", DEVICES)


@cache
def attempts(operator: str, device: str) -> list[Insertion]:
    """One attempt per seed."""
    return [simulate(SITE, operator, device, seed, 988.0) for seed in SEEDS]


def overshoots_mm(operator: str, device: str) -> list[float]:
    """Deepest protrusion less the bevel, one per seed."""
    return [a.truth.deepest_protrusion_mm - BEVEL_MM for a in attempts(operator, device)]


@both_devices
def test_expert_overshoots_little(device: str) -> None:
    assert 1.0 < np.mean(overshoots_mm("expert", device)) < 4.0
    assert all(a.truth.far_cortex_contact_s is None for a in attempts("expert", device))


@both_devices
def test_expert_tapers_before_the_breakthrough(device: str) -> None:
    for attempt in attempts("expert", device):
        exit_start_s = attempt.truth.exit_start_s
        assert exit_start_s is not None
        at_exit = attempt.force_n[attempt.time_s.searchsorted(exit_start_s)]
        assert at_exit < 0.85 * attempt.force_n.max()


@both_devices
def test_novice_overshoots_more_than_every_expert(device: str) -> None:
    assert 5.0 < np.mean(overshoots_mm("novice", device)) < 12.0
    assert min(overshoots_mm("novice", device)) > max(overshoots_mm("expert", device))


@both_devices
def test_plunger_always_reaches_the_far_cortex(device: str) -> None:
    assert all(a.truth.far_cortex_contact_s is not None for a in attempts("plunger", device))


@both_devices
def test_early_stopper_never_leaves_the_cortex_and_confirms_in_vain(device: str) -> None:
    for attempt in attempts("early_stopper", device):
        assert attempt.truth.contact_s is not None
        assert attempt.truth.exit_start_s is None
        assert attempt.truth.exit_half_s is None
        assert attempt.truth.aspiration_s is not None
        assert attempt.time_s[-1] < 12.0
        assert not attempt.pressure_kpa.any()


@both_devices
@pytest.mark.parametrize("operator", ["expert", "novice"])
def test_who_is_in_aspirates_and_flushes(operator: str, device: str) -> None:
    for attempt in attempts(operator, device):
        assert -12.0 < attempt.pressure_kpa.min() < -4.0
        assert 12.0 < attempt.pressure_kpa.max() < 32.0


@both_devices
@pytest.mark.parametrize("operator", ["expert", "novice"])
def test_needle_stands_while_it_is_confirmed(operator: str, device: str) -> None:
    for attempt in attempts(operator, device):
        truth = attempt.truth
        assert truth.aspiration_s is not None
        assert truth.removal_s is not None
        standing = (attempt.time_s > truth.aspiration_s) & (attempt.time_s < truth.removal_s)
        assert np.ptp(attempt.protrusion_mm[standing]) < 0.5
        assert np.abs(attempt.force_n[standing]).max() < 5.0


def test_powered_is_faster_than_manual() -> None:
    """From bone contact to the start of the exit; medians, since hardness spreads."""

    def median_s(device: str) -> float:
        truths = [a.truth for a in attempts("expert", device)]
        return float(np.median([(t.exit_start_s or 0.0) - (t.contact_s or 0.0) for t in truths]))

    assert 1.0 < median_s("powered") < median_s("manual") < 8.0


def test_unknown_operator_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refused:
        operator_named("surgeon")
    assert all(name in refused.value.remedy for name in OPERATORS)


def test_a_drawn_operator_works_harder_with_a_heavier_device() -> None:
    light = OPERATORS["expert"].drawn(1.0, np.random.default_rng(4))
    heavy = OPERATORS["expert"].drawn(1.4, np.random.default_rng(4))
    assert heavy.thrust_n == pytest.approx(1.4 * light.thrust_n)
    assert heavy.thrust_n / heavy.stiffness_n_per_mm == pytest.approx(
        light.thrust_n / light.stiffness_n_per_mm
    )
