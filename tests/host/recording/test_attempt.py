"""A stored attempt -> counts with times and a verdict, whatever wraps meanwhile."""

from dataclasses import fields, replace

import construct as c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.recording.attempt import DecodedAttempt, DeviceEvent, decoded
from popsense.recording.decode import decode_wire
from popsense_protocol.packets import EVENT
from tests.host.recording.wires import (
    BLOCK,
    PERIOD_US,
    RATE_HZ,
    Attempt,
    decode,
    event,
    holes,
    status,
)


def assert_times(found: DecodedAttempt, attempt: Attempt, within_us: float) -> None:
    """Ascending, and near the truth."""
    assert (np.diff(found.raw.time_s) > 0).all()
    truth = np.array(attempt.times_us())[found.raw.sample_index]
    off = found.raw.time_s * 1e6 - truth
    assert np.abs(off - off[0]).max() <= within_us


@pytest.mark.parametrize("before_wrap", [0, 1, 7 * PERIOD_US, 150 * PERIOD_US])
def test_times_go_on_when_the_device_clock_wraps(before_wrap: int):
    attempt = Attempt(300, ticks=2**30 - before_wrap - 1)
    found = decode(attempt.wire())
    assert_times(found, attempt, within_us=1e-3)
    assert found.start_ticks_us == attempt.ticks


@pytest.mark.parametrize("sample", [20, 21, 29, 39, 40])
def test_missed_conversions_are_gaps_in_time_and_no_holes(sample: int):
    """At a block's start, inside it and at its end; the clock wraps meanwhile."""
    attempt = Attempt(120, ticks=2**30 - 25 * PERIOD_US, gaps=((sample, 3),))
    found = decode(attempt.wire())
    assert (found.raw.missed_conversions, holes(found), found.integrity) == (3, [], "complete")
    assert_times(found, attempt, within_us=1e-3)
    steps = np.diff(found.raw.time_s) * 1e6
    assert steps[sample - 1] == pytest.approx(4 * PERIOD_US)
    assert np.delete(steps, sample - 1) == pytest.approx(PERIOD_US)


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
    found = decode(attempt.wire(blocks))
    assert (np.diff(found.raw.time_s) > 0).all()
    first_of_blocks = np.flatnonzero(found.raw.sample_index % BLOCK == 0)
    truth = np.array(attempt.times_us())[found.raw.sample_index]
    off = (found.raw.time_s * 1e6 - truth)[first_of_blocks]
    assert off == pytest.approx(np.zeros(len(off)), abs=1e-3)  # stamps are exact, wrap or not


@given(st.lists(st.tuples(st.integers(0, 379), st.integers(1, 20)), max_size=12), gap_lists)
def test_every_stamp_holds_however_the_blocks_overlap(
    again: list[tuple[int, int]], gaps: list[tuple[int, int]]
):
    """A block that begins elsewhere than the others still says when that sample was taken."""
    attempt = Attempt(400, ticks=2**30 - 90 * PERIOD_US, gaps=tuple(sorted(gaps)))
    arrivals = [(0, 1), *again, *((first, BLOCK) for first in range(0, 400, BLOCK))]
    found = decode(attempt.wire([attempt.block(*arrival) for arrival in arrivals]))
    assert (np.diff(found.raw.time_s) > 0).all()
    stamped = np.isin(found.raw.sample_index, [first for first, _ in arrivals])
    truth = np.array(attempt.times_us())[found.raw.sample_index]
    assert (found.raw.time_s * 1e6)[stamped] == pytest.approx(truth[stamped], abs=1e-3)


def test_a_single_block_goes_by_the_declared_rate():
    stored = decode_wire([Attempt(15).wire()], None)
    assert np.diff(decoded(stored, 500.0).raw.time_s) == pytest.approx(0.002)


@pytest.mark.parametrize("hours", [0.2, 0.31, 7])
def test_a_hole_longer_than_a_turn_of_the_device_clock_keeps_its_length(hours: float):
    """The rate is only known to 2 %."""
    long = Attempt(BLOCK, origin=int(hours * 3.6e9 / PERIOD_US))
    later = replace(long, ticks=(long.ticks + long.origin * PERIOD_US) % 2**30)
    first = Attempt(BLOCK)
    stored = decode_wire([first.started() + first.blocks()[0] + later.blocks()[0] + later.ended()], None)
    raw = decoded(stored, RATE_HZ * 1.019).raw
    assert raw.time_s[BLOCK] == pytest.approx(long.origin * PERIOD_US / 1e6)
    assert [(hole.first_sample, hole.end) for hole in raw.holes] == [(BLOCK, long.origin)]


