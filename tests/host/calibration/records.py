"""Calibration records for the tests."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from popsense.calibration.record import CalibrationRecord, Point
from popsense.model import SensorName

DAY = date(2026, 3, 1)
POINTS: dict[SensorName, tuple[Point, ...]] = {
    "force": (Point(1_000, 0), Point(44_000, 9_807), Point(220_000, 49_033)),
    "depth": (Point(1_640, 0), Point(6_010, 10_000), Point(12_500, 25_000)),
    "pressure": (Point(6_000, 0), Point(10_300, 50_000)),
}


def made(sensor: SensorName = "force", **changed: Any) -> CalibrationRecord:
    """Valid until 2027-03-01."""
    fields: dict[str, Any] = {"id": 7, "day": DAY, "valid_days": 365, "residual": 0.0125}
    return CalibrationRecord(**{"sensor": sensor, "points": POINTS[sensor], **fields, **changed})


@st.composite
def tables(
    draw: st.DrawFn, lowest: int = -(1 << 23), highest: int = (1 << 23) - 1, most: int = (1 << 29) - 1
) -> tuple[Point, ...]:
    """Any points that a board keeps. most: milliunits."""
    counts = sorted(draw(st.sets(st.integers(lowest, highest), min_size=2, max_size=16)))
    units = sorted(draw(st.sets(st.integers(-most, most), min_size=len(counts), max_size=len(counts))))
    return tuple(Point(count, unit) for count, unit in zip(counts, units, strict=True))
