"""The simulated cartridge: resistance along the needle's way, and the chamber."""

import numpy as np
import pytest

from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA as SITE
from popsense.twin.bone import (
    DEVICES,
    HARDNESS_CV,
    Fluid,
    Needle,
    Specimen,
    chamber_kpa,
    device_named,
    draw_ripple,
    draw_specimen,
)

BONE = Specimen(11.0, 14.0, 34.0, 36.5, 2.0, 0.0008, 1.0)
STEP_S = 1 / 4000


def pushed_through(hub_mm: np.ndarray, device: str = "powered") -> tuple[Needle, list[float]]:
    """A needle whose hub is led along hub_mm, one step each; the needle and the forces in N."""
    needle = Needle(BONE, DEVICES[device], float(hub_mm[0]), STEP_S)
    return needle, [needle.follow(float(hub)) for hub in hub_mm]


def test_bevel_engages_in_the_cortex_and_leaves_over_its_own_length() -> None:
    tip_mm = np.array([10.0, 13.0, 14.0, 15.0, 15.9, 16.0, 25.0, 36.0])
    engaged = BONE.engaged(tip_mm)
    assert engaged[0] == 0.0
    assert list(engaged[1:3]) == [1.0, 1.0]
    assert 0.0 < engaged[4] < engaged[3] < 1.0
    assert list(engaged[5:7]) == [0.0, 0.0]
    assert engaged[7] == 1.0


def test_cutting_is_limited_by_the_force() -> None:
    """Held by a hub 0.2 mm ahead (40 N) the tip does not jump after it: it cuts at the feed of that force."""
    needle = Needle(BONE, DEVICES["powered"], 13.0, STEP_S)
    before_mm = needle.tip_mm
    force_n = needle.follow(before_mm + 0.2)
    net_n = force_n - needle.friction_n() - DEVICES["powered"].onset_n
    assert (needle.tip_mm - before_mm) / STEP_S == pytest.approx(
        net_n * DEVICES["powered"].feed_mm_per_s_per_n, rel=0.05
    )


def test_force_under_the_onset_does_not_cut() -> None:
    needle = Needle(BONE, DEVICES["manual"], 13.0, STEP_S)
    needle.follow(13.05)
    assert needle.tip_mm == 13.0


def test_marrow_resists_little_and_the_shaft_keeps_its_friction() -> None:
    _, forces = pushed_through(np.linspace(17.0, 30.0, 8000), "manual")
    assert np.median(forces) == pytest.approx(1.25 + DEVICES["manual"].shaft_friction_n, abs=0.2)


def test_the_stop_behind_the_far_cortex_does_not_give() -> None:
    needle, forces = pushed_through(np.linspace(33.0, 38.0, 200_000))
    assert needle.tip_mm == BONE.stop_mm
    assert forces[-1] > 200.0


def test_withdrawal_meets_shaft_friction_only() -> None:
    needle, _ = pushed_through(np.linspace(17.0, 20.0, 4000))
    pulls = [needle.follow(float(hub)) for hub in np.linspace(20.0, 12.0, 8000)]
    assert min(pulls) == pytest.approx(-DEVICES["powered"].shaft_friction_n, abs=0.3)


def test_flex_loads_the_plug_only_while_tip_or_shaft_is_in_it() -> None:
    flex_mm = BONE.flex_mm(
        np.array([5.0, 13.0, 30.0]), np.array([50.0, 50.0, 50.0]), np.array([0.0, 1.0, 2.0])
    )
    assert list(flex_mm) == pytest.approx([0.0, 0.04, 0.0016])


def test_a_bevel_is_open_only_when_wholly_in_the_cavity() -> None:
    assert [BONE.clear(tip) for tip in (13.0, 15.9, 16.0, 34.0, 35.0, 36.4)] == [0.0, 0.0, 1.0, 1.0, 0.5, 0.0]


def test_chamber_rests_at_zero_and_follows_the_syringe() -> None:
    time_s = np.arange(0, 8, 0.001)
    pressure = chamber_kpa(time_s, [Fluid(1.0, 1.6, -10.0), Fluid(2.0, 2.3, 26.0)])
    assert not pressure[time_s < 1.0].any()
    assert pressure.min() == pytest.approx(-10.0, abs=0.1)
    assert pressure[time_s.searchsorted(2.3)] == pytest.approx(25.0, abs=0.7)
    assert abs(pressure[-1]) < 0.01
    assert np.abs(np.diff(pressure)).max() < 1.0, "no step, also where the flush takes over"


def test_hardness_spreads_between_specimens() -> None:
    rng = np.random.default_rng(1)
    hardness = np.array([draw_specimen(SITE, rng).hardness for _ in range(500)])
    assert hardness.std() == pytest.approx(HARDNESS_CV, rel=0.15)


@pytest.mark.parametrize("device", DEVICES)
def test_ripple_varies_about_one(device: str) -> None:
    ripple = draw_ripple(DEVICES[device], 20_000, 988.0, np.random.default_rng(2))
    assert ripple.mean() == pytest.approx(1.0, abs=0.02)
    assert ripple.std() == pytest.approx(DEVICES[device].ripple_fraction, rel=0.15)


def test_unknown_device_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refused:
        device_named("hammer")
    assert "powered, manual" in refused.value.remedy
