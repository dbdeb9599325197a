"""RESEND: what comes again is what went live, in its turn; what is gone is refused, never made up."""

from itertools import pairwise
from typing import Any

import pytest

from popsense_protocol.codec import Packet
from popsense_protocol.framing import encode_frame
from tests.firmware.stand_in import BLOCK, KEPT, StandIn, assert_true, blocks, covered
from tests.protocol.strategies import plain

EVENTS_KEPT = 64
PAST_ALL = 2**30 - 300_000  # device clock at power-on: it wraps in the midst of the first samples
SEAMS = [2**32 - 20_000, 2**32 - 100, 2**32 - 20, 2**32 - 1, 2**31 - 50, 2**30 - 50, 3 * 2**30 - 50]


def parted(found: list[Any], next_live: int) -> tuple[list[Any], list[Any], str]:
    """Live blocks, resent ones, and their order as letters L and R."""
    live: list[Any] = []
    resent: list[Any] = []
    order = ""
    for block in found:
        is_live = block.first_sample == next_live
        (live if is_live else resent).append(block)
        next_live = (next_live + block.count * is_live) % 2**32
        order += "L" if is_live else "R"
    return live, resent, order


def after(found: list[Any]) -> int:
    """Index behind the last block."""
    return (found[-1].first_sample + found[-1].count) % 2**32


def stopped(device: StandIn, samples: int) -> int:
    """A run that is over; how many samples it has (a few more than asked for)."""
    device.begin()
    device.do("stall", samples - 20)
    device.do("run", 20)
    return int(device.ask("STOP").fields.next_sample)


def refusal(answer: Any) -> tuple[str, int]:
    assert answer.name == "NAK"
    return str(answer.fields.reason), answer.fields.first_kept


def everything_left(device: StandIn, steps: int = 450) -> list[Packet]:
    """What an idle board still sends, but for HELLO."""
    return [packet for packet in device.do("steps", steps) if packet.name != "HELLO"]


def numbers(packets: list[Packet]) -> list[int]:
    return [packet.fields.number for packet in packets if packet.name == "EVENT"]


def test_what_is_resent_is_what_went_live(device: StandIn):
    device.begin(ticks_us=PAST_ALL)
    device.do("run", 800)
    assert device.resend(37, 500).name == "ACK"
    device.do("run", 600)
    live, resent, _ = parted(blocks(device.heard), 0)
    assert covered(live) == list(range(after(live)))
    assert covered(resent) == list(range(37, 537))
    assert [block.count for block in resent] == [BLOCK] * 25
    for block in live + resent:
        assert_true(block, 0, live[0].first_ticks_us)


def test_while_sampling_at_most_one_resent_block_follows_each_live_one(device: StandIn):
    device.begin()
    device.do("run", 600)
    device.resend(0, 500)
    device.do("run", 300)
    device.do("stall", 400)
    device.do("run", 300)
    live, resent, order = parted(blocks(device.heard), 0)
    assert "LR" * 25 in order
    assert "RR" not in order
    assert covered(resent) == list(range(500))
    assert covered(live) == list(range(after(live)))


def test_events_are_no_occasion_for_another_resent_block(device: StandIn):
    device.begin()
    device.do("run", 600)
    device.resend(0, 500)
    for _ in range(100):
        device.do("events", 1)
        device.do("steps", 2)
    live, resent, order = parted(blocks(device.heard), 0)
    assert numbers(device.heard) == list(range(100))
    assert covered(live) == list(range(after(live)))
    assert 2 <= len(resent) <= 12
    assert "RR" not in order


def test_one_resent_event_a_live_block_and_then_in_turn_with_samples(device: StandIn):
    device.begin()
    device.do("events", 30)
    device.do("run", 300)
    device.resend(0, 100)
    device.resend(0, 30, "events")
    device.do("run", 700)
    live, resent, _ = parted(blocks(device.heard), 0)
    assert (covered(resent), numbers(device.heard)) == (list(range(100)), [*range(30), *range(30)])
    names = [packet.name for packet in device.heard if packet.name in ("EVENT", "SAMPLE_BLOCK")][30:]
    assert all(pair != ("EVENT", "EVENT") for pair in pairwise(names))
    assert len(live) >= 45


