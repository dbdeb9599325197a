"""The guided calibration of one sensor: references up and down, a fit, a record not yet written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from popsense.calibration.fit import Fit, Reading, check_rising, doubts, fit
from popsense.calibration.record import CalibrationRecord
from popsense.calibration.uncertainty import Budget, Masses, budget
from popsense.model import SensorName
from popsense.technician.certificate import two_figures
from popsense.technician.measuring import MEAN_S, Source, UnsteadyError, steady
from popsense.technician.references import Reference, prompt

MOST_TRIES = 5  # at one reference


@dataclass(frozen=True)
class Desk:
    """The technician. ask: waits until what it says is done. tell: says something."""

    ask: Callable[[str], None]
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Calibrating:
    """What is to be done. nominal: the build's units a count, for the limits of steadiness and the slope.

    up_and_down: back down over the same references too, in each cycle. gravity: m/s2, None: not given.
    """

    sensor: SensorName
    references: tuple[Reference, ...]
    nominal: float
    up_and_down: bool = True
    cycles: int = 1
    gravity: float | None = None

    @property
    def masses(self) -> Masses | None:
        """None where the references are no masses."""
        return Masses(self.gravity) if any(one.is_mass for one in self.references) else None


@dataclass(frozen=True)
class Calibrated:
    """What came out of it. doubts: why it is none of a sound sensor, in clauses."""

    readings: tuple[Reading, ...]
    fit: Fit
    budget: Budget
    doubts: tuple[str, ...] = ()


def calibrate(
    plan: Calibrating, source: Source, desk: Desk, reference_uncertainty: float | None = None
) -> Calibrated:
    """Asks, reads and fits. UsageError where that gives no line, DeviceError as of the source."""
    readings: list[Reading] = []
    for reference, rising, cycle in _way(plan):
        desk.ask(f"{prompt(plan.sensor, reference)}, then press Enter.")
        read = _read(plan, source, desk, reference)
        readings.append(replace(read, rising=rising, cycle=cycle))
        _check_way_up(plan.sensor, readings)
        desk.tell(f"{reference.text}: {read.mean_counts:,.1f} counts, noise {two_figures(read.noise_counts)}")
    fitted = fit(plan.sensor, readings)
    sums = budget(fitted, reference_uncertainty, plan.masses)
    return Calibrated(tuple(readings), fitted, sums, doubts(fitted, plan.nominal))


def record_of(fitted: Fit, identity: int, day: date, valid_days: int) -> CalibrationRecord:
    """As the board keeps it: the residual in whole microunits."""
    residual = round(fitted.stored_residual * 1e6) / 1e6
    return CalibrationRecord(fitted.sensor, identity, day, valid_days, residual, fitted.points)


def _way(plan: Calibrating) -> Iterator[tuple[Reference, bool, int]]:
    """Up, and back without the topmost once more; in the next cycle without the lowest once more: nothing
    would have been moved in between, and the same reading twice is no repetition.
    """
    for cycle in range(plan.cycles):
        is_there = plan.up_and_down and cycle > 0
        for reference in plan.references[1:] if is_there else plan.references:
            yield reference, True, cycle
        if plan.up_and_down:
            for reference in reversed(plan.references[:-1]):
                yield reference, False, cycle


def _read(plan: Calibrating, source: Source, desk: Desk, reference: Reference) -> Reading:
    """A steady one; each refusal is told, and asked for again. UnsteadyError after MOST_TRIES."""
    for tried in range(1, MOST_TRIES + 1):
        try:
            return steady(plan.sensor, source.rest(plan.sensor, MEAN_S), plan.nominal, reference.value)
        except UnsteadyError as error:
            if tried == MOST_TRIES:
                raise
            desk.ask(f"Not taken: {error}. {error.remedy} Enter reads again.")
    raise AssertionError("unreachable")


def _check_way_up(sensor: SensorName, readings: Sequence[Reading]) -> None:
    """At once, not after half an hour of masses: a cell that is mounted upside down."""
    if readings[-1].cycle == 0 and readings[-1].rising:
        means, noise = [one.mean_counts for one in readings], max(one.noise_counts for one in readings)
        check_rising(sensor, [one.reference for one in readings], means, noise)
