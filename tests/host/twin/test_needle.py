"""The needle in bone: what it takes to move it, what is stored on the way and given back at the exit."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.model import FloatArray
from popsense.procedure.sites import SITES
from popsense.twin.device import DEVICES, Device
from popsense.twin.needle import (
    INDENT_N_PER_MM,
    MARROW_N,
    NEEDLE_N_PER_MM,
    PUNCH_N,
    PUNCTURE_MM,
    PUNCTURE_N,
    TISSUE_N,
    Needle,
)
from popsense.twin.specimen import RETURN_RESISTANCE, REUSED_RESISTANCE, Condition, Specimen, draw_specimen
from tests.host.twin.simulated import BONE, STEP_S, TIBIA

POWERED, MANUAL = DEVICES["powered"], DEVICES["manual"]
RIGID = replace(BONE, compliance_mm_per_n=0.0)
SLIPPERY = replace(POWERED, shaft_friction_n=0.0)
FEED_MM_PER_S = 1.0


def needle_at(
    tip_mm: float, bone: Specimen = BONE, device: Device = POWERED, step_s: float = STEP_S
) -> Needle:
    return Needle(bone, device, tip_mm, step_s)


def led(
    needle: Needle, to_mm: float, mm_per_s: float = FEED_MM_PER_S, hub_mm: float | None = None
) -> FloatArray:
    """The hub goes from the tip (or hub_mm) to to_mm at that speed; columns tip_mm, in_plug_mm, force_n."""
    begin_mm = needle.tip_mm if hub_mm is None else hub_mm
    steps = round(abs(to_mm - begin_mm) / mm_per_s / needle.step_s)
    rows: list[tuple[float, float, float]] = []
    for hub in np.linspace(begin_mm, to_mm, steps + 1)[1:]:
        force_n = needle.follow(float(hub))
        rows.append((needle.tip_mm, needle.in_plug_mm, force_n))
    return np.array(rows).T


def held(needle: Needle, hub_mm: float, seconds: float) -> FloatArray:
    """Force while the hub stands, N."""
    return np.array([needle.follow(hub_mm) for _ in range(round(seconds / needle.step_s))])


# ---- cutting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hardness", [0.5, 1.0, 2.0])
def test_cutting_is_limited_by_the_force_and_the_hardness(hardness: float) -> None:
    """Held by a hub 0.25 mm ahead the tip does not jump after it: it cuts at the feed of that force."""
    needle = needle_at(13.0, replace(RIGID, hardness=hardness))
    force_n = needle.follow(13.25)
    net_n = force_n - needle.friction_n() - hardness * POWERED.onset_n
    assert (needle.tip_mm - 13.0) / STEP_S == pytest.approx(
        net_n * POWERED.feed_mm_per_s_per_n / hardness, rel=0.02
    )


def test_force_under_the_onset_does_not_cut() -> None:
    needle = needle_at(13.0, device=MANUAL)
    forces_n = held(needle, 13.1, 0.5)
    assert needle.tip_mm == 13.0
    assert forces_n.min() > 10.0


def test_a_bevel_that_is_held_back_by_ripple_waits() -> None:
    """The factor acts on onset and feed: at five times (not turned) 50 N does not cut."""
    needle = needle_at(13.0, RIGID)
    needle.ripple = 5.0
    assert held(needle, 13.29, 0.5).min() > 50.0
    assert needle.tip_mm == 13.0
    needle.ripple = 1.0
    held(needle, 13.29, 0.1)
    assert needle.tip_mm > 13.1


def test_pushed_harder_than_it_cuts_the_needle_punches_through() -> None:
    """2 mm ahead is 400 N: at the cut's feed that would take 40 ms to sink, as a punch it takes no time."""
    needle = needle_at(12.99, replace(RIGID, inner_mm=20.0), SLIPPERY)
    forces_n = held(needle, 12.99 + 2.0, 0.003)
    assert forces_n[0] > 1.3 * PUNCH_N
    assert forces_n[-1] == pytest.approx(PUNCH_N, abs=6.0), "and no further: from there on it cuts"


def test_the_punch_rises_with_hardness() -> None:
    at_n = [
        float(held(needle_at(13.0, replace(RIGID, hardness=h, inner_mm=20.0), SLIPPERY), 15.0, 0.003)[-1])
        for h in (0.5, 1.0, 2.0)
    ]
    assert at_n == pytest.approx([0.5 * PUNCH_N, PUNCH_N, 2.0 * PUNCH_N], rel=0.08)


