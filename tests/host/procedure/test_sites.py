"""The sites: figures that can be true together, each with a source, and the published differences."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from popsense.procedure.sites import SITES, Figure, SiteProfile
from popsense.twin.sensors import SensorSpec
from popsense.twin.specimen import STOP_MM

ADULT = SITES["adult-proximal-tibia"]
NEWBORN = SITES["newborn-proximal-tibia"]
DRAWN_TO_SD = 2.5  # a specimen lies within this many standard deviations
UNITS = {"relative_hardness": "1", "plug_compliance": "mm/N", "outflow_tau": "s"}  # the rest are lengths
PUBLISHED = [
    ("adult-distal-tibia", "soft_tissue", 10.7),
    ("adult-humerus", "soft_tissue", 29.6),
    ("child-proximal-tibia", "soft_tissue", 6.8),
    ("child-proximal-tibia", "soft_tissue_sd", 2.0),
    ("newborn-proximal-tibia", "cortex", 1.32),
    ("newborn-proximal-tibia", "cavity", 4.5),
    ("sternum", "cavity", (10.4 + 9.4 + 6.8 + 5.8) / 4),
    ("sternum", "cavity_sd", (1.1 + 1.4 + 1.1 + 0.9) / 4),
]

each_site = pytest.mark.parametrize("site", SITES.values(), ids=SITES.keys())


def figures(site: SiteProfile) -> Iterator[tuple[str, Figure]]:
    values = ((field.name, getattr(site, field.name)) for field in fields(site))
    return ((name, value) for name, value in values if isinstance(value, Figure))


def test_every_site_that_was_asked_for_is_there_under_its_own_name() -> None:
    assert set(SITES) == {
        "adult-proximal-tibia",
        "adult-distal-tibia",
        "adult-humerus",
        "sternum",
        "child-proximal-tibia",
        "child-humerus",
        "newborn-proximal-tibia",
    }
    assert all(name == site.name for name, site in SITES.items())
    assert len({site.title for site in SITES.values()}) == len(SITES)


def test_the_adult_proximal_tibia_is_what_recordings_were_made_with() -> None:
    figures_mm = (ADULT.soft_tissue, ADULT.cortex, ADULT.cavity, ADULT.bevel)
    assert [one.value for one in figures_mm] == [11.0, 3.0, 20.0, 2.0]
    assert (ADULT.plug_compliance.value, ADULT.outflow_tau.value) == (0.0008, 0.5)
    assert ADULT.relative_hardness.value == 1.0
    assert ADULT.stops_at_pop


@each_site
def test_every_figure_is_positive_and_has_unit_status_and_source(site: SiteProfile) -> None:
    for name, figure in figures(site):
        assert figure.value > 0.0, name
        assert figure.unit == UNITS.get(name, "mm"), name
        assert figure.status in {"D", "E", "T", "A", "N"}, name
        assert len(figure.source) > 10, name
    assert site.name.startswith(site.age_group) or site.name == "sternum"


@each_site
def test_a_figure_that_claims_evidence_names_its_publication(site: SiteProfile) -> None:
    for name, figure in figures(site):
        if figure.status == "E":
            assert re.search(r"\b20\d\d\b|Al-Shibli", figure.source), name


@pytest.mark.parametrize(("site", "name", "value"), PUBLISHED)
def test_published_figures_stand_as_published(site: str, name: str, value: float) -> None:
    figure: Figure = getattr(SITES[site], name)
    assert (figure.value, figure.status) == (pytest.approx(value, abs=0.05), "E")


@each_site
def test_the_bevel_fits_into_the_narrowest_specimen_of_the_site(site: SiteProfile) -> None:
    assert site.cavity.value > site.bevel.value + 1.0
    assert site.cavity.value - DRAWN_TO_SD * site.cavity_sd.value > site.bevel.value + 1.0


@each_site
def test_no_specimen_of_the_site_has_a_layer_of_no_thickness(site: SiteProfile) -> None:
    assert site.cortex.value > DRAWN_TO_SD * site.cortex_sd.value
    assert site.soft_tissue.value > DRAWN_TO_SD * site.soft_tissue_sd.value + 1.0


@each_site
def test_the_follower_sees_the_whole_chamber_and_the_far_plate(site: SiteProfile) -> None:
    deepest_mm = site.cavity.value + DRAWN_TO_SD * site.cavity_sd.value + STOP_MM
    assert deepest_mm <= SensorSpec().depth_mm.high


def test_only_the_adult_humerus_goes_on_at_the_pop_and_has_room_for_two_centimetres() -> None:
    assert {name for name, site in SITES.items() if not site.stops_at_pop} == {"adult-humerus"}
    humerus = SITES["adult-humerus"]
    assert humerus.cavity.value - DRAWN_TO_SD * humerus.cavity_sd.value > 20.0 + humerus.bevel.value


def test_a_newborn_leaves_one_to_three_millimetres_and_asks_for_a_shorter_bevel() -> None:
    assert 1.0 <= NEWBORN.cavity.value - NEWBORN.bevel.value <= 3.0
    assert NEWBORN.bevel.value < ADULT.bevel.value


def test_bone_is_softer_at_the_humerus_and_much_softer_in_the_young() -> None:
    hardness = {name: site.relative_hardness.value for name, site in SITES.items()}
    assert hardness["adult-humerus"] < hardness["adult-proximal-tibia"]
    assert hardness["child-humerus"] < hardness["child-proximal-tibia"] <= 0.5
    assert hardness["newborn-proximal-tibia"] == min(hardness.values()) <= 0.2
    assert max(hardness.values()) == 1.0


def test_the_humerus_flows_fastest_at_either_age() -> None:
    tau_s = {name: site.outflow_tau.value for name, site in SITES.items()}
    assert min(tau_s, key=lambda name: tau_s[name]) == "adult-humerus"
    assert tau_s["child-humerus"] < tau_s["child-proximal-tibia"]


@each_site
def test_a_thinner_plug_flexes_more_but_less_than_a_solid_plate(site: SiteProfile) -> None:
    thinner = ADULT.cortex.value / site.cortex.value
    ratio = site.plug_compliance.value / ADULT.plug_compliance.value
    assert ratio == 1.0 if thinner == 1.0 else thinner < ratio < thinner**2
