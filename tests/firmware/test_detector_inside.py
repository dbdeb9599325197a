"""After the pop: far cortex, standing and touched needles, withdrawal; and overload, in any phase."""

import pytest

from tests.firmware.conftest import Firmware
from tests.firmware.hands import (
    CONTACT,
    FAR,
    FAR_MM,
    LEAN,
    LOSS,
    OVERLOAD,
    PERIODS_US,
    POP,
    POPPED,
    PROFILE,
    PUSH,
    RATES,
    RELEASED,
    REST,
    SETTINGS,
    WITHDRAWAL,
    Hand,
    Move,
    kinds,
)

BEFORE = [CONTACT, POP, LOSS]
DEEP = FAR_MM + 1
RISE_N = PROFILE["far_rise_mn"] / 1000
LEAST_N = SETTINGS["FAR_LEAST_MN"] / 1000
THROUGH_MM = 0.25  # _THROUGH of detection.py
GO_IN: Move = (200, 5, DEEP)
STAND: Move = (300, 5, DEEP)

at_each_rate = pytest.mark.parametrize("rate", RATES)


@at_each_rate
def test_far_cortex_is_a_rise_above_the_force_of_moving(firmware: Firmware, rate: int):
    """5 N of friction and marrow on the way, whatever they are, are no wall."""
    for moving_n in (1, 5, 9):
        way = (
            (100, moving_n, 2.0),
            (200, moving_n, DEEP),
            (60, moving_n + 10, DEEP + 0.2),
            (200, moving_n + 10, DEEP + 0.2),
        )
        hand = Hand((*POPPED, *way), rate)
        found = hand.events(firmware)
        assert kinds(found) == [*BEFORE, FAR]
        wall_ms = hand.begins_ms(len(POPPED) + 2)
        assert 0 <= found[3].at_ms - wall_ms <= 60 * RISE_N / 10 + 3 + 2 * PERIODS_US[rate] / 1000
        assert found[3].advance_mm == pytest.approx(DEEP, abs=0.2)
        assert found[3].level_n >= moving_n + LEAST_N - 0.1


def test_it_is_told_once_while_the_tip_stays_there(firmware: Firmware):
    again = ((60, 15, DEEP), (60, 5, DEEP)) * 5
    assert kinds(Hand((*POPPED, GO_IN, *again)).events(firmware)) == [*BEFORE, FAR]


@at_each_rate
def test_where_no_far_cortex_can_be_leaning_on_the_needle_is_none(firmware: Firmware, rate: int):
    near = ((200, 5, FAR_MM - 1), (60, 40, FAR_MM - 0.5), (200, 40, FAR_MM - 0.5))
    assert kinds(Hand((*POPPED, *near), rate).events(firmware)) == BEFORE


@at_each_rate
def test_a_needle_that_stands_and_is_touched_meets_no_cortex(firmware: Firmware, rate: int):
    """A syringe is put on with 12 N, after STILL_MS and more. Sooner it is the wall that stopped it."""
    touched = ((30, 12, DEEP), (300, 12, DEEP))
    for stood_ms, expected in ((SETTINGS["STILL_MS"] + 30, BEFORE), (30, [*BEFORE, FAR])):
        hand = Hand((*POPPED, GO_IN, (stood_ms, 5, DEEP), *touched), rate)
        assert kinds(hand.events(firmware)) == expected


@at_each_rate
def test_a_force_that_no_marrow_offers_is_the_far_cortex_even_of_a_standing_needle(
    firmware: Firmware, rate: int
):
    stays_n = PROFILE["far_stays_mn"] / 1000
    for force_n, ms, expected in (
        (stays_n + 1, SETTINGS["FAR_STAYS_MS"] + 40, [*BEFORE, FAR]),
        (stays_n + 1, SETTINGS["FAR_STAYS_MS"] - 15, BEFORE),
        (stays_n - 1, 400, BEFORE),
    ):
        leaning = ((0, force_n, DEEP), (ms, force_n, DEEP), (0, 5, DEEP), (200, 5, DEEP))
        assert kinds(Hand((*POPPED, GO_IN, STAND, *leaning), rate).events(firmware)) == expected


@at_each_rate
@pytest.mark.parametrize(("on_mm", "expected"), [(0.12, [FAR]), (0.8, [FAR, FAR])])
def test_what_lets_the_tip_go_on_was_no_wall(
    firmware: Firmware, rate: int, on_mm: float, expected: list[str]
):
    """A lump is told as a wall; behind it the tip goes on without resistance, and meets another."""
    lump = ((60, 12, DEEP + 0.05), (100, 12, DEEP + 0.05))
    goes_on = ((30, 3, DEEP + 0.05), (100, 3, DEEP + on_mm - 0.05))
    wall = ((60, 12, DEEP + on_mm), (100, 12, DEEP + on_mm))
    assert kinds(Hand((*POPPED, GO_IN, *lump, *goes_on, *wall), rate).events(firmware)) == [
        *BEFORE,
        *expected,
    ]


def test_a_tip_that_goes_on_against_resistance_is_still_in_the_wall(firmware: Firmware):
    wall = ((60, 20, DEEP + 0.05), (300, 40, DEEP + 1.0), (300, 40, DEEP + 1.0))
    assert kinds(Hand((*POPPED, GO_IN, *wall)).events(firmware)) == [*BEFORE, FAR]


def test_a_needle_pushed_hard_through_the_cavity_is_told_once(firmware: Firmware):
    pushed = ((100, 30, FAR_MM + 1), (400, 30, FAR_MM + 9))
    assert kinds(Hand((*POPPED, *pushed)).events(firmware)).count(FAR) == 1


