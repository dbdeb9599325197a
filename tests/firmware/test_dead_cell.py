"""A cell that says nothing, or always the same: no zero is taken from it, and no tone is left on."""

from typing import Any

import pytest

from popsense.link.fault_wording import present_faults
from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import START_UNCALIBRATED
from tests.firmware.in_process import load_bone
from tests.firmware.scripts.fakes import Board
from tests.firmware.stand_in import StandIn
from tests.firmware.test_health import health

BONE = load_bone("app", "sample_ring", "kernels", "detection")


@pytest.fixture
def app() -> Any:
    return BONE.app.App(Board(), BONE.sample_ring.SampleRing())


def tell(app: Any, name: str, **fields: Any) -> None:
    app.board.console.feed(encode_frame(encode(name, **fields)))
    while app.board.console.any():
        app.step()


@pytest.mark.parametrize("sensors", [{"answers": False}, {"held": True}], ids=["silent", "stuck"])
def test_a_dead_cell_gives_no_zero(device: StandIn, sensors: dict[str, bool]):
    device.power_on()
    device.ask("IDENTIFY")
    device.do("sensors", sensors)
    before = health(device).force_zero_counts
    assert str(device.ask("TARE").fields.reason) == "sensor_fault"
    assert health(device).force_zero_counts == before


def test_a_data_ready_line_that_is_cut_is_found_at_power_on(device: StandIn):
    device.power_on(period_us=0)
    device.ask("IDENTIFY")
    assert present_faults(health(device).faults) == ("data_ready_timeout",)
    assert str(device.ask("START").fields.reason) == "sensor_fault"


def test_noise_of_a_tare_that_was_refused_is_no_fault_of_the_next_run(device: StandIn):
    device.power_on()
    device.ask("IDENTIFY")
    device.do("sensors", {"garbage": True})
    assert str(device.ask("TARE").fields.reason) == "noisy"
    device.do("sensors", {"garbage": False})
    device.ask("START")
    device.do("run", 1200)
    assert "force_noisy" not in present_faults(health(device).faults_of_run)


def test_a_tone_ends_where_no_sample_comes_to_end_it(app: Any):
    tell(app, "IDENTIFY")
    tell(app, "START", request=1, mode="guided", options=START_UNCALIBRATED)
    detector = app.detector
    for _ in range(100):
        app.step()
    BONE.detection.emit(2, 0, 0, 0, 1, detector.state, detector.parameters, detector.events)
    app.board.edge()
    assert (app.board.cue_led.level, app.board.cue_buzzer.level) == (1, 1)
    app.board.force_ready.handler = None
    for _ in range(200):
        app.step()
    assert (app.board.cue_led.level, app.board.cue_buzzer.level) == (0, 0)


def test_a_flood_of_bytes_does_not_keep_the_samples_waiting(app: Any):
    tell(app, "IDENTIFY")
    tell(app, "START", request=1, mode="blind", options=START_UNCALIBRATED)
    app.board.console.any = lambda: True
    app.board.console.read_byte = lambda: 0x55
    blocks = app.board.console.of_type[2]
    for _ in range(200):
        app.step()
    assert app.board.console.of_type[2] - blocks >= 10
