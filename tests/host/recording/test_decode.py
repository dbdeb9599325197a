"""Wire bytes -> counts with times: what is missing is in a hole, what is there is exact."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.model import Hole
from popsense.recording.decode import DecodedAttempt, decode_wire
from popsense_protocol.framing import encode_frame
from tests.host.recording.wires import BLOCK, PERIOD_US, START, STOP, Attempt, ack, event, frame


def holes(found: DecodedAttempt) -> list[tuple[int, int]]:
    return [(hole.first_sample, hole.count) for hole in found.raw.holes]


def assert_counts(found: DecodedAttempt, indices: list[int]) -> None:
    """Exactly these samples, in order, each with the values that Attempt gave it."""
    raw = found.raw
    assert raw.sample_index.tolist() == indices
    assert raw.force_counts.tolist() == [k - 100 for k in indices]
    assert raw.depth_counts.tolist() == [(k + 1) & 0x3FFF for k in indices]
    assert raw.pressure_counts.tolist() == [(k + 2) & 0x3FFF for k in indices]


def assert_times(found: DecodedAttempt, attempt: Attempt, within_us: float) -> None:
    """Ascending, and near the truth."""
    assert (np.diff(found.raw.time_s) > 0).all()
    truth = np.array(attempt.times_us())[found.raw.sample_index]
    off = found.raw.time_s * 1e6 - truth
    assert np.abs(off - off[0]).max() <= within_us


def test_a_whole_attempt_is_complete():
    found = decode_wire(Attempt(205, events=3).wire())
    assert_counts(found, list(range(205)))
    assert (found.integrity, found.lost_samples, holes(found)) == ("complete", 0, [])
    assert (found.stopped, found.bad_frames, found.missing_events) == (True, 0, 0)
    assert [packet.number for packet in found.events] == [0, 1, 2]
    assert found.start_ticks_us == 5_000_000
    assert_times(found, Attempt(205), within_us=1e-3)


@given(st.sets(st.integers(0, 29)), st.booleans())
def test_dropped_blocks_are_exactly_the_holes(dropped: set[int], stopped: bool):
    attempt = Attempt(30 * BLOCK - 7)
    blocks = [block for number, block in enumerate(attempt.blocks()) if number not in dropped]
    found = decode_wire(attempt.wire(blocks, stopped))
    kept = [k for k in range(attempt.taken) if k // BLOCK not in dropped]
    assert_counts(found, kept)
    in_holes = [k for first, count in holes(found) for k in range(first, first + count)]
    upper = attempt.taken if stopped else (kept[-1] + 1 if kept else 0)
    assert sorted(kept + in_holes) == list(range(upper))  # every index once: kept or in a hole
    assert found.lost_samples == len(in_holes)
    assert found.integrity == ("cut off" if not stopped else "holes" if dropped else "complete")
    ends = [first + count for first, count in holes(found)]
    assert not set(ends) & {first for first, _ in holes(found)}  # neighbours are one hole


@given(st.lists(st.integers(0, 9), max_size=30), st.randoms(use_true_random=False))
def test_blocks_that_come_twice_or_out_of_order_count_once(again: list[int], rng: Any):
    attempt = Attempt(200)
    blocks = attempt.blocks()
    mixed = blocks + [blocks[number] for number in again]
    rng.shuffle(mixed)
    found = decode_wire(attempt.wire(mixed))
    assert_counts(found, list(range(200)))
    assert (found.integrity, holes(found)) == ("complete", [])


def test_without_stop_nobody_knows_that_it_is_whole():
    found = decode_wire(Attempt(200).wire(stopped=False))
    assert (found.stopped, found.integrity, holes(found)) == (False, "cut off", [])


def test_what_the_board_took_beyond_the_last_block_is_a_hole():
    attempt = Attempt(200)
    found = decode_wire(attempt.wire(attempt.blocks()[:-2]))
    assert (holes(found), found.integrity) == ([(160, 40)], "holes")


def test_an_attempt_of_which_nothing_arrived_is_one_hole():
    found = decode_wire(Attempt(200).wire([]))
    assert found.raw.holes == (Hole(0, 200),)
    assert (len(found.raw.time_s), found.integrity) == (0, "holes")
    empty = decode_wire(Attempt(0).wire())
    assert (empty.raw.holes, empty.integrity) == ((), "complete")


@pytest.mark.parametrize("wire", [b"", b"\0\0", b"noise" * 50, ack(STOP), event(0)])
def test_an_attempt_that_never_began_is_empty(wire: bytes):
    found = decode_wire(wire)
    assert (len(found.raw.sample_index), found.events, found.stopped) == (0, (), False)


def test_a_lost_event_is_known_to_be_lost():
    found = decode_wire(Attempt(40, events=4).wire(lost_events={1, 3}))
    assert [packet.number for packet in found.events] == [0, 2]
    assert (found.missing_events, found.integrity) == (2, "holes")


def test_what_came_before_start_belongs_to_nobody():
    before = Attempt(60).block(40, 20) + event(9)
    found = decode_wire(before + Attempt(100).wire())
    assert_counts(found, list(range(100)))
    assert found.events == ()


def test_a_damaged_answer_to_start_costs_no_sample():
    wire = Attempt(100, events=2).wire()
    damaged = bytes([wire[0] ^ 0x55]) + wire[1:]
    found = decode_wire(damaged)
    assert_counts(found, list(range(100)))
    assert (found.integrity, len(found.events), found.bad_frames) == ("complete", 2, 1)


def test_an_answer_to_start_that_comes_twice_changes_nothing():
    attempt = Attempt(60)
    found = decode_wire(ack(START) + attempt.wire(attempt.blocks()))
    assert_counts(found, list(range(60)))


def test_damaged_and_foreign_frames_are_counted_and_left_out():
    attempt = Attempt(100)
    blocks = attempt.blocks()
    blocks[2] = blocks[2][:9] + bytes([blocks[2][9] ^ 0x40]) + blocks[2][10:]
    short = encode_frame(b"\x02\x03" + bytes(12))
    unknown = encode_frame(b"\x77abc")
    found = decode_wire(attempt.wire([*blocks, short, unknown]))
    assert (found.bad_frames, holes(found)) == (3, [(40, 20)])
    assert_counts(found, [k for k in range(100) if k // BLOCK != 2])


def test_a_block_without_samples_is_damaged_and_displaces_nothing():
    attempt = Attempt(60)
    none = frame("SAMPLE_BLOCK", missed=0, first_sample=20, first_ticks_us=1, samples=[])
    found = decode_wire(attempt.wire([*attempt.blocks(), none]))
    assert_counts(found, list(range(60)))
    assert (found.bad_frames, found.integrity) == (1, "complete")


@given(st.binary(max_size=300), st.integers(min_value=0))
def test_any_bytes_in_the_middle_never_raise(noise: bytes, position: int):
    wire = Attempt(100, events=2).wire()
    at = position % len(wire)
    found = decode_wire(wire[:at] + noise + wire[at:])
    indices = found.raw.sample_index.tolist()
    assert indices == sorted(set(indices))
    assert found.raw.force_counts.tolist() == [k - 100 for k in indices]


@pytest.mark.parametrize("before_wrap", [0, 1, 7 * PERIOD_US, 150 * PERIOD_US])
def test_times_go_on_when_the_device_clock_wraps(before_wrap: int):
    attempt = Attempt(300, ticks=2**30 - before_wrap - 1)
    found = decode_wire(attempt.wire())
    assert_times(found, attempt, within_us=1e-3)
    assert found.start_ticks_us == attempt.ticks


@pytest.mark.parametrize("sample", [20, 21, 29, 39, 40])
def test_missed_conversions_are_gaps_in_time_and_no_holes(sample: int):
    """At a block's start, inside it and at its end; the clock wraps meanwhile."""
    attempt = Attempt(120, ticks=2**30 - 25 * PERIOD_US, gaps=((sample, 3),))
    found = decode_wire(attempt.wire())
    assert (found.raw.missed_conversions, holes(found), found.integrity) == (3, [], "complete")
    assert_times(found, attempt, within_us=1e-3)
    steps = np.diff(found.raw.time_s) * 1e6
    assert steps[sample - 1] == pytest.approx(4 * PERIOD_US)
    assert np.delete(steps, sample - 1) == pytest.approx(PERIOD_US)


