"""How the tip comes through the cortex: sliding drop, uncertain pops, used holes, second punctures."""

import pytest

from tests.firmware.conftest import Firmware
from tests.firmware.hands import (
    BREAK,
    CONTACT,
    FAR,
    FAR_MM,
    INSIDE,
    LEAN,
    LOSS,
    OUT_MM,
    PERIODS_US,
    POP,
    POPPED,
    PROFILE,
    PUSH,
    RATES,
    RE_PUNCTURE,
    RELEASED,
    REST,
    SETTINGS,
    UNCERTAIN,
    USED,
    WITHDRAWAL,
    WITHDRAWN,
    Hand,
    Move,
    kinds,
)

OUT = OUT_MM + 0.5
LEANT = (REST, PUSH, LEAN)
BEFORE = [CONTACT, POP, LOSS, WITHDRAWAL]

at_each_rate = pytest.mark.parametrize("rate", RATES)


def fallen_by(permille: float) -> float:
    """What is left of the push, in N."""
    return PUSH[1] * (1 - permille / 1000)


def exit_to(permille: float, tip_mm: float, stays_ms: float = 40) -> tuple[Move, ...]:
    """Leant, then in 40 ms to this fall and tip."""
    left_n = fallen_by(permille)
    return (*LEANT, (40, left_n, tip_mm), (stays_ms, left_n, tip_mm))


@at_each_rate
@pytest.mark.parametrize(
    ("permille", "tip_mm", "popped"),
    [
        (PROFILE["drop_permille"] + 30, 1.0, True),
        (PROFILE["drop_permille"] - 30, 1.0, False),
        (PROFILE["drop_permille"] - 30, OUT, True),
        (PROFILE["drop_out_permille"] + 20, OUT, True),
        (PROFILE["drop_out_permille"] - 20, OUT, False),
        (0, FAR_MM - 0.5, False),
        (0, FAR_MM + 0.5, True),
    ],
)
def test_the_further_the_tip_is_out_the_smaller_the_fall_that_is_asked_for(
    firmware: Firmware, rate: int, permille: float, tip_mm: float, popped: bool
):
    found = kinds(Hand(exit_to(permille, tip_mm), rate).events(firmware))
    assert (POP in found) == popped


def test_where_only_a_cavity_can_be_the_same_force_is_that_of_the_far_cortex(firmware: Firmware):
    found = Hand(exit_to(0, FAR_MM + 0.5, 200)).events(firmware)
    assert kinds(found) == [CONTACT, POP, FAR]
    assert found[1].fields.drop_permille <= 20


@at_each_rate
def test_a_bevel_out_without_a_fall_is_an_uncertain_pop_once(firmware: Firmware, rate: int):
    hand = Hand((*exit_to(40, OUT, 600), *exit_to(40, OUT, 600)[3:]), rate)
    contact, uncertain = hand.events(firmware)
    assert (contact.kind, uncertain.kind) == (CONTACT, UNCERTAIN)
    out_ms = hand.begins_ms(3) + 40 * OUT_MM / OUT
    assert uncertain.at_ms - out_ms == pytest.approx(SETTINGS["OUT_MS"] + 3, abs=2 * PERIODS_US[rate] / 1000)
    assert uncertain.fields.drop_permille == pytest.approx(40, abs=10)
    assert uncertain.peak_n == pytest.approx(PUSH[1], rel=0.01)
    assert uncertain.level_n == pytest.approx(fallen_by(40), rel=0.01)
    assert uncertain.advance_mm == pytest.approx(OUT, abs=0.05)
    assert uncertain.duration_ms >= SETTINGS["OUT_MS"]


@at_each_rate
def test_a_real_fall_after_an_uncertain_pop_is_a_pop(firmware: Firmware, rate: int):
    found = Hand((*exit_to(40, OUT, 300), (40, 10, OUT), (300, 10, OUT)), rate).events(firmware)
    assert kinds(found) == [CONTACT, UNCERTAIN, POP, LOSS]
    assert found[2].fields.drop_permille >= PROFILE["drop_out_permille"]


def test_the_uncertain_pop_of_one_contact_leaves_the_next_its_own(firmware: Firmware):
    back = ((100, 28.8, 0), (40, 0, 0), (400, 0, 0))
    found = Hand((*exit_to(40, OUT, 200), *back, *exit_to(40, OUT, 200)[1:])).events(firmware)
    assert kinds(found) == [CONTACT, UNCERTAIN, WITHDRAWAL, CONTACT, RE_PUNCTURE, UNCERTAIN]


def test_after_an_uncertain_pop_and_back_a_second_exit_is_no_pop(firmware: Firmware):
    back = ((100, 28.8, 0), (40, 0, 0), (400, 0, 0))
    found = Hand((*exit_to(40, OUT, 200), *back, (100, 30, 0), (200, 30, 0), (40, 5, OUT), (60, 5, OUT)))
    assert kinds(found.events(firmware))[3:] == [CONTACT, RE_PUNCTURE, UNCERTAIN]


