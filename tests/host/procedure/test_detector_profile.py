"""What the board's detector is told of site and device."""

from dataclasses import replace

import pytest

from popsense.errors import UsageError
from popsense.procedure.detector_profile import LEAST_CONTACT_MN, LEAST_FAR_PER_CAVITY, detector_profile
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA, SITES, Figure, SiteProfile
from popsense_protocol import packets
from popsense_protocol.codec import decode, encode
from tests.firmware.sources import constants

DEVICES = ("powered", "manual", "spring_loaded")

each_site = pytest.mark.parametrize("site", SITES.values(), ids=SITES.keys())
each_device = pytest.mark.parametrize("device", DEVICES)


def with_figure(name: str, value: float) -> SiteProfile:
    """The adult proximal tibia, but for one figure."""
    figure: Figure = getattr(ADULT_PROXIMAL_TIBIA, name)
    changes = {name: replace(figure, value=value)}
    return replace(ADULT_PROXIMAL_TIBIA, **changes)


def test_a_board_without_profile_goes_by_the_adult_proximal_tibia_and_the_driver():
    assert constants("settings.py")["PROFILE"] == detector_profile(ADULT_PROXIMAL_TIBIA, "powered")


@each_site
@each_device
def test_every_profile_fits_into_the_packet(site: SiteProfile, device: str):
    profile = detector_profile(site, device)
    fields = decode(encode("PROFILE", request=1, **profile)).fields
    assert {name: fields[name] for name in profile} == profile
    assert profile.keys() == set(fields.keys()) - {"type", "request"}


@each_site
@each_device
def test_the_figures_of_a_profile_are_in_their_order(site: SiteProfile, device: str):
    profile = detector_profile(site, device)
    for rising in (
        ("release_mn", "contact_mn", "arm_mn", "used_mn", "far_stays_mn", "overload_mn"),
        ("advance_um", "out_um", "far_advance_um"),
        ("drop_out_permille", "drop_permille"),
        ("far_rise_mn", "far_stays_mn"),
    ):
        figures = [profile[name] for name in rising]
        assert figures == sorted(set(figures))
        assert figures[0] > 0
    assert profile["drop_permille"] < 1000
    assert profile["far_advance_um"] < 1000 * site.cavity.value


def test_softer_bone_is_touched_with_less_force_but_not_with_less_than_noise():
    hard, soft, softest = (
        detector_profile(with_figure("relative_hardness", h), "manual") for h in (1, 0.5, 0.01)
    )
    for name in ("contact_mn", "release_mn", "arm_mn", "used_mn", "far_stays_mn"):
        assert hard[name] > soft[name] > 0.5 * hard[name]
    assert softest["contact_mn"] == LEAST_CONTACT_MN


def test_the_far_cortex_lies_no_nearer_than_a_share_of_the_cavity():
    spread = detector_profile(with_figure("cavity_sd", 100), "manual")
    assert spread["far_advance_um"] == round(1000 * LEAST_FAR_PER_CAVITY * ADULT_PROXIMAL_TIBIA.cavity.value)
    certain = detector_profile(with_figure("cavity_sd", 0), "manual")
    assert certain["far_advance_um"] == 1000 * ADULT_PROXIMAL_TIBIA.cavity.value


def test_the_body_of_a_spring_loaded_device_leans_on_the_skin():
    driver, spring = (
        detector_profile(ADULT_PROXIMAL_TIBIA, device) for device in ("powered", "spring_loaded")
    )
    assert {name for name in driver if driver[name] != spring[name]} == {"far_stays_mn", "cue"}
    assert spring["far_stays_mn"] > 2 * driver["far_stays_mn"]


def test_a_board_without_depth_is_told_so():
    assert detector_profile(ADULT_PROXIMAL_TIBIA, "manual", depth_fitted=False)["depth_fitted"] == 0
    assert detector_profile(ADULT_PROXIMAL_TIBIA, "manual")["depth_fitted"] == 1


def test_an_unknown_device_is_named_with_those_that_are_known():
    with pytest.raises(UsageError, match="no profile for the device 'hammer'") as caught:
        detector_profile(ADULT_PROXIMAL_TIBIA, "hammer")
    assert all(device in caught.value.remedy for device in DEVICES)


def test_cues_say_what_the_procedure_asks_for():
    cues = {
        (site.name, device): (profile["cue"], profile["go_on_um"])
        for site in SITES.values()
        for device in ("manual", "spring_loaded")
        for profile in [detector_profile(site, device)]
    }
    stop = packets.Cue.encmapping["stop"]
    assert cues["adult-proximal-tibia", "manual"] == (stop, 0)
    assert cues["child-humerus", "manual"] == (stop, 0)
    assert cues["adult-humerus", "manual"] == (packets.Cue.encmapping["go_on_then_stop"], 20_000)
    assert {cues[site, "spring_loaded"][0] for site in SITES} == {packets.Cue.encmapping["none"]}
