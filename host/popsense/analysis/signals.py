"""The three channels, smoothed once for everyone, and where samples are missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from popsense.analysis.filters import local_line, local_mean
from popsense.analysis.sampling_cost import LEAST_PERIODS
from popsense.model import FloatArray, IntArray, SensorName, Trace

SMOOTHING_S = 0.010  # well under the tens of milliseconds of a pop
PRESSURE_SMOOTHING_S = 0.050  # aspiration and flush last about half a second
SPEED_WINDOW_S = 0.050
BRIDGED_GAP_S = 0.030  # one lost block of 20 ms is bridged, two are not
LEAST_SAMPLES = 10

Span = tuple[float, float]


@dataclass(frozen=True)
class Signals:
    """Smoothed channels of one attempt, shape (n,) each.

    speed_mm_per_s looks forward from each sample, so that a sudden stop is dated when it begins and
    not half a window later; NaN beside a hole. gaps: spans of time without samples, too long to bridge.
    faults: sensor -> why its readings cannot be used; its channel is flat here.
    """

    sample_index: IntArray
    time_s: FloatArray
    force_n: FloatArray
    protrusion_mm: FloatArray
    pressure_kpa: FloatArray
    speed_mm_per_s: FloatArray
    gaps: tuple[Span, ...]
    faults: Mapping[SensorName, str] = field(default_factory=dict["SensorName", str])

    def first_after(self, time_s: float) -> int:
        """Index of the first sample at or after that time, at most the last sample."""
        return min(int(np.searchsorted(self.time_s, time_s - 1e-9)), self.time_s.size - 1)

    def seconds(self, start: int, end: int) -> float:
        """Seconds from sample to sample, negative where end comes first."""
        return float(self.time_s[end] - self.time_s[start])

    def has_gap(self, start_s: float, end_s: float) -> bool:
        """Whether samples that matter are missing between the two times."""
        return any(first < end_s and last > start_s for first, last in self.gaps)


def gaps(trace: Trace) -> tuple[Span, ...]:
    """Spans of time, in s, from the sample before to the sample after each hole that is too long to bridge.

    Taken from the device's clock, so conversions that the device itself missed count as well. A hole
    before the first or after the last sample is open to that side, and so is the end of a broken recording.
    """
    if trace.time_s.size == 0:
        return ()
    time_s, too_long = trace.time_s, np.diff(trace.time_s) > longest_bridged_s(trace)
    inner = [(float(time_s[i]), float(time_s[i + 1])) for i in np.flatnonzero(too_long)]
    before = any(hole.first_sample < trace.sample_index[0] for hole in trace.holes)
    after = trace.cut_off or any(hole.first_sample > trace.sample_index[-1] for hole in trace.holes)
    head = [(-np.inf, float(time_s[0]))] if before else []
    tail = [(float(time_s[-1]), np.inf)] if after else []
    return tuple(head + inner + tail)


def longest_bridged_s(trace: Trace) -> float:
    """The longest step between samples that is bridged; at low rates three periods."""
    return max(BRIDGED_GAP_S, 3 / trace.sample_rate_hz) if trace.time_s.size > 1 else BRIDGED_GAP_S


def is_long_enough(trace: Trace) -> bool:
    """Whether there is anything to smooth."""
    return trace.time_s.size >= LEAST_SAMPLES


def smooth(trace: Trace) -> Signals:
    """The channels of a trace that is long enough, smoothed over times that suit its rate."""
    least_s = LEAST_PERIODS / trace.sample_rate_hz
    short_s, slow_s = max(SMOOTHING_S, least_s), max(PRESSURE_SMOOTHING_S, least_s)
    force_n = _usable(trace, "force", trace.force_n)
    protrusion_mm = _usable(trace, "depth", trace.protrusion_mm)
    pressure_kpa = _usable(trace, "pressure", trace.pressure_kpa)
    _, speed = local_line(trace.time_s, protrusion_mm, 0.0, max(SPEED_WINDOW_S, least_s))
    return Signals(
        sample_index=trace.sample_index,
        time_s=trace.time_s,
        force_n=local_mean(trace.time_s, force_n, short_s),
        protrusion_mm=local_mean(trace.time_s, protrusion_mm, short_s),
        pressure_kpa=local_mean(trace.time_s, pressure_kpa, slow_s),
        speed_mm_per_s=speed,
        gaps=gaps(trace),
        faults=trace.faults,
    )


def _usable(trace: Trace, sensor: SensorName, values: FloatArray) -> FloatArray:
    """The channel, or rest where its sensor is at fault: nothing shall be found in what it says."""
    return np.zeros_like(values) if sensor in trace.faults else values
