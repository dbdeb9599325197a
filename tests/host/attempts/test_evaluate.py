"""A recording evaluated: events in units and on the recording's clock, against the twin's truth."""

from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popsense.attempts.evaluate import device_events, evaluate
from popsense.attempts.life_cycle import ENDED
from popsense.attempts.page import OUTCOMES, notes, report_page, warnings
from popsense.attempts.sensors import dead_sensors
from popsense.attempts.simulated import truth_in_trace
from popsense.attempts.summary import summary
from popsense.errors import RecordingError, TwinError, UsageError
from popsense.model import Event, FloatArray, RawTrace
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_journal, read_recording
from popsense.scoring import packaged_rubric
from popsense.twin.transport import open_sim
from popsense_protocol.packets import (
    BASIS_DEPTH,
    BASIS_FORCE,
    FLAG_DEPTH_SATURATED,
    FLAG_FORCE_SATURATED,
    FLAG_PRESSURE_SATURATED,
)
from tests.firmware.sources import constants
from tests.host.attempts.boards import address, journal_bytes, record
from tests.host.recording.wires import Attempt


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "expert.journal"
    path.write_bytes(journal_bytes())
    return path


def rewritten(
    journal: Path,
    path: Path,
    wire: bytes | None = None,
    outcome: str = "removed",
    detail: str = "",
    without: str = "",
    **header: object,
) -> Path:
    """The recording with another header (one key less), other wire bytes or another exit record."""
    whole = read_recording(journal)
    fields = {key: value for key, value in (whole.header | header).items() if key != without}
    writer = JournalWriter(path, fields)
    writer.wire(1.0, read_journal(journal).wire if wire is None else wire)
    writer.close(2.0, {"outcome": outcome, "detail": detail})
    return path


def by_kind(events: tuple[Event, ...] | list[Event], kind: str, source: str) -> Event:
    (found,) = [event for event in events if event.kind == kind and event.source == source]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("operator", ["expert", "novice", "plunger"])
def test_events_lie_where_the_twin_says(tmp_path: Path, operator: str):
    recorded, board = record(tmp_path / "a.journal", address(operator, seed=5))
    evaluation = evaluate(recorded.path)
    truth = truth_in_trace(board, evaluation)
    events = evaluation.analysis.events
    for source in ("device", "host"):
        pop = by_kind(events, "pop", source)
        assert truth["exit_start_s"] <= pop.time_s <= truth["exit_half_s"] + 0.025
    contact = by_kind(events, "contact", "host")
    assert contact.time_s == pytest.approx(truth["contact_s"], abs=0.15)
    assert by_kind(events, "withdrawal", "device").time_s > truth["removal_s"]
    deepest = evaluation.analysis.metric("deepest_protrusion_mm").value
    assert deepest == pytest.approx(truth["deepest_protrusion_mm"], abs=0.15)


def test_an_event_lies_at_its_sample(journal: Path):
    evaluation = evaluate(journal)
    times = dict(zip(evaluation.trace.sample_index.tolist(), evaluation.trace.time_s.tolist(), strict=True))
    for event in evaluation.analysis.events:
        if event.source == "device":
            assert event.time_s == pytest.approx(times[event.sample_index], abs=0.002)


class Fields(dict[str, Any]):
    """A decoded packet's fields, as hand-made ones."""

    __getattr__ = dict.__getitem__


@pytest.mark.parametrize(("basis", "by_depth"), [(BASIS_FORCE | BASIS_DEPTH, True), (BASIS_FORCE, False)])
def test_evidence_is_in_the_units_of_its_names(journal: Path, basis: int, by_depth: bool):
    evaluation = evaluate(journal)
    counts = {"peak_counts": 20_000, "level_counts": -1000, "drop_permille": 305, "advance_counts": 400}
    others = {"sample_index": 7, "ticks_us": 500, "duration_us": 1_500_000, "detector_version": 3}
    event = Fields(counts | others, kind="pop", basis=basis)
    (found,) = device_events(
        replace(evaluation.decoded, events=(event,), start_ticks_us=100), evaluation.calibration
    )
    force, depth = (evaluation.recording.header["channels"][name] for name in ("force", "depth"))
    assert found.evidence == pytest.approx(
        {
            "peak_n": 20_000 * force["units_per_count"],
            "level_n": -1000 * force["units_per_count"],
            "drop_percent": 30.5,
            "advance_mm": 400 * depth["units_per_count"],
            "duration_ms": 1500.0,
        }
    )
    assert (found.time_s, found.sample_index, found.detector_version) == (0.0004, 7, 3)
    assert found.by_depth == by_depth