@at_each_rate
def test_noise_at_rest_raises_the_rise_that_is_asked_for(firmware: Firmware, rate: int):
    """A quiet cell: the least rise will do. One whose hum has more than a newton: the profile's."""
    period_ms = PERIODS_US[rate] / 1000
    hum = ((3 * period_ms, 0.3, 0.0), (3 * period_ms, -0.3, 0.0)) * 12
    rises = ((LEAST_N + RISE_N) / 2, RISE_N + 1.5)  # what the tip goes on while it rises takes some of it
    found = {
        (name, rise_n): kinds(Hand((*rest, *POPPED[1:], *_wall(rise_n)), rate).events(firmware))
        for name, rest in (("quiet", (REST,)), ("hum", hum))
        for rise_n in rises
    }
    assert found == {
        ("quiet", rises[0]): [*BEFORE, FAR],
        ("quiet", rises[1]): [*BEFORE, FAR],
        ("hum", rises[0]): BEFORE,
        ("hum", rises[1]): [*BEFORE, FAR],
    }


def _wall(rise_n: float) -> tuple[Move, ...]:
    return GO_IN, (40, 5 + rise_n, DEEP + 0.1), (200, 5 + rise_n, DEEP + 0.1)


def test_a_needle_that_was_pulled_along_has_its_rise_from_zero(firmware: Firmware):
    """The spring of a device draws it in with 8 N: that the pull ends is no wall."""
    drawn = (*POPPED[:3], (40, -8, 2.0), (200, -8, 2.0), (200, -8, DEEP))
    ends = ((30, 0.3, DEEP + 0.1), (200, 0.3, DEEP + 0.1))
    hits = ((30, 6, DEEP + 0.1), (200, 6, DEEP + 0.1))
    assert kinds(Hand((*drawn, *ends)).events(firmware)) == BEFORE
    assert kinds(Hand((*drawn, *hits)).events(firmware)) == [*BEFORE, FAR]


@at_each_rate
def test_withdrawal_is_a_tip_that_is_back_without_force_for_its_time(firmware: Firmware, rate: int):
    hand = Hand((*POPPED, (100, 0, 0.0), (SETTINGS["WITHDRAWN_MS"] + 100, 0, 0.0)), rate)
    found = hand.events(firmware)
    assert kinds(found) == [*BEFORE, WITHDRAWAL]
    back_ms = hand.begins_ms(5) + 90  # under half of the advance that a pop needs
    late_ms = found[3].at_ms - back_ms - SETTINGS["WITHDRAWN_MS"]
    assert abs(late_ms) <= 8 + 2 * PERIODS_US[rate] / 1000
    assert found[3].duration_ms == pytest.approx(found[3].at_ms - found[0].at_ms)


@at_each_rate
def test_a_needle_left_alone_in_the_marrow_is_not_withdrawn(firmware: Firmware, rate: int):
    alone = ((50, 0, 2.0), (1_000, 0, 2.0))
    assert kinds(Hand((*POPPED, *alone), rate).events(firmware)) == BEFORE


def test_a_tip_that_springs_back_has_not_left(firmware: Firmware):
    """Stopped with half a bevel out, eased off, and gone on after a second: one puncture."""
    half_out, springs_back = (30, 12, 0.7), (50, 3, 0.3)
    corrected = (*POPPED[:3], half_out, springs_back, (1_000, 3, 0.3), (200, 20, 3.0), (300, 5, 3.0))
    found = kinds(Hand(corrected).events(firmware))
    assert found.count(CONTACT) == found.count(POP) == 1
    assert WITHDRAWAL not in found


@at_each_rate
def test_overload_is_told_once_each_time_the_force_goes_up_there(firmware: Firmware, rate: int):
    """Falling a little is no end of it, falling under half is."""
    up_n = PROFILE["overload_mn"] / 1000 + 10
    over: Move = (200, up_n, 0)
    sways = (over, (200, up_n, 0), (100, 0.7 * up_n, 0), over, (100, up_n, 0))
    found = Hand((REST, PUSH, *sways, (100, 0.3 * up_n, 0), over, (100, up_n, 0)), rate).events(firmware)
    assert kinds(found) == [CONTACT, OVERLOAD, OVERLOAD]
    assert all(event.level_n >= PROFILE["overload_mn"] / 1000 for event in found[1:])
    assert found[1].duration_ms == pytest.approx(found[1].at_ms - found[0].at_ms)


def test_overload_is_told_in_every_phase(firmware: Firmware):
    """Before contact (a blow), in the bone, in the marrow; and where nobody holds the needle any more."""
    up_n = PROFILE["overload_mn"] / 1000 + 20
    rebound = ((0, -60, 0), (8, -60, 0), (0, 0, 0), (300, 0, 0))
    blow = ((0, up_n, 0), (11, up_n, 0), *rebound)  # shorter than CONTACT_MS
    assert kinds(Hand((REST, *blow)).events(firmware)) == [OVERLOAD]
    inside = ((20, up_n, 2.2), (60, up_n, 2.2))
    assert kinds(Hand((*POPPED, *inside)).events(firmware)) == [*BEFORE, OVERLOAD]
    let_go = ((30, 0, 0), (300, 0, 0))
    assert kinds(Hand((REST, PUSH, LEAN, *let_go, *blow)).events(firmware)) == [CONTACT, RELEASED, OVERLOAD]