gaps_at = st.tuples(st.integers(1, 399), st.integers(1, 9))
gap_lists = st.lists(
    st.tuples(st.integers(1, 399), st.integers(1, 9)), max_size=6, unique_by=lambda gap: gap[0]
)


@given(gap_lists, st.sets(st.integers(1, 19), max_size=6), st.integers(0, 2**30 - 1), st.integers(980, 1050))
def test_times_ascend_whatever_is_missing(
    gaps: list[tuple[int, int]], dropped: set[int], ticks: int, period_us: int
):
    """Gaps inside a block share a stamp: their sum is known, not how it is divided."""
    attempt = Attempt(400, ticks=ticks, gaps=tuple(sorted(gaps)), period_us=period_us)
    blocks = [block for number, block in enumerate(attempt.blocks()) if number not in dropped]
    found = decode_wire(attempt.wire(blocks))
    assert (np.diff(found.raw.time_s) > 0).all()
    first_of_blocks = np.flatnonzero(found.raw.sample_index % BLOCK == 0)
    truth = np.array(attempt.times_us())[found.raw.sample_index]
    off = (found.raw.time_s * 1e6 - truth)[first_of_blocks]
    assert off == pytest.approx(np.zeros(len(off)), abs=1e-3)  # stamps are exact, wrap or not
