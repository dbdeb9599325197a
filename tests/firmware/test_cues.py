"""Light and buzzer: on with the sample of the event that they belong to, in guided attempts only."""

from itertools import pairwise
from typing import Any

import pytest

from popsense_protocol.codec import decode
from popsense_protocol.packets import Cue, Mode
from tests.firmware.conftest import Firmware
from tests.firmware.hands import (
    BREAK,
    FAR_MM,
    INSIDE,
    LEAN,
    OUT_MM,
    PERIODS_US,
    POPPED,
    PUSH,
    RATES,
    REST,
    WITHDRAWN,
    Hand,
    Move,
)

GUIDED, ASSESSMENT, BLIND = (Mode.encmapping[name] for name in ("guided", "assessment", "blind"))
STOP = {"cue": Cue.encmapping["stop"]}
GO_ON_MM = 9.0
GO_ON = {"cue": Cue.encmapping["go_on_then_stop"], "go_on_um": round(GO_ON_MM * 1000)}
NONE = {"cue": Cue.encmapping["none"]}
LONG = (400.0, 5.0, 2.0)
Change = tuple[float, int, int]  # ms since the first sample, light, buzzer
# Exits without a pop: what the hand does, as it is called.
EXITS: dict[str, tuple[Move, ...]] = {
    "pop": (*POPPED, LONG),
    "used_hole": (REST, (200, 5, OUT_MM + 1), (900, 5, OUT_MM + 1)),
    "uncertain_pop": (REST, PUSH, LEAN, (60, 29, OUT_MM + 1), (900, 29, OUT_MM + 1)),
    "loss_of_resistance": (REST, (100, 9, 0), (100, 9, 0), (40, 1, 1.0), (900, 1, 1.0)),
}


def attempts(firmware: Firmware, hand: Hand, *modes: int) -> tuple[list[list[Change]], list[Any]]:
    """Changes of each attempt, and the events of the last; behind STOP both pins are off."""
    argument = hand.argument() | {"modes": modes}
    found, texts = firmware("cue", argument)
    assert [changes.pop() for changes in found] == [[-1, 0, 0]] * len(modes)
    changes = [[(k * hand.period_us / 1000, *pins) for k, *pins in one] for one in found]
    return changes, [decode(bytes.fromhex(text)).fields for text in texts]


def guided(firmware: Firmware, hand: Hand) -> tuple[list[Change], dict[str, float]]:
    """Changes, and the instant in ms of the first event of each kind."""
    (changes,), events = attempts(firmware, hand, GUIDED)
    at = {str(e.kind): e.sample_index * hand.period_us / 1000 for e in reversed(events)}
    return changes, at


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", EXITS)
def test_stop_comes_with_the_sample_of_the_exit(firmware: Firmware, kind: str, rate: int):
    """However it was called: the tip is through. One long tone, and a light that stays."""
    changes, at = guided(firmware, Hand(EXITS[kind], rate, profile=STOP))
    assert changes[0] == (at[kind], 1, 1)
    (silent_ms, *pins), *more = changes[1:]
    assert (pins, more) == ([1, 0], [])
    assert 0 <= silent_ms - at[kind] - 600 <= PERIODS_US[rate] / 1000


@pytest.mark.parametrize("wraps_ms", [None, 1100, 1400])
def test_the_tone_has_its_length_although_the_clock_wraps(firmware: Firmware, wraps_ms: int | None):
    ticks = 5_000 if wraps_ms is None else 2**30 - wraps_ms * 1000
    plain, _ = guided(firmware, Hand((*POPPED, LONG), profile=STOP))
    assert guided(firmware, Hand((*POPPED, LONG), ticks=ticks, profile=STOP))[0] == plain


def test_withdrawal_ends_it_and_a_second_exit_begins_it_again(firmware: Firmware):
    again = (*POPPED, LONG, *WITHDRAWN, PUSH, LEAN, BREAK, INSIDE)
    changes, at = guided(firmware, Hand(again, profile=STOP))
    assert [pins for _, *pins in changes] == [[1, 1], [1, 0], [0, 0], [1, 1]]
    assert [changes[0][0], changes[2][0], changes[3][0]] == [at["pop"], at["withdrawal"], at["uncertain_pop"]]


def test_withdrawal_within_the_tone_ends_that_too(firmware: Firmware):
    quick = (*POPPED[:-1], (20, 0, 0), (700, 0, 0))
    changes, at = guided(firmware, Hand(quick, profile=STOP))
    assert changes == [(at["pop"], 1, 1), (at["withdrawal"], 0, 0)]


@pytest.mark.parametrize("rate", RATES)
def test_go_on_blinks_until_the_depth_and_then_stops(firmware: Firmware, rate: int):
    deeper = ((1000, 5, GO_ON_MM - 1), (500, 5, GO_ON_MM - 1), (100, 5, GO_ON_MM + 1), (900, 5, GO_ON_MM + 1))
    hand = Hand((*POPPED, *deeper), rate, profile=GO_ON)
    changes, at = guided(firmware, hand)
    period_ms = PERIODS_US[rate] / 1000
    tone = next(k for k, change in enumerate(changes) if k > 3 and change[1:] == (1, 1))
    blinks = changes[:tone]
    assert blinks[0][0] == at["pop"]
    assert [pins for _, *pins in blinks[:6]] == [[1, 1], [0, 0], [1, 1], [0, 0], [1, 0], [0, 0]]
    assert {tuple(pins) for _, *pins in blinks[4:]} == {(1, 0), (0, 0)}
    lasts = [b[0] - a[0] for a, b in pairwise(blinks)]
    assert min(lasts) >= 125 - 1e-9
    assert max(lasts) <= 125 + period_ms
    reached_ms = hand.begins_ms(len(POPPED) + 2) + 50
    # The low-pass costs 3 ms; a move begins with a sample.
    assert -period_ms / 2 <= changes[tone][0] - reached_ms <= 4 + 2 * period_ms
    assert [pins for _, *pins in changes[tone:]] == [[1, 1], [1, 0]]


def test_the_far_cortex_stops_whoever_is_going_on(firmware: Firmware):
    profile = GO_ON | {"go_on_um": 60_000}
    far = ((300, 5, FAR_MM + 1), (60, 25, FAR_MM + 1.3), (900, 25, FAR_MM + 1.3))
    changes, at = guided(firmware, Hand((*POPPED, *far), profile=profile))
    assert (at["far_cortex_contact"], 1, 1) in changes
    assert changes[-1][1:] == (1, 0)


@pytest.mark.parametrize("profile", [NONE, GO_ON | {"depth_fitted": 0}])
def test_a_preset_depth_and_a_depth_that_nobody_sees_have_no_cue(firmware: Firmware, profile: dict[str, int]):
    changes, at = guided(firmware, Hand((*POPPED, LONG), profile=profile))
    assert "pop" in at
    assert changes == []


@pytest.mark.parametrize("mode", [ASSESSMENT, BLIND])
@pytest.mark.parametrize("profile", [STOP, GO_ON])
def test_outside_guided_practice_both_pins_stay_off(firmware: Firmware, mode: int, profile: dict[str, int]):
    """Also after a guided attempt that ended with a cue."""
    hand = Hand((*POPPED, LONG), profile=profile)
    (before, changes, after), _ = attempts(firmware, hand, GUIDED, mode, GUIDED)
    assert changes == []
    assert before == after != []


def test_easing_off_is_no_reason_for_a_cue(firmware: Firmware):
    released = (REST, PUSH, LEAN, (30, 0, 0), (400, 0, 0))
    changes, at = guided(firmware, Hand(released, profile=STOP))
    assert "released" in at
    assert changes == []
