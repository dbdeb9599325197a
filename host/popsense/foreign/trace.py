"""A force trace of somebody else: its samples in order of time, at one rate.

The detector's integer gains are made for 20 to 2,000 samples a second. A faster trace is cut into blocks of k
samples (the least whole k that brings it under that), and each block is averaged: force, depth and time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np

from popsense.errors import UsageError
from popsense.foreign.csv_file import Columns, read_columns
from popsense.model import FloatArray

SLOWEST_HZ, FASTEST_HZ = 20.0, 100_000.0
DETECTOR_FASTEST_HZ = 2_000.0
# The detector's zero: the longest 2^k samples, k within these, that fit into that time (bone/detector.py).
LEAST_TARE_SHIFT, MOST_TARE_SHIFT, TARE_MS = 3, 6, 450
RATE_TOLERANCE = 0.02  # of the limits: clocks run a little off
GAP_PERIODS = 3.0  # the detector's times are counts of samples; one or two lost ones cost it little
TIME_UNITS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3}


@dataclass(frozen=True)
class ForeignTrace:
    """Shape (n,) each; depth_mm is None where there is no such column. rate_hz: mean over the whole trace.

    force: in the unit of the file. depth_mm: of the tip, larger = deeper, from any origin.
    """

    path: Path
    time_s: FloatArray
    force: FloatArray
    depth_mm: FloatArray | None
    rate_hz: float

    @property
    def tare_samples(self) -> int:
        """From so many at its beginning the detector takes the zero of both channels."""
        shift = MOST_TARE_SHIFT
        while shift > LEAST_TARE_SHIFT and (1 << shift) * 1_000_000 > TARE_MS * self.rate_mhz:
            shift -= 1
        return 1 << shift

    @property
    def rate_mhz(self) -> int:
        """As the device measures it: thousandths of a sample a second."""
        return round(1000 * self.rate_hz)

    @property
    def block_samples(self) -> int:
        """So many become one for the detector; 1 = none is averaged."""
        return max(1, ceil(self.rate_hz / (DETECTOR_FASTEST_HZ * (1.0 + RATE_TOLERANCE))))

    def averaged(self) -> "ForeignTrace":
        """Means of blocks; what is left over at the end is less than a block and left out."""
        count = self.block_samples
        if count == 1:
            return self
        depth_mm = None if self.depth_mm is None else _means(self.depth_mm, count)
        return replace(
            self,
            time_s=_means(self.time_s, count),
            force=_means(self.force, count),
            depth_mm=depth_mm,
            rate_hz=self.rate_hz / count,
        )


def _means(values: FloatArray, count: int) -> FloatArray:
    whole = len(values) // count * count
    return values[:whole].reshape(-1, count).mean(axis=1)


def read_trace(
    path: Path, time_column: str, force_column: str, depth_column: str | None = None, time_unit: str = "s"
) -> ForeignTrace:
    """The trace in those columns of a CSV file. UsageError with the line for all that it cannot be."""
    if time_unit not in TIME_UNITS:
        raise UsageError(f"unknown time unit {time_unit!r}", "Use --time-unit s or --time-unit ms.")
    names = [time_column, force_column, *([] if depth_column is None else [depth_column])]
    if len(set(names)) < len(names):
        raise UsageError("one column is named for two things", "Name another column for each of them.")
    columns = read_columns(path, names)
    if len(columns.lines) < 2:
        raise UsageError(f"{path} holds 1 sample", "Give a longer trace.")
    time_s, force, *depth = columns.values
    time_s = time_s * TIME_UNITS[time_unit]
    _refuse_disorder(path, time_s, columns)
    rate_hz = _rate_hz(path, time_s)
    _refuse_gap(path, time_s, columns)
    trace = ForeignTrace(path, time_s, force, depth[0] if depth else None, rate_hz)
    _refuse_short(trace)
    return trace


def _refuse_short(trace: ForeignTrace) -> None:
    seen = trace.averaged()
    if len(seen.time_s) <= seen.tare_samples:
        raise UsageError(
            f"{trace.path} holds {len(trace.time_s)} samples; the detector takes its zero from the first "
            f"{seen.tare_samples * trace.block_samples} and needs more behind them",
            "Give a longer trace.",
        )


def _refuse_disorder(path: Path, time_s: FloatArray, columns: Columns) -> None:
    backwards = np.flatnonzero(np.diff(time_s) <= 0.0)
    if not backwards.size:
        return
    at = int(backwards[0]) + 1
    line, before, shown = columns.lines[at], columns.lines[at - 1], f"{columns.values[0][at]:.10g}"
    if time_s[at] == time_s[at - 1]:
        raise UsageError(
            f"line {line} of {path} repeats the time {shown} of line {before}",
            "Write the times with more digits, or keep one sample for each time.",
        )
    raise UsageError(
        f"times are not in order: line {line} of {path} has {shown}, behind "
        f"{columns.values[0][at - 1]:.10g} in line {before}",
        "Sort the file by time.",
    )


def _rate_hz(path: Path, time_s: FloatArray) -> float:
    rate_hz = (len(time_s) - 1) / float(time_s[-1] - time_s[0])
    if SLOWEST_HZ * (1.0 - RATE_TOLERANCE) <= rate_hz <= FASTEST_HZ * (1.0 + RATE_TOLERANCE):
        return rate_hz
    raise UsageError(
        f"{path} has {rate_hz:.4g} samples/s; the detector works from {SLOWEST_HZ:g} to {FASTEST_HZ:,.0f}",
        "Choose --time-unit s or ms as the times are, or sample it anew.",
    )


def _refuse_gap(path: Path, time_s: FloatArray, columns: Columns) -> None:
    step_s = np.diff(time_s)
    period_s = float(np.median(step_s))
    gaps = np.flatnonzero(step_s > GAP_PERIODS * period_s)
    if not gaps.size:
        return
    at, count = int(gaps[0]), "1 gap" if gaps.size == 1 else f"{gaps.size} gaps"
    raise UsageError(
        f"{path} is not sampled evenly: {step_s[at]:.4g} s without a sample before line "
        f"{columns.lines[at + 1]}, {step_s[at] / period_s:.1f} periods; {count} in all",
        "Cut it at the gap, or sample it anew at one rate.",
    )