@at_each_rate
def test_an_exit_under_a_low_peak_is_a_used_hole(firmware: Firmware, rate: int):
    """Whether the force falls or not; a little more and it is a bone."""
    used_n = PROFILE["used_mn"] / 1000
    for peak_n, expected in ((used_n - 1, USED), (used_n + 1, POP)):
        push = (REST, (100, peak_n, 0), (200, peak_n, 0))
        fallen = Hand((*push, (40, 3, OUT), (90, 3, OUT)), rate).events(firmware)
        assert kinds(fallen)[:2] == [CONTACT, expected]
        assert fallen[1].peak_n == pytest.approx(peak_n, rel=0.03)
        stays = Hand((*push, (40, peak_n, OUT), (150, peak_n, OUT)), rate).events(firmware)
        assert kinds(stays) == [CONTACT, USED if expected == USED else UNCERTAIN]


@at_each_rate
def test_a_tip_that_comes_out_without_any_contact_came_by_a_used_hole(firmware: Firmware, rate: int):
    hand = Hand((REST, (200, 5, OUT), (300, 5, OUT)), rate)
    (used,) = hand.events(firmware)
    assert used.kind == USED
    out_ms = REST[0] + 200 * OUT_MM / OUT
    assert used.at_ms - out_ms == pytest.approx(SETTINGS["OUT_MS"] + 3, abs=5 + 2 * PERIODS_US[rate] / 1000)
    evidence = used.fields
    assert (evidence.peak_counts, evidence.drop_permille, evidence.duration_us) == (0, 0, 0)
    assert (used.level_n, used.advance_mm) == (pytest.approx(5, abs=0.1), pytest.approx(OUT, abs=0.1))


def test_a_tip_that_touches_the_outside_and_goes_back_is_no_used_hole(firmware: Firmware):
    """Out for less than OUT_MS."""
    short = ((20, 5, OUT), (20, 5, OUT), (20, 5, 0.0), (100, 5, 0.0))
    assert Hand((REST, *short, *short)).events(firmware) == []


@at_each_rate
def test_a_contact_after_the_withdrawal_is_a_re_puncture(firmware: Firmware, rate: int):
    found = Hand((*POPPED, *WITHDRAWN, PUSH, LEAN), rate).events(firmware)
    assert kinds(found) == [*BEFORE, CONTACT, RE_PUNCTURE]
    contact, again = found[-2:]
    assert again.at_ms == contact.at_ms
    assert again.level_n == contact.level_n
    assert (again.fields.drop_permille, again.fields.duration_us) == (0, 0)


def test_a_contact_after_letting_go_is_no_re_puncture(firmware: Firmware):
    found = Hand((*LEANT, (30, 0, 0), (300, 0, 0), PUSH, LEAN, BREAK, INSIDE)).events(firmware)
    assert kinds(found) == [CONTACT, RELEASED, CONTACT, POP, LOSS]


@at_each_rate
@pytest.mark.parametrize(("share", "expected"), [(0.7, USED), (0.8, UNCERTAIN), (1.3, UNCERTAIN)])
def test_a_second_exit_is_a_used_hole_or_for_the_instructor(
    firmware: Firmware, rate: int, share: float, expected: str
):
    """Under three quarters of the first pop's peak it is surely the first one's hole; never a second pop."""
    peak_n = share * PUSH[1]
    second = ((200, peak_n, 0), (300, peak_n, 0), BREAK, INSIDE)
    found = Hand((*POPPED, *WITHDRAWN, *second), rate).events(firmware)
    assert kinds(found) == [*BEFORE, CONTACT, RE_PUNCTURE, expected]
    assert found[-1].peak_n == pytest.approx(peak_n, rel=0.01)
    assert found[-1].fields.drop_permille >= PROFILE["drop_permille"]


def test_the_evidence_of_a_used_hole_is_its_own(firmware: Firmware):
    """In again without contact: the peak and the contact of the first puncture are not shown once more."""
    found = Hand((*POPPED, *WITHDRAWN, (200, 5, OUT), (300, 5, OUT))).events(firmware)
    assert kinds(found) == [*BEFORE, USED]
    last = found[-1].fields
    assert (last.peak_counts, last.drop_permille, last.duration_us) == (0, 0, 0)


def test_an_exit_too_gentle_for_a_pop_is_a_loss_of_resistance(firmware: Firmware):
    """Through, but not with the whole bevel, and from no peak worth the name."""
    found = Hand((REST, (100, 9, 0), (100, 9, 0), (200, 1, 1.0), (300, 1, 1.0))).events(firmware)
    assert kinds(found) == [CONTACT, LOSS]
    assert found[1].fields.drop_permille == 0
    assert found[1].duration_ms == pytest.approx(found[1].at_ms - found[0].at_ms)
