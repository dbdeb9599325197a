"""A table's conversion: straight lines, the device's own arithmetic, and a trace that goes by it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.calibration.convert import Calibration, ChannelScale, ChannelTable, table_of, to_trace
from popsense.calibration.record import Point
from popsense.model import RawTrace
from tests.firmware.in_process import load_bone
from tests.host.calibration.records import POINTS, made, tables

DEVICE = load_bone("calibration").calibration

MOST = 1 << 27  # mN: 134 kN


def device_scales(**points: tuple[Point, ...]) -> object:
    """The device's conversions, with these tables."""
    sides = {
        name: ([p.counts for p in table], [p.milliunits for p in table]) for name, table in points.items()
    }
    return DEVICE.Scales(**sides)


def test_it_passes_through_its_points_and_goes_on_behind_them():
    table = ChannelTable((0.0, 10.0, 30.0), (0.0, 5.0, 25.0))
    counts = np.array([-10, 0, 4, 10, 20, 30, 40])
    assert table.convert(counts).tolist() == [-5.0, 0.0, 2.0, 5.0, 15.0, 25.0, 35.0]


def test_a_difference_is_that_of_the_place():
    table = ChannelTable((0.0, 10.0, 30.0), (0.0, 5.0, 25.0))
    assert table.difference(4, above=2) == pytest.approx(2.0)
    assert table.difference(4, above=12) == pytest.approx(4.0)
    assert table.difference(10, above=5) == pytest.approx(7.5)


@given(tables(most=MOST), st.integers(-(1 << 23), (1 << 23) - 1))
def test_device_and_host_convert_alike_within_a_thousandth_of_the_unit(
    points: tuple[Point, ...], counts: int
):
    host = table_of(made(points=points)).convert(np.array([counts]))[0] * 1000
    device = device_scales(force=points).force_mn(counts)  # type: ignore[attr-defined]
    if abs(host) < MOST:  # the device limits what lies far beyond
        assert device <= host + 1e-3
        assert device == pytest.approx(host, abs=1 + 1e-6 * abs(host))


@given(tables(0, 16383, MOST), st.integers(0, 16383))
def test_device_and_host_convert_pressure_alike(points: tuple[Point, ...], counts: int):
    host = table_of(made("pressure", points=points)).convert(np.array([counts]))[0] * 1000
    device = device_scales(pressure=points).pressure_pa(counts)  # type: ignore[attr-defined]
    if abs(host) < MOST:
        assert device == pytest.approx(host, abs=1 + 1e-6 * abs(host))


@pytest.mark.parametrize("newton", [0.6, 8.0, 12.0, 450.0])
def test_the_devices_thresholds_are_those_forces_on_the_host(newton: float):
    table = table_of(made())
    counts = device_scales(force=POINTS["force"]).force_counts(round(newton * 1000))  # type: ignore[attr-defined]
    zero = float(made().points[0].counts)
    assert table.difference(counts, above=zero) == pytest.approx(newton, abs=0.001)


@pytest.mark.parametrize("millimetre", [0.4, 2.4, 15.0])
def test_the_devices_depths_are_those_depths_on_the_host(millimetre: float):
    table = table_of(made("depth"))
    counts = device_scales(depth=POINTS["depth"]).depth_counts(round(millimetre * 1000))  # type: ignore[attr-defined]
    assert table.difference(counts, above=1_640) == pytest.approx(millimetre, abs=0.003)


def test_the_devices_plug_flex_is_that_of_the_host():
    factor = device_scales(force=POINTS["force"], depth=POINTS["depth"]).flex_factor(800)  # type: ignore[attr-defined]
    force, depth = table_of(made()), table_of(made("depth"))
    counts = 200_000
    load_n = force.difference(counts, above=1_000)
    flex_counts = (counts / 1024) * factor / 4096
    assert depth.difference(flex_counts, above=1_640) == pytest.approx(load_n * 800e-6, rel=0.01)


def test_a_trace_goes_by_its_tables_and_says_why_it_is_uncalibrated():
    n = 200
    index = np.arange(n)
    force = np.where(index < 100, 1_000, 44_000)
    raw = RawTrace(index, index / 1000, force, np.full(n, 1_640), np.full(n, 10_300), np.zeros(n, int))
    records = [table_of(made(name)) for name in ("force", "depth", "pressure")]
    trace = to_trace(raw, Calibration(*records, plug_compliance_mm_per_n=0.0, id=9))
    assert trace.force_n[-1] == pytest.approx(9.807)
    assert trace.pressure_kpa[-1] == pytest.approx(50.0)
    assert (trace.calibrated, trace.uncalibrated_because) == (True, "")
    doubted = to_trace(
        raw, Calibration(*records, 0.0, id=9, doubt="calibration of force expired since 2026-03-03")
    )
    assert not doubted.calibrated
    assert doubted.uncalibrated_because == "calibration of force expired since 2026-03-03"
    assert doubted.force_n[-1] == trace.force_n[-1]


def test_a_scale_gives_differences_too():
    assert ChannelScale(100, 0.5).difference(10, above=9999) == 5.0
