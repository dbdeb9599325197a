"""The uncertainty of a calibration, term by term, with the source of each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from popsense.calibration.fit import Fit

COVERAGE = 2.0  # k: about 95 % where the terms are many and alike
STANDARD_GRAVITY = 9.80665  # m/s2, by definition (CGPM 1901)
ON_EARTH = (
    9.764,
    9.834,
)  # m/s2: summit of Huascaran, Arctic Ocean (Hirt et al., Geophys. Res. Lett. 40, 2013)
GRAVITY_OFF = (STANDARD_GRAVITY - ON_EARTH[0]) / STANDARD_GRAVITY  # the farther of the two: 0.0043
BUOYANCY = 1.2 / 8000  # density of air over that of steel: a mass presses by so much less
SUMMED_READS = 4
# The RP2040's converter has wide codes at 512, 1536, 2560 and 3584 of its 12 bits (erratum RP2040-E11). How
# wide: uncalibrated, replaced by `popsense bringup`.
STEP_LSB = 8


@dataclass(frozen=True)
class Masses:
    """The references are masses. gravity: of the place, in m/s2; None: nobody gave it, the standard one was
    taken.
    """

    gravity: float | None = None

    @property
    def text(self) -> str:
        """As in "9.81 m/s2"."""
        assumed = " (standard, assumed)" if self.gravity is None else ""
        return f"{STANDARD_GRAVITY if self.gravity is None else self.gravity:g} m/s2{assumed}"


@dataclass(frozen=True)
class Term:
    """standard: standard uncertainty in the sensor's unit, None where nobody stated it."""

    name: str
    standard: float | None
    source: str


@dataclass(frozen=True)
class Budget:
    """expanded: all stated terms, k = COVERAGE. not_stated: names of the terms that are not in it."""

    terms: tuple[Term, ...]
    expanded: float
    not_stated: tuple[str, ...]


def budget(fit: Fit, reference_uncertainty: float | None, masses: Masses | None = None) -> Budget:
    """reference_uncertainty: standard, as the technician states it, sensor's unit; None: not stated.

    masses: None where the references are none.
    """
    terms = (
        _references(reference_uncertainty),
        *_measured(fit),
        *(_of_masses(fit, masses) if masses else ()),
        *(() if fit.sensor == "force" else (_of_converter(fit),)),
    )
    expanded = COVERAGE * sqrt(sum(term.standard**2 for term in terms if term.standard is not None))
    return Budget(terms, expanded, tuple(term.name for term in terms if term.standard is None))


def _references(stated: float | None) -> Term:
    return Term("references", stated, "not stated" if stated is None else "as stated by the technician")


def _measured(fit: Fit) -> Sequence[Term]:
    return (
        Term("noise of a mean", fit.noise, "largest of all readings"),
        Term("between the points", _of_half_width(fit.residual), "points left out, rectangular"),
        Term(
            "hysteresis",
            _of_half_width(None if fit.hysteresis is None else fit.hysteresis / 2),
            "half of up against down, rectangular",
        ),
        Term("repeatability", fit.repeatability, "cycles of the same reference"),
    )


def _of_masses(fit: Fit, masses: Masses) -> Sequence[Term]:
    """What no averaging takes away; of the largest mass."""
    most = max(abs(point.milliunits) for point in fit.points) / 1000
    found = [Term("buoyancy of the masses", most * BUOYANCY, "not corrected; steel in air, the largest")]
    if masses.gravity is None:
        source = f"standard gravity assumed; {ON_EARTH[0]:g} to {ON_EARTH[1]:g} m/s2; rectangular"
        found.append(Term("gravity", _of_half_width(most * GRAVITY_OFF), source))
    return found


def _of_converter(fit: Fit) -> Term:
    """The board's own, which reads depth and pressure; no averaging takes it away."""
    first = fit.points[0].counts
    step = fit.table.difference(STEP_LSB * SUMMED_READS / 2, first)
    source = f"RP2040-E11 at codes 512, 1536, 2560, 3584; {STEP_LSB} LSB, uncalibrated; rectangular"
    return Term("code steps of the converter", _of_half_width(abs(step)), source)


def _of_half_width(half_width: float | None) -> float | None:
    return None if half_width is None else half_width / sqrt(3)
