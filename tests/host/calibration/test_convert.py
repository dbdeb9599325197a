"""Counts to units: scale, tare, plug flex, label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.calibration.convert import TARE_S, Calibration, ChannelScale, to_trace
from popsense.model import Hole, RawTrace

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
        holes=(Hole(n, 5),),
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


def test_without_a_rest_nothing_is_tared():
    late = raw([1100] * 10)
    late = RawTrace(**{**vars(late), "time_s": late.time_s + 1.0})
    assert to_trace(late, SCALES).force_n == pytest.approx(np.ones(10))


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
