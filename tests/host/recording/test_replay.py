"""A recording played as a board, and recorded again."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from popsense.errors import RecordingError
from popsense.recording.attempt import decoded
from popsense.recording.decode import decode_wire
from popsense.recording.playback import playback
from popsense_protocol.codec import schema_hash
from popsense_protocol.framing import FrameDecoder
from popsense_protocol.packets import PROTOCOL_VERSION
from tests.host.link.client import Client
from tests.host.link.scripted import hello
from tests.host.recording.journals import HEADER, stored_differences
from tests.host.recording.replays import WRAP, as_run, recorded_again, recording_of, transport_of
from tests.host.recording.wires import PERIOD_US, RATE_HZ, Attempt, event, status

# ---- recorded again it is the same -----------------------------------------------------------------------


@dataclass(frozen=True)
class Blocks:
    """How the samples of an attempt were sent: lengths of its blocks, and which of them came."""

    attempt: Attempt
    lengths: tuple[int, ...]
    came: tuple[bool, ...]
    events: tuple[int, ...]  # sample of each
    lost_events: frozenset[int]

    def wire(self) -> bytes:
        parts, first = [self.attempt.started()], 0
        for length, came in zip(self.lengths, self.came, strict=True):
            parts += [self.attempt.block(first, length)] if came else []
            parts += [self.event(k) for k, at in enumerate(self.events) if first <= at < first + length]
            first += length
        return b"".join([*parts, self.attempt.ended()])

    def event(self, number: int) -> bytes:
        if number in self.lost_events:
            return b""
        at = self.events[number]
        ticks_us = (self.attempt.ticks + self.attempt.times_us()[at]) % 2**30
        whole = (self.attempt.origin + at) % WRAP
        return event(number, sample_index=whole, ticks_us=ticks_us, peak_counts=number)


@st.composite
def blocks(draw: st.DrawFn) -> Blocks:
    lengths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=30))
    taken = sum(lengths)
    place = st.integers(0, taken - 1)
    events = tuple(sorted(draw(st.lists(place, max_size=5))))
    attempt = Attempt(
        taken=taken,
        ticks=draw(st.sampled_from([0, 5_000_000, 2**30 - 1, 2**30 - 40 * PERIOD_US])),
        gaps=tuple(draw(st.dictionaries(place, st.integers(1, 3), max_size=3)).items()),
        events=len(events),
        origin=draw(st.sampled_from([0, 700, WRAP - 1, WRAP - 25])),
    )
    came = draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    lost = draw(st.frozensets(st.integers(0, 4)))
    assume(any(came))
    return Blocks(attempt, tuple(lengths), tuple(came), events, lost)


AT_BOTH_WRAPS = Attempt(60, ticks=2**30 - 9, origin=WRAP - 30)


@given(blocks())
@example(Blocks(AT_BOTH_WRAPS, (20, 20, 20), (True, False, True), (), frozenset()))
def test_a_replay_recorded_again_is_the_same_recording(sent: Blocks):
    recording = recording_of(sent.wire())
    again = recorded_again(recording)
    assert stored_differences(as_run(recording.stored, 0), as_run(again, 0)) == []
    before, after = decoded(recording.stored, RATE_HZ), decoded(again, RATE_HZ)
    assert after.raw.holes == before.raw.holes
    assert after.integrity == before.integrity
    assert np.array_equal(after.raw.time_s, before.raw.time_s)


def test_a_recording_with_holes_is_played_with_holes():
    attempt = Attempt(400, events=2)
    blocks = attempt.blocks()
    recording = recording_of(attempt.wire([*blocks[:3], *blocks[7:12]]))
    again = decoded(recorded_again(recording), RATE_HZ)
    assert again.integrity == "holes"
    assert [(hole.first_sample, hole.count) for hole in again.raw.holes] == [(60, 80), (240, 160)]


def test_what_was_repaired_is_played_in_its_place():
    attempt = Attempt(100)
    blocks = attempt.blocks()
    recording = recording_of(attempt.wire([*blocks[:2], *blocks[3:], blocks[2]]))
    assert decoded(recording.stored, RATE_HZ).integrity == "repaired"
    again = decoded(recorded_again(recording), RATE_HZ)
    assert (again.integrity, again.raw.sample_index.tolist()) == ("complete", list(range(100)))


def test_what_was_cut_off_ends_where_the_device_is_known_to_have_been():
    attempt = Attempt(100)
    recording = recording_of(attempt.wire(stopped=False) + status(130, next_event=1))
    again = recorded_again(recording)
    assert (again.taken, again.at_least, len(again.samples)) == (None, 130, 100)
    assert decoded(again, RATE_HZ).integrity == decoded(recording.stored, RATE_HZ).integrity == "cut off"


def test_blocks_too_long_for_a_frame_are_divided():
    stored = decode_wire([Attempt(400).wire()], None)
    stamp_us = np.where(stored.sample_index == 0, stored.stamp_us, -1)
    one_block = replace(stored, stamp_us=stamp_us)
    again = recorded_again(replace(recording_of(), stored=one_block))
    assert again.sample_index.tolist() == list(range(400))


# ---- who it says it is -----------------------------------------------------------------------------------


def test_the_recorded_hello_is_played_in_the_protocol_of_today():
    recorded = hello(boot_id=0xABCDEF, sample_rate_mhz=321_000, protocol_version=3, schema_hash=1)
    (payload,) = FrameDecoder().feed(recorded)
    found = playback(recording_of(Attempt(20).wire(), hello=payload.hex())).hello
    assert (found["boot_id"], found["sample_rate_mhz"]) == (0xABCDEF, 321_000)
    assert (found["protocol_version"], found["schema_hash"]) == (PROTOCOL_VERSION, schema_hash())


@pytest.mark.parametrize("left", [{}, {"hello": "00ff"}, {"hello": "0101"}])
def test_a_recording_without_a_hello_of_today_gets_one_from_its_header(left: dict[str, str]):
    found = playback(recording_of(Attempt(20).wire(), **left)).hello
    assert found["board_id"].hex() == HEADER["board"]["board_id"]
    assert (found["sample_rate_mhz"], found["firmware_version"]) == (988_000, [0, 1, 0])
    assert found["depth"]["nano_units_per_count"] == 1_000_000
    assert found["ring_samples"] == 8192


@pytest.mark.parametrize(
    "board", [{}, {**HEADER["board"], "board_id": "no hex"}, {**HEADER["board"], "sample_rate_hz": 0}]
)
def test_a_recording_that_does_not_tell_its_board_is_refused(board: dict[str, object]):
    with pytest.raises(RecordingError, match="does not tell") as caught:
        playback(recording_of(Attempt(20).wire(), board=board))
    assert caught.value.remedy


def test_a_recording_without_samples_is_refused():
    with pytest.raises(RecordingError, match="holds no sample"):
        playback(recording_of(Attempt(0).wire()))


def test_a_calibrated_recording_starts_without_being_asked_twice():
    client = Client(transport_of(recording_of(Attempt(20).wire(), calibration_id=7)))
    client.connect()
    assert client.ask("START", mode="guided", options=0).name == "ACK"
