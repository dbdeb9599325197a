"""The detector on a person's hands, in both interpreters; its evidence against the hand itself."""

import random
from typing import Any

import pytest

from popsense_protocol.codec import decode
from tests.conftest import Require
from tests.firmware.conftest import Firmware
from tests.firmware.hands import (
    BREAK,
    COUNTS_PER_MM,
    COUNTS_PER_N,
    INSIDE,
    LEAN,
    PERIOD_US,
    PUSH,
    REST,
    SETTINGS,
    Hand,
)
from tests.firmware.interpreters import run_script

POPPED = (REST, PUSH, LEAN, BREAK, INSIDE)
POP, CONTACT, FAR = "pop", "contact", "far_cortex_contact"


def events(firmware: Firmware, *moves: tuple[int, float, float], ticks: int = 5_000) -> list[Any]:
    found = firmware("detect", Hand(moves, ticks).argument())
    return [decode(bytes.fromhex(text)).fields for text in found]


def kinds(found: list[Any]) -> list[str]:
    return [str(event.kind) for event in found]


def assert_consistent(found: list[Any], ticks: int = 5_000) -> None:
    """Numbers count from 0, and index and clock say the same."""
    assert [event.number for event in found] == list(range(len(found)))
    assert [event.detector_version for event in found] == [SETTINGS["DETECTOR_VERSION"]] * len(found)
    assert all(e.ticks_us == (ticks + e.sample_index * PERIOD_US) % 2**30 for e in found)


def test_contact_is_told_once_after_20_ms_of_10_n(firmware: Firmware):
    found = events(firmware, REST, PUSH, LEAN)
    assert kinds(found) == [CONTACT]
    assert_consistent(found)
    ten_newtons_at = 150 + 200 * 10 // 30
    assert 20 <= found[0].sample_index - ten_newtons_at <= 26
    assert found[0].level_counts == pytest.approx(COUNTS_PER_N * 13, rel=0.1)
    assert (found[0].duration_us, found[0].drop_permille) == (0, 0)


@pytest.mark.parametrize("ticks", [5_000, 2**30 - 670 * PERIOD_US, 2**30 - 655 * PERIOD_US])
def test_a_pop_has_its_evidence(firmware: Firmware, ticks: int):
    """The clock wraps before the first push, between peak and pop, or not at all."""
    found = events(firmware, *POPPED, ticks=ticks)
    assert kinds(found) == [CONTACT, POP, "loss_of_resistance"]
    assert_consistent(found, ticks)
    pop, breaks_at = found[1], 650
    assert breaks_at + 14 <= pop.sample_index <= breaks_at + 28  # 30 % down after 14 of 40 samples
    assert pop.peak_counts == pytest.approx(30 * COUNTS_PER_N, rel=0.01)
    assert 300 <= pop.drop_permille <= 450
    # The peak is the end of the push, or a sample of the lean: level, so its date is the first of them.
    assert 0 < pop.duration_us <= (pop.sample_index - 345) * PERIOD_US
    sunk = (pop.sample_index - breaks_at) / 40 * 2.0
    assert pop.advance_counts == pytest.approx(sunk * COUNTS_PER_MM, abs=0.25 * COUNTS_PER_MM)
    loss = found[2]
    assert loss.sample_index >= breaks_at + 20 + 95
    assert loss.drop_permille >= SETTINGS["LOSS_PERMILLE"]


def test_letting_go_without_advance_is_no_pop(firmware: Firmware):
    found = events(firmware, REST, PUSH, LEAN, (30, 0.0, 0.0), (300, 0.0, 0.0))
    assert kinds(found) == [CONTACT, "released"]
    assert 140 <= found[1].sample_index - 680 <= 165
    again = events(firmware, REST, PUSH, (30, 0.0, 0.0), (300, 0.0, 0.0), PUSH, LEAN)
    assert kinds(again) == [CONTACT, "released", CONTACT]


def test_plug_flex_is_no_advance(firmware: Firmware):
    """400 N bend the plug by 0.32 mm, more than a pop asks for; a third of the force goes at once."""
    found = events(firmware, REST, (400, 400.0, 0.0), (200, 400.0, 0.0), (5, 260.0, 0.0), (200, 260.0, 0.0))
    assert kinds(found) == [CONTACT]
    blow = events(firmware, REST, (1, 400.0, 0.0), (60, 400.0, 0.0))
    assert abs(blow[0].advance_counts) <= 0.02 * COUNTS_PER_MM
    assert blow[0].level_counts > 390 * COUNTS_PER_N


def test_advance_without_fall_is_no_pop(firmware: Firmware):
    assert kinds(events(firmware, REST, PUSH, (300, 30.0, 2.0), (200, 30.0, 2.0))) == [CONTACT]


def test_a_tapered_force_takes_the_peak_along(firmware: Firmware):
    taper = (4_000, 13.0, 0.0)
    assert kinds(events(firmware, REST, PUSH, taper, (200, 13.0, 1.0), (100, 13.0, 1.0))) == [CONTACT]


def test_no_pop_is_looked_for_under_the_arming_force(firmware: Firmware):
    light, fallen = (100, 11.0, 0.0), (40, 3.0, 2.0)
    assert kinds(events(firmware, REST, light, light, fallen, (100, 3.0, 2.0))) == [CONTACT]