# ---- what is stored ------------------------------------------------------------------------------------


def test_cortex_is_indented_elastically_and_gives_it_back() -> None:
    """Under the onset the tip stands: needle and bone are two springs in series, and slack when unloaded."""
    needle = needle_at(13.0, RIGID, SLIPPERY)
    seated = needle.follow(13.05) / 0.05
    assert seated == pytest.approx(1.0 / (1.0 / NEEDLE_N_PER_MM + 1.0 / INDENT_N_PER_MM))
    assert needle.follow(13.0) == 0.0
    assert needle.tip_mm == 13.0
    free = needle_at(25.0, device=MANUAL).follow(25.02) / 0.02
    assert free == pytest.approx(NEEDLE_N_PER_MM), "held by friction in marrow, nothing is indented"


def test_plug_bends_in_proportion_to_the_force_while_tip_or_shaft_load_it() -> None:
    needle = needle_at(13.0)
    force_n = needle.follow(13.05)
    assert needle.flex_mm == pytest.approx(BONE.compliance_mm_per_n * force_n)
    assert needle.in_plug_mm == needle.tip_mm - needle.flex_mm
    tissue, marrow = needle_at(5.0), needle_at(25.0)
    led(tissue, 6.0)
    led(marrow, 26.0)
    assert tissue.flex_mm == 0.0
    assert marrow.flex_mm == pytest.approx(BONE.compliance_mm_per_n * POWERED.shaft_friction_n)


@pytest.mark.parametrize("compliance", [0.0, 0.003])
def test_travel_stored_before_the_exit_is_given_back_in_it(compliance: float) -> None:
    """The hub stops when the tip is a fifth of the bevel out: what was stored (F / k) carries it on."""
    needle = needle_at(12.0, replace(BONE, compliance_mm_per_n=compliance))
    hub_mm, force_n = 12.0, 0.0
    while needle.in_plug_mm < BONE.inner_mm + 0.4:
        hub_mm += 2.0 * STEP_S
        force_n = needle.follow(hub_mm)
    stored_mm, before_mm = hub_mm - needle.tip_mm, needle.in_plug_mm
    assert stored_mm == pytest.approx(force_n / NEEDLE_N_PER_MM, rel=0.2)
    bent_mm = needle.flex_mm
    assert held(needle, hub_mm, 0.3)[-1] < 0.6 * force_n
    advance_mm = needle.in_plug_mm - before_mm
    assert advance_mm > 0.4 * (stored_mm + bent_mm)
    assert advance_mm <= stored_mm + bent_mm


def test_a_plug_that_flexes_makes_the_exit_longer_by_its_flex() -> None:
    """In the plug's own frame the tip goes on by what the plug springs back."""

    def exit_mm(compliance: float) -> float:
        needle = needle_at(12.0, replace(BONE, compliance_mm_per_n=compliance))
        hub_mm = 12.0
        while needle.in_plug_mm < BONE.inner_mm:
            hub_mm += STEP_S * 2.0
            needle.follow(hub_mm)
        hub_mm += 0.5
        held(needle, hub_mm, 0.5)
        return needle.in_plug_mm - BONE.inner_mm

    assert exit_mm(0.004) - exit_mm(0.0) > 0.08


# ---- tissue, marrow, plate, withdrawal -------------------------------------------------------------------


def test_skin_dimples_and_gives() -> None:
    tip_mm, _, force_n = led(needle_at(0.0), 10.0, 20.0)
    assert force_n.max() == pytest.approx(PUNCTURE_N, abs=0.3)
    assert tip_mm[force_n.argmax()] == pytest.approx(PUNCTURE_MM, abs=0.1)
    assert np.median(force_n[tip_mm > PUNCTURE_MM + 0.5]) == pytest.approx(TISSUE_N, abs=0.3)
    assert np.median(force_n[tip_mm < PUNCTURE_MM]) == pytest.approx(PUNCTURE_N / 2.0, abs=0.4)


