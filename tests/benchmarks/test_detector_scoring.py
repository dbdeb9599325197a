"""The rules by which detectors are judged, on attempts made up of a few moments."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.twin.insertion import CONTROL_HZ, Insertion, Truth
from tests.benchmarks.detectors.cases import cut
from tests.benchmarks.detectors.scoring import Found, Verdict, judge

NOTHING = Truth(
    contact_s=1.0,
    exit_start_s=None,
    exit_half_s=None,
    exit_end_s=None,
    stop_s=None,
    deepest_protrusion_mm=0.0,
    far_cortex_contact_s=None,
    far_cortex_in_s=None,
    aspiration_s=None,
    flush_s=None,
    removal_s=None,
    used_hole=False,
)
EXIT = replace(NOTHING, exit_start_s=2.0, exit_half_s=2.1, exit_end_s=2.2, deepest_protrusion_mm=8.0)
FAR = replace(EXIT, far_cortex_contact_s=3.0, far_cortex_in_s=3.1)
TIME_S = np.arange(0.0, 10.0, 1.0 / CONTROL_HZ)
TIP_MM = np.clip(10.0 * (TIME_S - 2.0), -5.0, 8.0)  # 10 mm/s, at the inner face when the exit starts


def verdict(truth: Truth, *pops_s: float, kind: str = "pop") -> Verdict:
    return judge(truth, [Found(time_s, kind) for time_s in pops_s], TIP_MM)


def test_a_pop_in_the_exit_is_the_detection_and_late_by_time_and_travel():
    found = verdict(EXIT, 2.115)
    assert (found.false_pops, found.due, found.missed, found.detected_s) == (0, True, False, 2.115)
    assert found.late_ms == pytest.approx({"start": 115.0, "half": 15.0, "end": -85.0})
    assert found.late_mm == pytest.approx({"start": 1.15, "half": 0.15, "end": -0.85})


def test_a_pop_at_the_exit_s_start_is_none_too_early():
    assert verdict(EXIT, 2.0).false_pops == 0
    early = verdict(EXIT, 1.999)
    assert (early.false_pops, early.false_s, early.missed) == (1, 1.999, True)


def test_without_an_exit_every_pop_is_false():
    found = verdict(NOTHING, 2.0, 4.0)
    assert (found.false_pops, found.due, found.missed, found.late_ms) == (2, False, False, {})


def test_one_exit_gives_one_pop():
    found = verdict(EXIT, 1.5, 2.1, 2.3, 5.0)
    assert (found.false_pops, found.detected_s, found.missed) == (3, 2.1, False)


def test_what_never_came_is_missed_and_an_uncertain_pop_is_no_pop():
    assert verdict(EXIT).missed
    found = verdict(EXIT, 2.1, kind="uncertain_pop")
    assert (found.missed, found.uncertain_pops, found.false_pops) == (True, 1, 0)


def test_an_exit_without_a_half_asks_for_no_pop_but_allows_one():
    begun = replace(EXIT, exit_half_s=None, exit_end_s=None)
    assert not verdict(begun).missed
    found = verdict(begun, 2.3)
    assert (found.false_pops, found.detected_s) == (0, 2.3)
    assert found.late_ms == pytest.approx({"start": 300.0})


def test_in_a_used_hole_pops_behind_the_exit_s_start_are_counted_apart():
    found = verdict(replace(EXIT, used_hole=True), 1.5, 2.1, 2.3)
    assert (found.false_pops, found.used_hole_pops, found.due, found.missed) == (1, 2, False, False)
    assert found.detected_s is None


@pytest.mark.parametrize(
    ("times_s", "met", "false"),
    [
        ((), False, 0),
        ((2.996,), True, 0),
        ((2.994,), False, 1),
        ((2.5, 3.05), True, 1),
        ((3.099,), True, 0),
        ((3.1,), False, 0),  # 1 mm in: too late
    ],
)
def test_the_far_cortex_is_called_from_its_touch_until_the_tip_is_in(
    times_s: tuple[float, ...], met: bool, false: int
):
    found = verdict(FAR, *times_s, kind="far_cortex_contact")
    assert (found.far_due, found.far_met, found.far_false) == (True, met, false)
    assert found.far_room_s == pytest.approx(0.1)


def test_a_far_cortex_that_is_touched_and_not_entered_may_be_called_at_any_time():
    touched = replace(FAR, far_cortex_in_s=None)
    assert verdict(touched, 9.0, kind="far_cortex_contact").far_met
    alone = verdict(EXIT, 3.0, kind="far_cortex_contact")
    assert (alone.far_due, alone.far_met, alone.far_false) == (False, False, 1)


@given(st.lists(st.floats(0.0, 9.9), max_size=6), st.sampled_from([NOTHING, EXIT, FAR]), st.booleans())
def test_every_pop_is_counted_once(pops_s: list[float], truth: Truth, used_hole: bool):
    found = verdict(replace(truth, used_hole=used_hole), *sorted(pops_s))
    assert found.false_pops + found.used_hole_pops + (found.detected_s is not None) == len(pops_s)
    assert not (found.missed and found.late_ms)


def insertion(truth: Truth) -> Insertion:
    return Insertion(TIME_S, 0 * TIME_S, 0 * TIME_S, 0 * TIME_S, TIP_MM, truth)


def test_what_comes_behind_the_cut_has_not_happened():
    part = cut(insertion(FAR), 2.15)
    assert [len(values) for values in (part.time_s, part.force_n, part.tip_mm)] == [2150] * 3
    assert (part.truth.exit_half_s, part.truth.exit_end_s, part.truth.far_cortex_contact_s) == (
        2.1,
        None,
        None,
    )
    assert part.truth.deepest_protrusion_mm == pytest.approx(1.49)


def test_a_cut_before_the_exit_leaves_no_depth_and_one_behind_the_end_changes_nothing():
    assert cut(insertion(FAR), 2.0).truth == NOTHING
    whole = insertion(FAR)
    assert cut(whole, 20.0) is whole
