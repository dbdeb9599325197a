"""The definition of the truth, on paths drawn by hand at 1000 instants a second."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from popsense.model import FloatArray
from popsense.twin.truth import FAR_DEPTH_MM, FAR_TOUCH_N, PEAK_BEFORE_S, Path, Truth, read_truth
from tests.host.twin.simulated import BONE

RATE_HZ = 1000.0
OUT_MM = BONE.inner_mm + BONE.bevel_mm


def way(*parts: tuple[float, float], start: float = 0.0) -> FloatArray:
    """Straight pieces, each (seconds, value at its end)."""
    pieces: list[FloatArray] = [np.array([start])]
    for seconds, end in parts:
        straight: FloatArray = np.linspace(float(pieces[-1][-1]), end, round(seconds * RATE_HZ) + 1)
        pieces.append(straight[1:])
    return np.concatenate(pieces)


def truth_of(tip_mm: FloatArray, force_n: FloatArray | float, **more: Any) -> Truth:
    """The truth of that path; more: flex_mm, friction_n, moments, bone."""
    everywhere = np.ones_like(tip_mm)
    flex_mm, friction_n = more.get("flex_mm", 0.0) * everywhere, more.get("friction_n", 0.0) * everywhere
    path = Path(tip_mm, tip_mm - flex_mm, force_n * everywhere, friction_n, RATE_HZ)
    return read_truth(path, more.get("bone", BONE), more.get("moments", {}))


# To the inner face in 1 s, on through the whole bevel in the 0.4 s after, and there for 1 s.
THROUGH_MM = way((1.0, BONE.inner_mm), (0.4, OUT_MM + 1.0), (1.0, OUT_MM + 1.0), start=BONE.outer_mm - 1.0)
FALLING_N = way((1.0, 60.0), (0.4, 0.0), (1.0, 0.0))


def test_landmarks_of_a_plain_exit() -> None:
    truth = truth_of(THROUGH_MM, FALLING_N)
    assert truth.contact_s == pytest.approx(0.25, abs=0.0011)
    assert truth.exit_start_s == pytest.approx(1.001, abs=1e-9)
    assert truth.exit_half_s == pytest.approx(1.2, abs=0.0011), "force half gone, bevel more than half"
    assert truth.exit_end_s == pytest.approx(1.0 + 0.4 * 2.0 / 3.0, abs=0.0011)
    assert truth.stop_s == pytest.approx(1.4, abs=0.01)
    assert truth.deepest_protrusion_mm == pytest.approx(3.0)
    assert truth.far_cortex_contact_s is None
    assert truth.far_cortex_in_s is None


def test_easing_off_at_the_inner_face_is_no_loss_of_resistance() -> None:
    """The tip is out by a tenth of a millimetre, the hand lets the force go to nothing: bone gave nothing."""
    peeping = way((1.0, BONE.inner_mm + 0.1), (1.0, BONE.inner_mm + 0.1), start=BONE.outer_mm)
    truth = truth_of(peeping, way((1.0, 60.0), (0.3, 2.0), (0.7, 2.0)))
    assert truth.exit_start_s is not None
    assert truth.exit_half_s is None
    assert truth.exit_end_s is None


def test_a_force_that_stays_is_no_loss_that_anyone_feels() -> None:
    truth = truth_of(THROUGH_MM, 60.0)
    assert truth.exit_end_s is not None
    assert truth.exit_half_s is None


def test_half_is_the_instant_at_which_both_hold() -> None:
    """The bevel is out at 1.27 s, the force is halved only at 1.8 s."""
    late = truth_of(THROUGH_MM, way((1.6, 60.0), (0.4, 0.0), (0.4, 0.0), start=60.0))
    assert late.exit_half_s == pytest.approx(1.8, abs=0.0011)
    early = truth_of(THROUGH_MM, way((1.0, 60.0), (0.02, 0.0), (1.38, 0.0), start=60.0))
    half_out_s = 1.0 + 0.4 * BONE.bevel_mm * (1.0 - np.sqrt(0.5)) / 3.0
    assert early.exit_half_s == pytest.approx(half_out_s, abs=0.0011)


@pytest.mark.parametrize(
    ("before_s", "halved"), [(PEAK_BEFORE_S - 0.05, True), (PEAK_BEFORE_S + 0.05, False)]
)
def test_the_peak_lies_shortly_before_the_exit(before_s: float, halved: bool) -> None:
    """100 N that ended so long before the exit, then 40 N to the end."""
    peak_n = np.where(np.arange(len(THROUGH_MM)) / RATE_HZ <= 1.0 - before_s, 100.0, 40.0)
    assert (truth_of(THROUGH_MM, peak_n).exit_half_s is not None) is halved


def test_friction_of_the_shaft_is_no_resistance_of_the_tip() -> None:
    force_n = way((1.0, 50.0), (0.4, 32.0), (1.0, 32.0))
    assert truth_of(THROUGH_MM, force_n).exit_half_s is None
    assert truth_of(THROUGH_MM, force_n, friction_n=30.0).exit_half_s is not None


@pytest.mark.parametrize("back_to_mm", [BONE.inner_mm - 1.0, BONE.outer_mm - 2.0])
def test_a_tip_that_went_back_in_or_out_of_the_bone_lost_nothing(back_to_mm: float) -> None:
    """Out by 0.3 mm at full force, back, then the hand lets go."""
    tip_mm = way((1.0, BONE.inner_mm + 0.3), (0.2, back_to_mm), (1.0, back_to_mm), start=11.0)
    truth = truth_of(tip_mm, way((1.2, 60.0), (0.1, 0.0), (0.9, 0.0), start=60.0))
    assert truth.exit_start_s is not None
    assert truth.exit_half_s is None


def test_a_plug_that_bends_carries_its_inner_face_along() -> None:
    """Half a millimetre past where the face lies unloaded, in a plug that is bent by 0.6 mm: still inside."""
    inside = way((1.0, BONE.inner_mm + 0.5), (0.5, BONE.inner_mm + 0.5), start=BONE.outer_mm)
    truth = truth_of(inside, 60.0, flex_mm=0.6)
    assert truth.exit_start_s is None
    assert truth.deepest_protrusion_mm == 0.0
    deep = truth_of(THROUGH_MM, FALLING_N, flex_mm=0.6).deepest_protrusion_mm
    assert deep == pytest.approx(3.0), "from the unloaded face"


@pytest.mark.parametrize(("pressed_n", "touched"), [(FAR_TOUCH_N - 0.1, False), (FAR_TOUCH_N + 0.1, True)])
def test_a_far_cortex_is_touched_with_two_newtons(pressed_n: float, touched: bool) -> None:
    tip_mm = way((1.0, BONE.far_mm), (0.5, BONE.far_mm), start=BONE.inner_mm)
    truth = truth_of(tip_mm, 6.0 + pressed_n, friction_n=6.0)
    assert (truth.far_cortex_contact_s is not None) is touched
    assert truth.far_cortex_in_s is None


def test_pressing_before_the_far_face_touches_nothing() -> None:
    assert truth_of(way((1.0, BONE.far_mm - 0.01), start=30.0), 50.0).far_cortex_contact_s is None


def test_a_millimetre_into_the_far_cortex_is_dated() -> None:
    truth = truth_of(way((1.0, BONE.far_mm + 2.0), start=BONE.far_mm), 50.0)
    assert truth.far_cortex_contact_s == 0.0
    assert truth.far_cortex_in_s == pytest.approx(FAR_DEPTH_MM / 2.0, abs=0.0011)
    assert FAR_DEPTH_MM == 1.0
    shallow = truth_of(way((1.0, BONE.far_mm + 0.99), start=BONE.far_mm), 50.0)
    assert shallow.far_cortex_in_s is None


def test_without_an_exit_the_stop_counts_from_the_decision() -> None:
    """Two halts in the cortex; the operator decided behind the first one."""
    tip_mm = way((0.5, 12.0), (0.5, 12.0), (0.5, 13.0), (0.5, 13.0), start=11.0)
    assert truth_of(tip_mm, 30.0, moments={"stop": 1.2}).stop_s == pytest.approx(1.5, abs=0.01)
    assert truth_of(tip_mm, 30.0).stop_s is None


def test_creeping_slower_than_a_millimetre_a_second_is_a_stop() -> None:
    creeping = way((0.2, 16.0), (1.0, 16.9), start=14.0 - 0.001)
    fast = way((0.2, 16.0), (1.0, 17.1), start=14.0 - 0.001)
    force_n = way((0.1, 0.0), (1.1, 0.0), start=60.0)
    assert truth_of(creeping, force_n).stop_s == pytest.approx(0.2, abs=0.01)
    assert truth_of(fast, force_n).stop_s == pytest.approx(1.2, abs=0.01), "only where the path ends"


def test_a_needle_that_never_came_near_has_no_landmarks() -> None:
    truth = truth_of(np.linspace(-4.0, 10.9, 500), 3.0)
    values = truth.as_dict()
    assert values.pop("used_hole") is False
    assert values.pop("deepest_protrusion_mm") == 0.0
    assert set(values.values()) == {None}


def test_what_the_operator_did_and_the_hole_are_passed_on() -> None:
    moments = {"stop": 1.4, "aspiration": 1.5, "flush": 1.6, "removal": 1.7}
    truth = truth_of(THROUGH_MM, FALLING_N, moments=moments, bone=replace(BONE, used_hole=True))
    assert (truth.aspiration_s, truth.flush_s, truth.removal_s) == (1.5, 1.6, 1.7)
    assert truth.used_hole
    assert truth.as_dict()["exit_half_s"] == truth.exit_half_s