def test_force_under_contact_gives_nothing(firmware: Firmware):
    assert events(firmware, REST, (200, 9.5, 0.0), (400, 9.5, 0.0), (10, 0.0, 0.0)) == []
    short = ((5, 14.0, 0.0), (8, 14.0, 0.0), (5, 0.0, 0.0), (100, 0.0, 0.0))
    assert events(firmware, REST, *short, *short) == []


def test_far_cortex_is_a_second_rise_deep_inside(firmware: Firmware):
    plunge = ((200, 5.0, 12.0), (60, 25.0, 12.2), (200, 25.0, 12.2))
    found = events(firmware, *POPPED, *plunge)
    assert kinds(found) == [CONTACT, POP, "loss_of_resistance", FAR]
    assert_consistent(found)
    assert found[3].sample_index - 1_190 == pytest.approx(60 * 8 / 20, abs=8)
    assert found[3].advance_counts == pytest.approx(12.1 * COUNTS_PER_MM, rel=0.02)


def test_a_second_rise_near_the_plug_is_no_far_cortex(firmware: Firmware):
    assert FAR not in kinds(events(firmware, *POPPED, (200, 5.0, 4.0), (60, 25.0, 4.0), (200, 25.0, 4.0)))


def test_withdrawal_ends_it_and_the_next_contact_is_found(firmware: Firmware):
    out = ((100, 0.0, 0.0), (600, 0.0, 0.0))
    found = events(firmware, *POPPED, *out, PUSH, LEAN)
    assert kinds(found) == [CONTACT, POP, "loss_of_resistance", "withdrawal", CONTACT]
    left_at = 990 + 92  # under 0.15 mm on the way back from 2 mm
    assert 490 <= found[3].sample_index - left_at <= 510


def test_a_tip_that_springs_back_has_not_left(firmware: Firmware):
    """Stopped with half a bevel out, eased off, and gone on after a second: one puncture."""
    half_out, springs_back = (30, 12.0, 0.7), (50, 3.0, 0.2)
    corrected = (REST, PUSH, LEAN, half_out, springs_back, (1_000, 3.0, 0.2), (200, 20.0, 3.0), INSIDE)
    found = kinds(events(firmware, *corrected))
    assert found.count(CONTACT) == found.count(POP) == 1
    assert "withdrawal" not in found


def test_an_exit_too_gentle_for_a_pop_is_a_loss_of_resistance(firmware: Firmware):
    light = ((100, 11.0, 0.0), (100, 11.0, 0.0), (200, 1.0, 3.0), (300, 1.0, 3.0))
    found = events(firmware, REST, *light)
    assert kinds(found) == [CONTACT, "loss_of_resistance"]
    assert_consistent(found)


def test_no_evidence_is_negative_where_none_can_be(firmware: Firmware):
    """A pull on a stuck needle takes the running peak below the baseline."""
    found = events(firmware, REST, PUSH, (30, -30.0, 0.0), (3_000, -30.0, 0.0))
    assert kinds(found) == [CONTACT, "released"]
    assert found[1].peak_counts <= 30 * COUNTS_PER_N


def test_the_cell_may_begin_with_any_zero(firmware: Firmware):
    """Negative zero balance: codes below the middle of offset binary."""
    hand = Hand(POPPED).argument()
    low = 2**23 - 400_000 - hand["from"][0]
    hand["from"][0] += low
    hand["moves"] = [[count, force + low, depth] for count, force, depth in hand["moves"]]
    assert firmware("detect", hand) == firmware("detect", Hand(POPPED).argument())


def test_events_beyond_64_are_skipped_and_the_rest_is_sent_once(firmware: Firmware):
    sent, last, more, again = firmware("many_events", 100)
    (payload,) = _payloads(last)
    assert (sent, more, again) == (64, False, 0)
    assert (payload.number, payload.level_counts) == (99, 99)


def test_both_interpreters_find_the_same_in_random_hands(require: Require):
    require("micropython")
    rng = random.Random(20260101)
    hands = [_random_hand(rng) for _ in range(40)]
    vectors = [["detect", hand.argument()] for hand in hands]
    on_board = run_script("vectors", "micropython", *vectors)
    assert on_board == run_script("vectors", "cpython", *vectors)
    found = {str(decode(bytes.fromhex(text)).fields.kind) for texts in on_board for text in texts}
    assert found == {CONTACT, POP, "released", "loss_of_resistance", FAR, "withdrawal"}


def _random_hand(rng: random.Random) -> Hand:
    """Up to 450 N either way and the follower's whole stroke."""
    moves = [REST]
    for _ in range(12):
        force_n = rng.choice([0.0, 3.0, rng.uniform(5, 60), rng.uniform(-100, 450)])
        depth_mm = rng.choice([0.0, 0.0, rng.uniform(0, 4), rng.uniform(4, 25)])
        moves.append((rng.choice([1, 10, 60, 250]), force_n, depth_mm))
        moves.append((rng.choice([1, 50, 200]), force_n, depth_mm))
    return Hand(moves, ticks=rng.randrange(2**30))


def _payloads(frame: str) -> list[Any]:
    from popsense_protocol.framing import FrameDecoder

    return [decode(payload).fields for payload in FrameDecoder().feed(bytes.fromhex(frame))]
