"""Copying, rolling back and comparing on a board in memory, whenever the power goes."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from popsense.errors import DeviceError, LinkLost, UsageError
from popsense.technician.flash.copying import check_board, compare, copy_release, read_contents, roll_back
from popsense.technician.flash.plan import LIVE, MAIN, PREVIOUS, STAGED, needed_bytes
from popsense.technician.flash.release import MANIFEST, Release, read_manifest
from tests.host.technician.flash_board import (
    ARMV6M_MPY,
    BY_HAND,
    CALIBRATED,
    PICO_ABOUT,
    MemoryBoard,
    copied,
    small_release,
)

OLD, NEW = small_release("0.1.0"), small_release("0.2.0", app=b"M\6\0new", hx711=b"M\6\0more")
BEFORE: dict[str, Mapping[str, bytes]] = {
    "empty": {},
    "another program": {MAIN: b"somebody's own"},
    "copied by hand": BY_HAND,
    "flashed": copied(OLD),
    "flashed twice": copied(OLD) | {f"{PREVIOUS}/{name}": b"older" for name in OLD.files},
    "half a copy": copied(OLD) | {f"{STAGED}/app.mpy": b"M\6"},
}
Way = Callable[[MemoryBoard], object]


def quiet(text: str) -> None: ...


def flash(board: MemoryBoard, release: Release = NEW) -> bool:
    return copy_release(board, release, quiet) is not None


def in_place(board: MemoryBoard) -> dict[str, bytes]:
    """What a reset would start."""
    return {path: data for path, data in board.files.items() if path == MAIN or path.startswith(f"{LIVE}/")}


def starts(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Of a board's files those that the firmware consists of: without what only flashing looks at."""
    apart = (f"{LIVE}/{MANIFEST}", f"{LIVE}/{MAIN}")
    own = {path: data for path, data in files.items() if path == MAIN or path.startswith(f"{LIVE}/")}
    return {path: data for path, data in own.items() if path not in apart}


def calibration(board: MemoryBoard) -> dict[str, bytes]:
    return {path: data for path, data in board.files.items() if path in CALIBRATED}


# ---- without a mishap ----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", BEFORE)
def test_afterwards_exactly_the_release_is_in_place_and_the_calibration_untouched(before: str):
    board = MemoryBoard(BEFORE[before] | CALIBRATED)
    assert flash(board)
    assert in_place(board) == copied(NEW)
    assert calibration(board) == CALIBRATED
    assert not any(path.startswith((STAGED, f"{MAIN}.")) for path in board.files)


@pytest.mark.parametrize("before", [name for name in BEFORE if name != "empty"])
def test_a_rollback_brings_back_what_ran_before_and_another_one_the_new(before: str):
    board = MemoryBoard(BEFORE[before] | CALIBRATED)
    flash(board)
    roll_back(board, quiet)
    assert starts(board.files) == starts(BEFORE[before])
    assert roll_back(board, quiet) == "0.2.0"
    assert in_place(board) == copied(NEW)
    assert calibration(board) == CALIBRATED


def test_what_is_there_already_is_not_copied_again_nor_does_it_displace_the_former_one():
    board = MemoryBoard(copied(OLD))
    flash(board)
    board.steps_left = 0
    assert not flash(board)
    board.steps_left = None
    assert roll_back(board, quiet) == "0.1.0"


def test_a_rollback_tells_the_version_that_was_copied_by_hand():
    board = MemoryBoard(BY_HAND)
    flash(board)
    assert roll_back(board, quiet) == PICO_ABOUT.firmware


@pytest.mark.parametrize("before", ["empty", "flashed", "flashed twice"])
def test_without_a_whole_former_firmware_there_is_no_rollback(before: str):
    board = MemoryBoard(BEFORE[before], steps_left=0)
    with pytest.raises(UsageError, match="no former firmware"):
        roll_back(board, quiet)


def test_a_former_firmware_that_is_not_what_its_manifest_says_is_not_put_back():
    board = MemoryBoard(copied(OLD))
    flash(board)
    del board.files[f"{PREVIOUS}/app.mpy"]
    with pytest.raises(UsageError, match="no former firmware"):
        roll_back(board, quiet)
    assert in_place(board) == copied(NEW)


# ---- mishaps -------------------------------------------------------------------------------------------


def cut_off(board: MemoryBoard, way: Way, steps: int) -> bool:
    """Power goes after so many steps; False where the way was through before."""
    board.steps_left = steps
    try:
        way(board)
        return False
    except LinkLost:
        return True
    finally:
        board.steps_left = None


def assert_nothing_is_lost(board: MemoryBoard, former: Mapping[str, bytes]) -> None:
    """The former or the new firmware would start; in the breath between two renames both are there whole."""
    assert calibration(board) == CALIBRATED
    if starts(board.files) in (starts(former), starts(copied(NEW))):
        return
    contents = read_contents(board)
    assert not former or contents.is_whole(PREVIOUS) or contents.is_whole(LIVE)
    assert contents.is_whole(STAGED) or contents.within(LIVE) == NEW.hashes


