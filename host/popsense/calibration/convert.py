"""Counts -> newtons, millimetres, kilopascals. Late, on the host; recordings keep counts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray, IntArray, RawTrace, Trace

TARE_S = 0.064  # as long as the device's own baseline: 64 samples with the needle not near


@dataclass(frozen=True)
class ChannelScale:
    """Linear: (counts - zero_counts) * units_per_count."""

    zero_counts: float
    units_per_count: float

    def convert(self, counts: IntArray) -> FloatArray:
        """counts: shape (n,). Result in the channel's unit, same shape."""
        return (counts.astype(np.float64) - self.zero_counts) * self.units_per_count


@dataclass(frozen=True)
class Calibration:
    """Scales of the three channels. id 0 = nominal figures of the build: results are "uncalibrated"."""

    force: ChannelScale
    depth: ChannelScale
    pressure: ChannelScale
    plug_compliance_mm_per_n: float
    id: int = 0

    @property
    def label(self) -> str:
        """For people and reports."""
        return f"calibration {self.id}" if self.id else "uncalibrated (nominal scales)"


def to_trace(raw: RawTrace, calibration: Calibration) -> Trace:
    """Physical units; force and protrusion are tared on the first TARE_S there is, plug flex is taken off."""
    tare = raw.time_s < raw.time_s[:1] + TARE_S  # from the first sample that is here
    force_n = _tared(calibration.force.convert(raw.force_counts), tare)
    depth_mm = _tared(calibration.depth.convert(raw.depth_counts), tare)
    flex_mm = np.maximum(force_n, 0.0) * calibration.plug_compliance_mm_per_n
    return Trace(
        sample_index=raw.sample_index,
        time_s=raw.time_s,
        force_n=force_n,
        protrusion_mm=depth_mm - flex_mm,
        pressure_kpa=calibration.pressure.convert(raw.pressure_counts),
        holes=raw.holes,
        calibrated=calibration.id != 0,
    )


def _tared(values: FloatArray, tare: npt.NDArray[np.bool_]) -> FloatArray:
    # The median: a single burst in the rest part must not shift the whole attempt.
    return values - np.median(values[tare]) if tare.any() else values
