"""Counts to units: scale, tare, plug flex, label."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.calibration.convert import TARE_S, Calibration, ChannelScale, to_trace
from popsense.model import RawTrace, Stretch

SCALES = Calibration(
    force=ChannelScale(zero_counts=100, units_per_count=0.001),
    depth=ChannelScale(zero_counts=1600, units_per_count=0.002),
    pressure=ChannelScale(zero_counts=6000, units_per_count=0.01),
    plug_compliance_mm_per_n=0.01,
)
REST = 64


def raw(force: list[int], depth: list[int] | None = None, pressure: list[int] | None = None) -> RawTrace:
    """A thousand samples a second from 0."""
    n = len(force)
    return RawTrace(
        sample_index=np.arange(n, dtype=np.int64),
        time_s=np.arange(n) / 1000,
        force_counts=np.array(force, dtype=np.int64),
        depth_counts=np.array(depth or [1600] * n, dtype=np.int64),
        pressure_counts=np.array(pressure or [6000] * n, dtype=np.int64),
        flags=np.zeros(n, dtype=np.int64),
        holes=(Stretch(n, 5),),
    )


def test_a_scale_takes_off_its_zero_first():
    assert ChannelScale(100, 0.5).convert(np.array([100, 102, 90])).tolist() == [0.0, 1.0, -5.0]


def test_each_channel_has_its_own_scale():
    rest = [0] * REST
    trace = to_trace(raw([*rest, 20_000], [1600] * REST + [2600], [6000] * REST + [8500]), SCALES)
    assert trace.force_n[-1] == pytest.approx(20.0)
    assert trace.protrusion_mm[-1] == pytest.approx(2.0 - 20.0 * 0.01)
    assert trace.pressure_kpa[-1] == pytest.approx(25.0)


def test_pressure_is_gauge_and_is_not_tared():
    trace = to_trace(raw([0] * 100, pressure=[6100] * 100), SCALES)
    assert trace.pressure_kpa == pytest.approx(np.ones(100))


def test_the_tare_is_the_median_of_the_rest():
    force = [5000] * REST + [8000] * 100
    force[10:20] = [90_000] * 10  # somebody knocks on the table
    depth = [1650] * REST + [2650] * 100
    depth[30:35] = [9000] * 5
    trace = to_trace(raw(force, depth), SCALES)
    assert trace.force_n[REST:] == pytest.approx(np.full(100, 3.0))
    assert trace.protrusion_mm[REST:] == pytest.approx(np.full(100, 2.0 - 0.03))


def test_what_follows_the_rest_does_not_shift_the_tare():
    trace = to_trace(raw([0] * REST + [50_000] * 5000), SCALES)
    assert trace.force_n[0] == 0.0
    assert TARE_S * 1000 == REST


def test_a_late_recording_is_tared_on_its_beginning_and_says_so():
    rest = raw([1100] * 100)
    early, late = (replace(rest, time_s=rest.time_s + late_s) for late_s in (0.4, 1.0))
    for trace in (to_trace(early, SCALES), to_trace(late, SCALES)):
        assert trace.force_n == pytest.approx(np.zeros(100))
        assert not trace.faults
    assert (to_trace(early, SCALES).tare_doubtful, to_trace(late, SCALES).tare_doubtful) == (False, True)


def test_a_needle_that_is_loaded_while_it_is_tared_is_a_fault_of_the_force():
    trace = to_trace(raw([100 * i for i in range(REST)] + [6400] * 100), SCALES)  # 6.4 N in 64 ms
    assert trace.tare_doubtful
    assert trace.faults.keys() == {"force"}
    assert "tared" in trace.faults["force"]


def test_a_needle_that_moves_while_it_is_tared_is_a_fault_of_the_depth():
    assert to_trace(raw([0] * 100, [1600 + 5 * i for i in range(100)]), SCALES).faults.keys() == {"depth"}


def test_a_tip_that_was_out_while_it_was_tared_is_a_fault_of_the_depth():
    out = [2600] * 200 + [1600] * 100
    out[250] = 0  # a burst
    assert to_trace(raw([0] * 300, out), SCALES).faults.keys() == {"depth"}
    assert not to_trace(raw([0] * 300, [1600] * 299 + [0]), SCALES).faults


def test_noise_and_a_knock_are_at_rest():
    force = np.random.default_rng(1).normal(0, 120, 1000).astype(int).tolist()
    force[10:20] = [90_000] * 10
    trace = to_trace(raw(force), SCALES)
    assert (trace.tare_doubtful, trace.faults) == (False, {})


@pytest.mark.parametrize("samples", [0, 1, 2, 20])
def test_a_handful_of_samples_is_converted(samples: int):
    assert to_trace(raw([100] * samples), SCALES).force_n.tolist() == [0.0] * samples


def test_a_dead_force_sensor_bends_no_plug():
    counts = raw([0] * REST + [8_000_000] * 100)
    dead = to_trace(counts, SCALES, {"force": "dead"})
    assert dead.protrusion_mm == pytest.approx(np.zeros(REST + 100))
    assert dead.faults == {"force": "dead"}


def test_plug_flex_is_taken_off_under_compression_only():
    trace = to_trace(raw([0] * REST + [100_000, -100_000], [1600] * (REST + 2)), SCALES)
    assert trace.protrusion_mm[-2:] == pytest.approx([-1.0, 0.0])


@given(st.integers(-(2**22), 2**22), st.integers(0, 12_000))
def test_a_zero_balance_changes_nothing(force_offset: int, depth_offset: int):
    force, depth = [0] * REST + [40_000, 3000], [1600] * REST + [2600, 1600]
    plain = to_trace(raw(force, depth), SCALES)
    shifted = to_trace(raw([f + force_offset for f in force], [d + depth_offset for d in depth]), SCALES)
    assert shifted.force_n == pytest.approx(plain.force_n, abs=1e-9)
    assert shifted.protrusion_mm == pytest.approx(plain.protrusion_mm, abs=1e-9)


def test_index_time_and_holes_are_those_of_the_recording():
    counts = raw([0] * 100)
    trace = to_trace(counts, SCALES)
    assert trace.holes == counts.holes
    assert (trace.sample_index == counts.sample_index).all()
    assert (trace.time_s == counts.time_s).all()


def test_nominal_scales_are_called_uncalibrated():
    assert SCALES.label.startswith("uncalibrated")
    assert not to_trace(raw([0] * 100), SCALES).calibrated
    certified = Calibration(SCALES.force, SCALES.depth, SCALES.pressure, 0.01, id=17)
    assert certified.label == "calibration 17"
    assert to_trace(raw([0] * 100), certified).calibrated


def test_what_is_missing_or_repaired_is_told_of_the_trace_too():
    counts = replace(raw([0] * 200), repaired=(Stretch(10, 20),))
    trace = to_trace(counts, SCALES)
    assert (trace.holes, trace.repaired) == ((Stretch(200, 5),), (Stretch(10, 20),))
