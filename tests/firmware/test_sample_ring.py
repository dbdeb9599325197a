"""push, block_due and take_block: what goes in comes out, and what does not is counted exactly."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from popsense_protocol.codec import decode
from popsense_protocol.packets import FLAG_AFTER_GAP, FORCE_OFFSET_COUNTS
from tests.conftest import Require
from tests.firmware.conftest import Firmware, vectors
from tests.firmware.sources import constants
from tests.firmware.stand_in import WORLDS

RING = constants("sample_ring.py")["RING_SAMPLES"]
KEPT = RING - constants("kernels.py")["_RING_GUARD"]
PERIOD_US = 1012


@pytest.fixture(scope="module", params=WORLDS)
def firmware(request: pytest.FixtureRequest, require: Require) -> Iterator[Firmware]:
    """scripts/vectors.py in both interpreters, and with words of 32 bits that are loaded signed."""
    if request.param == "micropython":
        require("micropython")
    with vectors(request.param) as ask:
        yield ask


def run(
    firmware: Firmware, *steps: Sequence[object], start: int = 0, period_us: int = PERIOD_US, full: int = 0
) -> list[Any]:
    return firmware("samples", {"start": start, "period_us": period_us, "full": full, "steps": steps})


def block(text: str) -> Any:
    return decode(bytes.fromhex(text)).fields


def assert_samples(fields: Any, pushed: range) -> None:
    """They are those that push_many made of these numbers, without a flag except what zero counts give."""
    got = [(s.force_and_flags & 0xFFFFFF, s.depth, s.pressure) for s in fields.samples]
    assert got == [(FORCE_OFFSET_COUNTS + (k & 8191), (k + 1) & 8191, (k + 2) & 8191) for k in pushed]


def test_a_sample_comes_out_as_it_went_in(firmware: Firmware):
    extremes = [(0, 1, 1, 10), (-1, 2, 3, 1022), (8_388_606, 16_379, 16_379, 2034), (-8_388_607, 9, 8, 3046)]
    *_, text = run(firmware, *(["push", *sample] for sample in extremes), ["take", 4])
    fields = block(text)
    assert (fields.first_sample, fields.first_ticks_us, fields.missed) == (0, 10, 0)
    assert [(s.force_and_flags, s.depth, s.pressure) for s in fields.samples] == [
        (force + FORCE_OFFSET_COUNTS, depth, pressure) for force, depth, pressure, _ in extremes
    ]


@pytest.mark.parametrize(
    ("sample", "flags"),
    [
        ((-8_388_608, 5, 5), 0x01),
        ((8_388_607, 5, 5), 0x01),
        ((1, 0, 5), 0x02),
        ((1, 16_380, 5), 0x02),
        ((1, 5, 0), 0x04),
        ((1, 5, 16_380), 0x04),
        ((8_388_607, 0, 16_380), 0x07),
        ((8_388_606, 16_379, 1), 0),
    ],
)
def test_a_sensor_at_its_limit_is_flagged(firmware: Firmware, sample: tuple[int, int, int], flags: int):
    *_, text = run(firmware, ["push", *sample, 7], ["take", 1])
    assert block(text).samples[0].force_and_flags >> 24 == flags


def test_blocks_follow_each_other(firmware: Firmware):
    *_, first, second, left = run(
        firmware, ["push_many", 47, 100, PERIOD_US], ["take", 20], ["take", 20], ["waiting"]
    )
    assert [block(first).first_sample, block(second).first_sample, left] == [0, 20, 7]
    assert [block(first).first_ticks_us, block(second).first_ticks_us] == [100, 100 + 20 * PERIOD_US]
    assert_samples(block(second), range(20, 40))


@pytest.mark.parametrize("start", [0, 2**32 - 100, 2**32 - 20, 2**31 - 10])
def test_overrun_skips_and_counts_exactly_what_was_overwritten(firmware: Firmware, start: int):
    more = 100
    _, counters_before, text, waiting, counters, following = run(
        firmware,
        ["push_many", KEPT + more, 100, PERIOD_US],
        ["counters"],
        ["take", 20],
        ["waiting"],
        ["counters"],
        ["take", 20],
        start=start,
    )
    assert (counters_before, counters, waiting) == ([0, 0], [more, 0], KEPT - 20)
    assert block(text).first_sample == (start + more) % 2**32
    assert_samples(block(text), range(more, more + 20))
    assert block(following).first_sample == (start + more + 20) % 2**32


@pytest.mark.parametrize(
    ("pushed", "lost"), [(KEPT, 0), (KEPT + 1, 1), (RING, RING - KEPT), (3 * RING, 3 * RING - KEPT)]
)
def test_the_guard_keeps_the_interrupt_off_the_block_being_copied(firmware: Firmware, pushed: int, lost: int):
    _, text, counters = run(firmware, ["push_many", pushed, 0, PERIOD_US], ["take", 20], ["counters"])
    assert counters == [lost, 0]
    assert block(text).first_sample == lost
    assert_samples(block(text), range(lost, lost + 20))


def test_the_index_goes_on_over_2_to_the_32(firmware: Firmware):
    start = 2**32 - 10
    *_, first, second, left = run(
        firmware,
        ["push_many", 30, 100, PERIOD_US],
        ["take", 20],
        ["take", 10],
        ["waiting"],
        start=start,
    )
    assert (block(first).first_sample, block(second).first_sample, left) == (start, 10, 0)
    assert_samples(block(first), range(20))
    assert_samples(block(second), range(20, 30))


@pytest.mark.parametrize(
    "first_ticks", [1_000, 2**30 - 2 * PERIOD_US - 500, 2**30 - 2 * PERIOD_US - 1, 2**30 - 1]
)
@pytest.mark.parametrize("missed", [0, 1, 2, 7])
def test_missed_conversions_are_counted_and_flagged(firmware: Firmware, missed: int, first_ticks: int):
    """Three conversions, a gap, two more; the device clock may wrap in the gap or elsewhere."""
    late = [0, 1, 2, 3 + missed, 4 + missed]
    ticks = [(first_ticks + PERIOD_US * k + k % 3 - 1) % 2**30 for k in late]
    steps = [["push", 1, 1, 1, stamp] for stamp in ticks]
    *_, counters, text = run(firmware, *steps, ["counters"], ["take", 5])
    flagged = [sample.force_and_flags >> 24 == FLAG_AFTER_GAP for sample in block(text).samples]
    assert counters == [0, missed]
    assert block(text).missed == missed
    assert flagged == [False, False, False, missed > 0, False]


def test_a_gap_at_index_0_is_counted_where_the_index_wraps_and_not_where_the_run_begins(firmware: Firmware):
    steps = [["push", 1, 1, 1, 10], ["push", 1, 1, 1, 10 + 3 * PERIOD_US], ["counters"]]
    assert run(firmware, *steps, start=2**32 - 1, full=1)[-1] == [0, 2]
    assert run(firmware, ["push", 1, 1, 1, 90 * PERIOD_US], ["counters"])[-1] == [0, 0]


@pytest.mark.parametrize("late_us", [PERIOD_US // 2 - 1, PERIOD_US // 2])
def test_half_a_period_late_is_the_limit(firmware: Firmware, late_us: int):
    steps = [["push", 1, 1, 1, 10], ["push", 1, 1, 1, 10 + PERIOD_US + late_us]]
    assert run(firmware, *steps, ["counters"])[-1] == [0, int(late_us >= PERIOD_US // 2)]


def test_without_a_known_period_no_gap_is_claimed(firmware: Firmware):
    steps = [["push", 1, 1, 1, 10], ["push", 1, 1, 1, 900_000]]
    assert run(firmware, *steps, ["counters"], period_us=0)[-1] == [0, 0]


def test_the_missed_count_on_the_wire_has_more_than_16_bits(firmware: Firmware):
    steps = [["push", 1, 1, 1, 0], ["push", 1, 1, 1, PERIOD_US * (65_536 + 6)]]
    *_, counters, text = run(firmware, *steps, ["counters"], ["take", 2])
    assert (counters, block(text).missed) == ([0, 65_541], 65_541)


@pytest.mark.parametrize("ticks", [500, 2**30 - 5_000])
def test_a_block_is_due_after_20_samples_or_20_ms(firmware: Firmware, ticks: int):
    def age(age_us: int) -> list[object]:
        return ["due", (ticks + age_us) % 2**30]

    some = run(firmware, age(90_000), ["push_many", 5, ticks, PERIOD_US], age(19_999), age(20_000))
    full = run(firmware, ["push_many", 20, ticks, PERIOD_US], age(19_300))
    plenty = run(firmware, ["push_many", 90, ticks, PERIOD_US], age(19_300))
    assert [some[0], *some[2:], full[1], plenty[1]] == [0, 0, 5, 20, 20]


@pytest.mark.parametrize(("period_us", "samples"), [(PERIOD_US, 32), (3_125, 32), (12_500, 24)])
def test_rate_is_measured_within_300_ms(firmware: Firmware, period_us: int, samples: int):
    """Over 32 samples, or what a slow converter gives in the time."""
    rate_mhz, took_ms = firmware("rate", period_us)
    assert rate_mhz == 1_000_000_000 // period_us
    assert (samples - 1) * period_us / 1000 <= took_ms <= 300


@pytest.mark.parametrize("period_us", [0, 25_000])
def test_a_silent_or_dawdling_converter_is_a_fault(firmware: Firmware, period_us: int):
    assert firmware("rate", period_us) == [0, 300]