def low_passed(values: FloatArray, rate_hz: float) -> FloatArray:
    """As the board does before it decides: one pole of SMOOTH_US, which lags behind a fast fall."""
    smooth_us, period_us = constants("settings.py")["SMOOTH_US"], 1e6 / rate_hz
    gain = period_us / (smooth_us + period_us / 2)
    steps = accumulate(values.tolist(), lambda level, value: level + gain * (value - level))
    return np.array([*steps])


def test_the_board_and_the_trace_agree_on_the_pop(journal: Path):
    evaluation = evaluate(journal)
    pop, trace = by_kind(evaluation.analysis.events, "pop", "device"), evaluation.trace
    here = int((trace.sample_index == pop.sample_index).argmax())
    force_n, tip_mm = (
        low_passed(values, trace.sample_rate_hz)[here] for values in (trace.force_n, trace.protrusion_mm)
    )
    assert pop.evidence["level_n"] == pytest.approx(force_n, rel=0.02)
    assert pop.evidence["advance_mm"] == pytest.approx(tip_mm, abs=0.03)
    assert pop.evidence["level_n"] < pop.evidence["peak_n"] < float(trace.force_n.max())
    fall = 100 * (1 - pop.evidence["level_n"] / pop.evidence["peak_n"])
    assert pop.evidence["drop_percent"] == pytest.approx(fall, abs=1)


def test_a_device_clock_that_wraps_in_the_attempt_changes_no_event_time(journal: Path):
    evaluation = evaluate(journal)
    late = (1 << 30) - 1_000_000
    fields = [
        replace(one, ticks_us=(one.ticks_us - evaluation.decoded.start_ticks_us + late) % (1 << 30))
        for one in evaluation.decoded.events
    ]
    moved = replace(evaluation.decoded, events=tuple(fields), start_ticks_us=late)
    times = [event.time_s for event in device_events(evaluation.decoded, evaluation.calibration)]
    assert [event.time_s for event in device_events(moved, evaluation.calibration)] == pytest.approx(times)


def test_the_truth_moves_with_the_instant_the_hand_began(journal: Path):
    evaluation = evaluate(journal)
    board = open_sim(address())
    board.close()
    board.board.origin_us = evaluation.decoded.start_ticks_us + 2_000_000
    moved = truth_in_trace(board, evaluation)
    for name, value in board.truth.as_dict().items():
        expected = value + 2 if value is not None and name.endswith("_s") else value
        assert moved[name] == (expected if expected is None else pytest.approx(expected))


def test_a_hand_that_never_began_has_no_truth(journal: Path):
    board = open_sim(address())
    board.close()
    with pytest.raises(TwinError, match="never began"):
        truth_in_trace(board, evaluate(journal))


def test_the_same_recording_gives_the_same_evaluation(journal: Path):
    assert summary(evaluate(journal)) == summary(evaluate(journal))


def test_versions_say_what_computed_it(journal: Path):
    versions = evaluate(journal).versions
    assert versions.keys() >= {"popsense", "firmware", "protocol", "detector", "analysis", "rubric"}


def test_an_unknown_site_is_refused(journal: Path, tmp_path: Path):
    with pytest.raises(RecordingError, match="unknown site 'femur'"):
        evaluate(rewritten(journal, tmp_path / "b.journal", site="femur"))


