"""One sensor's record: to the board and back, into a header and back, and how long it may be relied on."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.calibration.record import (
    SENSORS,
    CalibrationRecord,
    Point,
    empty_fields,
    record_of_fields,
    record_of_json,
    state_text,
    why_uncalibrated,
    word_for,
)
from popsense_protocol.codec import decode, encode
from tests.host.calibration.records import DAY, made, tables

ALL = dict.fromkeys(SENSORS, True)
records = st.builds(
    CalibrationRecord,
    sensor=st.sampled_from(SENSORS),
    id=st.integers(1, 2**32 - 1),
    day=st.dates(date(1970, 1, 1), date(9999, 12, 31)),
    valid_days=st.integers(0, 2**32 - 1),
    residual=st.integers(0, 2**32 - 1).map(lambda micro: micro / 1e6),
    points=tables(),
)


def sent(record: dict[str, Any]) -> Any:
    return decode(encode("CALIBRATION", sensor="depth", request=1, record=record)).fields.record


@given(records)
@settings(max_examples=30)
def test_a_record_comes_back_from_the_wire_as_it_was(record: CalibrationRecord):
    assert record_of_fields(record.sensor, sent(record.to_fields())) == record


@given(records)
@settings(max_examples=30)
def test_a_record_comes_back_from_a_header_as_it_was(record: CalibrationRecord):
    assert record_of_json(record.sensor, json.loads(json.dumps(record.to_json()))) == record


def test_a_sensor_without_a_record_has_none():
    assert record_of_fields("depth", sent(empty_fields())) is None
    assert record_of_json("depth", None) is None


@pytest.mark.parametrize(
    "changed", [{"count": 1}, {"count": 17}, {"id": 0}, {"counts": [5] * 16}, {"milliunits": [9, 1] * 8}]
)
def test_what_no_board_of_ours_keeps_is_no_record(changed: dict[str, Any]):
    assert record_of_fields("force", sent(made().to_fields() | changed)) is None


@pytest.mark.parametrize("day", [0, 2**32 - 1])
def test_a_day_that_no_calendar_holds_is_the_last_of_all(day: int):
    found = record_of_fields("force", sent(made().to_fields() | {"day": day}))
    assert found is not None
    assert found.day in (date(1970, 1, 1), date.max)


@pytest.mark.parametrize("without", ["id", "day", "valid_days", "residual", "counts", "milliunits"])
def test_a_header_that_lacks_something_is_refused(without: str):
    stored = {name: value for name, value in made().to_json().items() if name != without}
    with pytest.raises(KeyError):
        record_of_json("force", stored)


def test_it_holds_on_its_last_day_and_not_on_the_next():
    record = made()
    assert record.last_day == date(2027, 3, 1)
    assert word_for(record, date(2027, 3, 1)) == "calibrated"
    assert word_for(record, date(2027, 3, 2)) == "expired"
    assert state_text(record, DAY) == "calibrated until 2027-03-01"
    assert state_text(record, DAY + timedelta(days=1000)) == "expired since 2027-03-02"
    assert state_text(None, DAY) == "missing"


def test_the_reason_names_what_is_missing_and_what_has_expired():
    old = made(valid_days=1)
    found = {"force": old, "depth": None, "pressure": None}
    assert why_uncalibrated(found, ALL, DAY + timedelta(days=5)) == (
        "no calibration of depth and pressure; calibration of force expired since 2026-03-03"
    )
    assert why_uncalibrated(dict.fromkeys(SENSORS), ALL, DAY) == (
        "no calibration of force, depth and pressure"
    )
    assert why_uncalibrated({name: made(name) for name in SENSORS}, ALL, DAY) == ""


def test_what_was_made_after_the_attempt_is_in_doubt():
    ahead = made(day=date(2036, 1, 1))
    found = {"force": ahead, "depth": made("depth"), "pressure": made("pressure")}
    assert why_uncalibrated(found, ALL, DAY) == (
        "calibration of force dated 2036-01-01, after the attempt: check the computer's clock"
    )
    assert word_for(ahead, DAY) == "dated ahead"
    assert state_text(ahead, DAY) == "dated 2036-01-01, after 2026-03-01: check the computer's clock"


@pytest.mark.parametrize(("days", "word"), [(0, "calibrated"), (1, "calibrated"), (2, "dated ahead")])
def test_clocks_may_be_a_day_apart(days: int, word: str):
    assert word_for(made(day=DAY + timedelta(days=days)), DAY) == word


def test_two_points_tell_no_residual():
    assert made("pressure", residual=0.0).residual_text == "not known (2 points)"
    assert made("pressure", residual=0.5).residual_text == "0.5000 kPa"  # half of the hysteresis
    assert made(residual=0.0).residual_text == "0.0000 N"


def test_a_sensor_that_is_not_fitted_needs_no_calibration():
    found = {"force": made(), "depth": None, "pressure": None}
    assert why_uncalibrated(found, {"force": True, "depth": False, "pressure": False}, DAY) == ""


def test_points_are_what_the_reference_is_in_thousandths():
    assert made(points=(Point(0, 0), Point(10, 9_807))).to_fields()["milliunits"][:3] == [0, 9_807, 0]
