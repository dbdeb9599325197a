"""What is missing is asked for, one stretch at a time; what cannot be had is told, and no more than that."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.link.repair import RETRY_S, Ask, Repair, unwrapped
from popsense.model import Stretch
from popsense_protocol.codec import Packet, decode, encode
from tests.host.link.scripted import RUN, answer_frame, block, event, opened, status

WRAP = 1 << 32


def taken(repair: Repair, frame: bytes, now: float = 0.0) -> bool:
    return repair.take(opened(frame), now)


def blocks(repair: Repair, *stretches: tuple[int, int], now: float = 0.0) -> None:
    for first, end in stretches:
        taken(repair, block(first, end - first), now)


def refusal(request: int, first_kept: int, run: int = RUN, reason: str = "not_kept") -> bytes:
    return answer_frame("NAK", 0x45, request, run=run, reason=reason, first_kept=first_kept)


def bounds(ask: Ask | None) -> tuple[str, int, int] | None:
    return (ask.what, ask.first, ask.end) if ask else None


def asking(repair: Repair, now: float = 0.0, request: int = 7) -> Ask:
    ask = repair.wanted(now)
    assert ask is not None
    repair.asked(ask, request, now)
    return ask


@given(st.integers(0, 5 * WRAP), st.integers(-(2**31), 2**31 - 1))
def test_an_index_is_unwrapped_next_to_the_last_one(near: int, ahead: int):
    assert unwrapped((near + ahead) % WRAP, near) == near + ahead


def test_all_that_comes_in_order_leaves_nothing_to_ask():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (20, 40))
    assert (repair.wanted(0), repair.settled_below, repair.holes(), repair.is_settled) == (None, 40, [], True)


def test_a_jump_is_a_gap_that_is_asked_for_oldest_first():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (40, 60), (80, 100))
    assert bounds(asking(repair)) == ("samples", 20, 40)
    assert repair.wanted(0.1) is None  # one at a time
    blocks(repair, (20, 40), now=0.1)
    assert bounds(repair.wanted(0.1)) == ("samples", 60, 80)


def test_samples_before_the_first_block_are_missing_too():
    repair = Repair(RUN)
    blocks(repair, (5, 20))
    assert bounds(repair.wanted(0)) == ("samples", 0, 5)


def test_what_does_not_come_is_asked_for_again_and_progress_puts_it_off():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (100, 120))
    asking(repair)
    assert repair.wanted(RETRY_S * 0.9) is None
    blocks(repair, (20, 40), now=RETRY_S * 0.9)
    assert repair.wanted(RETRY_S * 1.8) is None
    assert bounds(repair.wanted(RETRY_S * 2)) == ("samples", 40, 100)


def test_live_blocks_are_no_progress():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (40, 60))
    asking(repair)
    blocks(repair, (60, 80), now=RETRY_S * 0.9)
    assert bounds(repair.wanted(RETRY_S)) == ("samples", 20, 40)


@given(first_kept=st.integers(0, 200))
def test_what_is_no_longer_kept_is_given_up_and_the_rest_asked_for(first_kept: int):
    repair = Repair(RUN)
    blocks(repair, (0, 20), (100, 120))
    asking(repair)
    taken(repair, refusal(7, first_kept))
    if 20 < first_kept < 100:
        assert repair.samples.gone == [Stretch(20, first_kept - 20)]
        assert bounds(repair.wanted(RETRY_S)) == ("samples", first_kept, 100)
    else:  # nothing of it is kept, or the board contradicts itself
        assert repair.samples.gone == [Stretch(20, 80)]
        assert (repair.wanted(RETRY_S), repair.is_settled) == (None, True)
    assert repair.settled_below == (first_kept if 20 < first_kept < 100 else 120)


def test_a_refusal_of_another_request_or_for_another_reason_gives_nothing_up():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (40, 60))
    asking(repair, request=7)
    taken(repair, refusal(8, 40))
    taken(repair, refusal(7, 40, reason="malformed"))
    assert repair.samples.gone == []
    assert bounds(repair.wanted(RETRY_S)) == ("samples", 20, 40)


def test_a_refusal_that_comes_from_another_run_gives_all_up():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (40, 60))
    asking(repair)
    taken(repair, refusal(7, 0, run=RUN + 1))
    assert repair.samples.gone == [Stretch(20, 20)]


def test_what_was_given_up_and_comes_all_the_same_is_no_hole():
    repair = Repair(RUN)
    blocks(repair, (0, 20), (40, 60))
    asking(repair)
    taken(repair, refusal(7, 40))
    blocks(repair, (20, 30))
    assert repair.holes() == [Stretch(30, 10)]


def test_packets_of_another_run_count_for_nothing():
    repair = Repair(RUN)
    assert not taken(repair, block(0, 20, run=RUN - 1))
    assert not taken(repair, event(0, run=RUN - 1))
    taken(repair, status(next_sample=900, next_event=4, run=RUN - 1))
    assert (repair.settled_below, repair.wanted(0), repair.holes()) == (0, None, [])


def test_what_comes_twice_is_new_once():
    repair = Repair(RUN)
    assert [taken(repair, block(0, 20)), taken(repair, block(0, 20)), taken(repair, block(10, 20))] == [
        True,
        False,
        True,
    ]
    assert [taken(repair, event(0)), taken(repair, event(0))] == [True, False]


def test_an_event_that_is_announced_and_did_not_come_is_asked_for():
    repair = Repair(RUN)
    taken(repair, event(0))
    taken(repair, status(next_sample=0, next_event=3))
    assert bounds(asking(repair)) == ("events", 1, 3)
    assert not repair.is_settled


def test_samples_go_before_events():
    repair = Repair(RUN)
    blocks(repair, (20, 40))
    taken(repair, event(1))
    assert bounds(repair.wanted(0)) == ("samples", 0, 20)


def test_a_status_while_sampling_counts_what_may_still_be_on_its_way():
    repair = Repair(RUN)
    blocks(repair, (0, 20))
    taken(repair, status(next_sample=50, next_event=0))
    assert repair.wanted(0) is None
    assert repair.holes() == [Stretch(20, 30)]  # until it comes


def test_an_idle_board_has_sent_all_that_it_counts():
    repair = Repair(RUN)
    blocks(repair, (0, 20))
    taken(repair, answer_frame("ACK", 0x43, 1, state="idle", next_sample=50, next_event=0))
    assert (repair.taken, bounds(repair.wanted(0))) == (50, ("samples", 20, 50))


def test_a_new_session_forgets_what_it_asked_for():
    repair = Repair(RUN)
    blocks(repair, (20, 40))
    asking(repair)
    repair.forget_asks()
    assert bounds(repair.wanted(0)) == ("samples", 0, 20)


def test_the_index_goes_on_behind_2_to_32():
    repair = Repair(RUN)
    repair.samples.sent = WRAP - 40
    repair.samples.came.add(0, WRAP - 40)
    repair.samples.settled.add(0, WRAP - 40)
    blocks(repair, (WRAP - 40, WRAP - 20), (20, 40))
    assert bounds(asking(repair)) == ("samples", WRAP - 20, WRAP + 20)
    blocks(repair, (WRAP - 20, WRAP))
    taken(repair, refusal(7, 10))
    assert repair.samples.gone == [Stretch(WRAP, 10)]
    blocks(repair, (10, 20))
    assert repair.settled_below == WRAP + 40
    assert repair.holes() == [Stretch(WRAP, 10)]


def test_a_block_from_before_the_run_claims_nothing():
    repair = Repair(RUN)
    taken(repair, block(WRAP - 10, 20))
    assert repair.samples.came.missing(0, 20) == [Stretch(10, 10)]


class Sender:
    """A device that took `count` samples and keeps those from `kept` on."""

    def __init__(self, count: int, kept: int) -> None:
        self.count, self.kept = count, kept

    def answer(self, ask: Ask, request: int) -> list[bytes]:
        if ask.first < self.kept:
            return [refusal(request, self.kept)]
        return [block(first, min(20, ask.end - first), run=RUN) for first in range(ask.first, ask.end, 20)]


@settings(max_examples=30)
@given(
    lost=st.sets(st.integers(0, 29)),
    late=st.sets(st.integers(0, 3)),
    kept=st.integers(0, 600),
)
def test_in_the_end_each_sample_came_or_is_gone_and_none_is_both(lost: set[int], late: set[int], kept: int):
    device = Sender(600, kept)
    repair = Repair(RUN)
    now = 0.0
    blocks(repair, *((20 * k, 20 * k + 20) for k in range(30) if k not in lost))
    taken(repair, answer_frame("ACK", 0x43, 1, state="idle", next_sample=600, next_event=0))
    for turn in range(200):
        ask = repair.wanted(now)
        if ask is not None:
            repair.asked(ask, turn + 1, now)
            for frame in device.answer(ask, turn + 1) if turn not in late else []:
                taken(repair, frame, now)
        now += RETRY_S / 2
    gone = [i for hole in repair.samples.gone for i in range(hole.first_sample, hole.end)]
    expected = [i for i in range(min(kept, 600)) if i // 20 in lost]
    assert sorted(gone) == gone == expected
    assert [i for hole in repair.holes() for i in range(hole.first_sample, hole.end)] == expected
    assert (repair.settled_below, repair.is_settled) == (600, True)


def test_a_packet_that_brings_no_data_is_passed_on():
    repair = Repair(RUN)
    passed: list[Any] = [status(0, 0), answer_frame("ACK", 0x46, 3), refusal(9, 0)]
    assert all(taken(repair, frame) for frame in passed)
    assert isinstance(decode(encode("CLOCK", request=1)), Packet)
