"""Faults on the stand-in board: each begins, is told with its value, is over; HEALTH, TARE, self-test."""

from typing import Any

import pytest

from popsense.link.fault_wording import present_faults
from tests.firmware.sources import constants
from tests.firmware.stand_in import StandIn

SETTINGS = constants("settings.py")
SOON = 100  # turns in which a fault is told
SECOND = 1000  # samples of the stand-in, nearly
FULL_SCALE = (1 << 23) - 1
REST = {"depth": 410, "pressure": 1502, "force": 0, "held": False, "garbage": False, "mute": False}
N = 4295  # counts a newton, nominal


def told(device: StandIn) -> list[tuple[str, int, int]]:
    """Every FAULT since power-on: code, raised, value."""
    found = [packet.fields for packet in device.heard if packet.name == "FAULT"]
    return [(str(one.code), one.raised, one.value) for one in found]


def codes(device: StandIn, raised: int = 1) -> list[str]:
    return [code for code, is_raised, _ in told(device) if is_raised == raised]


def health(device: StandIn, **fields: Any) -> Any:
    """What HEALTH says when asked."""
    came = device.tell("READ_HEALTH", **{"options": 0} | fields)
    return next(packet.fields for packet in came if packet.name == "HEALTH")


@pytest.fixture
def sampling(device: StandIn) -> StandIn:
    """Half a second into an attempt of a sound board, whose depth and pressure have noise."""
    device.begin()
    device.do("run", 500)
    assert told(device) == []
    return device


def test_a_sound_board_has_no_fault_and_says_what_it_measured(device: StandIn):
    device.power_on()
    device.ask("IDENTIFY")
    said = health(device)
    assert (said.faults, said.faults_of_run) == (0, 0)
    assert said.supply_mv == pytest.approx(5000, abs=5)
    assert said.bridge_counts == 1_140_000
    assert said.force_zero_counts == 0
    assert said.heap_free_bytes == 41216


@pytest.mark.parametrize(
    ("bridge", "fault"),
    [(0, "force_cell_shorted"), (FULL_SCALE, "force_cell_open"), (-FULL_SCALE, "force_cell_open")],
)
def test_the_burn_out_currents_find_a_broken_and_a_shorted_cell_at_power_on(
    device: StandIn, bridge: int, fault: str
):
    device.power_on(bridge=bridge)
    device.do("wait", SOON)
    ((code, raised, value),) = told(device)
    assert (code, raised) == (fault, 1)
    assert abs(value - bridge) <= 1
    device.ask("IDENTIFY")
    assert present_faults(health(device).faults) == (fault,)


@pytest.mark.parametrize(("ohm", "found"), [(120, 1), (350, 0), (1000, 0)])
def test_cells_of_common_resistance_pass(device: StandIn, ohm: int, found: int):
    device.power_on(bridge=round(10e-6 * ohm * 128 / 3.3 * 2**23))
    device.do("wait", SOON)
    assert len(told(device)) == found


def test_a_cell_that_breaks_during_the_attempt_is_named_at_stop(sampling: StandIn):
    sampling.do("sensors", {"bridge": FULL_SCALE})
    came = sampling.tell("STOP")
    names = [packet.name for packet in came if packet.name in ("FAULT", "HEALTH", "ACK")]
    assert names == ["FAULT", "HEALTH", "ACK"]
    assert codes(sampling) == ["force_cell_open"]


def test_a_converter_that_does_not_answer_refuses_start(device: StandIn):
    device.power_on(silent_converter=1)
    device.ask("IDENTIFY")
    device.do("wait", SOON)
    assert codes(device) == ["force_converter"]
    refused = device.ask("START")
    assert (refused.name, str(refused.fields.reason)) == ("NAK", "sensor_fault")
    hello = next(packet.fields for packet in device.tell("IDENTIFY") if packet.name == "HELLO")
    assert (hello.sample_rate_mhz, hello.force.fitted) == (0, 0)


def test_a_converter_that_fell_silent_refuses_the_next_start_and_is_taken_back(device: StandIn):
    device.power_on()
    device.ask("IDENTIFY")
    device.do("sensors", {"answers": False})
    assert str(device.ask("START").fields.reason) == "sensor_fault"
    device.do("sensors", {"answers": True})
    assert device.ask("START").name == "ACK"
    device.do("wait", SOON)
    assert [one[:2] for one in told(device)] == [("force_converter", 1), ("force_converter", 0)]


