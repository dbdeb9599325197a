"""The detector on a person's hands, in both interpreters and at three rates: what it calls them, and when.

Exits through used holes and without a clear fall stand in test_detector_exits.py, what comes after the pop in
test_detector_inside.py, a board without depth in test_detector_force_only.py.
"""

import random
from typing import Any

import pytest

from popsense_protocol.codec import decode
from popsense_protocol.framing import FrameDecoder
from popsense_protocol.packets import BASIS_DEPTH, BASIS_FORCE
from tests.conftest import Require
from tests.firmware.conftest import Firmware
from tests.firmware.hands import (
    BREAK,
    CONTACT,
    COUNTS_PER_MM,
    FAR,
    FAR_MM,
    FLEX_MM_PER_N,
    INSIDE,
    LEAN,
    LOSS,
    OUT_MM,
    OVERLOAD,
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
    Found,
    Hand,
    Move,
    kinds,
)
from tests.firmware.interpreters import run_script

BREAKS_MS = REST[0] + PUSH[0] + LEAN[0]
LET_GO = ((30, 0, 0), (400, 0, 0))
FAR_OFF = ((200, 5, FAR_MM + 1), (60, 25, FAR_MM + 1.3), (200, 25, FAR_MM + 1.3))
FORCE_ONLY = {"depth_fitted": 0}
# What a hand does, with which profile -> what it is called.
TABLE: dict[str, tuple[tuple[Move, ...], dict[str, int], list[str]]] = {
    "pop": (POPPED, {}, [CONTACT, POP, LOSS]),
    "lets go": ((REST, PUSH, LEAN, *LET_GO), {}, [CONTACT, RELEASED]),
    "lets go twice": (
        (REST, PUSH, LEAN, *LET_GO, PUSH, LEAN, *LET_GO),
        {},
        [CONTACT, RELEASED, CONTACT, RELEASED],
    ),
    "gentle": (
        (REST, (100, 9, 0), (100, 9, 0), (40, 1, 1.0), (400, 1, 1.0)),
        {},
        [CONTACT, LOSS],
    ),
    "far cortex": ((*POPPED, *FAR_OFF), {}, [CONTACT, POP, LOSS, FAR]),
    "withdrawn": ((*POPPED, *WITHDRAWN), {}, [CONTACT, POP, LOSS, WITHDRAWAL]),
    "again": (
        (*POPPED, *WITHDRAWN, PUSH, LEAN, BREAK, INSIDE),
        {},
        [CONTACT, POP, LOSS, WITHDRAWAL, CONTACT, RE_PUNCTURE, UNCERTAIN],
    ),
    "used hole": (
        (REST, (100, 10, 0), (200, 10, 0), (40, 3, OUT_MM + 1), (200, 3, OUT_MM + 1)),
        {},
        [CONTACT, USED],
    ),
    "used hole without contact": ((REST, (200, 5, OUT_MM + 1), (300, 5, OUT_MM + 1)), {}, [USED]),
    "hardly a fall": (
        (REST, PUSH, LEAN, (60, 29, OUT_MM + 1), (300, 29, OUT_MM + 1)),
        {},
        [CONTACT, UNCERTAIN],
    ),
    "overload": ((REST, (300, 460, 0), (200, 460, 0)), {}, [CONTACT, OVERLOAD]),
    "by force alone": (POPPED, FORCE_ONLY, [CONTACT, POP, LOSS]),
    "out, by force alone": ((*POPPED, *WITHDRAWN), FORCE_ONLY, [CONTACT, POP, LOSS, WITHDRAWAL]),
}


def assert_consistent(found: list[Found], ticks: int = 5_000) -> None:
    """Numbers count from 0, and index and clock say the same."""
    fields = [event.fields for event in found]
    assert [event.number for event in fields] == list(range(len(fields)))
    assert {event.detector_version for event in fields} == {SETTINGS["DETECTOR_VERSION"]}
    assert all(e.fields.ticks_us == (ticks + e.fields.sample_index * e.period_us) % 2**30 for e in found)


