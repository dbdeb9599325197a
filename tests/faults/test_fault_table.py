"""The fault table: each defect gives its code and a sentence for the user, and nothing kept before is lost.

Through the real firmware on the simulated board, the real session and a real recording.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from popsense.attempts.evaluate import Evaluation, evaluate
from popsense.attempts.page import notes
from popsense.attempts.record import record_attempt
from popsense.link.fault_wording import FAULTS, present_faults
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.recording.reader import read_recording
from popsense.twin.board import usb
from popsense.twin.defects import POWER_ON, Defect, Restart
from popsense.twin.script import SensorScript
from popsense.twin.sim_board import SimBoard
from popsense.twin.transport import SimTransport, open_sim, parse_address
from popsense_protocol.codec import Packet, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.packets import START_UNCALIBRATED
from tests.host.attempts.boards import PLAN, SETTINGS, Spoiled, address

pytestmark = pytest.mark.slow
BREAKS = 1500  # sample of the script: the needle is in the cortex
MIDDLE = 30  # reads of 0.1 s
DEAF = usb.FLAG_DTR
LISTENING = usb.FLAG_DTR | usb.FLAG_READING


@cache
def script() -> SensorScript:
    """Of the attempt that every row spoils."""
    with closing(open_sim(address())) as board:
        return board.script


def recorded(
    path: Path,
    defects: Sequence[Defect] = (),
    script_used: SensorScript | None = None,
    spoil: Callable[[SimTransport], None] | None = None,
    start: Restart = POWER_ON,
) -> Evaluation:
    """The attempt with these defects; spoil: done in the middle of it, from the host's side."""
    sim = SimTransport(parse_address(address()), script_used or script(), defects=defects, start=start)
    with closing(sim) as board:
        way = Spoiled(board, (lambda: spoil(board)) if spoil else lambda: None, MIDDLE if spoil else -1)
        return evaluate(record_attempt(way, PLAN, path, SETTINGS).path)


def assert_told(found: Evaluation, code: str, *others: str) -> None:
    """The code is in the recording, the sentence on the page, and of the samples nothing is missing."""
    assert {fault.code for fault in found.faults} == {code, *others}
    assert found.decoded.integrity in ("complete", "repaired")
    assert found.decoded.raw.sample_index.size == found.decoded.raw.sample_index[-1] + 1
    (first, *_) = [fault for fault in found.faults if fault.code == code]
    assert FAULTS[code].sentence in first.sentence
    assert any(first.sentence in note and first.remedy in note for note in notes(found))


def assert_kept_before(found: Evaluation, sample: int) -> None:
    """What the chips gave up to this sample of the script is in the recording, bit by bit."""
    raw, wanted = found.decoded.raw, script()
    chips = wanted.force_counts[:sample]
    starts = np.flatnonzero(raw.force_counts[: raw.force_counts.size - sample + 1] == chips[0])
    assert any((raw.force_counts[at : at + sample] == chips).all() for at in starts)


@dataclass(frozen=True)
class Row:
    """others: faults that follow from the first one. sensor: whose readings are not used any more."""

    defects: tuple[Defect, ...]
    code: str
    others: tuple[str, ...] = ()
    sensor: str = ""


