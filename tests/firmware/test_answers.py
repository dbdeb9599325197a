"""ACK and NAK: what every answer says of run, counts and clock; START asks for a calibration."""

from itertools import pairwise
from typing import Any

import pytest

from popsense_protocol.packets import START_UNCALIBRATED
from tests.firmware.stand_in import PERIOD_US, StandIn
from tests.protocol.strategies import plain

BOOT_ID = 0x9ABCFFFE  # its low half: two runs before the number wraps


def told(answer: Any) -> dict[str, Any]:
    """Fields of an ACK but for those that name the command."""
    assert answer.name == "ACK"
    return {key: value for key, value in plain(answer.fields).items() if key not in ("command", "request")}


def test_before_the_first_start_an_ack_tells_of_no_samples(device: StandIn):
    device.power_on(boot_id=BOOT_ID)
    clock_us = told(device.ask("IDENTIFY"))["ticks_us"]
    for answer in (device.ask("IDENTIFY"), device.ask("CLOCK")):
        counts = {"next_sample": 0, "next_event": 0, "missed": 0, "ticks_us": 0}
        assert told(answer) | {"ticks_us": 0} == {"run": 0xFFFE, "state": "idle"} | counts
        assert 0 <= (answer.fields.ticks_us - clock_us) % 2**30 < 100_000


def test_identify_is_answered_by_hello_and_then_ack(device: StandIn):
    device.power_on(boot_id=BOOT_ID)
    came = device.tell("IDENTIFY")
    assert [packet.name for packet in came][:2] == ["HELLO", "ACK"]
    assert (came[0].fields.boot_id, came[0].fields.calibration_id) == (BOOT_ID, 0)
    device.ask("START")
    names = [packet.name for packet in device.tell("IDENTIFY") if packet.name in ("HELLO", "ACK")]
    assert names[-2:] == ["HELLO", "ACK"]


def test_an_ack_tells_where_the_run_is(device: StandIn):
    device.begin()
    device.do("run", 500)
    device.do("events", 3)
    device.do("missed", 70_000)
    first = told(device.ask("CLOCK"))
    device.do("run", 100)
    second = told(device.ask("CLOCK"))
    assert [first[key] for key in ("state", "next_event", "missed")] == ["sampling", 3, 70_000]
    assert 500 <= first["next_sample"] <= 505
    passed_us = (second["ticks_us"] - first["ticks_us"]) % 2**30
    assert passed_us == (second["next_sample"] - first["next_sample"]) * PERIOD_US
    stopped = told(device.ask("STOP"))
    device.do("steps", 20)
    later = told(device.ask("CLOCK"))
    assert (stopped["state"], stopped["next_event"], stopped["missed"]) == ("idle", 3, 70_000)
    assert later | {"ticks_us": 0} == stopped | {"ticks_us": 0}
    live = [packet.fields for packet in device.heard if packet.name == "SAMPLE_BLOCK"]
    assert stopped["next_sample"] == live[-1].first_sample + live[-1].count
    assert live[-1].missed == 70_000


@pytest.mark.parametrize("index", [2**30, 2**31 - 1, 2**31, 2**32 - 1])
def test_an_index_of_any_size_goes_into_ack_and_status(device: StandIn, index: int):
    device.begin()
    device.do("skip_to", index)
    assert device.ask("CLOCK").fields.next_sample - index in (0, 1, 1 - 2**32)
    device.do("run", 1100)
    status = [packet.fields for packet in device.heard if packet.name == "STATUS"][-1]
    assert (status.next_sample - index) % 2**32 < 1200


def test_the_clock_wraps_at_2_to_the_30(device: StandIn):
    device.power_on(ticks_us=2**30 - 200_000)
    device.ask("IDENTIFY")
    stamps = []
    for _ in range(30):
        stamps.append(device.ask("CLOCK").fields.ticks_us)
        device.do("steps", 5)
    wraps = [earlier > later for earlier, later in pairwise(stamps)]
    assert (wraps.count(True), max(stamps) < 2**30) == (1, True)


def test_a_clock_asked_for_again_is_read_again(device: StandIn):
    device.begin()
    first = device.ask("CLOCK", request=5).fields.ticks_us
    device.do("run", 10)
    assert device.ask("CLOCK", request=5).fields.ticks_us > first


def test_each_start_has_another_run_and_the_first_comes_from_the_boot_id(device: StandIn):
    device.power_on(boot_id=BOOT_ID)
    device.ask("IDENTIFY")
    runs = []
    for _ in range(3):
        started = device.ask("START")
        device.do("run", 30)
        device.do("events", 1)
        device.do("run", 30)
        runs.append(started.fields.run)
        assert device.ask("STOP").fields.run == runs[-1]
    assert runs == [0xFFFF, 0, 1]
    of_kind = {
        name: [p.fields.run for p in device.heard if p.name == name] for name in ("SAMPLE_BLOCK", "EVENT")
    }
    assert of_kind["EVENT"] == runs
    assert sorted(set(of_kind["SAMPLE_BLOCK"]), key=of_kind["SAMPLE_BLOCK"].index) == runs


def test_status_and_nak_tell_the_run(device: StandIn):
    device.begin(boot_id=BOOT_ID)
    device.do("run", 1100)
    assert {packet.fields.run for packet in device.heard if packet.name == "STATUS"} == {0xFFFF}
    refused = device.ask("START").fields
    assert (refused.reason, refused.run, refused.first_kept) == ("already_sampling", 0xFFFF, 0)


def test_a_start_repeated_with_its_number_begins_no_other_run(device: StandIn):
    started = device.begin()
    device.do("run", 100)
    again = device.ask("START", request=started.fields.request)
    assert (again.name, again.fields.run) == ("ACK", started.fields.run)
    assert again.fields.next_sample >= 100


@pytest.mark.parametrize("options", [0, 0xFE])
def test_without_a_calibration_nothing_starts_unless_asked_for(device: StandIn, options: int):
    device.power_on()
    device.ask("IDENTIFY")
    run = device.run
    refused = device.ask("START", options=options)
    assert (refused.name, str(refused.fields.reason), refused.fields.run) == ("NAK", "no_calibration", run)
    assert device.ask("CLOCK").fields.state == "idle"
    assert device.ask("START", options=options | START_UNCALIBRATED).fields.run == (run + 1) % 2**16


def test_with_a_calibration_no_option_is_needed(device: StandIn):
    device.power_on()
    device.ask("IDENTIFY")
    device.do("calibrated", 1)
    assert device.ask("START", options=0).name == "ACK"


@pytest.mark.parametrize(
    ("name", "fields"), [("CLOCK", {}), ("RESEND", {"what": "samples", "first": 0, "count": 1})]
)
def test_nothing_is_told_before_identify(device: StandIn, name: str, fields: dict[str, Any]):
    device.power_on()
    assert device.ask(name, **fields).fields.reason == "not_identified"
