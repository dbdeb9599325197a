"""A score goes by the board's calibration of that day, or says why it is uncalibrated."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popsense.attempts.evaluate import Evaluation, evaluate
from popsense.attempts.page import report_page
from popsense.attempts.record import Listeners, record_attempt
from popsense.attempts.summary import summary
from popsense.calibration.record import SENSORS, CalibrationRecord, Point
from popsense.errors import CommandRefused, RecordingError
from popsense.link.calibration import write_calibration
from popsense.link.session import Session
from popsense.model import SensorName
from popsense.recording.closing import close_recording
from popsense.recording.journal import journal_path
from popsense.recording.reader import read_recording
from popsense.recording.replay import open_replay
from popsense.reports.decision import decision_text
from popsense.twin.transport import open_sim
from tests.conftest import Require
from tests.host.attempts.boards import PLAN, SETTINGS, address
from tests.host.calibration.records import DAY, made
from tests.host.recording.journals import HEADER, write_journal
from tests.host.recording.wires import Attempt

TODAY = datetime.now(UTC).date()
# The nominal scales, and a force that is a tenth larger.
AS_BUILT: dict[SensorName, tuple[Point, ...]] = {
    "force": (Point(0, 0), Point(4_294_967, 1_100_000)),
    "depth": (Point(1_638, 0), Point(14_742, 30_000)),
    "pressure": (Point(1_638, -50_000), Point(14_742, 100_000)),
}
CALIBRATED = replace(PLAN, uncalibrated=False)


def records(**changed: Any) -> dict[SensorName, CalibrationRecord]:
    return {name: made(name, points=AS_BUILT[name], **{"day": TODAY, **changed}) for name in SENSORS}


def evaluated(
    path: Path, stored: Mapping[str, Any] | None, calibration_id: int = 9, **more: Any
) -> Evaluation:
    """A made recording with these records in its header; None: it is of before boards had any."""
    board = {**HEADER["board"], "interpreter": "made"}
    header = {**HEADER, "calibration_id": calibration_id, "board": board, **more}
    if stored is not None:
        header["calibration"] = stored
    return evaluate(write_journal(path / "made.journal", [Attempt(2_000).wire()], header=header))


def as_json(found: Mapping[SensorName, CalibrationRecord | None]) -> dict[str, Any]:
    return {name: record.to_json() if record else None for name, record in found.items()}


def on_the_twin(folder: Path, found: Mapping[SensorName, CalibrationRecord], told: list[str]) -> Path:
    """One expert's attempt on a board that holds these records; Parquet."""
    with closing(open_sim(address())) as board:
        session = Session(board)
        session.connect()
        for name, record in found.items():
            write_calibration(session, name, record)
        listeners = Listeners(calibration=told.append)
        recorded = record_attempt(board, CALIBRATED, folder / "a.journal", SETTINGS, listeners)
    return close_recording(recorded.path)


def test_an_attempt_on_a_calibrated_board_goes_by_its_records(tmp_path: Path, require: Require):
    require("micropython")
    told: list[str] = []
    evaluation = evaluate(on_the_twin(tmp_path, records(), told))
    assert told == [""]
    assert evaluation.trace.calibrated
    assert evaluation.calibration.label.startswith("calibration ")
    assert "sensors calibrated" in report_page(evaluation)
    pops = {event.source: event for event in evaluation.analysis.events if event.kind == "pop"}
    peaks_n = [pops[source].evidence["peak_n"] for source in ("device", "host")]
    assert peaks_n[0] == pytest.approx(peaks_n[1], rel=0.1)
    raw = evaluation.decoded.raw.force_counts
    by_build = evaluation.recording.header["channels"]["force"]["units_per_count"]
    nominal_n = (raw.max() - np.median(raw[:64])) * by_build
    assert evaluation.trace.force_n.max() == pytest.approx(1.1 * nominal_n, rel=0.01)


@pytest.mark.slow
def test_played_again_it_has_the_same_score_and_calibration(tmp_path: Path, require: Require):
    require("micropython")
    path = on_the_twin(tmp_path, records(), [])
    with closing(open_replay(f"replay://{path}?speed=max")) as board:
        again = record_attempt(board, CALIBRATED, journal_path(tmp_path / "again"), SETTINGS)
    first, second = evaluate(path), evaluate(again.path)
    assert second.recording.header["calibration"] == first.recording.header["calibration"]
    assert second.trace.calibrated
    assert second.score == first.score


def test_a_partly_calibrated_board_has_to_be_asked_twice(tmp_path: Path, require: Require):
    require("micropython")
    told: list[str] = []
    with pytest.raises(CommandRefused, match=r"no calibration of depth and pressure$") as caught:
        on_the_twin(tmp_path, {"force": records()["force"]}, told)
    assert caught.value.reason == "no_calibration"
    assert "popsense calibrate depth, pressure)" in caught.value.remedy
    assert told == []