ROWS = {
    "cell unplugged": Row(
        (Defect(BREAKS, "cell", "unplugged"),), "force_cell_open", ("force_stuck",), "force"
    ),
    "cell shorted": Row(
        (Defect(BREAKS, "cell", "shorted"),), "force_cell_shorted", ("force_stuck",), "force"
    ),
    "depth sensor open": Row((Defect(BREAKS, "depth", 0),), "depth_open", (), "depth"),
    "pressure saturated": Row((Defect(BREAKS, "pressure", 4095),), "pressure_saturated", (), "pressure"),
    "SPI garbage": Row(
        (Defect(BREAKS, "garbage", 1), Defect(BREAKS + 300, "garbage", None)),
        "force_garbage",
        ("overload",),
        "force",
    ),
    "undervoltage": Row((Defect(BREAKS, "supply_mv", 3600),), "undervoltage"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_defect_under_way_is_in_the_record(row: Row, tmp_path: Path):
    found = recorded(tmp_path / "a.journal", row.defects)
    assert_told(found, row.code, *row.others)
    assert_kept_before(found, BREAKS)
    assert list(found.trace.faults) == ([row.sensor] if row.sensor else [])
    if row.sensor:
        assert "sensor suspect" in found.trace.faults[row.sensor]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("level", [0, 1], ids=["low", "high"])
def test_a_data_ready_line_that_is_stuck_is_told_with_its_level(level: int, tmp_path: Path):
    broken = (Defect(BREAKS, "ready", level), Defect(BREAKS + 400, "ready", None))
    found = recorded(tmp_path / "a.journal", broken)
    assert_told(found, "data_ready_timeout", "conversions_missed")
    (fault,) = [fault for fault in found.faults if fault.code == "data_ready_timeout"]
    assert fault.value == level
    assert f"at level {level}" in fault.sentence
    assert found.decoded.raw.missed_conversions == pytest.approx(400, abs=1)
    assert_kept_before(found, BREAKS)


def test_a_data_ready_line_that_stays_stuck_loses_nothing_that_came_before(tmp_path: Path):
    found = recorded(tmp_path / "a.journal", (Defect(BREAKS, "ready", 1),))
    assert_told(found, "data_ready_timeout")
    assert_kept_before(found, BREAKS)


def test_one_suppressed_service_is_exactly_one_missed_conversion(tmp_path: Path):
    spoiled = replace(script(), missed=np.array([BREAKS]))
    found = recorded(tmp_path / "a.journal", script_used=spoiled)
    assert_told(found, "conversions_missed")
    assert found.decoded.raw.missed_conversions == 1
    (fault,) = found.faults
    assert fault.value == 1
    assert_kept_before(found, BREAKS)


def test_overload_is_told_and_the_score_stands(tmp_path: Path):
    force = script().force_counts.copy()
    force[BREAKS : BREAKS + 60] = 2_100_000  # 489 N
    found = recorded(tmp_path / "a.journal", script_used=replace(script(), force_counts=force))
    assert_told(found, "overload")
    assert found.trace.faults == {}
    assert_kept_before(found, BREAKS)


def test_a_corrupt_calibration_is_told_at_once_and_not_used(tmp_path: Path):
    damaged = Restart(flash={"force.cal": b"PSC\x01 this is no record"})
    with closing(SimTransport(parse_address(address()), script(), start=damaged)) as board:
        session = Session(board)
        hello = session.connect()
        faults = present_faults(Service(session).health().faults)
    assert hello.calibration_id == 0
    assert faults == ("calibration_corrupt",)
    found = recorded(tmp_path / "a.journal", start=damaged)
    assert_told(found, "calibration_corrupt")


def test_a_host_that_does_not_read_for_a_minute_finds_the_fault_and_a_counted_hole(tmp_path: Path):
    def stall(board: SimTransport) -> None:
        for _ in range(600):
            board.board.run(100_000, b"", DEAF)

    path = tmp_path / "a.journal"
    with closing(SimTransport(parse_address(address()), script())) as board:
        way = Spoiled(board, lambda: stall(board), MIDDLE)
        found = evaluate(record_attempt(way, PLAN, path, SETTINGS).path)
    assert "host_not_reading" in {fault.code for fault in found.faults}
    raw = found.decoded.raw
    assert_kept_before(found, BREAKS)
    assert found.decoded.integrity == "holes"
    assert raw.sample_index.size + found.decoded.lost_samples == raw.sample_index[-1] + 1


def test_command_garbage_is_told_and_costs_nothing(tmp_path: Path):
    def nonsense(board: SimTransport) -> None:
        board.write(b"\0".join([b"\x05abcd"] * 6) + b"\0")

    found = recorded(tmp_path / "a.journal", spoil=nonsense)
    assert_told(found, "command_garbage")
    assert_kept_before(found, BREAKS)


def test_a_watchdog_reset_in_mid_attempt_ends_it_and_keeps_what_came(tmp_path: Path):
    path = tmp_path / "a.journal"
    with closing(SimTransport(parse_address(address()), script())) as board:
        way = Spoiled(board, board.board.watchdog_reset, MIDDLE)
        recorded_so_far = record_attempt(way, PLAN, path, SETTINGS)
        way.board.reopen()
        session = Session(board)
        hello = session.connect()
        faults = present_faults(Service(session).health().faults)
    assert recorded_so_far.outcome == "link_lost"
    assert "watchdog" in (read_recording(path).outcome or {})["detail"]
    assert str(hello.fields.reset_cause) == "watchdog"
    assert faults == ("watchdog_reset",)
    found = evaluate(path)
    assert found.trace.cut_off
    assert_kept_before(found, BREAKS)


def said_by(board: SimBoard, seconds: float, data: bytes = b"", flags: int = LISTENING) -> list[Packet]:
    """What the board wrote meanwhile."""
    came = b"".join(
        board.run(100_000, data if k == 0 else b"", flags) for k in range(max(1, round(seconds * 10)))
    )
    return [decode(payload) for payload in FrameDecoder().feed(came)]


def test_a_stop_that_is_lost_ends_by_itself_after_two_minutes_of_silence():
    board = SimBoard(parse_address(address()), script())
    try:
        start = encode("START", request=1, mode="guided", options=START_UNCALIBRATED)
        said_by(board, 0.4)
        said_by(board, 0.2, encode_frame(encode("IDENTIFY")) + encode_frame(start))
        assert any(packet.name == "SAMPLE_BLOCK" for packet in said_by(board, 118))
        late = said_by(board, 4)
        assert not any(packet.name == "SAMPLE_BLOCK" for packet in said_by(board, 1))
        told = [packet.fields for packet in late if packet.name == "FAULT"]
        assert [str(fault.code) for fault in told if fault.raised] == ["host_silent"]
        assert 120_000 <= told[0].value < 121_000
        (answer,) = [p.fields for p in said_by(board, 0.2, _clock()) if p.name == "ACK"]
        assert answer.state == "idle"
        stretch = {"first": answer.next_sample - 8000, "count": 8000, "run": answer.run}
        asked = encode_frame(encode("RESEND", what="samples", request=3, **stretch))
        kept = [p.fields.count for p in said_by(board, 3, asked) if p.name == "SAMPLE_BLOCK"]
        assert sum(kept) == 8000
    finally:
        board.power_off()


def _clock() -> bytes:
    return encode_frame(encode("CLOCK", request=2))


def test_a_sound_board_has_no_fault(tmp_path: Path):
    found = recorded(tmp_path / "a.journal")
    assert (found.faults, found.trace.faults) == ((), {})
    assert_kept_before(found, BREAKS)


def test_a_cell_that_is_broken_at_power_on_is_told_before_the_attempt():
    broken = (Defect(-1, "cell", "unplugged"),)
    with closing(SimTransport(parse_address(address()), script(), defects=broken)) as board:
        session = Session(board)
        session.connect()
        health = Service(session).health()
    assert "force_cell_open" in present_faults(health.faults)
