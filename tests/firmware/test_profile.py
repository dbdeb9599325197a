"""PROFILE: from the packet to the detector's parameters, and when the application takes one."""

from collections.abc import Iterator
from typing import Any

import pytest

from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import BASIS_DEPTH, BASIS_FORCE
from tests.conftest import Require
from tests.firmware.bench import Bench, powered, push_and_pop
from tests.firmware.conftest import Firmware
from tests.firmware.hands import COUNTS_PER_MM, COUNTS_PER_N, FLEX_MM_PER_N, POPPED, PROFILE, SETTINGS, Hand
from tests.firmware.sources import constants

WORDS = constants("detection.py")
MOST = 2**24
MOST_FLEX = constants("detector.py")["_MOST_FLEX_NM_PER_N"]
LIMITS = {
    "depth_fitted": 1,
    "drop_permille": 1000,
    "drop_out_permille": 1000,
    "flex_nm_per_n": MOST_FLEX,
    "cue": 2,
}
TIMES_MS = {
    "P_CONTACT_SAMPLES": "CONTACT_MS",
    "P_RELEASE_SAMPLES": "RELEASE_MS",
    "P_LOSS_SAMPLES": "LOSS_MS",
    "P_WITHDRAWN_SAMPLES": "WITHDRAWN_MS",
    "P_OUT_SAMPLES": "OUT_MS",
    "P_STILL_SAMPLES": "STILL_MS",
    "P_FAR_STAYS_SAMPLES": "FAR_STAYS_MS",
}
FORCES = {
    "P_CONTACT": "contact_mn",
    "P_RELEASE": "release_mn",
    "P_ARM": "arm_mn",
    "P_USED": "used_mn",
    "P_OVERLOAD": "overload_mn",
    "P_FAR_RISE": "far_rise_mn",
    "P_FAR_STAYS": "far_stays_mn",
}
DEPTHS = {"P_ADVANCE": "advance_um", "P_OUT": "out_um", "P_FAR_ADVANCE": "far_advance_um"}


@pytest.fixture
def bench(require: Require) -> Iterator[Bench]:
    """A board in real MicroPython, on which 30 N and a pop are waiting."""
    require("micropython")
    with powered(push_and_pop(), "micropython") as found:
        yield found


def parameters(firmware: Firmware, rate_hz: float, **changed: int) -> dict[str, int]:
    values = firmware("configured", [round(rate_hz * 1000), changed])
    return {name: values[at] for name, at in WORDS.items() if name.startswith("P_")}


def unpacked(firmware: Firmware, **changed: int) -> dict[str, int] | None:
    return firmware("unpacked", encode("PROFILE", **(PROFILE | {"request": 7} | changed)).hex())


@pytest.mark.parametrize("rate_hz", [80, 320, 988, 2000])
def test_every_time_is_in_milliseconds_at_any_rate(firmware: Firmware, rate_hz: int):
    found = parameters(firmware, rate_hz)
    for word, name in TIMES_MS.items():
        assert found[word] == max(1, round(SETTINGS[name] * rate_hz / 1000)), word
    least = SETTINGS["POP_LEAST_SAMPLES"]
    assert found["P_POP_SAMPLES"] == max(least, round(SETTINGS["POP_PERSIST_MS"] * rate_hz / 1000))


@pytest.mark.parametrize(
    ("rate_hz", "samples"), [(2000, 64), (988, 64), (320, 64), (142, 32), (80, 32), (40, 16), (18, 8), (1, 8)]
)
def test_the_baseline_has_as_many_samples_as_fit_into_the_rest(
    firmware: Firmware, rate_hz: int, samples: int
):
    """8 to 64 of them, a power of two, within BASELINE_MS where 8 are."""
    assert 1 << parameters(firmware, rate_hz)["P_BASELINE_SHIFT"] == samples
    assert samples == 8 or samples / rate_hz * 1000 <= SETTINGS["BASELINE_MS"]