def test_index_and_clock_wrap_in_one_attempt():
    attempt = Attempt(300, origin=2**32 - 110, ticks=2**30 - 200 * PERIOD_US, events=1)
    found = decode(attempt.wire())
    assert found.raw.sample_index.tolist() == list(range(2**32 - 110, 2**32 + 190))
    assert found.raw.force_counts.tolist() == [k - 100 for k in range(300)]
    assert np.diff(found.raw.time_s) * 1e6 == pytest.approx(PERIOD_US)
    assert found.raw.time_s[0] == pytest.approx((2**32 - 110) * PERIOD_US / 1e6)
    assert holes(found) == [(0, 2**32 - 110)]


def test_an_event_knows_its_turn_of_the_clock():
    """Also where the sample that it names is in a hole."""
    attempt = Attempt(BLOCK)
    far = replace(attempt, origin=3_000_000, ticks=(attempt.ticks + 3_000_000 * PERIOD_US) % 2**30)
    for sample in (3, 2_900_000, 3_000_005):
        stamp = (attempt.ticks + sample * PERIOD_US + 77) % 2**30
        told = event(0, sample_index=sample, ticks_us=stamp)
        found = decode(attempt.wire([*attempt.blocks(), *far.blocks(), told], stopped=False))
        assert found.time_s_of(found.events[0]) == pytest.approx((sample * PERIOD_US + 77) / 1e6)


def test_what_was_asked_for_again_makes_a_repaired_attempt():
    attempt = Attempt(200)
    first, second, *rest = attempt.blocks()
    found = decode(attempt.wire([first, *rest, second]))
    assert (found.integrity, holes(found)) == ("repaired", [])
    assert [(one.first_sample, one.end) for one in found.raw.repaired] == [(20, 40)]
    assert_times(found, attempt, within_us=1e-3)


def test_what_came_behind_the_end_is_repaired():
    attempt = Attempt(200)
    blocks = attempt.blocks()
    found = decode(attempt.wire(blocks[:-2]) + b"".join(blocks[-2:]))
    assert (found.integrity, holes(found)) == ("repaired", [])
    assert [(one.first_sample, one.end) for one in found.raw.repaired] == [(160, 200)]


def test_an_event_that_was_asked_for_again_makes_a_repaired_attempt():
    attempt = Attempt(40, events=3)
    late = decode(attempt.wire(lost_events=(2,)) + event(2))
    mixed = decode(attempt.wire([*attempt.blocks(), event(2)]))
    for found in (late, mixed):
        assert [one.number for one in found.events] == [0, 1, 2]
        assert (found.integrity, found.missing_events) == ("repaired", 0)
    assert (late.resent_events, mixed.resent_events) == (1, 2)


def test_repaired_stretches_end_at_a_hole():
    attempt = Attempt(200)
    blocks = attempt.blocks()
    found = decode(attempt.wire([*blocks[:2], *blocks[7:], blocks[3], blocks[5], blocks[6]]))
    assert found.integrity == "holes"
    assert holes(found) == [(40, 20), (80, 20)]
    assert [(one.first_sample, one.end) for one in found.raw.repaired] == [(60, 80), (100, 140)]


def test_a_cut_off_attempt_ends_where_the_device_was_last_heard_of():
    attempt = Attempt(200)
    wire = attempt.wire(attempt.blocks()[:4], stopped=False)
    told = decode(wire + status(130, next_event=2))
    assert (told.integrity, holes(told)) == ("cut off", [(80, 50)])
    assert holes(decode(wire)) == []


def test_missing_events_of_a_cut_off_attempt_are_the_gaps_in_their_numbers():
    attempt = Attempt(40, events=4)
    assert decode(attempt.wire(stopped=False, lost_events=(0, 2))).missing_events == 2


def test_a_missed_conversion_leaves_the_attempt_complete():
    found = decode(Attempt(120, gaps=((30, 3), (90, 70_000))).wire())
    assert (found.integrity, found.raw.missed_conversions) == ("complete", 70_003)


def test_an_event_has_every_declared_field_but_constants():
    declared = {sub.name for sub in EVENT.subcons if not isinstance(sub.subcon, c.Const)}
    assert {field.name for field in fields(DeviceEvent)} == declared