@pytest.mark.parametrize(
    ("wrong", "fault", "value"),
    [
        ({"force": FULL_SCALE, "held": True}, "force_saturated", FULL_SCALE),
        ({"force": -FULL_SCALE - 1, "held": True}, "force_saturated", -FULL_SCALE - 1),
        ({"force": 3 * N, "held": True}, "force_stuck", 3 * N),
        ({"depth": 0}, "depth_open", 0),
        ({"depth": 4095}, "depth_open", 16380),
        ({"pressure": 4095}, "pressure_saturated", 16380),
        ({"pressure": 0}, "pressure_saturated", 0),
        ({"supply": 1600}, "undervoltage", 3867),
        ({"mute": True, "ready_level": 1}, "data_ready_timeout", 1),
        ({"mute": True, "ready_level": 0}, "data_ready_timeout", 0),
    ],
)
def test_a_wrong_sensor_is_told_once_and_that_it_is_over_once(
    sampling: StandIn, wrong: dict[str, Any], fault: str, value: int
):
    sampling.do("sensors", wrong)
    sampling.do("wait", SECOND)
    found = [one for one in told(sampling) if one[0] not in ("conversions_missed", "overload")]
    assert found == [(fault, 1, value)]
    sampling.do("sensors", REST | {"supply": 2068})
    sampling.do("wait", 2 * SECOND)
    assert [one[:2] for one in told(sampling) if one[0] == fault] == [(fault, 1), (fault, 0)]
    said = health(sampling)
    assert fault not in present_faults(said.faults)
    assert fault in present_faults(said.faults_of_run)


def test_a_fault_says_at_which_sample_it_was_noticed(sampling: StandIn):
    before = sampling.ask("CLOCK").fields.next_sample
    sampling.do("sensors", {"depth": 0})
    sampling.do("wait", 300)
    (fault,) = [packet.fields for packet in sampling.heard if packet.name == "FAULT"]
    assert before + SETTINGS["SUSTAINED_MS"] <= fault.next_sample <= before + SETTINGS["SUSTAINED_MS"] + 45
    assert (fault.run, fault.number) == (sampling.run, 0)


def test_bits_that_mean_nothing_are_garbage(sampling: StandIn):
    sampling.do("sensors", {"garbage": True})
    sampling.do("wait", 100)
    found = {code: value for code, _, value in told(sampling)}
    assert found["force_garbage"] > 400 * N


def test_a_blow_of_one_sample_is_no_fault(sampling: StandIn):
    for _ in range(20):
        sampling.do("sensors", {"force": 900 * N})
        sampling.do("stall", 1)
        sampling.do("sensors", {"force": 0})
        sampling.do("run", 200)
    assert "force_saturated" not in codes(sampling)
    assert "force_garbage" not in codes(sampling)


def test_overload_is_told_in_millinewtons_and_ends_under_half(sampling: StandIn):
    sampling.do("sensors", {"force": 460 * N})
    sampling.do("run", 100)
    ((code, raised, value),) = told(sampling)
    assert (code, raised, value) == ("overload", 1, pytest.approx(460_000, abs=1_500))
    sampling.do("sensors", {"force": 300 * N})
    sampling.do("run", 100)
    assert len(told(sampling)) == 1
    sampling.do("sensors", {"force": 200 * N})
    sampling.do("run", 100)
    assert told(sampling)[1][:2] == ("overload", 0)


def test_an_analog_reading_that_stands_still_is_stuck_but_not_inside_a_wide_code(device: StandIn):
    device.begin()
    device.do("sensors", {"depth": 700, "pressure": 1536})
    device.do("run", 2 * SECOND + 500)
    assert told(device) == [("depth_stuck", 1, 2800)]


def test_missed_conversions_are_told_with_their_number(sampling: StandIn):
    sampling.do("missed", 1)
    sampling.do("wait", 150)
    assert told(sampling) == [("conversions_missed", 1, 1)]
    sampling.do("wait", 1100)
    assert told(sampling)[1:] == [("conversions_missed", 0, 1)]


def test_writes_that_nobody_read_are_told_when_somebody_reads_again(sampling: StandIn):
    sampling.do("cut_write", 3)
    sampling.do("wait", 150)
    assert told(sampling) == [("host_not_reading", 1, 3)]
    assert health(sampling).cut_writes == 3


def test_a_slow_turn_of_the_loop_is_told_and_its_time_is_kept(sampling: StandIn):
    sampling.do("slow", 150)
    sampling.do("wait", 300)
    ((code, raised, value),) = told(sampling)
    assert (code, raised) == ("slow_loop", 1)
    assert 150_000 <= value < 160_000
    assert health(sampling).loop_us == value


def test_damaged_commands_are_told_three_at_a_time(sampling: StandIn):
    for _ in range(2):
        sampling.do("tell", "05aabbcc00")
    sampling.do("wait", 150)
    assert told(sampling) == []
    sampling.do("tell", "05aabbcc00")
    sampling.do("wait", 150)
    assert told(sampling) == [("command_garbage", 1, 3)]