@pytest.mark.parametrize("rate", [988, 320, 80])
def test_the_baseline_ends_with_its_last_sample(firmware: Firmware, rate: int):
    """Force from its end on is a push; that within it is part of the zero."""
    samples = {988: 64, 320: 64, 80: 32}[rate]
    for began, expected in ((samples, True), (samples // 4, False)):
        hand = Hand(POPPED, rate).argument()
        zero, depth = hand["from"]
        push = zero + round(PROFILE["contact_mn"] / 1000 * 1.25 * COUNTS_PER_N)
        hand["moves"] = [[began, zero, depth], [0, push, depth], [150, push, depth]]
        assert bool(firmware("detect", hand)) == expected


@pytest.mark.parametrize("rate_hz", [80, 320, 988, 2000])
def test_the_low_passes_have_their_time_constant(firmware: Firmware, rate_hz: int):
    """What is left of a step after one time constant, or after one sample where that is longer."""
    for word, tau_us in (
        ("P_FORCE_GAIN", "SMOOTH_US"),
        ("P_DEPTH_GAIN", "SMOOTH_US"),
        ("P_DECAY_GAIN", "DECAY_US"),
    ):
        gain = parameters(firmware, rate_hz)[word] / 1024
        tau_s = SETTINGS[tau_us] / 1e6
        assert gain == pytest.approx(min(1, 1 / (rate_hz * tau_s + 0.5)), abs=2 / 1024)


def test_forces_and_depths_are_in_counts(firmware: Firmware):
    found = parameters(firmware, 988)
    for word, name in FORCES.items():
        assert found[word] == pytest.approx(PROFILE[name] / 1000 * COUNTS_PER_N, abs=1), word
    for word, name in DEPTHS.items():
        assert found[word] == pytest.approx(PROFILE[name] / 1000 * COUNTS_PER_MM, abs=1), word
    flex_counts = found["P_FLEX"] / 4096 / 1024 * (100 * COUNTS_PER_N)
    assert flex_counts / COUNTS_PER_MM == pytest.approx(100 * FLEX_MM_PER_N, rel=0.01)


def test_what_a_profile_leaves_out_is_that_of_the_settings(firmware: Firmware):
    assert parameters(firmware, 988) == parameters(firmware, 988, **PROFILE)
    changed = parameters(firmware, 988, contact_mn=4000)
    same = parameters(firmware, 988)
    assert {word for word in same if same[word] != changed[word]} == {"P_CONTACT"}


def test_without_depth_the_fall_has_its_own_figures(firmware: Firmware):
    found = parameters(firmware, 988, depth_fitted=0)
    assert found["P_DEPTH"] == 0
    assert found["P_DROP_PERMILLE"] == SETTINGS["FORCE_ONLY_DROP_PERMILLE"]
    assert found["P_POP_SAMPLES"] == round(SETTINGS["FORCE_ONLY_PERSIST_MS"] * 0.988)
    assert found["P_DECAY_GAIN"] > parameters(firmware, 988)["P_DECAY_GAIN"]


def test_a_packet_is_unpacked_by_name(firmware: Firmware):
    assert unpacked(firmware) == PROFILE
    other = {name: 100 + k for k, name in enumerate(SETTINGS["PROFILE_FIELDS"])} | {"cue": 2}
    assert unpacked(firmware, **other) == other | {"depth_fitted": 1}
    assert unpacked(firmware, depth_fitted=0) == PROFILE | {"depth_fitted": 0}


@pytest.mark.parametrize("name", ["depth_fitted", *SETTINGS["PROFILE_FIELDS"]])
def test_what_cannot_be_meant_is_refused(firmware: Firmware, name: str):
    limit = LIMITS.get(name, MOST)
    assert unpacked(firmware, **{name: limit + 1}) is None
    assert unpacked(firmware, **{name: limit}) == PROFILE | {name: limit}


def ask(bench: Bench, request: int, **changed: int) -> Any:
    return bench.ask("PROFILE", **(PROFILE | {"request": request} | changed))


def attempt(bench: Bench, request: int) -> list[Any]:
    """The events of one START to STOP with the pop in it."""
    bench.begin(request)
    bench.run(900)
    assert bench.ask("STOP", request=request + 1).name == "ACK"
    return [packet.fields for packet in bench.packets if packet.name == "EVENT"]


def test_a_profile_takes_effect_at_the_next_start(bench: Bench):
    bench.ask("IDENTIFY")
    assert ask(bench, 1, depth_fitted=0).name == "ACK"
    found = attempt(bench, 2)
    assert [str(event.kind) for event in found] == ["contact", "pop", "loss_of_resistance"]
    assert {event.basis for event in found} == {BASIS_FORCE}


def test_a_stiffer_site_hears_no_contact_of_30_n(bench: Bench):
    bench.ask("IDENTIFY")
    assert ask(bench, 1, contact_mn=40_000, overload_mn=MOST).name == "ACK"
    assert attempt(bench, 2) == []


def test_start_without_a_profile_goes_by_the_settings(bench: Bench):
    found = attempt(bench, 2)
    assert [str(event.kind) for event in found] == ["contact", "pop", "loss_of_resistance"]
    assert {event.basis for event in found} == {BASIS_FORCE | BASIS_DEPTH}


def test_a_refused_profile_changes_nothing(bench: Bench):
    bench.ask("IDENTIFY")
    refused = ask(bench, 1, depth_fitted=0, drop_permille=1001)
    assert (refused.name, refused.fields.reason, refused.fields.request) == ("NAK", "malformed", 1)
    assert {event.basis for event in attempt(bench, 2)} == {BASIS_FORCE | BASIS_DEPTH}


def test_while_sampling_and_before_identify_a_profile_is_refused(bench: Bench):
    early = ask(bench, 1)
    assert (early.name, early.fields.reason) == ("NAK", "not_identified")
    bench.begin(2)
    busy = ask(bench, 3, depth_fitted=0)
    assert (busy.name, busy.fields.reason, busy.fields.request) == ("NAK", "already_sampling", 3)
    bench.run(900)
    assert {event.fields.basis for event in bench.packets if event.name == "EVENT"} == {
        BASIS_FORCE | BASIS_DEPTH
    }


def test_a_profile_asked_for_again_is_acknowledged_again_and_not_looked_at(bench: Bench):
    """Its ACK was lost. The number says that it is the same, so that a damaged copy changes nothing."""
    bench.ask("IDENTIFY")
    first = ask(bench, 9, depth_fitted=0)
    assert (first.name, first.fields.request) == ("ACK", 9)
    for depth_fitted in (0, 2):
        again = ask(bench, 9, depth_fitted=depth_fitted)
        assert (again.name, again.fields.request) == ("ACK", 9)
    assert ask(bench, 10, depth_fitted=2).name == "NAK"
    assert {event.basis for event in attempt(bench, 11)} == {BASIS_FORCE}


@pytest.mark.parametrize("off", [-1, 1])
def test_a_profile_of_another_length_is_malformed(bench: Bench, off: int):
    bench.ask("IDENTIFY")
    payload = encode("PROFILE", **(PROFILE | {"request": 1}))
    came = bench.run(30, encode_frame(payload[:off] if off < 0 else payload + bytes(off)))
    (answer,) = [packet for packet in came if packet.name == "NAK"]
    assert (answer.fields.command, answer.fields.request, answer.fields.reason) == (0x44, 0, "malformed")