def test_a_recording_without_samples_is_refused(journal: Path, tmp_path: Path):
    with pytest.raises(RecordingError, match="holds no samples"):
        evaluate(rewritten(journal, tmp_path / "b.journal", wire=b""))


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_recording_that_was_cut_is_scored_and_says_so(journal: Path, tmp_path: Path, kept: float):
    cut = tmp_path / "cut.journal"
    cut.write_bytes(journal.read_bytes()[: int(kept * journal.stat().st_size)])
    result = summary(evaluate(cut))
    assert result["integrity"] == "cut off"
    assert result["outcome"] == "cut_off"
    assert result["critical_errors"] == []
    assert result["decision"] == "incomplete: no decision" or kept > 0.5
    assert 0 < result["samples"] < summary(evaluate(journal))["samples"]


@pytest.mark.parametrize("outcome", ["link_lost", "failed", "refused", "removed"])
def test_a_recording_that_the_trainee_did_not_end_is_cut_off(journal: Path, tmp_path: Path, outcome: str):
    wire = read_journal(journal).wire
    half = rewritten(journal, tmp_path / "half.journal", wire=wire[: len(wire) // 2], outcome=outcome)
    assert evaluate(half).trace.cut_off
    whole = rewritten(journal, tmp_path / "whole.journal", outcome=outcome)
    assert evaluate(whole).trace.cut_off == (outcome != "removed")


@pytest.mark.parametrize("samples", [1, 2, 19, 20])
def test_a_recording_of_one_block_is_evaluated_and_drawn(journal: Path, tmp_path: Path, samples: int):
    wire = Attempt(samples).wire(stopped=False)
    evaluation = evaluate(rewritten(journal, tmp_path / "b.journal", wire=wire))
    assert evaluation.trace.time_s.size == samples
    assert evaluation.score.decision == "incomplete: no decision"
    assert "Incomplete: no decision" in report_page(evaluation)


# ---- sensors -------------------------------------------------------------------------------------------


def unfitted(journal: Path, sensor: str) -> dict[str, Any]:
    channels = read_recording(journal).header["channels"]
    return channels | {sensor: channels[sensor] | {"fitted": False}}


@pytest.mark.parametrize("sensor", ["force", "depth", "pressure"])
def test_a_sensor_that_is_not_fitted_fails_nobody(journal: Path, tmp_path: Path, sensor: str):
    path = rewritten(journal, tmp_path / "b.journal", channels=unfitted(journal, sensor))
    evaluation = evaluate(path)
    assert evaluation.trace.faults == {sensor: f"the {sensor} sensor is not fitted"}
    assert evaluation.score.decision == "incomplete: no decision"
    assert evaluation.score.critical_errors == ()
    assert f"The {sensor} sensor is not fitted" in report_page(evaluation)


def with_flags(raw: RawTrace, flag: int, share: float) -> RawTrace:
    flags = raw.flags.copy()
    flags[: int(share * flags.size)] |= flag
    return replace(raw, flags=flags)


@pytest.mark.parametrize(
    ("flag", "sensor"),
    [(FLAG_FORCE_SATURATED, "force"), (FLAG_DEPTH_SATURATED, "depth"), (FLAG_PRESSURE_SATURATED, "pressure")],
)
def test_a_sensor_that_is_out_of_range_most_of_the_time_is_dead(journal: Path, flag: int, sensor: str):
    evaluation = evaluate(journal)
    channels, raw = evaluation.recording.header["channels"], evaluation.decoded.raw
    assert dead_sensors(channels, with_flags(raw, flag, 0.4)) == {}
    found = dead_sensors(channels, with_flags(raw, flag, 0.6))
    assert found == {sensor: f"the {sensor} sensor was out of range in most samples"}


# ---- rubric and recording ------------------------------------------------------------------------------


def test_a_rubric_of_another_site_is_refused(journal: Path):
    rubric = packaged_rubric("adult-proximal-tibia").model_copy(update={"site": "adult-humerus"})
    with pytest.raises(UsageError, match=r"adult-humerus.*adult-proximal-tibia") as caught:
        evaluate(journal, rubric)
    assert caught.value.remedy


def test_a_rubric_for_another_device_is_refused(journal: Path, tmp_path: Path):
    path = rewritten(journal, tmp_path / "b.journal", device="spring-loaded")
    with pytest.raises(UsageError, match=r"manual, powered.*spring-loaded"):
        evaluate(path)


def test_a_recording_that_does_not_tell_its_device_is_refused(journal: Path, tmp_path: Path):
    with pytest.raises(RecordingError, match="does not tell its device"):
        evaluate(rewritten(journal, tmp_path / "b.journal", without="device"))


# ---- what is told --------------------------------------------------------------------------------------


def test_damaged_frames_and_the_reason_of_the_end_are_told(journal: Path, tmp_path: Path):
    wire = bytearray(read_journal(journal).wire)
    wire[30_000:30_400] = bytes(400)
    why = {"outcome": "failed", "detail": "No space left on device"}
    evaluation = evaluate(rewritten(journal, tmp_path / "b.journal", wire=bytes(wire), **why))
    result = summary(evaluation)
    assert result["bad_frames"] == evaluation.decoded.bad_frames > 0
    assert result["outcome_detail"] == "No space left on device"
    told = " ".join(notes(evaluation))
    assert f"{evaluation.decoded.bad_frames} frames were damaged on the wire" in told
    assert "No space left on device" in told


def test_errors_that_could_not_be_seen_are_told(journal: Path, tmp_path: Path):
    wire = read_journal(journal).wire
    evaluation = evaluate(rewritten(journal, tmp_path / "b.journal", wire=wire[: len(wire) // 2]))
    assert evaluation.score.not_ruled_out
    assert f"unseen: {', '.join(evaluation.score.not_ruled_out)}." in notes(evaluation)[-1]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("cancelled", "The attempt ended by the user."), ("cut_off", "The recording was cut off.")],
)
def test_an_attempt_that_is_not_all_there_says_so_at_the_top(
    journal: Path, tmp_path: Path, outcome: str, words: str
):
    wire = read_journal(journal).wire
    evaluation = evaluate(
        rewritten(journal, tmp_path / "b.journal", wire=wire[: len(wire) // 2], outcome=outcome)
    )
    assert warnings(evaluation) == [f"{words} What follows rests on the part that was recorded."]
    assert report_page(evaluation).index(words) < report_page(evaluation).index('class="facts"')


def test_a_sound_recording_has_no_warnings(journal: Path):
    evaluation = evaluate(journal)
    assert len(notes(evaluation)) == 3
    assert warnings(evaluation) == []
    result = summary(evaluation)
    assert (result["bad_frames"], result["outcome_detail"], result["not_ruled_out"]) == (0, "", [])
    assert (result["sensor_faults"], result["tare_doubtful"]) == ({}, False)


def test_every_end_of_an_attempt_has_its_words():
    assert OUTCOMES.keys() == (ENDED | {"removed"}) - {"scored"}


def test_a_damaged_stretch_is_a_hole_of_that_many_samples(journal: Path, tmp_path: Path):
    wire = bytearray(read_journal(journal).wire)
    wire[30_000:34_000] = bytes(4000)
    evaluation = evaluate(rewritten(journal, tmp_path / "b.journal", wire=bytes(wire)))
    whole = evaluate(journal)
    assert evaluation.decoded.integrity == "holes"
    kept = evaluation.decoded.raw.sample_index.size
    assert kept + evaluation.decoded.lost_samples == whole.decoded.raw.sample_index.size
    assert kept < whole.decoded.raw.sample_index.size


def test_damage_inside_the_file_is_told(journal: Path, tmp_path: Path):
    data = bytearray(journal.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4] = bytes(255 - byte for byte in data[middle : middle + 4])
    hurt = tmp_path / "hurt.journal"
    hurt.write_bytes(data)
    evaluation = evaluate(hurt)
    assert evaluation.decoded.integrity == "holes"
    assert any("inside the file are damaged" in note for note in notes(evaluation))
