"""Arithmetic on indices and stamps, against the same said one index at a time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.model import Stretch
from popsense.recording.timeline import TICKS_MODULUS, holes, marked, near, period_us, unwrapped

index_sets = st.sets(st.integers(0, 60), max_size=40)


def array(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def members(stretches: tuple[Stretch, ...]) -> list[int]:
    return [index for one in stretches for index in range(one.first_sample, one.end)]


def assert_apart(stretches: tuple[Stretch, ...]) -> None:
    """None empty, none touching the next."""
    assert all(one.count > 0 for one in stretches)
    assert all(one.end < other.first_sample for one, other in pairwise(stretches))


@given(index_sets, st.integers(0, 70))
def test_a_hole_is_what_is_not_there(index: set[int], end: int):
    found = holes(array(sorted(index)), end)
    assert members(found) == [k for k in range(max(end, *index, 0)) if k not in index]
    assert_apart(found)


@given(st.dictionaries(st.integers(0, 60), st.booleans(), max_size=40))
def test_marked_stretches_hold_the_marked_and_no_other(marks: dict[int, bool]):
    index = sorted(marks)
    found = marked(array(index), np.array([marks[k] for k in index], dtype=np.bool_))
    assert members(found) == [k for k in index if marks[k]]
    assert_apart(found)


@given(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
def test_near_is_the_same_to_the_modulus_and_the_nearest(value: int, expected: int):
    found = int(near(array([value]), array([expected]), TICKS_MODULUS)[0])
    assert (found - value) % TICKS_MODULUS == 0
    assert abs(found - expected) <= TICKS_MODULUS // 2


@given(st.integers(0, TICKS_MODULUS - 1), st.lists(st.integers(1, 10**7), max_size=20), st.floats(0.98, 1.02))
def test_ticks_unwrap_whatever_lies_between(start: int, steps: list[int], wrong: float):
    """Holes of up to three hours, and a rate that is only known to 2 %."""
    first = array([0, *np.cumsum(steps).tolist()])
    truth = start + first * 1012
    found = unwrapped(truth % TICKS_MODULUS, first, 1012 * wrong)
    assert found.tolist() == truth.tolist()
    assert period_us(first, found, 500.0) == pytest.approx(1012 if steps else 500)
