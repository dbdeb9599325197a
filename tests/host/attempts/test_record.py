"""One attempt through the real firmware: how it ends, and that what came is kept whatever happens."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from popsense.attempts.evaluate import evaluate
from popsense.attempts.page import notes
from popsense.attempts.record import Listeners, record_attempt
from popsense.attempts.simulated import DEMO_OPERATORS
from popsense.errors import CommandRefused, LinkLost, RecordingError, TwinError
from popsense.link.session import Session
from popsense.recording.reader import read_journal, read_recording
from popsense.settings import Settings
from popsense.twin.transport import SimTransport, parse_address
from popsense_protocol.codec import TYPE_OF_NAME, decode
from popsense_protocol.framing import FrameDecoder, encode_frame
from tests.host.attempts.boards import PLAN, SETTINGS, Spoiled, address, raiser, record, spoiled

MIDDLE = 30  # reads of 0.1 s: in the cortex


def outcome(path: Path) -> str:
    recording = read_recording(path)
    assert recording.truncated_bytes == 0
    assert recording.outcome is not None
    return recording.outcome["outcome"]


def stop_ack_count(path: Path) -> int:
    """Samples by the board's own count: next_sample of the last ACK in the recording."""
    payloads = [p for p in FrameDecoder().feed(read_journal(path).wire) if p[0] == TYPE_OF_NAME["ACK"]]
    return decode(payloads[-1]).fields.next_sample


@pytest.mark.slow
@pytest.mark.parametrize("device", ["powered", "manual"])
@pytest.mark.parametrize("operator", DEMO_OPERATORS)
def test_every_operator_is_recorded_to_an_end(tmp_path: Path, operator: str, device: str):
    recorded, _ = record(tmp_path / "a.journal", address(operator, device))
    evaluation = evaluate(recorded.path)
    assert outcome(recorded.path) == ("timed_out" if operator == "early_stopper" else "removed")
    assert recorded.outcome == outcome(recorded.path)
    assert evaluation.decoded.integrity == "complete"
    assert evaluation.decoded.raw.sample_index.size == stop_ack_count(recorded.path) > 5000
    assert evaluation.decoded.raw.missed_conversions == 0


def test_states_are_told_as_they_come(tmp_path: Path):
    told: list[str] = []
    with spoiled() as board:
        record_attempt(board, PLAN, tmp_path / "a.journal", SETTINGS, Listeners(state=told.append))
    assert told == ["armed", "running", "confirming", "removed"]


def test_the_journal_holds_every_byte_since_the_start(tmp_path: Path):
    with spoiled() as board:
        recorded = record_attempt(board, PLAN, tmp_path / "a.journal", SETTINGS)
        wire = read_journal(recorded.path).wire
    assert len(wire) > 70_000
    assert bytes(board.received).endswith(wire)


def test_the_header_is_enough_to_read_it_without_the_board(tmp_path: Path):
    header = read_recording(record(tmp_path / "a.journal")[0].path).header
    assert {"site", "mode", "device", "operator", "created", "calibration_id"} <= header.keys()
    assert header["channels"].keys() == {"force", "depth", "pressure"}
    assert {channel["unit"] for channel in header["channels"].values()} == {
        "newton", "millimetre", "kilopascal",
    }  # fmt: skip
    assert header["versions"].keys() >= {"popsense", "firmware", "protocol", "detector"}
    assert header["board"]["sample_rate_hz"] == pytest.approx(988, rel=0.025)


# ---- time-outs ----------------------------------------------------------------------------------------


def test_nobody_touches_the_bone(tmp_path: Path):
    with spoiled(operator_begins=False) as board:
        recorded = record_attempt(board, PLAN, tmp_path / "a.journal", Settings(contact_timeout_s=1.5))
        assert board.now() < 5
    assert recorded.outcome == outcome(recorded.path) == "timed_out"
    evaluation = evaluate(recorded.path)
    assert evaluation.decoded.integrity == "complete"
    assert evaluation.analysis.metric("contact_found").value == 0
    assert evaluation.score.passed is not True


def test_whatever_happens_the_attempt_ends(tmp_path: Path):
    with spoiled(operator="early_stopper") as board:
        settings = Settings(attempt_timeout_s=3.0, release_timeout_s=100.0)
        recorded = record_attempt(board, PLAN, tmp_path / "a.journal", settings)
        assert board.now() < 6
    assert recorded.outcome == "timed_out"


