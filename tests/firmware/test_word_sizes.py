"""No step of the detector leaves the board's 32-bit words, whatever converter, follower and host send.

MicroPython's unix port calculates viper in 64 bits, so an overflow would show on the board only: here the
same source runs on integers that watch their size (scripts/word_sizes.py).
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.firmware.hands import FORCE_ZERO_CODE, PROFILE, SETTINGS
from tests.firmware.interpreters import ScriptProcess
from tests.firmware.scripts.board_words import Words, unboxed_words

Ask = Callable[[Any], Any]
MOST_CODE, MOST_DEPTH = 2**24 - 1, 16_380
MOST = 2**24  # of a field of PROFILE, detector.py
RATES_MHZ = (5_000, 80_000, 320_000, 988_142, 2_000_000)

PERMILLE = {"drop_permille", "drop_out_permille"}
codes = st.sampled_from([0, 1, 15, FORCE_ZERO_CODE, MOST_CODE]) | st.integers(0, MOST_CODE)
depths = st.sampled_from([0, MOST_DEPTH]) | st.integers(0, MOST_DEPTH)
moves = st.lists(st.tuples(st.integers(1, 30), codes, depths), min_size=1, max_size=12)
profiles = st.fixed_dictionaries(
    {},
    optional={
        "depth_fitted": st.integers(0, 1),
        **{
            name: st.sampled_from([0, 1, 1000 if name in PERMILLE else MOST])
            | st.integers(0, 1000 if name in PERMILLE else MOST)
            for name in SETTINGS["PROFILE_FIELDS"]
            if name != "flex_nm_per_n"
        },
        "flex_nm_per_n": st.sampled_from([0, MOST]) | st.integers(0, 20_000),
    },
)
rests = st.tuples(st.just(70), codes, depths)  # the baseline is behind the detector then


def question(
    rest: tuple[int, int, int], then: list[tuple[int, int, int]], rate_mhz: int, profile: dict[str, int]
) -> dict[str, Any]:
    return {"rate_mhz": rate_mhz, "profile": profile, "moves": [rest, *then]}


@pytest.fixture(scope="module")
def watch() -> Iterator[Ask]:
    """Its verdict on a question."""
    script = ScriptProcess("word_sizes", "cpython")
    yield script.ask
    script.close()


@settings(max_examples=60)
@given(rest=rests, then=moves, rate_mhz=st.sampled_from(RATES_MHZ), profile=profiles)
@example(
    (70, 0, 0), [(200, MOST_CODE, 0), (200, 0, MOST_DEPTH)], 988_142, {}
)  # a whole puncture, wall to wall
@example((70, 0, 0), [(200, MOST_CODE, 0), (200, 0, MOST_DEPTH)], 988_142, {"depth_fitted": 0})
@example((70, MOST_CODE, MOST_DEPTH), [(200, 0, 0), (200, MOST_CODE, MOST_DEPTH)], 988_142, {})
@example((70, 0, 0), [(9, MOST_CODE, 0), (9, 0, MOST_DEPTH), (9, MOST_CODE, 0)], 5_000, {"contact_mn": 0})
@example((70, 1, 0), [(30, 0, 0), (30, 3, 0), (30, 0, 0)], 988_142, {})  # under the lowest code
@example((70, 8_400_000, 1650), [(200, 8_500_000, 1650), (300, 8_270_000, 1650)], 988_142, {})  # a pull
def test_no_word_leaves_the_board(
    watch: Ask,
    rest: tuple[int, int, int],
    then: list[tuple[int, int, int]],
    rate_mhz: int,
    profile: dict[str, int],
):
    assert watch(question(rest, then, rate_mhz, profile)) in ("ok", "refused")


@pytest.mark.parametrize("field", SETTINGS["PROFILE_FIELDS"])
def test_a_profile_at_its_limit_is_taken_or_refused_and_never_overflows(watch: Ask, field: str):
    """The largest value that the board takes, found by halving, through a whole puncture."""
    puncture = [(200, MOST_CODE, 0), (200, 0, MOST_DEPTH), (600, 0, 0), (200, MOST_CODE, 0)]
    low, high = PROFILE[field], MOST + 1
    while high - low > 1:
        middle = (low + high) // 2
        if watch(question((1, 0, 0), [], 988_142, {field: middle})) == "refused":
            high = middle
        else:
            low = middle
    assert high > PROFILE[field] + 1
    for value in (low, 0):
        assert watch(question((70, 0, 0), puncture, 988_142, {field: value})) == "ok"


def test_the_watch_sees_what_leaves_a_word(watch: Ask):
    """A depth that no follower gives: its low-pass overflows."""
    assert "leaves 32 bits" in watch(question((3, 0, 0), [(3, 0, 2**21)], 80_000, {}))


def test_the_words_in_which_the_rings_kernels_are_tried_are_the_boards():
    """Signed when loaded, 32 bits after every calculation; stamps and counts of the ring wrap in them."""
    words = Words(bytearray(b"\xff\xff\xff\xff\xff\xff\xff\x7f"))
    assert [words[0], words[1] + 1, 1 + words[1], words[1] << 1] == [-1, -(2**31), -(2**31), -2]
    assert [words[0] >> 30, words[0] & 0x3FFFFFFF, words[0] - 2**31] == [-1, 0x3FFFFFFF, 2**31 - 1]
    words[0] = 2**31 + 5
    assert words[0] == 5 - 2**31


@pytest.mark.parametrize("value", [2**30, -(2**30) - 1, 2**31 - 1])
def test_the_watch_sees_what_the_board_would_put_on_the_heap(value: int):
    """The application on words of the board (stand_in.py) neither reads nor writes such a one itself."""
    words = unboxed_words(2)
    words[0] = 2**30 - 1
    Words(words)[1] = value  # as a kernel does
    assert words[0] == 2**30 - 1
    with pytest.raises(OverflowError, match="boxed"):
        _ = words[1]
    with pytest.raises(OverflowError, match="boxed"):
        words[0] = value
