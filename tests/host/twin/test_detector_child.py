"""The device's detector over arrays: the same events as from the whole firmware, none lost; its errors."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popsense.errors import TwinError
from popsense.twin.board.run_detector import CHUNK_SAMPLES
from popsense.twin.detector_child import DetectorChild, readings_of
from popsense.twin.firmware_files import firmware_root
from popsense.twin.interpreter import Interpreter, find_interpreter
from popsense_protocol.codec import Packet, decode
from popsense_protocol.packets import FORCE_MASK
from tests.conftest import Require
from tests.firmware.bench import powered, push_and_pop
from tests.firmware.hands import COUNTS_PER_N, DEPTH_ZERO_COUNTS, FORCE_ZERO_CODE
from tests.firmware.interpreters import INTERPRETERS

PERIOD_US = 1_000
RATE_MHZ = 1_000_000
SCRIPT = replace(push_and_pop(), sample_period_ns=1000 * PERIOD_US)


@pytest.fixture(scope="module", params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest, require: Require) -> str:
    if request.param == "micropython":
        require("micropython")
    return request.param


@pytest.fixture(scope="module")
def child(interpreter: str) -> Iterator[DetectorChild]:
    with DetectorChild(find_interpreter(interpreter)) as started:
        yield started


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary folders."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def fields(packets: list[Packet]) -> list[dict[str, Any]]:
    """All but the run, which is the board's to number."""
    return [
        {key: value for key, value in packet.fields.items() if key not in ("_io", "run")}
        for packet in packets
    ]


def kinds(packets: list[Packet]) -> list[str]:
    return [str(packet.fields.kind) for packet in packets]


# ---- the same as the whole firmware --------------------------------------------------------------------


@pytest.fixture(scope="module")
def board(interpreter: str) -> tuple[list[Packet], list[Any], int]:
    """The script through the whole firmware: EVENTs, SAMPLE_BLOCKs, samples before the script's first."""
    with powered(SCRIPT, interpreter) as bench:
        bench.begin()
        bench.run(1_500)
        blocks = bench.blocks()
        assert bench.origin_us is not None
        before, rest = divmod(bench.origin_us - blocks[0].first_ticks_us, PERIOD_US)
        assert (rest, blocks[0].first_sample) == (0, 0)
        return [packet for packet in bench.packets if packet.name == "EVENT"], blocks, before


def test_the_samples_of_a_recording_give_its_events(child: DetectorChild, board: Any):
    """From START on, with the device's clock: every field of every event is the same."""
    events, blocks, _ = board
    samples = [sample for block in blocks for sample in block.samples]
    codes = np.array([sample.force_and_flags & FORCE_MASK for sample in samples])
    depth = np.array([sample.depth for sample in samples])
    ticks_us = blocks[0].first_ticks_us + PERIOD_US * np.arange(len(samples))
    assert kinds(events)[:2] == ["contact", "pop"]
    assert fields(child.run(codes, depth, ticks_us, RATE_MHZ)) == fields(events)


def test_a_script_gives_the_events_of_the_board_so_many_samples_earlier(child: DetectorChild, board: Any):
    events, blocks, before = board
    assert before > 0
    found = child.run(*readings_of(SCRIPT), RATE_MHZ)
    length = len(SCRIPT.force_counts)
    on_board = [event for event in events if event.fields.sample_index - before < length]
    for event in on_board:
        event.fields.sample_index -= before
        event.fields.ticks_us -= blocks[0].first_ticks_us + before * PERIOD_US
    assert len(on_board) >= 2
    assert fields(found) == fields(on_board)


def test_missed_conversions_are_not_among_the_readings(interpreter: str, child: DetectorChild):
    """Some in the rise, some under load, one in the fall: board and arrays agree on index and duration."""
    script = replace(SCRIPT, missed=np.array([150, 201, 400, 503]))
    with powered(script, interpreter) as bench:
        bench.begin()
        bench.run(900)
        assert bench.origin_us is not None
        before = (bench.origin_us - bench.blocks()[0].first_ticks_us) // PERIOD_US
        events = [packet for packet in bench.packets if packet.name == "EVENT"]
    codes, depth, ticks_us = readings_of(script)
    assert len(codes) == len(depth) == len(script.force_counts) - 4
    assert (ticks_us[149], ticks_us[150]) == (149 * PERIOD_US, 151 * PERIOD_US)
    found = child.run(codes, depth, ticks_us, RATE_MHZ)
    assert kinds(events)[:2] == kinds(found)[:2] == ["contact", "pop"]
    for event, other in zip(events[:2], found, strict=False):
        assert event.fields.sample_index - before == other.fields.sample_index
        assert event.fields.duration_us == other.fields.duration_us


# ---- arrays --------------------------------------------------------------------------------------------


