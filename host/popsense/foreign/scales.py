"""Foreign force and depth -> the codes that the device's converters would give.

newton: the force is in newtons already. relative: any unit, even volts. There the force above rest is divided
by its running peak, which stands for PEAK_PER_CONTACT times the profile's contact force; the detector's
thresholds then are shares of that peak (contact is a quarter, whatever the site). The running peak begins at
a floor, so that noise is not blown up to a push: FLOOR_SIGMAS times the noise of the samples at rest, and at
least FLOOR_SHARE of the highest force.
All figures here are uncalibrated.
"""

from typing import Literal

import numpy as np

from popsense.errors import UsageError
from popsense.foreign.trace import ForeignTrace
from popsense.model import FloatArray, IntArray
from popsense.twin.detector_child import DetectorBuild
from popsense_protocol.packets import FORCE_MASK, FORCE_OFFSET_COUNTS

Scale = Literal["newton", "relative"]
PEAK_PER_CONTACT = 4.0
FLOOR_SIGMAS = 16.0  # contact, a quarter of the floor, is then four times the noise
FLOOR_SHARE = 0.1
LOADED_N = 10.0  # so much force at the beginning is no zero error but bone contact
FALLS_SHARE = 0.5  # a trace that falls so far below its beginning, of its rise above, did not begin at rest
MOVES_SHARE = 0.1  # it moves so far within the samples at rest, of the whole range: it was pushed already
NOISE_SIGMAS = 3.0  # less than so many times the noise is no motion
DEPTH_MAX_COUNTS = 16380  # of the device's own sensor: four 12-bit reads
REST_REMEDY = "Let it begin at rest for as long, or give the reading at rest with --zero."


def at_rest_first(trace: ForeignTrace, zero: float | None) -> tuple[FloatArray, FloatArray | None]:
    """Force and depth, with a tare at that reading put in front where a zero is given."""
    if zero is None:
        return trace.force, trace.depth_mm
    depth, count = trace.depth_mm, trace.tare_samples
    force = np.concatenate([np.full(count, zero), trace.force])
    return force, None if depth is None else np.concatenate([np.full(count, depth[0]), depth])


def refuse_load_at_the_beginning(trace: ForeignTrace, scale: Scale, block_samples: int = 1) -> None:
    """UsageError where the first samples cannot be the zero that the detector takes from them.

    block_samples: so many of the file are one here.
    """
    first, quarter = trace.force[: trace.tare_samples], trace.tare_samples // 4
    told = f"first {trace.tare_samples * block_samples} samples"
    rest = float(np.median(first))
    low, high = (float(value) for value in np.percentile(trace.force, (1.0, 99.9)))
    noise = _noise_about_a_line(first)
    moved = abs(float(np.median(first[-quarter:]) - np.median(first[:quarter])))
    if moved > max(MOVES_SHARE * (high - low), NOISE_SIGMAS * noise):
        raise UsageError(f"the force of {trace.path} already moves in its {told}", REST_REMEDY)
    if scale == "newton" and abs(rest) > LOADED_N:
        raise UsageError(f"{trace.path} begins under load: {rest:.3g} N in its {told}", REST_REMEDY)
    if rest - low > max(FALLS_SHARE * (high - rest), NOISE_SIGMAS * noise):
        raise UsageError(
            f"the force of {trace.path} falls far below its {told} ({rest:.3g}, later {low:.3g}): "
            "it begins under load, or pushing is negative in this file",
            REST_REMEDY,
        )


def _noise_about_a_line(values: FloatArray) -> float:
    """Standard deviation; a steady ramp has none."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2.0
    slope = float(steps @ values) / float(steps @ steps)
    return float(np.std(values - slope * steps))


def force_codes(force: FloatArray, tare_samples: int, peak_n: float | None, build: DetectorBuild) -> IntArray:
    """Offset binary, rest at its middle. UsageError for newtons that the device cannot read.

    peak_n: what the running peak stands for; None = the force is in newtons.
    """
    above = force - np.median(force[:tare_samples])
    force_n = above if peak_n is None else peak_n * _of_running_peak(above, tare_samples)
    counts = np.rint(force_n / (build.force_nano_n_per_count * 1e-9))
    if peak_n is None and np.abs(counts).max() >= FORCE_OFFSET_COUNTS:
        most_n = FORCE_OFFSET_COUNTS * build.force_nano_n_per_count * 1e-9
        raise UsageError(
            f"a force of {force[np.abs(counts).argmax()]:.4g} N is more than the device can read "
            f"({most_n:,.0f} N)",
            "If the column is not in newtons, use --scale relative.",
        )
    return np.clip(counts + FORCE_OFFSET_COUNTS, 0, FORCE_MASK).astype(np.int64)


def _of_running_peak(above: FloatArray, tare_samples: int) -> FloatArray:
    noise, highest = float(np.std(above[:tare_samples])), float(above.max())
    floor = max(FLOOR_SIGMAS * noise, FLOOR_SHARE * highest)
    return above / np.maximum(np.maximum.accumulate(above), floor) if floor > 0.0 else np.zeros_like(above)


def depth_counts(depth_mm: FloatArray, tare_samples: int, build: DetectorBuild) -> tuple[IntArray, bool]:
    """Four reads summed, rest at the sensor's zero; and whether some of it is beyond the sensor's stroke."""
    above_mm = depth_mm - np.median(depth_mm[:tare_samples])
    counts = np.rint(above_mm / (build.depth_nano_mm_per_count * 1e-9)) + build.depth_zero_counts
    inside = np.clip(counts, 0, DEPTH_MAX_COUNTS)
    return inside.astype(np.int64), bool((inside != counts).any())
