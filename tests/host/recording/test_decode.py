"""Wire bytes -> counts with times: what is missing is in a hole, what is there is exact."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.model import Stretch
from popsense.recording.attempt import DecodedAttempt
from popsense.recording.decode import decode_wire
from popsense.recording.stored import NO_STAMP
from popsense_protocol.framing import encode_frame
from tests.host.recording.wires import (
    BLOCK,
    CLOCK,
    PERIOD_US,
    RUN,
    START,
    STOP,
    Attempt,
    ack,
    decode,
    event,
    frame,
    holes,
    status,
)


def zeros(first_sample: int, count: int = 20) -> bytes:
    """A block that no Attempt sends."""
    samples = [{"force_and_flags": 0, "depth": 0, "pressure": 0}] * count
    return frame(
        "SAMPLE_BLOCK", run=RUN, missed=0, first_sample=first_sample, first_ticks_us=1, samples=samples
    )


def assert_counts(found: DecodedAttempt, indices: list[int]) -> None:
    """Exactly these samples, in order, each with the values that Attempt gave it."""
    raw = found.raw
    assert raw.sample_index.tolist() == indices
    assert raw.force_counts.tolist() == [k - 100 for k in indices]
    assert raw.depth_counts.tolist() == [(k + 1) & 0x3FFF for k in indices]
    assert raw.pressure_counts.tolist() == [(k + 2) & 0x3FFF for k in indices]


def test_a_whole_attempt_is_complete():
    found = decode(Attempt(205, events=3).wire())
    assert_counts(found, list(range(205)))
    assert (found.integrity, found.lost_samples, holes(found)) == ("complete", 0, [])
    assert (found.stopped, found.bad_frames, found.missing_events) == (True, 0, 0)
    assert [packet.number for packet in found.events] == [0, 1, 2]
    assert found.start_ticks_us == 5_000_000
    assert np.diff(found.raw.time_s) * 1e6 == pytest.approx(PERIOD_US)


@given(st.sets(st.integers(0, 29)), st.booleans())
def test_dropped_blocks_are_exactly_the_holes(dropped: set[int], stopped: bool):
    attempt = Attempt(30 * BLOCK - 7)
    blocks = [block for number, block in enumerate(attempt.blocks()) if number not in dropped]
    found = decode(attempt.wire(blocks, stopped))
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
    found = decode(attempt.wire(mixed))
    assert_counts(found, list(range(200)))
    assert holes(found) == []


def test_without_stop_nobody_knows_that_it_is_whole():
    found = decode(Attempt(200).wire(stopped=False))
    assert (found.stopped, found.integrity, holes(found)) == (False, "cut off", [])


def test_what_the_board_took_beyond_the_last_block_is_a_hole():
    attempt = Attempt(200)
    found = decode(attempt.wire(attempt.blocks()[:-2]))
    assert (holes(found), found.integrity) == ([(160, 40)], "holes")


def test_an_attempt_of_which_nothing_arrived_is_one_hole():
    found = decode(Attempt(200).wire([]))
    assert found.raw.holes == (Stretch(0, 200),)
    assert (len(found.raw.time_s), found.integrity) == (0, "holes")
    empty = decode(Attempt(0).wire())
    assert (empty.raw.holes, empty.integrity) == ((), "complete")


@pytest.mark.parametrize("wire", [b"", b"\0\0", b"noise" * 50, ack(STOP), event(0)])
def test_an_attempt_that_never_began_is_empty(wire: bytes):
    found = decode(wire)
    assert (len(found.raw.sample_index), found.events, found.stopped) == (0, (), False)


def test_a_lost_event_is_known_to_be_lost():
    found = decode(Attempt(40, events=4).wire(lost_events={1, 3}))
    assert [packet.number for packet in found.events] == [0, 2]
    assert (found.missing_events, found.integrity) == (2, "holes")


def test_what_came_before_start_belongs_to_nobody():
    before = Attempt(60, run=RUN - 1).block(40, 20) + event(9, run=RUN - 1) + status(9000, run=RUN - 1)
    found = decode(before + Attempt(100).wire())
    assert_counts(found, list(range(100)))
    assert found.events == ()


def test_a_damaged_answer_to_start_costs_no_sample_where_the_run_is_known():
    wire = Attempt(100, events=2).wire()
    damaged = bytes([wire[0] ^ 0x55]) + wire[1:]
    found = decode(damaged, run=RUN)
    assert_counts(found, list(range(100)))
    assert (found.integrity, len(found.events), found.bad_frames) == ("complete", 2, 1)


def test_samples_of_a_run_that_nobody_of_ours_started_are_nobodys():
    """A board that still samples for a program that died sends what it has until our START."""
    attempt = Attempt(100, events=2)
    assert decode(b"".join([*attempt.blocks(), attempt.ended()])).raw.sample_index.size == 0


def test_an_answer_to_start_that_comes_twice_changes_nothing():
    attempt = Attempt(60)
    found = decode(ack(START) + attempt.wire(attempt.blocks()))
    assert_counts(found, list(range(60)))


def test_damaged_and_foreign_frames_are_counted_and_left_out():
    attempt = Attempt(100)
    blocks = attempt.blocks()
    blocks[2] = blocks[2][:9] + bytes([blocks[2][9] ^ 0x40]) + blocks[2][10:]
    short = encode_frame(b"\x02\x03" + bytes(12))
    unknown = encode_frame(b"\x77abc")
    found = decode(attempt.wire([*blocks, short, unknown]))
    assert (found.bad_frames, holes(found)) == (3, [(40, 20)])
    assert_counts(found, [k for k in range(100) if k // BLOCK != 2])


def test_a_block_without_samples_displaces_nothing():
    attempt = Attempt(60)
    none = zeros(first_sample=20, count=0)
    found = decode(attempt.wire([*attempt.blocks(), none]))
    assert_counts(found, list(range(60)))
    assert (found.bad_frames, found.integrity) == (0, "complete")


@given(st.binary(max_size=300), st.integers(min_value=0))
def test_any_bytes_in_the_middle_never_raise(noise: bytes, position: int):
    wire = Attempt(100, events=2).wire()
    at = position % len(wire)
    found = decode(wire[:at] + noise + wire[at:])
    indices = found.raw.sample_index.tolist()
    assert indices == sorted(set(indices))
    assert found.raw.force_counts.tolist() == [k - 100 for k in indices]


# ---- which copy, which run, which index -----------------------------------------------------------------

Arrival = tuple[int, int]  # first sample, count


@dataclass
class Model:
    """What decode_wire must find, one sample at a time."""

    came: dict[int, bool] = field(default_factory=dict[int, bool])  # index -> resent
    stamped: set[int] = field(default_factory=set[int])

    def take(self, arrival: Arrival, after_end: bool) -> None:
        first, count = arrival
        latest = max(self.came, default=-1)
        for index in range(first, first + count):
            self.came.setdefault(index, after_end or index < latest)
        self.stamped.add(first)


@given(
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 19)), max_size=25),
    st.integers(1, 26),
    st.sampled_from([0, 2**32 - 50]),
    st.sampled_from([0, 2**30 - 40 * PERIOD_US]),
)
def test_each_sample_once_whatever_comes_in_whatever_order(
    later: list[Arrival], end_at: int, origin: int, ticks: int
):
    attempt, model = Attempt(100, origin=origin, ticks=ticks), Model()
    arrivals = [(0, 1), *later]
    for number, arrival in enumerate(arrivals):
        model.take(arrival, number >= end_at)
    parts = [attempt.block(*arrival) for arrival in arrivals]
    parts.insert(end_at, attempt.ended())
    found = decode_wire([attempt.started() + b"".join(parts)], None)
    expected = sorted(model.came)
    assert (found.sample_index - origin).tolist() == expected
    assert found.samples["depth"].tolist() == [k + 1 for k in expected]
    assert found.resent.tolist() == [model.came[k] for k in expected]
    stamps = [(ticks + k * PERIOD_US) % 2**30 if k in model.stamped else NO_STAMP for k in expected]
    assert found.stamp_us.tolist() == stamps
    assert (found.taken, found.at_least) == (origin + 100, origin + 100)


def test_of_two_copies_the_first_that_came_is_taken():
    attempt = Attempt(60)
    forged = zeros(first_sample=20)
    assert_counts(decode(attempt.wire([*attempt.blocks(), forged])), list(range(60)))
    one, two, three = attempt.blocks()
    found = decode_wire([attempt.wire([one, forged, two, three])], None)
    assert found.samples["depth"][20:40].tolist() == [0] * 20
    assert found.stamp_us[20] == 1


def test_only_the_run_that_was_asked_for_is_taken():
    """One stream; the block that came last belongs to the first of the two runs."""
    one, two = Attempt(200, events=2, run=65535), Attempt(100, events=1, run=0, ticks=9)
    blocks = one.blocks()
    wire = one.wire(blocks[:-1]) + two.wire() + blocks[-1]
    for run, attempt in ((65535, one), (0, two), (None, one)):
        found = decode_wire([wire], run)
        assert found.sample_index.tolist() == list(range(attempt.taken))
        assert (found.taken, found.events_found, len(found.events)) == (
            attempt.taken,
            attempt.events,
            attempt.events,
        )
        assert {event["run"] for event in found.events} == {attempt.run}
    assert np.flatnonzero(decode_wire([wire], 65535).resent).tolist() == list(range(180, 200))
    assert not decode_wire([wire], 0).resent.any()
    nobody = decode_wire([wire], 5)
    assert (len(nobody.samples), nobody.taken, nobody.at_least, nobody.events) == (0, None, 0, ())


def test_a_frame_never_spans_two_connections():
    attempt = Attempt(200, events=1)
    wire = attempt.wire()
    cut = len(attempt.started()) + 3 * len(attempt.blocks()[0]) + 50
    found = decode_wire([wire[:cut], wire[cut:]], None)
    assert (len(found.samples), found.bad_frames) == (180, 1)  # the end of the cut frame; its beginning: none
    again = decode_wire([wire[:cut], wire[cut:], attempt.blocks()[3]], None)
    assert np.flatnonzero(again.resent).tolist() == list(range(60, 80))
    assert (again.taken, again.bad_frames) == (200, 1)


def test_any_idle_ack_tells_the_end_and_the_last_one_counts():
    """A host that lost the ACK of STOP asks with CLOCK or IDENTIFY."""
    attempt = Attempt(200, events=3)
    early = ack(CLOCK, next_sample=100, next_event=1)
    found = decode_wire([attempt.wire(stopped=False) + early], None)
    assert (found.taken, found.events_found, found.at_least) == (None, None, 200)
    late = ack(CLOCK, next_sample=220, next_event=4, state="idle", missed=12)
    found = decode_wire([attempt.wire() + late], None)
    assert (found.taken, found.events_found, found.missed_conversions) == (220, 4, 12)


@pytest.mark.parametrize("next_sample", [2**32 - 1, 2**32 - 60, 0, 500])
def test_the_count_of_the_device_wraps_as_the_index_does(next_sample: int):
    attempt = Attempt(100, origin=2**32 - 50)
    found = decode_wire([attempt.wire(stopped=False) + status(next_sample)], None)
    ahead = next_sample if next_sample > 2**31 else next_sample + 2**32
    assert (found.taken, found.at_least) == (None, max(ahead, 2**32 + 50))
    assert decode_wire([attempt.wire()], None).taken == 2**32 + 50


def test_a_status_before_any_sample_tells_what_it_says():
    found = decode_wire([Attempt(1).started() + status(2**32 - 5, missed=3)], None)
    assert (found.at_least, found.missed_conversions) == (2**32 - 5, 3)


def test_an_event_names_its_sample_without_the_wrap():
    attempt = Attempt(100, origin=2**32 - 50)
    wire = attempt.wire(stopped=False) + event(1, sample_index=7) + event(0, sample_index=2**32 - 7)
    found = decode_wire([wire], None)
    assert [one["sample_index"] for one in found.events] == [2**32 - 7, 2**32 + 7]
    assert (found.resent_events, found.events[0]["kind"]) == (1, "contact")


def test_the_first_copy_of_an_event_is_taken():
    attempt = Attempt(20)
    wire = attempt.wire([*attempt.blocks(), event(0, ticks_us=1), event(0, ticks_us=2)])
    found = decode_wire([wire], None)
    assert [one["ticks_us"] for one in found.events] == [1]
    assert found.resent_events == 0


def test_an_index_from_before_the_first_sample_is_nobodys():
    attempt = Attempt(40)
    before = zeros(first_sample=2**32 - 20)
    assert_counts(decode(attempt.wire([*attempt.blocks(), before])), list(range(40)))
