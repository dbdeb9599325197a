"""Some seconds of one sensor at rest -> its mean, or why they cannot be used.

Limits are uncalibrated: several times the noise of the simulated bone, and far below a useful step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from popsense.calibration.fit import Reading
from popsense.calibration.record import UNITS
from popsense.errors import DeviceError, UsageError
from popsense.link.session import Session
from popsense.model import FloatArray, SensorName
from popsense.recording.attempt import SATURATED
from popsense.technician.sampled import sample

MEAN_S = 2.0
SETTLE_S = 0.25  # left out at first: the hand has just gone
NOISE_LIMITS: Mapping[SensorName, float] = {"force": 0.5, "depth": 0.05, "pressure": 0.3}  # N, mm, kPa
DRIFT_LIMITS: Mapping[SensorName, float] = {"force": 0.1, "depth": 0.02, "pressure": 0.1}  # in MEAN_S


class UnsteadyError(UsageError):
    """The reading cannot be used; a better one may be had by waiting."""


@dataclass(frozen=True)
class Rest:
    """Samples of one sensor: counts, shape (n,); saturated: how many of them are out of range."""

    counts: FloatArray
    saturated: int


class Source(Protocol):
    """Where readings come from."""

    def rest(self, sensor: SensorName, seconds: float) -> Rest:
        """So many seconds of samples. DeviceError."""
        ...


class BoardSource:
    """A board; it samples for as long as a reading takes, and is idle in between."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rest(self, sensor: SensorName, seconds: float) -> Rest:
        rate = self._session.hello.sample_rate_hz if self._session.hello else 0.0
        skipped, wanted = round(SETTLE_S * rate), max(2, round(seconds * rate))
        raw = sample(self._session, SETTLE_S + seconds).raw
        of_sensor = {"force": raw.force_counts, "depth": raw.depth_counts, "pressure": raw.pressure_counts}
        kept = slice(skipped, skipped + wanted)
        counts = of_sensor[sensor][kept]
        if counts.size < 2:
            raise DeviceError("the board sends no samples", "Check it with popsense check.")
        saturated = (raw.flags[kept] & SATURATED[sensor]) > 0
        return Rest(counts.astype(np.float64), int(saturated.sum()))


def steady(sensor: SensorName, rest: Rest, units_per_count: float, reference: float) -> Reading:
    """The mean of a reading. UnsteadyError where it drifts, is noisy or out of range.

    units_per_count: the build's nominal scale, by which the limits are held against counts.
    """
    unit, counts = UNITS[sensor], rest.counts
    if rest.saturated:
        raise UnsteadyError(f"the {sensor} sensor is out of its range", "Use a smaller reference.")
    noise, half = float(counts.std()), counts.size // 2
    drift = abs(float(counts[half:].mean() - counts[:half].mean()))
    for name, value, limit in (
        ("drifts", drift, DRIFT_LIMITS[sensor]),
        ("is noisy", noise, NOISE_LIMITS[sensor]),
    ):
        if value * units_per_count > limit:
            raise UnsteadyError(
                f"the {sensor} {name}: {value * units_per_count:.3g} {unit}, limit {limit:g} {unit} "
                "(uncalibrated)",
                "Let it come to rest, touch nothing, then try again.",
            )
    return Reading(reference, float(counts.mean()), noise, counts.size)