@pytest.mark.slow
def test_an_expired_calibration_warns_and_goes_on(tmp_path: Path, require: Require):
    require("micropython")
    told: list[str] = []
    old = records() | {"force": made(points=AS_BUILT["force"], valid_days=1)}
    evaluation = evaluate(on_the_twin(tmp_path, old, told))
    assert told == ["calibration of force expired since 2026-03-03"]
    assert not evaluation.trace.calibrated
    assert summary(evaluation)["uncalibrated_because"] == told[0]


# ---- from the header alone ---------------------------------------------------------------------------------

OF_THAT_DAY = {name: made(name) for name in SENSORS}
KEPT = as_json(OF_THAT_DAY)


@pytest.mark.parametrize(
    ("created", "because"),
    [
        ("2026-03-01T00:00:00+00:00", ""),
        ("2027-03-01T23:59:59+00:00", ""),
        ("2027-03-02T00:00:00+00:00", "calibration of force expired since 2027-03-02"),
        ("2027-03-02T01:00:00+02:00", ""),  # in London it is the day before
    ],
)
def test_the_day_of_the_attempt_decides_not_that_of_the_scoring(tmp_path: Path, created: str, because: str):
    found = {name: made(name, valid_days=9999) for name in SENSORS} | {"force": made("force")}
    evaluation = evaluated(tmp_path, as_json(found), created=created)
    assert (evaluation.trace.calibrated, evaluation.trace.uncalibrated_because) == (not because, because)


def test_missing_calibrations_are_named_everywhere(tmp_path: Path):
    found = {"force": made(), "depth": None, "pressure": None}
    evaluation = evaluated(tmp_path, as_json(found), 0, created=f"{DAY}T10:00:00+00:00")
    because = "no calibration of depth and pressure"
    plain = summary(evaluation)
    assert (plain["calibrated"], plain["uncalibrated_because"]) == (False, because)
    assert plain["calibrations"] == {
        "force": "calibrated until 2027-03-01",
        "depth": "missing",
        "pressure": "missing",
    }
    words = decision_text(evaluation.score, evaluation.analysis, evaluation.trace)
    assert words.endswith(f"; sensors uncalibrated: {because}")
    page = report_page(evaluation)
    assert page.count(f"sensors uncalibrated: {because}") == 2
    assert f"Sensors: uncalibrated ({because})." in page


def test_a_sensor_with_a_record_is_converted_by_it_although_others_have_none(tmp_path: Path):
    found = {"force": made(points=(Point(0, 0), Point(1000, 5_000))), "depth": None, "pressure": None}
    evaluation = evaluated(tmp_path, as_json(found), 0)
    raw = evaluation.decoded.raw.force_counts
    assert evaluation.calibration.force.convert(raw)[7] == pytest.approx(raw[7] * 0.005)


def test_a_recording_from_before_boards_had_calibrations_is_nominal(tmp_path: Path):
    evaluation = evaluated(tmp_path, None, 0)
    assert evaluation.calibration.label == "uncalibrated (nominal scales)"
    assert (evaluation.trace.calibrated, evaluation.trace.uncalibrated_because) == (False, "nominal scales")
    words = decision_text(evaluation.score, evaluation.analysis, evaluation.trace)
    assert words.endswith("; sensors uncalibrated: nominal scales")
    assert summary(evaluation)["calibrations"] == {}


def test_records_without_an_id_say_why_they_do_not_count(tmp_path: Path):
    evaluation = evaluated(tmp_path, KEPT, 0)
    assert not evaluation.trace.calibrated
    assert evaluation.trace.uncalibrated_because == "the board told no calibration"


def test_a_calibration_dated_after_the_attempt_is_in_doubt(tmp_path: Path):
    ahead = OF_THAT_DAY | {"force": made("force", day=date(2036, 1, 1))}
    evaluation = evaluated(tmp_path, as_json(ahead), created=f"{DAY}T10:00:00+00:00")
    assert not evaluation.trace.calibrated
    assert evaluation.calibration.doubt == (
        "calibration of force dated 2036-01-01, after the attempt: check the computer's clock"
    )


def test_an_id_without_records_calibrates_nothing(tmp_path: Path):
    evaluation = evaluated(tmp_path, None, 9)
    assert not evaluation.trace.calibrated
    assert "does not hold the records" in evaluation.trace.uncalibrated_because


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"force": 5},
        [],
        KEPT | {"force": {"id": 1}},
        KEPT | {"depth": "x"},
    ],
)
def test_a_calibration_that_cannot_be_read_is_refused(tmp_path: Path, stored: Any):
    with pytest.raises(RecordingError, match="calibration that cannot be read") as caught:
        evaluated(tmp_path, stored)
    assert caught.value.remedy


def test_parquet_keeps_the_records(tmp_path: Path):
    header = {**HEADER, "calibration_id": 9, "calibration": as_json(OF_THAT_DAY)}
    path = close_recording(write_journal(tmp_path / "a.journal", [Attempt(100).wire()], header=header))
    assert read_recording(path).header["calibration"] == as_json(OF_THAT_DAY)
