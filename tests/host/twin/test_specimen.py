"""One cartridge: how the bevel engages and leaves, and what worn, blunt, used and spread change."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from popsense.model import FloatArray
from popsense.procedure.sites import SITES, SiteProfile
from popsense.twin.specimen import HALF_OUT, SEAT_FRACTION, STOP_MM, Condition, Specimen, draw_specimen
from tests.host.twin.simulated import BONE, TIBIA

SITE = SITES[TIBIA]
LENGTHS = ("soft_tissue", "cortex", "cavity")
every_site = pytest.mark.parametrize("site", SITES.values(), ids=SITES)


def engaged(*tip_mm: float, bone: Specimen = BONE) -> list[float]:
    return bone.engaged(np.array(tip_mm)).tolist()


@cache
def drawn(bench: Condition, site: SiteProfile = SITE, count: int = 600) -> list[Specimen]:
    """So many cartridges of one generator, the same for every condition."""
    rng = np.random.default_rng(1)
    return [draw_specimen(site, bench, rng) for _ in range(count)]


def column(bench: Condition, name: str, site: SiteProfile = SITE) -> FloatArray:
    return np.array([getattr(specimen, name) for specimen in drawn(bench, site)])


def cv(values: FloatArray) -> float:
    return float(values.std() / values.mean())


# ---- the bevel -----------------------------------------------------------------------------------------


def test_bone_resists_between_its_faces_only() -> None:
    assert engaged(10.99, 13.0, 14.0, 16.0, 25.0, 33.99) == [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_bevel_seats_at_once_and_is_all_in_after_its_length() -> None:
    assert engaged(11.0, 12.0, 13.0) == pytest.approx([SEAT_FRACTION, (1.0 + SEAT_FRACTION) / 2.0, 1.0])


def test_tip_leaves_over_its_own_bevel_and_half_is_gone_at_0_29_of_it() -> None:
    assert pytest.approx(0.29, abs=0.005) == HALF_OUT
    for bevel_mm in (1.5, 2.0, 4.0):
        bone = replace(BONE, bevel_mm=bevel_mm, outer_mm=5.0)
        assert engaged(14.0 + 0.29 * bevel_mm, bone=bone) == pytest.approx([0.5], abs=0.01)
        assert engaged(14.0 + 0.99 * bevel_mm, bone=bone)[0] > 0.0
        assert engaged(14.0 + bevel_mm, bone=bone) == [0.0]


def test_leaving_is_steady_and_no_step() -> None:
    leaving = BONE.engaged(np.linspace(14.0, 16.0, 201))
    assert (np.diff(leaving) < 0.0).all()
    assert np.abs(np.diff(leaving)).max() < 0.011


def test_a_cortex_thinner_than_the_bevel_is_never_cut_by_all_of_it() -> None:
    thin = replace(BONE, outer_mm=13.0)
    assert thin.engaged(np.linspace(12.0, 17.0, 501)).max() < 0.95


def test_far_cortex_resists_like_the_near_one() -> None:
    assert engaged(34.0, 36.0) == pytest.approx([SEAT_FRACTION, 1.0])


def test_cortex_grips_the_shaft_in_proportion_and_keeps_it() -> None:
    assert BONE.gripped(np.array([10.0, 12.5, 14.0, 30.0])).tolist() == [0.0, 0.5, 1.0, 1.0]


def test_a_bevel_is_open_only_when_wholly_in_the_cavity() -> None:
    assert [BONE.clear(tip) for tip in (13.0, 15.9, 16.0, 34.0, 35.0, 36.4)] == [0.0, 0.0, 1.0, 1.0, 0.5, 0.0]


# ---- what is drawn -------------------------------------------------------------------------------------


@every_site
def test_specimens_are_spread_round_the_figures_of_their_site(site: SiteProfile) -> None:
    for bench in (Condition(), Condition("bone")):
        outer, inner, far = (column(bench, name, site) for name in ("outer_mm", "inner_mm", "far_mm"))
        for name, lengths in zip(LENGTHS, (outer, inner - outer, far - inner), strict=True):
            mean, sd = getattr(site, name).value, getattr(site, f"{name}_sd").value
            assert np.median(lengths) == pytest.approx(mean, rel=0.06)
            wanted = 0.02 if bench.material == "plug" else sd / mean
            assert cv(lengths) == pytest.approx(wanted, rel=0.15), name
        assert np.median(column(bench, "hardness", site)) == pytest.approx(
            site.relative_hardness.value, rel=0.06
        )
        assert set(column(bench, "bevel_mm", site)) == {site.bevel.value}
        assert column(bench, "stop_mm", site) == pytest.approx(far + STOP_MM)


@pytest.mark.parametrize(("material", "published"), [("plug", 0.10), ("bone", 0.34)])
def test_hardness_has_the_published_cv_and_spread_doubles_it(material: str, published: float) -> None:
    assert cv(column(Condition(material), "hardness")) == pytest.approx(published, rel=0.1)
    assert cv(column(Condition(material, spread=2.0), "hardness")) == pytest.approx(2 * published, rel=0.15)


@pytest.mark.parametrize("material", ["plug", "bone"])
@pytest.mark.parametrize("field", ["outer_mm", "compliance_mm_per_n"])
def test_spread_doubles_every_other_variation_too(material: str, field: str) -> None:
    once, twice = (cv(column(Condition(material, spread=spread), field)) for spread in (1.0, 2.0))
    assert twice == pytest.approx(2.0 * once, rel=0.12)


def test_without_spread_all_are_alike() -> None:
    assert len(set(drawn(Condition("bone", spread=0.0)))) == 1


def test_no_spread_makes_a_length_or_a_hardness_negative() -> None:
    for bone in drawn(Condition("bone", spread=5.0)):
        assert 0.0 < bone.outer_mm < bone.inner_mm < bone.far_mm < bone.stop_mm
        assert bone.hardness > 0.0
        assert bone.compliance_mm_per_n > 0.0


def test_conditions_change_the_same_cartridge_and_nothing_else_of_it() -> None:
    """Worn: softer and gives more. Blunt: meets twice as much. Used: only the hole."""
    new, worn, half, blunt, used = (
        drawn(bench)[0]
        for bench in (
            Condition(),
            Condition(worn=1.0),
            Condition(worn=0.5),
            Condition(blunt=1.0),
            Condition(used_hole=True),
        )
    )
    assert worn.hardness / new.hardness == pytest.approx(0.6)
    assert half.hardness / new.hardness == pytest.approx(0.8)
    assert worn.compliance_mm_per_n / new.compliance_mm_per_n == pytest.approx(1.5)
    assert blunt.hardness / new.hardness == pytest.approx(2.0)
    assert used == replace(new, used_hole=True)
    for changed in (worn, blunt):
        same = {f.name for f in fields(new)} - {"hardness", "compliance_mm_per_n"}
        assert all(getattr(changed, name) == getattr(new, name) for name in same)
    assert blunt.compliance_mm_per_n == new.compliance_mm_per_n