@pytest.mark.parametrize("name", TABLE)
def test_a_hand_is_called_the_same_at_the_same_time_at_any_rate(firmware: Firmware, name: str):
    """Times agree within two periods of the slower converter."""
    moves, profile, expected = TABLE[name]
    at = {rate: Hand(moves, rate, profile=profile).events(firmware) for rate in RATES}
    for rate in RATES:
        assert kinds(at[rate]) == expected
        assert_consistent(at[rate])
        apart = [slow.at_ms - fast.at_ms for slow, fast in zip(at[rate], at[RATES[0]], strict=True)]
        assert max(map(abs, apart)) <= 2 * PERIODS_US[rate] / 1000


def test_the_table_has_every_kind():
    assert {kind for _, _, expected in TABLE.values() for kind in expected} == {
        *(CONTACT, POP, RELEASED, LOSS, FAR, WITHDRAWAL, UNCERTAIN, RE_PUNCTURE, USED, OVERLOAD)
    }


def test_contact_is_told_once_after_its_time(firmware: Firmware):
    (contact,) = Hand((REST, PUSH, LEAN)).events(firmware)
    force_n = PROFILE["contact_mn"] / 1000
    reached_ms = REST[0] + PUSH[0] * force_n / PUSH[1]
    assert 0 <= contact.at_ms - reached_ms - SETTINGS["CONTACT_MS"] <= 6  # the low-pass costs 3
    assert contact.level_n == pytest.approx(PUSH[1] * (contact.at_ms - 3 - REST[0]) / PUSH[0], abs=0.3)
    assert (contact.fields.duration_us, contact.fields.drop_permille) == (0, 0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("wraps_ms", [None, BREAKS_MS - 10, BREAKS_MS + 10])
def test_a_pop_has_its_evidence(firmware: Firmware, rate: int, wraps_ms: float | None):
    """The clock wraps before the break, between peak and pop, or not at all."""
    ticks = 5_000 if wraps_ms is None else 2**30 - round(wraps_ms * 1000)
    found = Hand(POPPED, rate, ticks).events(firmware)
    assert kinds(found) == [CONTACT, POP, LOSS]
    assert_consistent(found, ticks)
    pop, period_ms = found[1], PERIODS_US[rate] / 1000
    # 0.4 mm take 8 ms and 25 % of 30 N 12 ms; then the low-pass and POP_PERSIST_MS, or two samples.
    assert 12 <= pop.at_ms - BREAKS_MS <= 12 + 3 + SETTINGS["POP_PERSIST_MS"] + 2 * period_ms
    assert pop.peak_n == pytest.approx(30, rel=0.01)
    assert pop.fields.drop_permille == pytest.approx(1000 * (1 - pop.level_n / pop.peak_n), abs=10)
    assert pop.fields.drop_permille >= PROFILE["drop_permille"]
    assert 0 < pop.duration_ms <= pop.at_ms - REST[0] - PUSH[0] + 5 + period_ms
    gone_mm = BREAK[2] * (pop.at_ms - 3 - BREAKS_MS) / BREAK[0]
    assert pop.advance_mm == pytest.approx(gone_mm, abs=0.1 + period_ms * BREAK[2] / BREAK[0] / 2)
    assert pop.fields.basis == BASIS_FORCE | BASIS_DEPTH
    loss = found[2]
    assert loss.fields.drop_permille >= SETTINGS["LOSS_PERMILLE"]
    assert loss.at_ms >= pop.at_ms + SETTINGS["LOSS_MS"] - 2 * period_ms


@pytest.mark.parametrize("rate", RATES)
def test_letting_go_without_advance_is_no_pop(firmware: Firmware, rate: int):
    contact, released = Hand((REST, PUSH, LEAN, *LET_GO), rate).events(firmware)
    assert released.kind == RELEASED
    gone_ms = released.at_ms - BREAKS_MS - 28  # under 2 N
    assert gone_ms == pytest.approx(SETTINGS["RELEASE_MS"], abs=10 + 2 * PERIODS_US[rate] / 1000)
    assert released.duration_ms == pytest.approx(released.at_ms - contact.at_ms)
    assert released.fields.drop_permille == 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("stiffness", [1, 3])
def test_plug_flex_is_no_advance(firmware: Firmware, rate: int, stiffness: int):
    """400 N bend a plug of thrice the profile's compliance by 0.96 mm; a third of the force goes at once."""
    push = (REST, (400, 400, 0), (200, 400, 0))
    for fall in ((5, 260, 0), (100, 250, 0), (400, 150, 0)):
        hand = Hand((*push, fall, (200, *fall[1:])), rate, flex_mm_per_n=stiffness * FLEX_MM_PER_N)
        assert kinds(hand.events(firmware)) == [CONTACT]
    blow = Hand((REST, (1, 400, 0), (60, 400, 0)), rate).events(firmware)
    assert abs(blow[0].advance_mm) <= 0.02


def test_advance_without_fall_is_no_pop_while_the_bevel_is_not_out(firmware: Firmware):
    deep_mm = OUT_MM - 0.4
    hand = Hand((REST, PUSH, LEAN, (300, 30, deep_mm), (300, 30, deep_mm)))
    assert kinds(hand.events(firmware)) == [CONTACT]


def test_a_fall_without_enough_advance_is_no_pop(firmware: Firmware):
    """The profile's advance and plug flex twice over (a plug may flex three times as much as it says)."""
    for beyond_mm, expected in ((-0.1, [CONTACT]), (0.1, [CONTACT, POP])):
        asked_mm = PROFILE["advance_um"] / 1000 + 2 * 20 * FLEX_MM_PER_N
        broken = (20, asked_mm + beyond_mm)
        found = Hand((REST, PUSH, LEAN, (20, *broken), (60, *broken))).events(firmware)
        assert kinds(found) == expected


@pytest.mark.parametrize("rate", RATES)
def test_a_tapered_force_takes_the_peak_along(firmware: Firmware, rate: int):
    tapered = (REST, PUSH, (4_000, 13, 0), (200, 13, 1.0), (100, 13, 1.0))
    assert kinds(Hand(tapered, rate).events(firmware)) == [CONTACT]


@pytest.mark.parametrize("rate", RATES)
def test_a_burst_of_one_sample_is_no_pop_and_no_far_cortex(firmware: Firmware, rate: int):
    """Force gone and tip far out for one conversion, and a blow of 60 N on the resting needle."""
    one_ms = PERIODS_US[rate] / 1000
    burst = ((0, 2, 4.0), (one_ms, 2, 4.0), (0, 30, 0), (300, 30, 0))
    assert kinds(Hand((REST, PUSH, LEAN, *burst), rate).events(firmware)) == [CONTACT]
    deep = ((200, 5, FAR_MM + 1), (300, 5, FAR_MM + 1))
    blow = ((0, 60, FAR_MM + 1), (one_ms, 60, FAR_MM + 1), (0, 5, FAR_MM + 1), (300, 5, FAR_MM + 1))
    assert kinds(Hand((*POPPED, *deep, *blow), rate).events(firmware)) == [CONTACT, POP, LOSS]


def test_no_pop_is_looked_for_under_the_arming_force(firmware: Firmware):
    """Over it, but under what a fresh bone takes, it is a used hole; in neither case a pop."""
    for armed, expected in ((-0.5, [CONTACT]), (0.5, [CONTACT, USED])):
        peak_n = PROFILE["arm_mn"] / 1000 + armed
        light = ((100, peak_n, 0), (200, peak_n, 0), (40, 3, 1.5), (100, 3, 1.5))
        assert kinds(Hand((REST, *light)).events(firmware)) == expected


@pytest.mark.parametrize("rate", RATES)
def test_force_under_contact_or_too_short_gives_nothing(firmware: Firmware, rate: int):
    under_n = PROFILE["contact_mn"] / 1000 - 0.3
    weak = Hand((REST, (200, under_n, 0), (400, under_n, 0), (10, 0, 0), (100, 0, 0)), rate)
    assert weak.events(firmware) == []
    tap = ((0, 14, 0), (SETTINGS["CONTACT_MS"] - 8, 14, 0), (0, 0, 0), (100, 0, 0))
    assert Hand((REST, *tap, *tap), rate).events(firmware) == []


def test_no_evidence_is_negative_where_none_can_be(firmware: Firmware):
    """A pull on a stuck needle takes the running peak below the baseline."""
    found = Hand((REST, PUSH, (30, -30, 0), (3_000, -30, 0))).events(firmware)
    assert kinds(found) == [CONTACT, RELEASED]
    assert found[1].peak_n <= 30


def test_a_pull_of_any_strength_stops_no_detector(firmware: Firmware):
    """The running peak passes the baseline on its way down, at another sample each time."""
    for pull_n in [30 + 0.02 * k for k in range(60)]:
        found = Hand((REST, PUSH, (30, -pull_n, 0), (300, -pull_n, 0))).events(firmware)
        assert kinds(found) == [CONTACT, RELEASED]


@pytest.mark.parametrize("zero_code", [2**23 - 400_000, 300_000, 2**24 - 1_000_000])
def test_the_cell_may_begin_with_any_zero(firmware: Firmware, zero_code: int):
    """Zero balance near the middle and near both ends of offset binary."""
    hand = Hand(POPPED).argument()
    off = zero_code - hand["from"][0]
    hand["from"][0] += off
    hand["moves"] = [[count, force + off, depth] for count, force, depth in hand["moves"]]
    assert firmware("detect", hand) == firmware("detect", Hand(POPPED).argument())


def test_a_converter_at_its_lower_end_says_nothing(firmware: Firmware):
    """A wire is off: code 0, with and without a sample or two above it."""
    for code in (0, 3, 12, 2**23):
        hand = Hand(()).argument() | {"from": [code, 1650]}
        hand["moves"] = [[100, code, 1650], [0, 0, 1650], [300, 0, 1650], [0, 7, 1650], [2, 7, 1650]]
        hand["moves"] += [[0, 0, 1650], [300, 0, 1650]]
        assert firmware("detect", hand) == []


def test_events_beyond_64_are_skipped_and_the_rest_is_sent_once(firmware: Firmware):
    sent, last, again = firmware("many_events", 100)
    (payload,) = FrameDecoder().feed(bytes.fromhex(last))
    fields: Any = decode(payload).fields
    assert (sent, again) == (64, 0)
    assert (fields.number, fields.level_counts) == (99, 99)


@pytest.mark.slow
def test_both_interpreters_find_the_same_in_random_hands(require: Require):
    require("micropython")
    rng = random.Random(20260101)
    hands = [_random_hand(rng) for _ in range(60)]
    vectors = [["detect", hand.argument()] for hand in hands]
    on_board = run_script("vectors", "micropython", *vectors)
    assert on_board == run_script("vectors", "cpython", *vectors)
    found = {str(decode(bytes.fromhex(text)).fields.kind) for texts in on_board for text in texts}
    assert found == {CONTACT, POP, RELEASED, LOSS, FAR, WITHDRAWAL, UNCERTAIN, RE_PUNCTURE, USED, OVERLOAD}


def _random_hand(rng: random.Random) -> Hand:
    """Up to 470 N either way and the follower's whole stroke."""
    moves: list[Move] = [REST]
    for _ in range(14):
        force_n = rng.choice([0.0, 3.0, rng.uniform(5, 60), rng.uniform(5, 30), rng.uniform(-100, 470)])
        depth_mm = rng.choice([0.0, 0.0, rng.uniform(0, 4), rng.uniform(4, 25)])
        moves.append((rng.choice([1, 10, 60, 250]), force_n, depth_mm))
        moves.append((rng.choice([1, 50, 200, 600]), force_n, depth_mm))
    profile = rng.choice([{}, {}, {"depth_fitted": 0}, {"flex_nm_per_n": rng.randrange(3000)}])
    rate = rng.choice(RATES)
    return Hand(moves, rate, rng.randrange(2**30), profile)


def test_a_unit_of_the_table_is_that_of_the_board():
    """1 mm of tip is some 437 counts: a slip by ten in these hands would make every test above void."""
    assert pytest.approx(436.8, abs=0.1) == COUNTS_PER_MM
