"""Some seconds of one sensor at rest -> its mean, or why they cannot be used.

Limits are uncalibrated: several times the noise of the simulated bone, and far below a useful step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from popsense.calibration.fit import Reading
from popsense.calibration.record import UNITS
from popsense.errors import DeviceError, PopsenseError, UsageError
from popsense.link.session import Session
from popsense.model import FloatArray, SensorName
from popsense_protocol.packets import (
    FLAG_DEPTH_SATURATED,
    FLAG_FORCE_SATURATED,
    FLAG_PRESSURE_SATURATED,
    FORCE_MASK,
    FORCE_OFFSET_COUNTS,
)

MEAN_S = 2.0
SETTLE_S = 0.25  # left out at first: the hand has just gone
PATIENCE_S = 10.0  # for so many samples
NOISE_LIMITS: Mapping[SensorName, float] = {"force": 0.5, "depth": 0.05, "pressure": 0.3}  # N, mm, kPa
DRIFT_LIMITS: Mapping[SensorName, float] = {"force": 0.1, "depth": 0.02, "pressure": 0.1}  # in MEAN_S
SATURATED: Mapping[SensorName, int] = {
    "force": FLAG_FORCE_SATURATED,
    "depth": FLAG_DEPTH_SATURATED,
    "pressure": FLAG_PRESSURE_SATURATED,
}


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
        skipped, wanted = round(SETTLE_S * rate), round(seconds * rate)
        self._session.start("guided", uncalibrated=True)
        try:
            samples = self._samples(skipped + max(2, wanted), seconds + PATIENCE_S)[skipped:]
        except BaseException:
            self._stop_quietly()
            raise
        self._session.stop()
        counts = np.array([_counts(sensor, sample) for sample in samples], dtype=np.float64)
        return Rest(counts, sum(bool(_flags(sample) & SATURATED[sensor]) for sample in samples))

    def _samples(self, wanted: int, patience_s: float) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        deadline = self._session.transport.now() + patience_s
        while len(found) < wanted:
            if self._session.transport.now() > deadline:
                raise DeviceError("the board sends no samples", "Check it with popsense check.")
            for packet in self._session.receive():
                if packet.name == "SAMPLE_BLOCK":
                    found += [(s.force_and_flags, s.depth, s.pressure) for s in packet.fields.samples]
        return found[:wanted]

    def _stop_quietly(self) -> None:
        """Whoever ends in the midst wants no second error."""
        self._session.be_brief()
        try:
            self._session.stop()
        except PopsenseError:
            return


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


def _counts(sensor: SensorName, sample: tuple[int, int, int]) -> int:
    force, depth, pressure = sample
    of_sensor: Mapping[SensorName, int] = {
        "force": (force & FORCE_MASK) - FORCE_OFFSET_COUNTS,
        "depth": depth,
        "pressure": pressure,
    }
    return of_sensor[sensor]


def _flags(sample: tuple[int, int, int]) -> int:
    return sample[0] >> 24
