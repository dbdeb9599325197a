"""The host's detector on synthetic traces: every exit found and dated, nothing taken for one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense.analysis import Geometry
from popsense.analysis.detection import Detection
from popsense.analysis.filters import calm, crossing_s, zero_phase
from popsense.analysis.host_detector import detect
from popsense.model import FloatArray, SensorName, Trace
from tests.host.traces import (
    EARLY_STOPPER,
    EXPERT,
    GEOMETRY,
    NOVICE,
    PLUNGER,
    Hand,
    build_trace,
    flat_trace,
    with_hole,
)

RATES_HZ = [80.0, 320.0, 988.0]
HALF_MM = 0.58  # of the bevel of 2 mm: half of the resistance is gone

Corners = list[tuple[float, float]]


def drawn(force: Corners, tip: Corners, rate_hz: float = 988.0, flex_mm_per_n: float = 0.0) -> Trace:
    """A trace of 12 s along straight lines between (s, N) and (s, mm) corners, with noise of the sensors."""
    random = np.random.default_rng(3)
    time_s = np.arange(0.0, 12.0, 1 / rate_hz)
    force_n, tip_mm = (np.interp(time_s, *np.transpose(corners)) for corners in (force, tip))
    return Trace(
        np.arange(time_s.size, dtype=np.int64),
        time_s,
        force_n + random.normal(0, 0.06, time_s.size),
        tip_mm + flex_mm_per_n * np.maximum(force_n, 0.0) + random.normal(0, 0.01, time_s.size),
        np.zeros_like(time_s),
    )


def without(trace: Trace, *sensors: SensorName) -> Trace:
    return replace(trace, faults=dict.fromkeys(sensors, "not fitted"))


def found(trace: Trace, geometry: Geometry = GEOMETRY) -> Detection:
    return detect(trace, geometry)


# Load from 1 to 2 s, exit at 4 s within 40 ms, needle left alone, drawn out from 8 s on.
LOAD: Corners = [(1.0, 0.0), (2.0, 50.0), (4.0, 50.0)]
EXIT: Corners = [
    *LOAD,
    (4.02, 4.0),
    (4.3, 3.0),
    (4.6, 0.0),
    (8.0, 0.0),
    (8.05, -3.0),
    (8.4, -3.0),
    (8.45, 0.0),
]
OUT: Corners = [(4.0, 0.0), (4.02, 2.0), (4.3, 5.0), (8.0, 5.0), (8.4, 0.0)]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("hand", [EXPERT, NOVICE, PLUNGER])
def test_one_exit_is_one_exit(hand: Hand, rate_hz: float):
    detection = found(build_trace(hand, rate_hz))
    (leaving,) = detection.exits
    assert leaving.basis == "force and depth"
    assert leaving.start_s == pytest.approx(4.0, abs=0.03)
    assert leaving.tip_half_s == pytest.approx(4.0 + 0.06 * HALF_MM / 0.8, abs=0.01)
    assert leaving.start_s < leaving.half_s < leaving.end_s
    assert leaving.drop_percent > 80
    assert detection.withdrawals_s == (pytest.approx(9.6, abs=0.06),)
    assert len(detection.far_cortex_s) == (hand is PLUNGER)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_pop_is_dated_where_force_and_bone_have_both_lost_half(rate_hz: float):
    (leaving,) = found(drawn(EXIT, OUT, rate_hz)).exits
    assert leaving.half_s == pytest.approx(4.01, abs=0.009)
    assert leaving.peak_n == pytest.approx(50, abs=3)
    assert leaving.end_s == pytest.approx(4.02, abs=0.02)


def test_easing_off_in_the_middle_of_an_exit_does_not_date_the_pop():
    force = [*LOAD[:2], (3.9, 50.0), (4.0, 15.0), (4.5, 15.0), (4.52, 2.0), (5.0, 0.0)]
    tip = [(3.9, 0.0), (4.0, 0.3), (4.5, 0.4), (4.52, 2.0), (4.6, 4.0)]
    (leaving,) = found(drawn(force, tip)).exits
    assert leaving.half_s == pytest.approx(4.503, abs=0.01)


def test_following_the_bevel_out_at_full_force_does_not_date_the_pop():
    force = [*LOAD, (4.5, 50.0), (4.52, 3.0), (5.0, 0.0)]
    tip = [(4.0, 0.0), (4.5, 1.4), (4.52, 2.2), (4.6, 4.0)]
    (leaving,) = found(drawn(force, tip)).exits
    assert leaving.tip_half_s == pytest.approx(4.207, abs=0.02)
    assert leaving.half_s == pytest.approx(4.51, abs=0.01)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_return_through_the_hole_and_a_second_puncture_are_exits_of_their_own(rate_hz: float):
    force = [*LOAD, (4.02, 3.0), (5.0, 3.0), (5.1, -3.0), (5.5, -3.0), (5.6, 4.0), (6.4, 4.0), (6.5, -3.0),
             (7.0, -3.0), (7.2, 0.0), (7.5, 0.0), (8.0, 40.0), (9.0, 40.0), (9.02, 3.0)]  # fmt: skip
    tip = [(4.0, 0.0), (4.02, 2.0), (4.2, 4.0), (5.1, 4.0), (5.4, 0.0), (5.6, 0.0), (6.0, 4.0), (6.5, 4.0),
           (6.8, 0.0), (9.0, 0.0), (9.02, 2.0), (9.2, 4.0)]  # fmt: skip
    detection = found(drawn(force, tip, rate_hz))
    assert [leaving.used_hole for leaving in detection.exits] == [False, True, False]
    assert [leaving.half_s for leaving in detection.exits] == pytest.approx([4.01, 5.66, 9.01], abs=0.02)
    assert detection.withdrawals_s == pytest.approx((5.4, 6.8), abs=0.05)


HARD_NEGATIVES: dict[str, Corners] = {
    "easing off and on": [*LOAD, (4.3, 5.0), (4.6, 50.0), (5.5, 50.0), (5.8, 20.0), (7.0, 55.0), (8.0, 0.0)],
    "relaxation": [*LOAD, (4.5, 35.0), (6.0, 25.0), (9.0, 20.0), (10.0, 0.0)],
    "letting go": [*LOAD, (4.1, 20.0), (4.3, 2.0), (4.6, 0.0)],
    "withdrawal": [*LOAD, (4.4, 0.0), (4.6, -6.0), (5.2, -6.0), (5.3, 0.0)],
    "a bump": [
        *LOAD,
        (4.01, 120.0),
        (4.03, 50.0),
        (6.0, 50.0),
        (7.0, 0.0),
        (9.0, 0.0),
        (9.01, 60.0),
        (9.03, 0.0),
    ],
}


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("fitted", ["depth", "no depth"])
@pytest.mark.parametrize("force", HARD_NEGATIVES.values(), ids=HARD_NEGATIVES)
def test_what_is_no_exit_is_none(force: Corners, fitted: str, rate_hz: float):
    # A worn plug: three times the flex that the calibration takes off.
    trace = drawn(force, [(0.0, 0.0), (12.0, 0.0)], rate_hz, flex_mm_per_n=0.002)
    assert found(without(trace, "depth") if fitted == "no depth" else trace).exits == ()


@pytest.mark.parametrize("fitted", ["depth", "no depth"])
def test_tremor_and_chatter_are_no_exit(fitted: str):
    trace = build_trace(replace(EARLY_STOPPER, tremor_n=15.0))
    chatter = 20.0 * np.sin(2 * np.pi * 14.0 * trace.time_s) * (trace.force_n > 40.0)
    trace = replace(trace, force_n=trace.force_n + chatter)
    assert found(without(trace, "depth") if fitted == "no depth" else trace).exits == ()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_without_depth_a_sudden_lasting_fall_is_an_exit_and_less_sure(rate_hz: float):
    detection = found(without(drawn(EXIT, OUT, rate_hz), "depth"))
    (leaving,) = detection.exits
    assert leaving.basis == detection.basis == "force only: less sure"
    assert leaving.half_s == pytest.approx(4.01, abs=0.015)
    assert detection.withdrawals_s == (pytest.approx(8.4, abs=0.05),)
    assert (leaving.tip_half_s, detection.deepest_protrusion_mm) == (None, None)


def test_without_depth_the_far_cortex_is_a_second_rise():
    force = [*LOAD, (4.02, 3.0), (4.06, 3.0), (4.1, 60.0), (4.5, 60.0), (5.0, 0.0)]
    detection = found(without(drawn(force, OUT), "depth"))
    assert len(detection.exits) == 1
    assert detection.far_cortex_s == (pytest.approx(4.067, abs=0.01),)


def test_without_force_the_tip_tells():
    detection = found(without(drawn(EXIT, OUT), "force"))
    assert detection.basis == "depth only: less sure"
    assert detection.exits[0].half_s == pytest.approx(4.006, abs=0.01)


@pytest.mark.parametrize("trace", [flat_trace(5), without(flat_trace(), "force", "depth")])
def test_where_nothing_can_be_told_it_says_so(trace: Trace):
    assert found(trace) == Detection("nothing")


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("worn_mm_per_n", [-0.0005, 0.0, 0.0015])
def test_the_deepest_point_is_the_tip_s(rate_hz: float, worn_mm_per_n: float):
    """Left flex bulges the plug while cutting; at the far cortex the calibration took off too much."""
    nominal = 0.002
    force = [*LOAD, (4.02, 3.0), (4.1, 3.0), (4.15, 100.0), (4.5, 100.0), (4.8, 0.0)]
    tip = [(4.0, 0.0), (4.02, 2.0), (4.1, 19.5), (4.15, 20.4), (4.8, 20.4)]
    trace = drawn(force, tip, rate_hz)
    inside = trace.time_s < 4.0
    load_n = np.maximum(trace.force_n, 0.0)
    raw_mm = trace.protrusion_mm + np.where(inside, (nominal + worn_mm_per_n) * load_n, 0.0)
    detection = found(replace(trace, protrusion_mm=raw_mm - nominal * load_n), Geometry(2.0, 20.0, nominal))
    assert detection.deepest_protrusion_mm == pytest.approx(20.4, abs=0.05)


def test_a_burst_is_no_depth():
    trace = build_trace(EXPERT)
    trace.protrusion_mm[[3000, 6000, 7000]] += 9.0
    assert found(trace).deepest_protrusion_mm == pytest.approx(4.5, abs=0.05)


@settings(max_examples=30)
@given(st.floats(0.0, 10.0), st.floats(0.005, 6.0), st.booleans())
def test_a_hole_anywhere_crashes_nothing(start_s: float, length_s: float, deaf: bool):
    trace = with_hole(build_trace(PLUNGER, 320.0), start_s, start_s + length_s)
    detection = found(without(trace, "depth") if deaf else trace)
    dates = [leaving.half_s for leaving in detection.exits]
    assert dates == sorted(dates)
    assert all(0.0 <= date <= trace.time_s[-1] for date in dates)


def half_way_s(values: FloatArray, time_s: FloatArray) -> float:
    return crossing_s(time_s, values, int(np.argmax(values >= 0.5)), 0.5)


def test_smoothing_delays_nothing():
    time_s = np.arange(0.0, 2.0, 0.001)
    step = np.interp(time_s, [0.9, 1.1], [0.0, 1.0])
    for smooth in (zero_phase, calm):
        assert half_way_s(smooth(time_s, step, 0.011), time_s) == pytest.approx(1.0, abs=1e-6)


def test_smoothing_does_not_reach_over_a_hole():
    time_s = np.concatenate((np.arange(0.0, 1.0, 0.001), np.arange(2.0, 3.0, 0.001)))
    step = (time_s > 1.5).astype(np.float64)
    assert zero_phase(time_s, step, 0.011) == pytest.approx(step)