@pytest.mark.parametrize("before", BEFORE)
def test_cut_off_after_any_step_the_next_flash_finishes_and_can_be_rolled_back(before: str):
    for steps in range(200):
        board = MemoryBoard(BEFORE[before] | CALIBRATED)
        cut = cut_off(board, flash, steps)
        assert_nothing_is_lost(board, BEFORE[before])
        flash(board)
        assert in_place(board) == copied(NEW)
        if before != "empty":
            roll_back(board, quiet)
            assert starts(board.files) == starts(BEFORE[before])
        if not cut:
            assert steps > 8, "it was cut off nowhere"
            return
    raise AssertionError("it never came to an end")


@given(cuts=st.lists(st.integers(0, 40), max_size=6), before=st.sampled_from(sorted(BEFORE)))
@example(cuts=[24, 1, 0, 2], before="flashed")
def test_cut_off_again_and_again_nothing_is_lost(cuts: list[int], before: str):
    board = MemoryBoard(BEFORE[before] | CALIBRATED)
    for steps in cuts:
        cut_off(board, flash, steps)
        assert_nothing_is_lost(board, BEFORE[before])
    flash(board)
    assert in_place(board) == copied(NEW)
    assert calibration(board) == CALIBRATED


def test_a_rollback_that_was_cut_off_leaves_one_of_both_and_the_next_flash_finishes():
    for steps in range(40):
        board = MemoryBoard(copied(OLD) | CALIBRATED)
        flash(board)
        cut = cut_off(board, lambda one: roll_back(one, quiet), steps)
        contents = read_contents(board)
        assert {OLD.hashes[MAIN], NEW.hashes[MAIN]} == {
            contents.within(folder)[MAIN] for folder in (LIVE, STAGED, PREVIOUS) if contents.is_whole(folder)
        }
        flash(board)
        assert in_place(board) == copied(NEW)
        assert calibration(board) == CALIBRATED
        if not cut:
            assert steps > 3
            return
    raise AssertionError("it never came to an end")


def test_another_release_than_the_interrupted_one_is_copied_all_the_same():
    for steps in range(30):
        board = MemoryBoard(copied(OLD))
        cut_off(board, flash, steps)
        other = small_release("0.3.0", other=b"M\6\0other")
        flash(board, other)
        assert in_place(board) == copied(other)


def test_a_file_that_arrives_damaged_is_found_before_anything_changes_places():
    board = MemoryBoard(copied(OLD))
    board.damages = {f"{STAGED}/hx711.mpy"}
    with pytest.raises(DeviceError, match=r"hx711\.mpy did not arrive"):
        flash(board)
    assert in_place(board) == copied(OLD)
    board.damages = set()
    flash(board)
    assert in_place(board) == copied(NEW)


def test_a_full_board_is_told_before_anything_is_copied():
    board = MemoryBoard(copied(OLD))
    board.free = needed_bytes(NEW) - 1
    with pytest.raises(DeviceError, match="33 kB free, the firmware needs up to 33 kB") as refusal:
        flash(board)
    assert "mpremote fs" in refusal.value.remedy
    assert in_place(board) == copied(OLD)
    board.free += 1
    assert flash(board)


# ---- comparing, and what board it is -------------------------------------------------------------------


def test_each_file_is_the_same_or_different_or_missing_or_extra():
    files = copied(NEW) | {f"{LIVE}/own.py": b"", f"{LIVE}/app.mpy": b"M\6\0other"}
    del files[f"{LIVE}/hx711.mpy"]
    states = {one.path: one.state for one in compare(read_contents(MemoryBoard(files)), NEW)}
    assert states == {
        "bone/app.mpy": "different",
        "bone/hx711.mpy": "missing",
        "bone/main.py": "same",
        "bone/manifest.json": "same",
        "bone/own.py": "extra",
        "main.py": "same",
    }


def test_a_pico_with_a_fitting_micropython_will_do():
    check_board(PICO_ABOUT, NEW)


@pytest.mark.parametrize(
    ("changed", "says", "remedy"),
    [
        ({"watchdog_running": True}, "watchdog", "Unplug"),
        ({"machine": "Raspberry Pi Pico 2 with RP2350"}, "RP2350", "Use a Raspberry Pi Pico"),
        ({"version": (1, 23, 0)}, "1.23.0", "1.24"),
        ({"mpy": 5 | ARMV6M_MPY & ~0xFF}, "cannot load", "--source"),
        ({"mpy": 0}, "cannot load", "--source"),
    ],
)
def test_another_board_is_refused_with_what_to_do(changed: dict[str, object], says: str, remedy: str):
    with pytest.raises(DeviceError, match=says) as refusal:
        check_board(replace(PICO_ABOUT, **changed), NEW)
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_manifest_that_was_cut_off_is_none(cut: int):
    whole = NEW.files[MANIFEST]
    assert read_manifest(whole[:cut]) is None
    assert read_manifest(whole) is not None
    assert read_manifest(b'{"version": "1", "files": [1]}') is None
