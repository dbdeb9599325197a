"""IndexSet against Python's own set."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from popsense.link.index_set import IndexSet
from popsense.model import Stretch

MOST = 60
index = st.integers(0, MOST)
stretches = st.lists(st.tuples(index, st.integers(0, 12)).map(lambda pair: (pair[0], sum(pair))), max_size=20)


def filled(parts: list[tuple[int, int]]) -> tuple[IndexSet, set[int]]:
    ours, theirs = IndexSet(), set[int]()
    for start, end in parts:
        new = set(range(start, end)) - theirs
        assert ours.add(start, end) == len(new)
        theirs |= new
    return ours, theirs


@given(stretches, index, index)
def test_it_misses_what_a_set_misses(parts: list[tuple[int, int]], start: int, end: int):
    ours, theirs = filled(parts)
    found = ours.missing(start, end)
    assert [i for gap in found for i in range(gap.first_sample, gap.end)] == sorted(
        set(range(start, end)) - theirs
    )
    assert all(a.end < b.first_sample for a, b in pairwise(found))
    assert ours.first_gap(end, start) == (found[0] if found else None)


@given(stretches, index)
def test_the_first_missing_one_is_that_of_a_set(parts: list[tuple[int, int]], start: int):
    ours, theirs = filled(parts)
    assert ours.first_missing(start) == next(i for i in range(start, 3 * MOST) if i not in theirs)


@given(stretches)
def test_memory_goes_by_gaps_and_not_by_samples(parts: list[tuple[int, int]]):
    ours, theirs = filled(parts)
    islands = sum(1 for i in theirs if i - 1 not in theirs)
    assert len(ours._starts) == len(ours._ends) == islands


def test_a_stretch_that_joins_two_counts_what_is_new_only():
    ours = IndexSet()
    ours.add(0, 10)
    ours.add(20, 30)
    assert ours.add(5, 25) == 10
    assert ours.missing(0, 40) == [Stretch(30, 10)]