def taps(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """20 samples/s: so many short pushes, each a contact and a release."""
    push = np.concatenate([np.full(20, 60.0), np.zeros(20)])
    force_n = np.concatenate([np.zeros(80), np.tile(push, count)])
    codes = np.rint(force_n * COUNTS_PER_N).astype(np.int64) + FORCE_ZERO_CODE
    return codes, np.full(len(codes), DEPTH_ZERO_COUNTS), 50_000 * np.arange(len(codes))


def test_no_event_is_lost_however_many_a_chunk_holds(child: DetectorChild):
    count = 3 * CHUNK_SAMPLES // 40
    found = child.run(*taps(count), 20_000)
    assert kinds(found) == ["contact", "released"] * count
    assert [packet.fields.number for packet in found] == list(range(2 * count))
    assert count > 64 * 1.5
    index = [packet.fields.sample_index for packet in found if packet.fields.kind == "contact"]
    assert set(np.diff(index)) == {40}


def test_each_run_begins_anew(child: DetectorChild):
    first = child.payloads(*taps(3), 20_000)
    child.run(*readings_of(SCRIPT), RATE_MHZ)
    assert child.payloads(*taps(3), 20_000) == first
    assert [decode(payload) for payload in first] == child.run(*taps(3), 20_000)


def test_the_clock_is_masked_to_the_boards_30_bits(child: DetectorChild):
    codes, depth, ticks_us = readings_of(SCRIPT)
    plain = child.run(codes, depth, ticks_us + 1, RATE_MHZ)
    wrapped = child.run(codes, depth, ticks_us + 5 * 2**30 - 300_000, RATE_MHZ)
    assert [event.fields.duration_us for event in wrapped] == [event.fields.duration_us for event in plain]
    assert all(
        later.fields.ticks_us == (event.fields.ticks_us - 300_001) % 2**30
        for event, later in zip(plain, wrapped, strict=True)
    )


def test_without_depth_nothing_has_advanced(child: DetectorChild):
    codes, _, ticks_us = readings_of(SCRIPT)
    found = child.run(codes, None, ticks_us, RATE_MHZ)
    assert kinds(found)[0] == "contact"
    assert all(event.fields.advance_counts <= 0 for event in found)


def test_a_long_profile_arrives_whole(child: DetectorChild):
    """What follows it on the pipe is understood."""
    profile = {f"setting_number_{k}": k for k in range(40)}
    assert child.run(*taps(2), 20_000, profile) == child.run(*taps(2), 20_000)


def test_a_trace_without_samples_has_no_events(child: DetectorChild):
    nothing = np.zeros(0, np.int64)
    assert child.run(nothing, nothing, nothing, RATE_MHZ) == []


def test_it_says_what_it_is(child: DetectorChild, interpreter: str):
    assert child.build.interpreter.startswith(f"{interpreter} ")
    assert child.build.force_nano_n_per_count == pytest.approx(1e9 / COUNTS_PER_N)


@pytest.mark.parametrize(
    ("codes", "depth", "ticks", "said"),
    [
        ([1 << 24], [0], [0], "force code"),
        ([-1], [0], [0], "force code"),
        ([0], [1 << 16], [0], "depth"),
        ([0, 0], [0], [0], "1 depths"),
        ([0], [0], [0, 1], "2 ticks"),
    ],
)
def test_readings_that_no_board_can_give_are_refused_and_the_child_lives(
    child: DetectorChild, codes: list[int], depth: list[int], ticks: list[int], said: str
):
    with pytest.raises(ValueError, match=said):
        child.run(np.array(codes), np.array(depth), np.array(ticks), RATE_MHZ)
    assert kinds(child.run(*taps(1), 20_000)) == ["contact", "released"]


# ---- its end -------------------------------------------------------------------------------------------


def broken_firmware(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Our firmware with another file bone/NAME."""
    root = folder / "firmware"
    shutil.copytree(firmware_root(), root)
    with (root / "bone" / name).open("a", encoding="utf-8") as file:
        file.write(text)
    monkeypatch.setattr("popsense.twin.detector_child.firmware_root", lambda: root)


def test_a_crash_at_the_start_comes_with_its_traceback(
    interpreter: str, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken_firmware(tmp_path, monkeypatch, "detector.py", "\nraise ValueError('no such phase')\n")
    with pytest.raises(
        TwinError, match="the detector's process stopped: ValueError: no such phase"
    ) as caught:
        DetectorChild(find_interpreter(interpreter)).close()
    assert "detector.py" in caught.value.__notes__[0]
    assert list(scratch.iterdir()) == []


def test_a_crash_in_a_run_ends_the_child(
    interpreter: str, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    crash = "\ndef step(self, code, depth, ticks):\n    raise OSError(5)\nDetector.step = step\n"
    broken_firmware(tmp_path, monkeypatch, "detector.py", crash)
    with DetectorChild(find_interpreter(interpreter)) as child:
        with pytest.raises(TwinError, match="OSError"):
            child.run(*taps(1), 20_000)
        assert list(scratch.iterdir()) == []
        with pytest.raises((TwinError, ValueError)):
            child.run(*taps(1), 20_000)


def test_no_interpreter_leaves_nothing_behind(scratch: Path):
    with pytest.raises(TwinError, match="cannot be started"):
        DetectorChild(Interpreter(("/nonexistent/micropython",)))
    assert list(scratch.iterdir()) == []
