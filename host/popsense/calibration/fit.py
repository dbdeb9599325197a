"""Readings at known references -> the points of a calibration, and how far they can be trusted. Pure.

Values are in the sensor's unit: N, mm, kPa. All limits are uncalibrated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from popsense.calibration.convert import ChannelTable, table_through
from popsense.calibration.record import MOST_POINTS, UNITS, Point
from popsense.errors import UsageError
from popsense.model import FloatArray, SensorName

WRONG_WAY: Mapping[SensorName, str] = {
    "force": "The cell is mounted upside down, or two of its wires are swapped: turn it, then try again.",
    "depth": "The magnet is the wrong way round: turn it, then try again.",
    "pressure": "The tubes of the sensor are swapped: put the chamber on the positive port, then try again.",
}
LEAST_STEP_COUNTS = 2  # between points; less is the same reading
MOST_BENT = 0.01  # non-linearity, of the span
MOST_HYSTERESIS = 0.01  # of the span
MOST_OFF_NOMINAL = 0.10  # slope against the build's nominal scale: more is another mass, unit or sensor
RISES_BY = 3.0  # times the noise of one sample; what drifts at rest is less
FALLS_BY = 10.0


@dataclass(frozen=True)
class Reading:
    """Mean of some seconds at one reference. rising: on the way up; cycle: which way up and down, from 0.

    noise_counts: standard deviation of one sample.
    """

    reference: float
    mean_counts: float
    noise_counts: float = 0.0
    samples: int = 1
    rising: bool = True
    cycle: int = 0


@dataclass(frozen=True)
class Fit:
    """What the readings give. Figures in the sensor's unit; None where the readings cannot tell.

    residual: largest error of a point that is left out and read from its neighbours. nonlinearity: largest
    distance from the best straight line. hysteresis: largest difference between up and down at one reference.
    repeatability: standard deviation of the same reference, the same way, in several cycles.
    noise: standard error of the mean, the largest.
    """

    sensor: SensorName
    points: tuple[Point, ...]
    residual: float | None
    nonlinearity: float | None
    hysteresis: float | None
    repeatability: float | None
    noise: float

    @property
    def stored_residual(self) -> float:
        """For the record: the residual, else half of the hysteresis, else 0: not known."""
        return self.residual if self.residual is not None else (self.hysteresis or 0.0) / 2

    @property
    def table(self) -> ChannelTable:
        return table_through(self.points)

    @property
    def span(self) -> float:
        """From the first reference to the last."""
        return (self.points[-1].milliunits - self.points[0].milliunits) / 1000


def fit(sensor: SensorName, readings: Sequence[Reading]) -> Fit:
    """UsageError where the readings make no line: too few, too many, falling, or two that are the same."""
    references = sorted({reading.reference for reading in readings})
    _check_number(references)
    counts = [_mean(readings, reference) for reference in references]
    check_rising(sensor, references, counts, max(reading.noise_counts for reading in readings))
    points = tuple(
        Point(round(mean), round(reference * 1000))
        for mean, reference in zip(counts, references, strict=True)
    )
    table = table_through(points)
    return Fit(
        sensor=sensor,
        points=points,
        residual=_left_out(counts, references),
        nonlinearity=_nonlinearity(np.array(counts), np.array(references)),
        hysteresis=_hysteresis(readings, table),
        repeatability=_repeatability(readings, table),
        noise=max(_standard_error(reading, table) for reading in readings),
    )


def doubts(fit: Fit, nominal: float) -> tuple[str, ...]:
    """Why the fit is no calibration of a sound sensor, in clauses; none where it may be one.

    nominal: the build's units a count; 0 where it is not known.
    """
    found: list[str] = []
    for name, value, most in (
        ("non-linearity", fit.nonlinearity, MOST_BENT),
        ("hysteresis", fit.hysteresis, MOST_HYSTERESIS),
    ):
        share = (value or 0.0) / fit.span
        if share > most:
            found.append(
                f"the {name} is {_percent(share)} % of the span, limit {100 * most:g} % (uncalibrated)"
            )
    off = _off_nominal(fit, nominal)
    if abs(off) > MOST_OFF_NOMINAL:
        found.append(
            f"the slope is {_percent(abs(off))} % {'above' if off > 0 else 'below'} the nominal scale, "
            f"limit {100 * MOST_OFF_NOMINAL:g} % (uncalibrated)"
        )
    return tuple(found)


def _off_nominal(fit: Fit, nominal: float) -> float:
    """Share by which a count means more than by the nominal scale."""
    counts = fit.points[-1].counts - fit.points[0].counts
    return fit.span / counts / nominal - 1 if nominal > 0 else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _check_number(references: Sequence[float]) -> None:
    if len(references) < 2:
        raise UsageError("two different references are needed at least", "Give more of them.")
    if len(references) > MOST_POINTS:
        raise UsageError(
            f"{len(references)} references are more than the board keeps ({MOST_POINTS})", "Leave some out."
        )


def check_rising(
    sensor: SensorName, references: Sequence[float], counts: Sequence[float], noise_counts: float = 0.0
) -> None:
    """UsageError where a higher reference gives no higher reading; references in rising order.

    noise_counts: standard deviation of one sample, against which a step must stand out.
    """
    if counts[0] - counts[-1] > FALLS_BY * noise_counts:
        raise UsageError(f"the readings fall as the {sensor} rises", WRONG_WAY[sensor])
    least = max(LEAST_STEP_COUNTS, RISES_BY * noise_counts)
    for k, (before, after) in enumerate(pairwise(counts)):
        if after - before < least:
            low, high, unit = references[k], references[k + 1], UNITS[sensor]
            raise UsageError(
                f"the reading at {high:g} {unit} is not above that at {low:g} {unit} "
                f"({after:.0f} and {before:.0f} counts)",
                "Check that each reference was put on as asked, then calibrate again.",
            )


def _mean(readings: Sequence[Reading], reference: float) -> float:
    """Of the way up and the way down alike, however often each was read."""
    here = [reading for reading in readings if reading.reference == reference]
    ways = [[reading.mean_counts for reading in here if reading.rising == up] for up in (True, False)]
    return float(np.mean([np.mean(way) for way in ways if way]))


def _left_out(counts: Sequence[float], references: Sequence[float]) -> float | None:
    """Points between others only: what lies beyond the end is not asked of a table."""
    errors: list[float] = []
    for k in range(1, len(counts) - 1):
        share = (counts[k] - counts[k - 1]) / (counts[k + 1] - counts[k - 1])
        between = references[k - 1] + share * (references[k + 1] - references[k - 1])
        errors.append(abs(between - references[k]))
    return max(errors, default=None)


def _nonlinearity(counts: FloatArray, references: FloatArray) -> float | None:
    if counts.size < 3:
        return None
    slope, start = np.polyfit(counts, references, 1)
    return float(np.abs(start + slope * counts - references).max())


def _hysteresis(readings: Sequence[Reading], table: ChannelTable) -> float | None:
    """Up against down in the same cycle. The turning point has one way only."""
    found: list[float] = []
    up = {(one.cycle, one.reference): one.mean_counts for one in readings if one.rising}
    for one in readings:
        if not one.rising and (one.cycle, one.reference) in up:
            above = up[one.cycle, one.reference]
            found.append(abs(table.difference(one.mean_counts - above, above)))
    return max(found, default=None)


def _repeatability(readings: Sequence[Reading], table: ChannelTable) -> float | None:
    """Pooled over all references and both ways."""
    squares, freedom = 0.0, 0
    for key in {(one.reference, one.rising) for one in readings}:
        same = np.array([one.mean_counts for one in readings if (one.reference, one.rising) == key])
        middle = float(same.mean())
        squares += sum(table.difference(float(value) - middle, middle) ** 2 for value in same)
        freedom += same.size - 1
    return float(np.sqrt(squares / freedom)) if freedom else None


def _standard_error(reading: Reading, table: ChannelTable) -> float:
    counts = reading.noise_counts / np.sqrt(max(1, reading.samples))
    return abs(table.difference(float(counts), reading.mean_counts))
