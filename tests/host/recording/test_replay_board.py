"""What a recording that is played as a board answers, and what it sends again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense_protocol import layouts, packets
from tests.host.link.client import Client, samples_of
from tests.host.recording.journals import HEADER
from tests.host.recording.replays import WRAP, client_of, recording_of, transport_of
from tests.host.recording.wires import BLOCK, PERIOD_US, RATE_HZ, Attempt

# ---- what a board does -----------------------------------------------------------------------------------


def test_nothing_but_identify_is_done_before_identify():
    client = Client(transport_of(recording_of(Attempt(20).wire())))
    assert client.start().fields.reason == "not_identified"
    client.connect()
    assert client.start().name == "ACK"


def test_another_word_in_identify_is_refused():
    client = Client(transport_of(recording_of(Attempt(20).wire())))
    client.say(b"\x41popsensE")
    assert client.answer(0x41, 0).fields.reason == "malformed"
    assert client.ask("CLOCK").fields.reason == "not_identified"


PROFILE = {field.name: 100 for field in layouts.fields(packets.PROFILE)[3:]}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "ACK"),
        ({"drop_permille": 1000, "flex_nm_per_n": 9000, "contact_mn": 1 << 24}, "ACK"),
        ({"drop_permille": 1001}, "NAK"),
        ({"drop_out_permille": 1001}, "NAK"),
        ({"flex_nm_per_n": 9001}, "NAK"),
        ({"depth_fitted": 2}, "NAK"),
        ({"contact_mn": (1 << 24) + 1}, "NAK"),
    ],
)
def test_a_profile_is_taken_where_it_can_be_meant(changed: dict[str, int], name: str):
    client = Client(transport_of(recording_of(Attempt(20).wire())))
    client.connect()
    assert client.ask("PROFILE", **{"depth_fitted": 1, **PROFILE, **changed}).name == name
    client.start()
    assert client.ask("PROFILE", depth_fitted=1, **PROFILE).fields.reason == "already_sampling"


def test_status_and_hello_come_every_second_also_behind_the_end():
    client = client_of(recording_of(Attempt(200, events=3).wire()))
    packets = client.read_for(4.05)
    names = [packet.name for packet in packets]
    assert (names.count("STATUS"), names.count("HELLO")) == (4, 4)
    last = [packet.fields for packet in packets if packet.name == "STATUS"][-1]
    assert (last.state, last.next_sample, last.next_event) == ("sampling", 200, 3)
    assert client.ask("STOP").fields.next_sample == 200
    idle = [packet.name for packet in client.read_for(1.01)]
    assert (set(idle), idle.count("HELLO") >= 5) == ({"HELLO"}, True)


def test_a_stop_in_mid_run_ends_it_there_and_one_in_the_last_second_takes_the_rest_along():
    early = client_of(recording_of(Attempt(3000).wire()))
    early.read_for(1.0)
    taken = early.ask("STOP").fields.next_sample
    assert sorted(samples_of(early.packets)) == list(range(taken))
    assert 900 < taken < 1100
    late = client_of(recording_of(Attempt(3000).wire()))
    late.read_for(3000 / RATE_HZ - 0.9)
    assert late.ask("STOP").fields.next_sample == 3000
    assert sorted(samples_of(late.packets)) == list(range(3000))


def test_a_stop_in_the_last_second_takes_the_hole_at_the_end_along():
    attempt = Attempt(1000)
    client = client_of(recording_of(attempt.wire(attempt.blocks()[:12])))
    client.read_for(0.1)
    assert client.ask("STOP").fields.next_sample == 1000
    assert sorted(samples_of(client.packets)) == list(range(240))


def test_each_start_plays_it_from_the_beginning():
    client = client_of(recording_of(Attempt(200, events=3).wire()))
    client.read_for(1)
    client.ask("STOP")
    before = len(client.packets)
    run = client.start().fields.run
    client.read_for(1)
    assert sorted(samples_of(client.packets[before:])) == list(range(200))
    assert {p.fields.run for p in client.packets[before:] if p.name == "EVENT"} == {run}


def test_the_clock_of_a_run_is_that_of_the_recording():
    client = client_of(recording_of(Attempt(1000, ticks=2**30 - 5).wire()))
    client.read_for(0.5)
    stamps = [p.fields.first_ticks_us for p in client.packets if p.name == "SAMPLE_BLOCK"]
    assert stamps[:2] == [2**30 - 5, 20 * PERIOD_US - 5]
    since_stamp_us = (client.ask("CLOCK").fields.ticks_us - stamps[-1]) % 2**30
    assert 19 * PERIOD_US <= since_stamp_us < 60 * PERIOD_US


def test_missed_conversions_are_told_as_they_happened():
    attempt = Attempt(100, gaps=((30, 2), (70, 3)))
    played = client_of(recording_of(attempt.wire())).read_for(1)
    missed = [packet.fields.missed for packet in played if packet.name == "SAMPLE_BLOCK"]
    assert missed[0] == 0
    assert missed == sorted(missed)
    assert missed[-1] == 5
    assert 0 < missed[2] < 5


@given(
    first=st.integers(1, 249),
    count=st.integers(1, 250),
    stopped_us=st.integers(30_000, 3_900_000),  # a STOP in the last second takes the rest along
)
def test_in_a_hole_the_count_runs_on_with_the_clock(first: int, count: int, stopped_us: int):
    """Whatever ends a run, what the board had sampled by then is here or missing."""
    attempt = Attempt(5000)
    blocks = attempt.blocks()
    recording = recording_of(attempt.wire([*blocks[:first], *blocks[first + count :]]))
    client = client_of(recording)
    client.read_for(stopped_us / 1e6)
    taken = client.ask("STOP").fields.next_sample
    assert stopped_us // PERIOD_US - BLOCK <= taken <= client.transport.now() * 1e6 // PERIOD_US + 1
    assert sorted(samples_of(client.packets)) == [
        index for index in recording.stored.sample_index.tolist() if index < taken
    ]


def test_status_and_clock_tell_the_count_in_a_hole_and_behind_the_last_sample():
    attempt = Attempt(6000)
    for blocks in (attempt.blocks()[:50] + attempt.blocks()[290:], attempt.blocks()[:50]):
        client = client_of(recording_of(attempt.wire(blocks)))
        began = client.transport.now()
        for packet in [*client.read_for(3), client.ask("CLOCK")]:
            if packet.name in ("STATUS", "ACK"):
                sampled_us = (packet.fields.next_sample - 1) * PERIOD_US
                assert sampled_us <= (client.transport.now() - began) * 1e6
        assert client.ask("CLOCK").fields.next_sample == pytest.approx(3 * RATE_HZ, abs=BLOCK)
        assert client.read_for(1.0)[-1].fields.next_sample == pytest.approx(4 * RATE_HZ, abs=BLOCK)


def test_a_hole_before_the_first_sample_is_told_from_the_start():
    client = Client(transport_of(recording_of(Attempt(3000, origin=700).wire())))
    client.connect()
    assert client.start().fields.next_sample == 700
    assert client.ask("STOP").fields.next_sample == 700


# ---- what is asked for again -----------------------------------------------------------------------------


def with_a_hole() -> Client:
    """Of 200 samples those from 60 to 99 are missing; all is played, and stopped."""
    attempt = Attempt(200, events=6)
    blocks = attempt.blocks()
    client = client_of(recording_of(attempt.wire([*blocks[:3], *blocks[5:]], lost_events=[2, 3])))
    client.read_for(1)
    client.ask("STOP")
    client.packets.clear()
    return client


def again(client: Client, first: int, count: int, what: str = "samples") -> list[str | tuple[int, int]]:
    """What comes upon RESEND: ACK, first_kept of a NAK as "NAK n", and what is sent as (first, end)."""
    client.ask("RESEND", what=what, run=RUN_PLAYED, first=first, count=count)
    client.read_for(0.5)
    said: list[str | tuple[int, int]] = []
    for name, found in client.packets:
        if name == "NAK":
            said.append(f"NAK {found.first_kept}")
        elif name == "ACK":
            said.append("ACK")
        elif name == "SAMPLE_BLOCK":
            said.append((found.first_sample, found.first_sample + found.count))
        elif name == "EVENT":
            said.append((found.number, found.number + 1))
    return said


RUN_PLAYED = HEADER["board"]["boot_id"] + 1


@pytest.mark.parametrize(
    ("first", "count", "said"),
    [
        (0, 40, ["ACK", (0, 20), (20, 40)]),
        (50, 10, ["ACK", (50, 60)]),
        (60, 40, ["NAK 100"]),
        (70, 35, ["NAK 100", (100, 105)]),
        (55, 50, ["ACK", (55, 60), "NAK 100", (100, 105)]),
        (199, 1, ["ACK", (199, 200)]),
        (199, 2, ["NAK 0"]),
        (WRAP - 5, 10, ["NAK 0"]),
    ],
)
def test_a_hole_of_the_recording_is_not_kept(first: int, count: int, said: list[object]):
    assert again(with_a_hole(), first, count) == said


@pytest.mark.parametrize(
    ("first", "count", "said"),
    [
        (0, 2, ["ACK", (0, 1), (1, 2)]),
        (2, 2, ["NAK 4"]),
        (1, 4, ["ACK", (1, 2), "NAK 4", (4, 5)]),
        (5, 2, ["NAK 0"]),
    ],
)
def test_events_are_sent_again_by_number(first: int, count: int, said: list[object]):
    assert again(with_a_hole(), first, count, "events") == said


def test_while_it_plays_live_blocks_go_first_and_one_resent_block_behind_each():
    client = client_of(recording_of(Attempt(4000).wire()))
    client.read_for(1)
    client.packets.clear()
    client.ask("RESEND", what="samples", run=RUN_PLAYED, first=0, count=200)
    client.read_for(0.5)
    resent = [p.fields.first_sample < 200 for p in client.packets if p.name == "SAMPLE_BLOCK"]
    assert resent.count(True) == 10
    assert not any(one and other for one, other in pairwise(resent))


def test_in_a_hole_too_what_is_asked_for_comes():
    attempt = Attempt(4000)
    client = client_of(recording_of(attempt.wire([*attempt.blocks()[:10], *attempt.blocks()[190:]])))
    client.read_for(1)
    client.packets.clear()
    client.ask("RESEND", what="samples", run=RUN_PLAYED, first=0, count=60)
    client.read_for(0.5)
    assert sorted(samples_of(client.packets)) == list(range(60))


def test_what_the_ring_loses_while_it_is_sent_again_is_told():
    client = client_of(recording_of(Attempt(12_000).wire()))
    client.until(lambda packet: 9_000 in samples_of([packet]), patience_s=12)
    last = max(samples_of(client.packets))
    first = last + 1 - 8128
    client.packets.clear()
    client.ask("RESEND", what="samples", run=RUN_PLAYED, first=first, count=100)
    client.read_for(1)
    told = [p.fields.first_kept for p in client.packets if p.name == "NAK"]
    came = sorted(index for index in samples_of(client.packets) if index < first + 100)
    assert told, "the ring did not overtake it"
    assert all(first < one <= first + 100 for one in told)
    assert not set(came) & set(range(first, told[0]))