def test_one_who_lets_go_is_waited_for_as_long_as_the_settings_say(tmp_path: Path):
    ends = []
    for number, wait_s in enumerate((1.0, 3.0)):
        with spoiled(operator="early_stopper") as board:
            settings = Settings(release_timeout_s=wait_s)
            record_attempt(board, PLAN, tmp_path / f"{number}.journal", settings)
            ends.append(board.now())
    assert ends[1] - ends[0] == pytest.approx(2.0, abs=0.3)


def test_what_follows_the_removal_is_recorded_as_long_as_the_settings_say(tmp_path: Path):
    ends = []
    for number, settle_s in enumerate((0.0, 2.0)):
        with spoiled() as board:
            record_attempt(board, PLAN, tmp_path / f"{number}.journal", Settings(settle_s=settle_s))
            ends.append(board.now())
    assert ends[1] - ends[0] == pytest.approx(2.0, abs=0.21)


# ---- ends in the middle --------------------------------------------------------------------------------


def test_ctrl_c_is_an_exit_of_its_own(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled(raiser(KeyboardInterrupt()), at=MIDDLE) as board:
        recorded = record_attempt(board, PLAN, path, SETTINGS)
        assert is_stopped(board)
    assert recorded.outcome == outcome(path) == "cancelled"
    assert evaluate(path).decoded.integrity == "complete"
    assert "The attempt ended by the user." in notes(evaluate(path))


def is_stopped(board: Spoiled) -> bool:
    """The board refuses a second STOP: it does not sample any more."""
    session = Session(board)
    session._request = 100
    try:
        session.stop()
    except CommandRefused as refusal:
        return "not sampling" in str(refusal)
    return False


def test_ctrl_c_while_the_link_is_gone_as_well(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled() as board:

        def both() -> None:
            board.close()
            raise KeyboardInterrupt

        board._act, board._at = both, MIDDLE
        assert record_attempt(board, PLAN, path, SETTINGS).outcome == "cancelled"
    detail = (read_recording(path).outcome or {})["detail"]
    assert "ended by the user" in detail
    assert "switched off" in detail


def test_ctrl_c_while_waiting_for_the_wall_clock_costs_no_sample(tmp_path: Path):
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 60:
            raise KeyboardInterrupt

    path = tmp_path / "a.journal"
    with closing(SimTransport(parse_address(address(more="&pace=real")), sleep=sleep)) as board:
        assert record_attempt(board, PLAN, path, SETTINGS).outcome == "cancelled"
    decoded = evaluate(path).decoded
    assert decoded.lost_samples == 0
    assert decoded.integrity == "complete"


def test_a_lost_link_keeps_what_came(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled(raiser(LinkLost("the cable is out")), at=MIDDLE) as board:
        recorded = record_attempt(board, PLAN, path, SETTINGS)
    assert recorded.outcome == outcome(path) == "link_lost"
    assert (read_recording(path).outcome or {})["detail"].startswith("the cable is out; it did not come back")
    evaluation = evaluate(path)
    assert evaluation.decoded.integrity == "cut off"
    assert 1000 < evaluation.decoded.raw.sample_index.size < 4000
    assert any("link to the board was lost" in note for note in notes(evaluation))


def test_a_lost_link_after_the_removal_is_a_removal(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled() as board:

        def told(state: str) -> None:
            if state == "removed":
                board._act, board._at = raiser(LinkLost("too late")), board.reads + 1

        assert record_attempt(board, PLAN, path, SETTINGS, Listeners(state=told)).outcome == "removed"
    assert evaluate(path).decoded.integrity == "cut off"


def test_ctrl_c_after_the_removal_is_a_removal_and_is_not_forgotten(tmp_path: Path):
    """Who records many attempts in a row would otherwise go on."""
    with spoiled() as board:

        def told(state: str) -> None:
            if state == "removed":
                board._act, board._at = raiser(KeyboardInterrupt()), board.reads + 1

        recorded = record_attempt(board, PLAN, tmp_path / "a.journal", SETTINGS, Listeners(state=told))
    assert (recorded.outcome, recorded.interrupted) == ("removed", True)


def test_ctrl_c_before_the_board_samples_leaves_no_file(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled() as board:
        write = board.write

        def interrupted(data: bytes) -> None:
            if path.exists():
                board.write = write
                raise KeyboardInterrupt
            write(data)

        board.write = interrupted
        with pytest.raises(KeyboardInterrupt):
            record_attempt(board, PLAN, path, SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_whatever_breaks_an_attempt_is_an_end_of_it(tmp_path: Path):
    def told(state: str) -> None:
        if state == "running":
            raise BrokenPipeError  # the one who was told is gone

    path = tmp_path / "a.journal"
    with spoiled() as board, pytest.raises(BrokenPipeError):
        record_attempt(board, PLAN, path, SETTINGS, Listeners(state=told))
    assert outcome(path) == "failed"


def test_no_answer_to_start_is_a_lost_link_and_leaves_no_file(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled() as board:
        write = board.write

        def cut(data: bytes) -> None:
            if path.exists():
                raise LinkLost("the cable is out")
            write(data)

        board.write = cut
        with pytest.raises(LinkLost, match="the cable is out"):
            record_attempt(board, PLAN, path, SETTINGS)
    assert not path.exists()  # nothing began: the name is free for the next try


@pytest.mark.parametrize(
    "error", [TwinError("the firmware crashed"), CommandRefused("the sensor does not answer")], ids=repr
)
def test_a_broken_board_closes_the_journal_with_the_reason(tmp_path: Path, error: Exception):
    path = tmp_path / "a.journal"
    with spoiled(raiser(error), at=MIDDLE) as board, pytest.raises(type(error)):
        record_attempt(board, PLAN, path, SETTINGS)
    assert outcome(path) == "failed"
    assert (read_recording(path).outcome or {})["detail"] == str(error)
    assert evaluate(path).decoded.raw.sample_index.size > 1000


def test_a_killed_board_closes_the_journal_too(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled() as board:
        board._act, board._at = board.board.board._child._process.kill, MIDDLE
        with pytest.raises(TwinError, match="the simulated board stopped"):
            record_attempt(board, PLAN, path, SETTINGS)
    assert outcome(path) == "failed"


def test_a_refused_start_leaves_the_name_free(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled() as board:
        write = board.write
        board.write = lambda data: write(_with_an_unknown_mode(data))
        with pytest.raises(CommandRefused, match="could not read"):
            record_attempt(board, PLAN, path, SETTINGS)
    assert not path.exists()


def _with_an_unknown_mode(frame: bytes) -> bytes:
    (payload,) = FrameDecoder().feed(frame)
    return encode_frame(payload[:1] + b"\x07" + payload[2:]) if payload[0] == TYPE_OF_NAME["START"] else frame


def test_a_board_that_samples_for_a_dead_program_is_taken_over(tmp_path: Path):
    with spoiled() as board:
        dead = Session(board)
        dead.connect()
        dead.start("guided", uncalibrated=True)
        list(dead.receive(0.5))
        recorded = record_attempt(board, PLAN, tmp_path / "a.journal", SETTINGS)
    evaluation = evaluate(recorded.path)
    assert (recorded.outcome, evaluation.decoded.integrity) == ("removed", "complete")
    assert evaluation.decoded.raw.sample_index[0] == 0


def test_a_journal_is_never_overwritten(tmp_path: Path):
    path = tmp_path / "a.journal"
    path.write_text("dear", encoding="utf-8")
    with spoiled() as board, pytest.raises(RecordingError, match="was left by a crash"):
        record_attempt(board, PLAN, path, SETTINGS)
    assert path.read_text(encoding="utf-8") == "dear"


def test_the_outcome_is_plain_json(tmp_path: Path):
    recording = read_recording(record(tmp_path / "a.journal")[0].path)
    said = json.loads(json.dumps(recording.outcome))
    assert said == {"outcome": "removed", "detail": "", "clock": said["clock"]}
    assert said["clock"].keys() == {"offset_s", "drift_ppm", "residual_us", "bound_us", "trips", "steps"}


def test_what_the_user_cut_short_is_no_omission_of_the_trainee(tmp_path: Path):
    path = tmp_path / "a.journal"
    with spoiled(raiser(KeyboardInterrupt()), at=MIDDLE) as board:
        record_attempt(board, PLAN, path, SETTINGS)
    score = evaluate(path).score
    assert (score.passed, score.decision, score.critical_errors) == (None, "incomplete: no decision", ())
