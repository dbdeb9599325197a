"""What some seconds of an untouched bone tell: rate, losses, noise, range, drift, saturation. Pure.

All limits without another source are uncalibrated: set from the expected noise of the reference build
(twin/sensors.py names its sources) with room, not from boards that were measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from popsense.calibration.record import SENSORS, UNITS
from popsense.model import FloatArray, IntArray, SensorName
from popsense.recording.attempt import SATURATED
from popsense.technician.check_line import CheckLine, Limit, by_nominal_scale, failed, judged, skipped
from popsense.technician.sampled import Sampled
from popsense_protocol.packets import (
    FLAG_AFTER_GAP,
)

LEAST_SAMPLES = 50
DRIFT_S = 10.0  # the drift is told for so long

# Converter -> nominal rate (samples/s) and how far its oscillator may be off.
NOMINAL_RATES = {
    "ADS1220": (
        988.0,
        0.03,
        "ADS1220 at its 1000/s setting, 988 as measured here; +-2 % (TI SBAS501), 1 more",
    ),
    "HX711, fast": (80.0, 0.10, "Avia HX711 at 80/s; 10 % for its oscillator is uncalibrated"),
    "HX711, slow": (10.0, 0.10, "Avia HX711 at 10/s; 10 % for its oscillator is uncalibrated"),
}
RATE_AS_TOLD = Limit(-1.0, 1.0, "uncalibrated: both are the same clock")
JITTER_PART = 0.1  # of the sample period; uncalibrated, an emulated board has 1 us of 1,012
NONE_LOST = Limit(0.0, 0.0, "no loss is needed by anything")

NOISE: Mapping[SensorName, float] = {"force": 0.2, "depth": 0.05, "pressure": 0.3}  # rms, in UNITS
NOISE_PEAK: Mapping[SensorName, float] = {"force": 1.6, "depth": 0.4, "pressure": 2.4}  # peak to peak: 8 rms
# Between means of 1 s, in DRIFT_S.
DRIFT: Mapping[SensorName, float] = {"force": 0.5, "depth": 0.05, "pressure": 0.5}
RANGE: Mapping[SensorName, tuple[float, float]] = {
    "force": (-50.0, 50.0),  # 10 % of the cell's 500 N: its zero balance and the cartridge's weight
    "depth": (-2.0, 2.0),
    "pressure": (-5.0, 5.0),
}
RESERVOIR_KPA = 15.0  # what a raised reservoir may add to the resting pressure

REMEDY_RATE = "Unplug the board, plug it in and check again; if it stays, replace the converter board."
REMEDY_LOST = "Close other programs, use a port of the computer itself, and check again."
REMEDY_NOISE: Mapping[SensorName, str] = {
    "force": "Put the bone on a firm table, away from motors and mains leads; check the cell's cable.",
    "depth": "Check the wires of the depth sensor, and that nothing touches the follower.",
    "pressure": "Let the chamber come to rest; check the wires of the pressure sensor.",
}
REMEDY_STUCK = "It does not change at all: check the sensor's wires."
REMEDY_RANGE: Mapping[SensorName, str] = {
    "force": "Take all load off; if it stays, check the cartridge's mount, then: popsense calibrate force.",
    "depth": "Take the needle out; check that the follower is on the plug; then: popsense calibrate depth.",
    "pressure": "Open the outlet of the chamber; then: popsense calibrate pressure.",
}
REMEDY_DRIFT: Mapping[SensorName, str] = {
    "force": "Wait 10 min for the cell to warm up, keep hands off, and check again.",
    "depth": "Keep hands off the follower, and check again.",
    "pressure": "Close the lines to the chamber or let it settle, and check again.",
}
REMEDY_SATURATED: Mapping[SensorName, str] = {
    "force": "Take all load off; if it stays, check the four wires of the load cell.",
    "depth": "Check the three wires of the depth sensor.",
    "pressure": "Open the outlet of the chamber; if it stays, check the sensor's wires.",
}


@dataclass(frozen=True)
class Rest:
    """Samples of a bone that nobody touched. units: N, mm, kPa by sensor, shape (n,); a sensor that is not
    fitted is absent. told_rate_hz: what HELLO said. reservoir: the chamber has a resting pressure.
    nominal: sensors without a calibration, in units by the scale of the design."""

    sampled: Sampled
    units: Mapping[SensorName, FloatArray]
    told_rate_hz: float
    reservoir: bool = False
    nominal: frozenset[SensorName] = field(default_factory=frozenset[SensorName])

    @property
    def time_s(self) -> FloatArray:
        return self.sampled.raw.time_s


def rest_lines(rest: Rest) -> list[CheckLine]:
    """Every line, in the order in which one would look. Skipped where too little came to say anything."""
    raw = rest.sampled.raw
    lines = [*_rate(rest), *_losses(rest.sampled)]
    for sensor in SENSORS:
        if sensor not in rest.units:
            lines.append(skipped(sensor, "not fitted"))
        elif raw.time_s.size < LEAST_SAMPLES:
            lines.append(skipped(sensor, f"only {raw.time_s.size} samples came"))
        else:
            found = _of_sensor(sensor, rest)
            lines += map(_nominally, found) if sensor in rest.nominal else found
    return lines


def _nominally(line: CheckLine) -> CheckLine:
    return line if line.unit == "samples" else by_nominal_scale(line)


def _of_sensor(sensor: SensorName, rest: Rest) -> list[CheckLine]:
    values, unit = rest.units[sensor], UNITS[sensor]
    _, left = line_through(rest.time_s, values)
    low, high = RANGE[sensor]
    if sensor == "pressure" and rest.reservoir:
        high += RESERVOIR_KPA
    saturated = int(((rest.sampled.raw.flags & SATURATED[sensor]) > 0).sum())
    return [
        judged(f"{sensor} range", float(np.median(values)), unit, Limit(low, high, "uncalibrated"),
               REMEDY_RANGE[sensor]),
        judged(f"{sensor} saturated", saturated, "samples", NONE_LOST, REMEDY_SATURATED[sensor]),
        _noise(sensor, left),
        judged(f"{sensor} noise, peak to peak", float(np.ptp(left)), unit,
               Limit(None, NOISE_PEAK[sensor], "uncalibrated"), REMEDY_NOISE[sensor]),
        judged(f"{sensor} drift in {DRIFT_S:g} s", drift(rest.time_s, values), unit,
               Limit(None, DRIFT[sensor], "uncalibrated"), REMEDY_DRIFT[sensor]),
    ]  # fmt: skip


def _noise(sensor: SensorName, left: FloatArray) -> CheckLine:
    """Readings without any noise are no quiet sensor but a dead one."""
    noise = float(left.std())
    name, unit, limit = f"{sensor} noise", UNITS[sensor], Limit(None, NOISE[sensor], "uncalibrated")
    if np.ptp(left) < 1e-9:
        return CheckLine(name, "fail", "always the same", noise, unit, limit, REMEDY_STUCK)
    return judged(name, noise, unit, limit, REMEDY_NOISE[sensor])


def drift(time_s: FloatArray, values: FloatArray) -> float:
    """Largest less smallest of the means of 1 s: a bump that comes and goes is no rest either.

    Seconds with less than half of their samples do not count.
    """
    second = np.floor(time_s - time_s[0]).astype(np.int64)
    counts = np.bincount(second)
    whole = 2 * counts >= counts.max()
    return float(np.ptp(np.bincount(second, values)[whole] / counts[whole]))


def line_through(time_s: FloatArray, values: FloatArray) -> tuple[float, FloatArray]:
    """Slope per second of the least-squares line, and what it leaves."""
    centred = time_s - time_s.mean()
    slope = float(centred @ values / (centred @ centred))
    return slope, values - values.mean() - slope * centred


# ---- rate and losses ---------------------------------------------------------------------------------------


def _rate(rest: Rest) -> list[CheckLine]:
    period_s = _periods_s(rest.sampled)
    if period_s.size < 2:
        return [failed("sample rate", "too few samples came to measure it", REMEDY_RATE)]
    rate_hz = float(1.0 / np.median(period_s))
    nominal_hz, part, source = min(NOMINAL_RATES.values(), key=lambda known: abs(np.log(rate_hz / known[0])))
    limit = Limit(round(nominal_hz * (1 - part), 1), round(nominal_hz * (1 + part), 1), source)
    jitter, allowed = jitter_us(rest.sampled), jitter_limit(rate_hz)
    told = 100.0 * (rate_hz / rest.told_rate_hz - 1.0) if rest.told_rate_hz else np.nan
    return [
        judged("sample rate", rate_hz, "samples/s", limit, REMEDY_RATE, f"{rate_hz:,.1f} samples/s"),
        judged("sample rate, off what was told", float(told), "%", RATE_AS_TOLD, REMEDY_RATE),
        judged("jitter of the sample times", jitter, "us", allowed, REMEDY_RATE),
    ]


def jitter_limit(rate_hz: float) -> Limit:
    """In us."""
    part = round(1e6 * JITTER_PART / rate_hz)
    return Limit(None, part, f"uncalibrated: {100 * JITTER_PART:g} % of the sample period")


def _periods_s(sampled: Sampled) -> FloatArray:
    """Between neighbouring stamps with no missed conversion between them."""
    counts, steps_s = _steps(sampled)
    return steps_s / counts


def jitter_us(sampled: Sampled) -> float:
    """Largest distance of a stamp's interval from whole periods, us; NaN where there are too few stamps."""
    counts, steps_s = _steps(sampled)
    if counts.size < 2:
        return float("nan")
    return float(1e6 * np.abs(steps_s - counts * np.median(steps_s / counts)).max())


def _steps(sampled: Sampled) -> tuple[IntArray, FloatArray]:
    """Samples and seconds from stamp to stamp, where no conversion was missed and no sample is gone."""
    counts, steps_s = np.diff(sampled.stamp_index), np.diff(sampled.stamp_s)
    raw = sampled.raw
    doubtful = np.concatenate([[0], np.cumsum((raw.flags & FLAG_AFTER_GAP) > 0)])
    first = np.searchsorted(raw.sample_index, sampled.stamp_index)
    # A gap before a stamp's own sample lies in the step that ends there.
    whole = (np.diff(doubtful[first + 1]) == 0) & (np.diff(first) == counts)
    return counts[whole], steps_s[whole]


def _losses(sampled: Sampled) -> list[CheckLine]:
    raw = sampled.raw
    return [
        judged("conversions missed", raw.missed_conversions, "", NONE_LOST, REMEDY_RATE),
        judged("samples overwritten on the board", sampled.overruns, "", NONE_LOST, REMEDY_LOST),
        judged("samples lost", sum(hole.count for hole in raw.holes), "", NONE_LOST, REMEDY_LOST),
        judged("damaged frames", sampled.bad_frames, "", NONE_LOST, "Use another cable, or another port."),
    ]
