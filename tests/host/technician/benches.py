"""A bench whose sensor does what the test says: counts at what was asked for last."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from popsense.model import FloatArray, SensorName
from popsense.technician.calibrate import Desk
from popsense.technician.measuring import Rest

RATE_HZ = 988


@dataclass
class Bench:
    """counts_at: reading by the number of what was asked, from 0; drift, noise: counts, over one reading.

    bad: numbers of readings that are spoilt by `spoil`.
    """

    counts_at: Callable[[int], float]
    noise: float = 3.0
    bad: tuple[int, ...] = ()
    spoil: Callable[[FloatArray], FloatArray] = lambda counts: counts + np.linspace(0, 1e5, counts.size)
    saturated: tuple[int, ...] = ()
    asked: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])
    readings: int = 0
    place: int = -1

    @property
    def desk(self) -> Desk:
        return Desk(ask=self.ask, tell=self.told.append)

    def ask(self, text: str) -> None:
        self.asked.append(text)
        if "Not taken" not in text:
            self.place += 1

    def rest(self, sensor: SensorName, seconds: float) -> Rest:
        noise = np.random.default_rng(self.readings).normal(0, self.noise, round(seconds * RATE_HZ))
        counts = self.counts_at(self.place) + noise
        number, self.readings = self.readings, self.readings + 1
        return Rest(
            self.spoil(counts) if number in self.bad else counts, 1 if number in self.saturated else 0
        )
