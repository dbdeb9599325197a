"""A recording played as a board tells the calibration it was made with, and takes no other."""

from typing import Any

import pytest

from popsense.calibration.record import SENSORS, record_of_fields
from popsense.errors import RecordingError
from popsense_protocol.codec import TYPE_OF_NAME, encode
from tests.host.calibration.records import made
from tests.host.link.client import Client
from tests.host.recording.replays import recording_of, transport_of
from tests.host.recording.wires import Attempt

RECORDS = {name: made(name) for name in SENSORS}
STORED = {name: record.to_json() for name, record in RECORDS.items()}


def client(**header: Any) -> Client:
    found = Client(transport_of(recording_of(Attempt(40).wire(), **header)))
    found.connect()
    return found


def told(board: Client, sensor: str) -> Any:
    answer = board.ask("READ_CALIBRATION", sensor=sensor)
    assert answer.name == "ACK"
    (packet,) = [packet for packet in board.packets if packet.name == "CALIBRATION"][-1:]
    assert (packet.fields.sensor, packet.fields.request) == (sensor, answer.fields.request)
    return packet.fields.record


@pytest.mark.parametrize("sensor", SENSORS)
def test_each_sensors_record_is_that_of_the_header(sensor: Any):
    record = told(client(calibration_id=9, calibration=STORED), sensor)
    assert record_of_fields(sensor, record) == RECORDS[sensor]


@pytest.mark.parametrize("header", [{}, {"calibration": None}, {"calibration": dict.fromkeys(SENSORS)}])
def test_a_recording_without_a_record_answers_an_empty_one(header: dict[str, Any]):
    record = told(client(**header), "force")
    assert (record.count, record.id, list(record.counts)) == (0, 0, [0] * 16)


def test_it_may_be_asked_for_while_it_samples():
    board = client(calibration_id=9, calibration=STORED)
    board.start()
    assert record_of_fields("depth", told(board, "depth")) == RECORDS["depth"]


@pytest.mark.parametrize("name", ["WRITE_CALIBRATION", "TARE", "READ_HEALTH", "EXIT"])
def test_what_would_change_or_test_a_board_is_unknown(name: str):
    fields: dict[str, Any] = {
        "WRITE_CALIBRATION": {"sensor": "force", "record": made().to_fields()},
        "READ_HEALTH": {"options": 0},
    }.get(name, {})
    board = client()
    board.say(encode(name, request=5, **fields))
    assert board.answer(TYPE_OF_NAME[name], 0).fields.reason == "unknown_command"


@pytest.mark.parametrize("stored", [{"force": 5}, {"force": {"id": 1}}, "x"])
def test_a_header_with_a_calibration_that_cannot_be_read_is_refused(stored: Any):
    with pytest.raises(RecordingError, match="calibration that cannot be read") as caught:
        client(calibration=stored)
    assert caught.value.remedy
