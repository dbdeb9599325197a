"""The device's conversions: exact, and never beyond 30 bits and a sign, whatever the table."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.firmware.in_process import load_bone

BONE = load_bone("calibration", "settings")
CALIBRATION, SETTINGS = BONE.calibration, BONE.settings
MOST = (1 << 29) - 1
SATURATED = (1 << 30) - 1
small = st.integers(-SATURATED, SATURATED)
up_to = st.integers(0, SATURATED)


class Narrow(int):
    """An integer that refuses a result which MicroPython on the board would have to put on its heap."""


def _checked(name: str) -> Any:
    def operate(self: int, *others: int) -> Any:
        result = getattr(int, name)(self, *others)
        if result is NotImplemented:
            return result
        assert -SATURATED - 1 <= result <= SATURATED, f"{self} {name} {others} = {result}"
        return Narrow(result)

    return operate


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and"):
    for _prefix in ("__", "__r"):
        setattr(Narrow, f"{_prefix}{_name}__", _checked(f"{_prefix}{_name}__"))
Narrow.__neg__ = _checked("__neg__")  # type: ignore[method-assign]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Any points that the device accepts from a host, and wilder ones: counts up to 2^29."""
    counts = sorted(draw(st.sets(st.integers(-MOST, MOST), min_size=2, max_size=16)))
    units = sorted(draw(st.lists(st.integers(-MOST, MOST), min_size=len(counts), max_size=len(counts))))
    if units[0] == units[-1]:
        units[-1] += 1 if units[-1] < MOST else 0
        units[0] -= 1 if units[-1] == units[0] else 0
    return counts, units


def narrow(points: tuple[list[int], list[int]]) -> Any:
    return tuple([Narrow(value) for value in side] for side in points)


def clipped(value: Fraction | int, most: int) -> int:
    return max(-most, min(most, value.__floor__()))


def line(xs: list[int], ys: list[int], x: int) -> Fraction:
    k = max([k for k in range(len(xs) - 1) if x >= xs[k]], default=0)
    return ys[k] + Fraction((x - xs[k]) * (ys[k + 1] - ys[k]), xs[k + 1] - xs[k])


def test_the_watch_over_integers_sees_one_that_grows():
    with pytest.raises(AssertionError):
        Narrow(1 << 20) * 1024
    with pytest.raises(AssertionError):
        1024 * Narrow(1 << 20)


@given(small, up_to, st.integers(1, SATURATED))
@example(SATURATED, SATURATED, SATURATED)
@example(-SATURATED, SATURATED, 1)
@example(SATURATED, SATURATED - 1, SATURATED)
@example(-1, 1, SATURATED)
@example(3, (1 << 29) - 1, 1)  # grows beyond its room with the very last digit
def test_a_product_over_a_number_is_that_of_long_integers(a: int, b: int, c: int):
    assert CALIBRATION.times_over(Narrow(a), Narrow(b), Narrow(c)) == clipped(a * b // c, SATURATED)


@given(tables(), st.integers(-MOST, MOST))
def test_a_table_gives_the_straight_line_through_its_points(points: tuple[list[int], list[int]], x: int):
    value = CALIBRATION.line_through(*narrow(points), Narrow(x))
    exact = line(*points, x)
    rest = exact.__floor__() - points[1][0]
    if abs(rest) < MOST:  # a step is limited before it is added
        assert value == clipped(exact, MOST + 1)
    else:
        assert abs(value) <= MOST + 1


@given(tables(), tables(), tables(), st.integers(0, 1 << 24), st.integers(-(1 << 23), 1 << 23))
def test_no_conversion_grows_beyond_30_bits(force: Any, depth: Any, pressure: Any, asked: int, counts: int):
    scales = CALIBRATION.Scales(narrow(force), narrow(depth), narrow(pressure))
    assert 0 <= scales.force_counts(Narrow(asked)) <= 1 << 26
    assert 0 <= scales.depth_counts(Narrow(asked)) <= 1 << 22
    assert 0 <= scales.flex_factor(Narrow(asked % 9001)) <= 3839
    scales.force_mn(Narrow(counts))
    scales.pressure_pa(Narrow(abs(counts) % 16384))


@given(st.integers(0, 1 << 24), st.integers(-(1 << 23), 1 << 23))
@example(1 << 24, 1 << 23)
@example(9000, -(1 << 23))
def test_without_a_record_the_scales_are_the_nominal_ones_exactly(asked: int, counts: int):
    scales, s = CALIBRATION.Scales(), SETTINGS
    assert scales.force_counts(Narrow(asked)) == asked * 1000000 // s.FORCE_NANO_N_PER_COUNT
    assert scales.depth_counts(Narrow(asked)) == asked * 1000000 // s.DEPTH_NANO_MM_PER_COUNT
    nano_mm = 1024 * s.FORCE_NANO_N_PER_COUNT * (asked % 9001) // 1000000
    assert scales.flex_factor(Narrow(asked % 9001)) == 4096 * nano_mm // s.DEPTH_NANO_MM_PER_COUNT
    assert scales.force_mn(Narrow(counts)) == counts * s.FORCE_NANO_N_PER_COUNT // 1000000
    above = abs(counts) % 16384
    pascal = (above - s.PRESSURE_ZERO_COUNTS) * s.PRESSURE_NANO_KPA_PER_COUNT // 1000000
    assert scales.pressure_pa(Narrow(above)) == pascal


def test_a_calibration_that_says_what_the_nominal_scale_says_changes_hardly_anything():
    force = ([0, 1_073_742], [0, 250_000])
    depth = ([1638, 1638 + 13104], [0, 30_000])
    scales, nominal = CALIBRATION.Scales(force, depth), CALIBRATION.Scales()
    assert scales.force_counts(8000) == pytest.approx(nominal.force_counts(8000), rel=1e-4)
    assert scales.depth_counts(2400) == pytest.approx(nominal.depth_counts(2400), abs=1)
    assert scales.flex_factor(800) == pytest.approx(nominal.flex_factor(800), abs=2)


def test_a_softer_cell_gives_more_counts_for_the_same_force():
    scales = CALIBRATION.Scales(force=([5000, 15_000, 35_000], [0, 1000, 2000]))
    assert scales.force_counts(1000) == 10_000
    assert scales.force_counts(3000) == 50_000  # the last line goes on
    assert scales.force_mn(5000) == 0
    assert scales.force_mn(4990) == -1


def test_where_a_table_ends_flat_what_lies_beyond_is_never_reached():
    scales = CALIBRATION.Scales(force=([0, 1000, 2000], [0, 500, 500]))
    assert scales.force_counts(400) == 800
    assert scales.force_counts(501) == 1 << 26