@pytest.mark.parametrize("device", [POWERED, MANUAL])
def test_marrow_resists_little_and_the_shaft_keeps_its_friction(device: Device) -> None:
    force_n = led(needle_at(17.0, device=device), 30.0, 6.0)[2]
    assert np.median(force_n) == pytest.approx(MARROW_N + device.shaft_friction_n, abs=0.2)


def test_friction_grows_with_the_cortex_round_the_shaft() -> None:
    frictions = [needle_at(mm, device=MANUAL).friction_n() for mm in (10.0, 12.5, 14.0, 30.0)]
    assert frictions == pytest.approx([0.0, 3.0, 6.0, 6.0], abs=0.03)
    soft = Needle(replace(BONE, hardness=0.5), MANUAL, 30.0, STEP_S)
    assert soft.friction_n() == pytest.approx(3.0)


def test_the_far_cortex_resists_and_the_plate_behind_it_does_not_give() -> None:
    needle = needle_at(33.0)
    tip_mm, _, force_n = led(needle, 38.0)
    assert force_n[tip_mm < 33.9].max() < 5.0
    assert np.median(force_n[(tip_mm > 34.5) & (tip_mm < 36.0)]) > 15.0
    assert needle.tip_mm == BONE.stop_mm
    assert force_n[-1] > 200.0


@pytest.mark.parametrize("device", [POWERED, MANUAL])
def test_withdrawal_meets_shaft_friction_only(device: Device) -> None:
    needle = needle_at(17.0, device=device)
    led(needle, 20.0)
    pull_n = led(needle, 12.0)[2]
    assert pull_n.min() == pytest.approx(-device.shaft_friction_n, abs=0.3)
    assert needle.tip_mm < 13.0


def test_friction_holds_a_needle_that_is_hardly_pulled() -> None:
    needle = needle_at(20.0, device=MANUAL)
    held(needle, 20.0 - 5.0 / NEEDLE_N_PER_MM, 0.2)
    assert needle.tip_mm == 20.0


# ---- holes, wear -----------------------------------------------------------------------------------------


def through(bone: Specimen, device: Device = SLIPPERY) -> tuple[Needle, FloatArray]:
    """A needle led at FEED_MM_PER_S from before the bone to behind the bevel's exit; tip and force."""
    needle = needle_at(bone.outer_mm - 0.5, bone, device)
    tip_mm, _, force_n = led(needle, 18.0)
    return needle, np.array([tip_mm, force_n])


def test_a_used_hole_resists_a_fraction_and_has_no_peak() -> None:
    """What is left besides: the marrow's newton."""
    fresh_n, used_n = through(BONE)[1][1], through(replace(BONE, used_hole=True))[1][1]
    assert fresh_n.max() > 25.0
    assert used_n.max() / fresh_n.max() == pytest.approx(REUSED_RESISTANCE, abs=0.05)
    assert REUSED_RESISTANCE < 0.3


def test_a_way_back_into_its_own_hole_resists_little() -> None:
    needle, (_, first_n) = through(BONE)
    led(needle, 9.0, 10.0, hub_mm=18.0)
    again_n = led(needle, 18.0)[2]
    assert again_n.max() / first_n.max() == pytest.approx(RETURN_RESISTANCE, abs=0.05)
    assert RETURN_RESISTANCE < 0.1
    assert needle.tip_mm > 17.9


def test_at_the_end_of_its_hole_a_needle_cuts_again() -> None:
    """Drawn back out of a hole that ends in the cortex: nothing until the end, then all of the resistance."""
    needle = needle_at(10.5, RIGID, SLIPPERY)
    led(needle, 13.0)
    deep_mm = needle.tip_mm
    led(needle, 10.0, 10.0, hub_mm=13.0)
    tip_mm, _, force_n = led(needle, 13.5)
    assert force_n[tip_mm < deep_mm - 0.02].max() < 5.0
    assert force_n[tip_mm > deep_mm + 0.05].min() > 20.0


def test_worn_plug_resists_less_and_blunt_needle_meets_more() -> None:
    def peak_n(bench: Condition) -> float:
        bone = draw_specimen(SITES[TIBIA], replace(bench, spread=0.0), np.random.default_rng(1))
        return float(through(bone)[1][1].max())

    new_n = peak_n(Condition())
    assert peak_n(Condition(worn=1.0)) < 0.7 * new_n
    assert peak_n(Condition(blunt=1.0)) > 1.6 * new_n