def test_an_idle_board_resends_as_fast_as_it_can(device: StandIn):
    taken = stopped(device, 1000)
    before = device.ask("CLOCK").fields.ticks_us
    device.resend(0, taken)
    came = blocks(device.do("steps", -(-taken // BLOCK)))
    assert covered(came) == list(range(taken))
    assert (device.ask("CLOCK").fields.ticks_us - before) % 2**30 < 10_000
    assert everything_left(device, 30) == []


def test_all_8128_can_be_had_again_and_not_one_more(device: StandIn):
    taken = stopped(device, KEPT + 1000)
    device.tell("CLOCK")
    assert refusal(device.resend(taken - KEPT - 1, 1)) == ("not_kept", taken - KEPT)
    assert everything_left(device, 30) == []
    assert device.resend(taken - KEPT, KEPT).name == "ACK"
    assert covered(blocks(everything_left(device))) == list(range(taken - KEPT, taken))


def test_of_a_stretch_that_is_partly_gone_the_rest_is_sent_and_the_answer_says_from_where(device: StandIn):
    taken = stopped(device, KEPT + 1000)
    assert refusal(device.resend(taken - KEPT - 30, 100)) == ("not_kept", taken - KEPT)
    assert covered(blocks(everything_left(device, 30))) == list(range(taken - KEPT, taken - KEPT + 70))


def test_what_the_run_has_not_is_refused_and_nothing_is_sent(device: StandIn):
    """Gone, to come, none, far too many, and indices that agree in their low 30 bits only."""
    taken = stopped(device, KEPT + 200)
    near, quarters = taken - 10, [quarter * 2**30 for quarter in (1, 2, 3)]
    asked = [(0, 10), (taken - KEPT - 10, 10), (taken - 5, 6), (taken, 1), (taken + 1, 1)]
    asked += [(near, 0), (near, 2**31), (near, 2**32 - 1)]
    asked += [(near + quarter, count) for quarter in quarters for count in (5, 2**30)]
    for first, count in asked:
        assert refusal(device.resend(first, count)) == ("not_kept", taken - KEPT), (first, count)
        assert everything_left(device, 30) == []


@pytest.mark.parametrize("back", [1, 10, 5000, 8000])
def test_before_the_first_sample_the_ring_holds_nothing_of_this_run(device: StandIn, back: int):
    """What is in it there was measured at power-on, or in the run before."""
    device.power_on()
    device.ask("IDENTIFY")
    assert refusal(device.resend((-back) % 2**32, 1)) == ("not_kept", 0)
    assert refusal(device.resend(0, 1)) == ("not_kept", 0)
    assert refusal(device.resend((-back) % 2**32, 1, "events")) == ("not_kept", 0)
    taken = stopped(device, 100)
    assert refusal(device.resend((-back) % 2**32, back)) == ("not_kept", 0)
    assert refusal(device.resend((-back) % 2**32, back + taken)) == ("not_kept", 0)
    assert everything_left(device, 30) == []
    assert device.resend(0, taken).name == "ACK"


@pytest.mark.slow
@pytest.mark.parametrize("other", [1, -1, 256, 0x8000])
def test_samples_of_another_run_are_not_this_runs(device: StandIn, other: int):
    taken = stopped(device, 200)
    assert refusal(device.resend(0, 10, run=(device.run + other) % 2**16)) == ("not_kept", 0)
    assert everything_left(device, 30) == []
    assert device.resend(0, taken).name == "ACK"


def test_a_stretch_that_is_overtaken_is_told_with_its_number_and_the_rest_is_right(device: StandIn):
    device.begin(ticks_us=PAST_ALL)
    device.do("stall", 8_000)
    device.do("run", 50)
    device.resend(0, 8_000, request=777)
    device.do("run", 60)
    device.do("stall", 300)
    device.do("run", 60)
    device.tell("STOP")
    everything_left(device)
    (refused,) = [packet.fields for packet in device.heard if packet.name == "NAK"]
    assert (refused.request, str(refused.reason)) == (777, "not_kept")
    live, resent, _ = parted(blocks(device.heard), 0)
    index = covered(resent)
    lost = [k for k in range(8_000) if k not in set(index)]
    assert index == sorted(set(index))
    assert lost == list(range(lost[0], refused.first_kept))
    assert index[-1] == 7_999
    assert 0 < lost[0] <= 100
    assert 300 - 100 < len(lost) < 300 + 100
    for block in resent:
        assert_true(block, 0, live[0].first_ticks_us)


def test_a_stretch_that_is_overtaken_for_good_ends_with_its_refusal(device: StandIn):
    device.begin()
    device.do("stall", 8_000)
    device.do("run", 50)
    device.resend(0, 30, request=778)
    device.do("stall", 300)
    device.do("run", 600)
    (refused,) = [packet.fields for packet in device.heard if packet.name == "NAK"]
    assert refused.request == 778
    assert refused.first_kept >= 8_050 + 300 - KEPT
    assert parted(blocks(device.heard), 0)[1] == []


def test_a_new_request_takes_the_place_of_the_old_one(device: StandIn):
    device.begin()
    device.do("run", 500)
    device.resend(0, 400)
    device.do("run", 70)
    assert device.resend(440, 30).name == "ACK"
    device.do("run", 300)
    _, resent, _ = parted(blocks(device.heard), 0)
    index = covered(resent)
    assert index[-30:] == list(range(440, 470))
    assert index[:-30] == list(range(len(index) - 30))
    assert len(index) < 200


@pytest.mark.parametrize("command", ["IDENTIFY", "START"])
def test_a_new_session_or_run_waits_for_nothing_old(device: StandIn, command: str):
    stopped(device, 1000)
    device.do("events", 20)
    device.resend(0, 900)
    device.resend(0, 20, "events")
    came = [packet.name for packet in device.tell(command)]
    assert came[-1] == "ACK"
    left = device.do("run", 300) if command == "START" else everything_left(device, 30)
    assert covered(blocks(left)) == list(range(len(covered(blocks(left)))))
    assert numbers(left) == []
    assert (blocks(left) == []) == (command == "IDENTIFY")


def test_the_last_64_events_can_be_had_again_as_they_were(device: StandIn):
    device.begin()
    live = [packet for _ in range(7) for packet in device.do("events", 10) + device.do("steps", 1)]
    device.tell("STOP")
    live = [plain(packet.fields) for packet in live if packet.name == "EVENT"]
    oldest = 70 - EVENTS_KEPT
    assert refusal(device.resend(oldest - 1, 1, "events")) == ("not_kept", oldest)
    assert everything_left(device, 10) == []
    assert device.resend(oldest, EVENTS_KEPT, "events").name == "ACK"
    assert [plain(packet.fields) for packet in everything_left(device, 70)] == live[oldest:]
    assert refusal(device.resend(2, EVENTS_KEPT, "events")) == ("not_kept", oldest)
    assert numbers(everything_left(device, 70)) == list(range(oldest, 66))


@pytest.mark.parametrize(
    ("first", "count"), [(3, 0), (3, 3), (5, 1), (2**32 - 1, 1), (3 + 2**30, 1), (3, 2**31), (3, 2**32 - 1)]
)
def test_events_that_were_never_found_are_refused(device: StandIn, first: int, count: int):
    device.begin()
    device.do("events", 5)
    device.do("steps", 3)
    assert refusal(device.resend(first, count, "events")) == ("not_kept", 0)
    assert numbers(device.do("run", 100)) == []


def test_events_that_are_overtaken_are_told_with_their_number_and_the_rest_is_right(device: StandIn):
    device.begin()
    device.do("events", 64)
    device.do("run", 100)
    device.resend(0, 64, "events", request=900)
    came = device.do("run", 100) + device.do("events", 20)
    came += device.tell("STOP") + everything_left(device, 100)
    (refused,) = [packet.fields for packet in came if packet.name == "NAK"]
    assert (refused.request, refused.first_kept) == (900, 20)
    again = [number for number in numbers(came) if number < 64]
    assert again == [*range(again.index(20)), *range(20, 64)]
    assert numbers(came)[-44:] == list(range(20, 64))


def test_an_event_that_is_overwritten_while_it_is_copied_is_not_sent(device: StandIn):
    """The 65th takes the place of the first in the ring."""
    device.begin()
    device.do("events", EVENTS_KEPT)
    device.do("run", 100)
    device.tell("STOP")
    assert device.resend(0, EVENTS_KEPT, "events").name == "ACK"
    device.do("event_in_the_midst")
    came = everything_left(device, 100)
    (refused,) = [packet.fields for packet in came if packet.name == "NAK"]
    assert refused.first_kept == 1
    assert sorted(numbers(came)) == list(range(1, EVENTS_KEPT + 1))


def test_an_event_that_is_overwritten_before_it_was_ever_sent_is_left_out(device: StandIn):
    device.begin()
    device.do("events", EVENTS_KEPT)
    device.do("event_in_the_midst")
    assert numbers(device.do("run", 100)) == list(range(1, EVENTS_KEPT + 1))


def test_what_is_neither_samples_nor_events_is_malformed_and_disturbs_nothing(device: StandIn):
    taken = stopped(device, 200)
    device.resend(0, taken)
    packet = bytes([0x45, 2]) + (55).to_bytes(2, "little") + device.run.to_bytes(4, "little") + bytes(8)
    came = device.do("tell", encode_frame(packet).hex())
    assert ("NAK", 55) in [(p.name, p.fields.request) for p in came if p.name == "NAK"]
    assert covered(blocks(came + everything_left(device, 30))) == list(range(taken))


@pytest.mark.parametrize("start", SEAMS)
def test_the_index_may_wrap_anywhere(device: StandIn, start: int):
    """Live, resent over the seam, refused with the right first_kept; the run is older than its ring."""
    device.begin()
    device.do("skip_to", KEPT + 1)
    device.do("run", 40)  # the board notices that its ring is full
    device.do("skip_to", start)
    device.heard.clear()
    device.do("run", 300)
    device.resend((start + 5) % 2**32, 210)
    device.do("run", 300)
    live, resent, order = parted(blocks(device.heard), start)
    assert covered(live) == [(start + k) % 2**32 for k in range(len(covered(live)))]
    assert covered(resent) == [(start + 5 + k) % 2**32 for k in range(210)]
    assert "RR" not in order
    for block in live + resent:
        assert_true(block, start, live[0].first_ticks_us)
    taken = device.ask("STOP").fields.next_sample
    oldest = (taken - KEPT) % 2**32
    for first, count in ((oldest - 1, 1), (taken, 1), (taken - 1, 2), (start + 5 + 2**31, 210)):
        assert refusal(device.resend(first % 2**32, count)) == ("not_kept", oldest)
        assert everything_left(device, 15) == []
    assert device.resend(oldest, KEPT).name == "ACK"


def test_the_ring_is_full_from_its_8129th_sample_on_however_small_the_index_gets(device: StandIn):
    device.begin()
    device.do("skip_to", KEPT)
    device.do("steps", 1)
    device.tell("CLOCK")
    assert refusal(device.resend(KEPT + 999, 1))[1] in range(6)
    device.do("run", 20)
    device.do("skip_to", 2**32 - 30)
    device.do("run", 100)
    taken = device.ask("STOP").fields.next_sample
    assert taken < KEPT
    assert device.resend(2**32 - 10, 20).name == "ACK"
    assert refusal(device.resend(taken, 1)) == ("not_kept", (taken - KEPT) % 2**32)
