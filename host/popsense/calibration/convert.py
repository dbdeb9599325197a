"""Counts -> newtons, millimetres, kilopascals. Late, on the host; recordings keep counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from popsense.calibration.record import CalibrationRecord, Point
from popsense.model import FloatArray, IntArray, RawTrace, SensorName, Trace

NOMINAL = "nominal scales"  # why results are uncalibrated where no board told of calibrations
TARE_S = 0.064  # as long as the device's own baseline: 64 samples with the needle not near
TARE_LATEST_S = 0.5  # a recording that begins later may begin with the needle in the bone
# Distance of the quartiles while tared: a knock counts for nothing, a steady ramp by half of its height.
AT_REST_N = 1.0  # sensor noise: under 0.1
AT_REST_MM = 0.1
WAS_OUT_MM = 0.3  # so far below its zero comes only a tip that was beyond the inner face when it was tared
LOWEST_PERCENT = 1.0  # of the samples, so that a burst is no depth

BoolArray = npt.NDArray[np.bool_]


class Conversion(Protocol):
    """Counts of one channel -> its unit."""

    def convert(self, counts: IntArray) -> FloatArray:
        """counts: shape (n,). Result in the channel's unit, same shape."""
        ...

    def difference(self, counts: float, above: float) -> float:
        """What `counts` more than the reading `above` mean, in the channel's unit."""
        ...


@dataclass(frozen=True)
class ChannelScale:
    """Linear: (counts - zero_counts) * units_per_count. The build's nominal figures."""

    zero_counts: float
    units_per_count: float

    def convert(self, counts: IntArray) -> FloatArray:
        return (counts.astype(np.float64) - self.zero_counts) * self.units_per_count

    def difference(self, counts: float, above: float) -> float:
        return counts * self.units_per_count


@dataclass(frozen=True)
class ChannelTable:
    """Straight lines between the points, those at the ends go on. Both ascending; counts strictly."""

    counts: tuple[float, ...]
    units: tuple[float, ...]

    def convert(self, counts: IntArray) -> FloatArray:
        return self._at(counts.astype(np.float64))

    def difference(self, counts: float, above: float) -> float:
        low, high = self._at(np.array([above, above + counts], dtype=np.float64))
        return float(high - low)

    def _at(self, counts: FloatArray) -> FloatArray:
        xs, ys = np.array(self.counts), np.array(self.units)
        k = np.clip(np.searchsorted(xs, counts, side="right") - 1, 0, len(xs) - 2)
        return ys[k] + (counts - xs[k]) * ((ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k]))


def table_of(record: CalibrationRecord) -> ChannelTable:
    """In N, mm or kPa."""
    return table_through(record.points)


def table_through(points: Sequence[Point]) -> ChannelTable:
    """In N, mm or kPa; the points ascending."""
    return ChannelTable(
        tuple(float(point.counts) for point in points), tuple(point.milliunits / 1000 for point in points)
    )


@dataclass(frozen=True)
class Calibration:
    """Conversions of the three channels. id: of all records together, 0 where a fitted sensor has none.

    doubt: why results are "uncalibrated" all the same: a record expired or dated ahead, or which are missing.
    """

    force: Conversion
    depth: Conversion
    pressure: Conversion
    plug_compliance_mm_per_n: float
    id: int = 0
    doubt: str = ""

    @property
    def is_valid(self) -> bool:
        """Every fitted sensor was calibrated, and that held on the day of the attempt."""
        return self.id != 0 and not self.doubt

    @property
    def label(self) -> str:
        """For people and reports."""
        if self.is_valid:
            return f"calibration {self.id}"
        return f"uncalibrated ({self.doubt or NOMINAL})"


def to_trace(raw: RawTrace, calibration: Calibration, dead: Mapping[SensorName, str] | None = None) -> Trace:
    """Physical units; force and protrusion are tared on the first TARE_S there is, plug flex is taken off.

    dead: sensor -> why nothing it says can be used. They are the trace's faults, with what moved while tared.
    """
    dead = dead or {}
    tare = resting(raw)
    force_n = calibration.force.convert(raw.force_counts)
    depth_mm = calibration.depth.convert(raw.depth_counts)
    force_n, depth_mm = _tared(force_n, tare), _tared(depth_mm, tare)
    restless = _restless(force_n, depth_mm, tare)
    load_n = np.zeros_like(force_n) if "force" in dead else np.maximum(force_n, 0.0)
    return Trace(
        sample_index=raw.sample_index,
        time_s=raw.time_s,
        force_n=force_n,
        protrusion_mm=depth_mm - load_n * calibration.plug_compliance_mm_per_n,
        pressure_kpa=calibration.pressure.convert(raw.pressure_counts),
        holes=raw.holes,
        repaired=raw.repaired,
        calibrated=calibration.is_valid,
        uncalibrated_because="" if calibration.is_valid else calibration.doubt,
        faults={**restless, **dead},
        tare_doubtful=bool(restless) or bool((raw.time_s[:1] > TARE_LATEST_S).any()),
    )


def resting(raw: RawTrace) -> BoolArray:
    """The samples that are taken for the needle at rest: the first TARE_S that are here. Shape (n,)."""
    return raw.time_s < raw.time_s[:1] + TARE_S


def _restless(force_n: FloatArray, depth_mm: FloatArray, tare: BoolArray) -> dict[SensorName, str]:
    """Faults of the sensors that were tared in motion, and of the depth where the tip was out already."""
    if not tare.any():
        return {}
    pushed, advancing = _spread(force_n[tare]) > AT_REST_N, _spread(depth_mm[tare]) > AT_REST_MM
    was_out = np.percentile(depth_mm, LOWEST_PERCENT) < -WAS_OUT_MM
    found: dict[SensorName, bool] = {"force": pushed, "depth": advancing or bool(was_out)}
    return {sensor: f"the {sensor} was not at rest while it was tared" for sensor in found if found[sensor]}


def _spread(values: FloatArray) -> float:
    low, high = np.percentile(values, (25, 75))
    return float(high - low)


def _tared(values: FloatArray, tare: BoolArray) -> FloatArray:
    # The median: a single burst in the rest part must not shift the whole attempt.
    return values - np.median(values[tare]) if tare.any() else values