@pytest.mark.slow
def test_a_device_that_hears_nothing_for_two_minutes_stops_and_keeps_what_it_has(sampling: StandIn):
    for _ in range(119):
        sampling.do("wait", SECOND)
    assert sampling.ask("CLOCK").fields.state == "sampling"
    for _ in range(130):  # a turn that sends a block takes no time here
        sampling.do("wait", SECOND)
    answer = sampling.ask("CLOCK").fields
    assert answer.state == "idle"
    assert ("host_silent", 1) in [one[:2] for one in told(sampling)]
    resent = sampling.resend(answer.next_sample - 100, 100)
    assert resent.name == "ACK"


def test_a_host_that_is_silent_for_two_minutes_is_gone_and_not_before(sampling: StandIn):
    sampling.do("sensors", {"now_ms": SETTINGS["HOST_SILENT_MS"] - 1000})
    sampling.do("wait", SOON)
    assert told(sampling) == []
    sampling.do("sensors", {"now_ms": SETTINGS["HOST_SILENT_MS"] + 1000})
    sampling.do("wait", SOON)
    assert [one[:2] for one in told(sampling)] == [("host_silent", 1)]
    assert sampling.ask("CLOCK").fields.state == "idle"


def test_a_short_dip_of_the_supply_is_no_undervoltage(sampling: StandIn):
    sampling.do("sensors", {"supply": 1600})
    sampling.do("run", 250)
    assert 3800 < health(sampling).supply_mv < 3900
    sampling.do("sensors", {"supply": 2068})
    sampling.do("run", 400)
    assert told(sampling) == []


def test_a_watchdog_reset_is_a_fault_until_the_next_start(device: StandIn):
    device.power_on(reset_cause=2)
    device.ask("IDENTIFY")
    assert present_faults(health(device).faults) == ("watchdog_reset",)
    device.ask("START")
    device.do("run", 50)
    assert health(device).faults_of_run == 0


def test_what_is_still_present_belongs_to_the_new_run_too(device: StandIn):
    device.power_on(bridge=0)
    device.ask("IDENTIFY")
    device.ask("START")
    assert present_faults(health(device).faults_of_run) == ("force_cell_shorted",)


def test_a_tare_measures_zero_and_noise_and_is_a_run_of_its_own(device: StandIn):
    device.begin()
    device.do("run", 100)
    device.ask("STOP")
    run = device.run
    device.do("sensors", {"force": 2 * N})
    came = device.tell("TARE")
    said = next(packet.fields for packet in came if packet.name == "HEALTH")
    assert said.force_zero_counts == pytest.approx(2 * N + 200, abs=20)  # the stand-in counts up from there
    assert said.force_noise_counts == pytest.approx(395 / 12**0.5, abs=10)
    assert device.run == (run + 1) % 2**16
    assert str(device.resend(0, 10, run=run).fields.reason) == "not_kept"
    assert device.ask("START").fields.run == (run + 2) % 2**16


@pytest.mark.parametrize(
    ("sensors", "reason"),
    [({"force": 30 * N}, "loaded"), ({"force": -30 * N}, "loaded"), ({"garbage": True}, "noisy"),
     ({"mute": True}, "sensor_fault")],
)  # fmt: skip
def test_a_tare_is_refused_where_the_cell_is_not_at_rest(
    device: StandIn, sensors: dict[str, Any], reason: str
):
    device.power_on()
    device.ask("IDENTIFY")
    before = health(device).force_zero_counts
    device.do("sensors", sensors)
    assert str(device.ask("TARE").fields.reason) == reason
    assert health(device).force_zero_counts == before
    device.do("wait", 300)  # the loop goes on as before
    assert ("force_noisy" in codes(device)) == (reason == "noisy")
    assert device.ask("CLOCK").fields.state == "idle"


def test_a_tare_done_twice_by_one_request_is_done_once(device: StandIn):
    device.power_on()
    device.ask("IDENTIFY")
    run = device.ask("TARE", request=9).fields.run
    assert device.ask("TARE", request=9).fields.run == run


def test_a_self_test_that_is_asked_for_takes_the_ring_and_another_run(device: StandIn):
    device.power_on()
    device.ask("IDENTIFY")
    run = device.run
    device.do("sensors", {"bridge": 0})
    said = health(device, options=1)
    assert (said.run, said.bridge_counts) == ((run + 1) % 2**16, 0)
    assert present_faults(said.faults) == ("force_cell_shorted",)


def test_a_self_test_is_refused_while_sampling_and_health_is_not(sampling: StandIn):
    assert str(sampling.ask("READ_HEALTH", options=1).fields.reason) == "already_sampling"
    assert sampling.ask("READ_HEALTH", options=0).name == "ACK"


def test_health_is_repeated_every_second_while_sampling(sampling: StandIn):
    sampling.do("run", 5 * SECOND)
    assert len([packet for packet in sampling.heard if packet.name == "HEALTH"]) in (5, 6)
