"""A board without depth (depth_fitted 0): what force alone can tell, and that it says so."""

import pytest

from popsense_protocol.packets import BASIS_FORCE
from tests.firmware.conftest import Firmware
from tests.firmware.hands import (
    CONTACT,
    INSIDE,
    LEAN,
    LOSS,
    PERIODS_US,
    POP,
    POPPED,
    PUSH,
    RATES,
    RE_PUNCTURE,
    RELEASED,
    REST,
    SETTINGS,
    WITHDRAWAL,
    Found,
    Hand,
    Move,
    kinds,
)

BREAKS_MS = REST[0] + PUSH[0] + LEAN[0]
PERSIST_MS = SETTINGS["FORCE_ONLY_PERSIST_MS"]
at_each_rate = pytest.mark.parametrize("rate", RATES)


def by_force(firmware: Firmware, rate: int, *moves: Move) -> list[Found]:
    return Hand(moves, rate, profile={"depth_fitted": 0}).events(firmware)


def falling(ms: float, share: float) -> tuple[Move, ...]:
    """Leant, then in so many ms to this share of the force, which stays."""
    left_n = share * PUSH[1]
    return REST, PUSH, LEAN, (ms, left_n, 0.0), (90, left_n, 0.0)


@at_each_rate
def test_a_quick_fall_that_stays_is_a_pop_with_the_force_for_its_only_basis(firmware: Firmware, rate: int):
    found = by_force(firmware, rate, *POPPED)
    assert kinds(found) == [CONTACT, POP, LOSS]
    assert {event.fields.basis for event in found} == {BASIS_FORCE}
    pop = found[1]
    assert PERSIST_MS <= pop.at_ms - BREAKS_MS <= 40 + PERSIST_MS
    assert pop.fields.drop_permille >= SETTINGS["FORCE_ONLY_DROP_PERMILLE"]


@at_each_rate
def test_half_of_the_force_is_not_enough_and_three_quarters_are(firmware: Firmware, rate: int):
    """The peak follows the fall, so that more of it must go than the share asked for."""
    assert kinds(by_force(firmware, rate, *falling(20, 0.6))) == [CONTACT]
    assert kinds(by_force(firmware, rate, *falling(20, 0.25))) == [CONTACT, POP]


@at_each_rate
def test_easing_off_slowly_is_no_pop(firmware: Firmware, rate: int):
    slow = (REST, PUSH, LEAN, (600, 5, 0), (300, 5, 0), (200, 0, 0), (300, 0, 0))
    assert kinds(by_force(firmware, rate, *slow)) == [CONTACT, RELEASED]


@at_each_rate
def test_a_dip_shorter_than_its_time_is_no_pop(firmware: Firmware, rate: int):
    """At 80 samples a second the time is two samples, and a dip of one is none."""
    dip_ms = max(PERSIST_MS - 12, PERIODS_US[rate] / 1000)
    dip = ((0, 3, 0), (dip_ms, 3, 0), (0, 30, 0), (300, 30, 0))
    assert kinds(by_force(firmware, rate, REST, PUSH, LEAN, *dip)) == [CONTACT]


@at_each_rate
def test_the_tip_means_nothing(firmware: Firmware, rate: int):
    """The follower's pins float: no used hole, no uncertain pop, no far cortex, whatever they read."""
    wanders = ((200, 5, 18.0), (300, 5, 18.0), (20, 5, 0.0))
    assert by_force(firmware, rate, REST, *wanders) == []
    assert kinds(by_force(firmware, rate, REST, PUSH, LEAN, (60, 29, 5.0), (300, 29, 16.0))) == [CONTACT]
    far = ((200, 5, 16.0), (60, 25, 16.3), (200, 25, 16.3))
    assert kinds(by_force(firmware, rate, *POPPED, *far)) == [CONTACT, POP, LOSS]


@at_each_rate
def test_withdrawal_is_silence(firmware: Firmware, rate: int):
    silent_ms = SETTINGS["WITHDRAWN_MS"]
    for quiet_ms, expected in ((silent_ms - 60, []), (silent_ms + 60, [WITHDRAWAL])):
        quiet = ((0, 0, 2.0), (quiet_ms, 0, 2.0), (0, 5, 2.0), (100, 5, 2.0))
        assert kinds(by_force(firmware, rate, *POPPED, *quiet)) == [CONTACT, POP, LOSS, *expected]


def test_the_next_contact_is_a_re_puncture(firmware: Firmware):
    silent = ((50, 0, 0), (SETTINGS["WITHDRAWN_MS"] + 100, 0, 0))
    found = kinds(by_force(firmware, 988, *POPPED, *silent, PUSH, LEAN, INSIDE))
    assert found[:6] == [CONTACT, POP, LOSS, WITHDRAWAL, CONTACT, RE_PUNCTURE]
