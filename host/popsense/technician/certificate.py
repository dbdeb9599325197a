"""What a calibration says of itself, on the screen and as a page to keep.

It claims no traceability but what the technician states, and nobody has validated the procedure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import floor, log10

from popsense.calibration.fit import Fit, Reading
from popsense.calibration.record import UNITS, CalibrationRecord
from popsense.calibration.uncertainty import COVERAGE, Budget, Masses
from popsense.reports.pages import render

NOT_STATED = "not stated"
NOT_VALIDATED = (
    "Computed by popsense from the readings above. Nobody has validated this procedure or this certificate; "
    "it is no certificate of an accredited laboratory."
)


@dataclass(frozen=True)
class Certificate:
    """references: as they were given. traceability: in the technician's words; empty: none is claimed.

    masses: None where the references are none. doubts: as of the fit. on_board: whether the board holds it.
    """

    record: CalibrationRecord
    fit: Fit
    budget: Budget
    readings: Sequence[Reading]
    references: Sequence[str]
    board_id: str
    technician: str = ""
    reference_uncertainty: str = ""
    traceability: str = ""
    temperature: str = ""
    masses: Masses | None = None
    doubts: Sequence[str] = ()
    on_board: str = ""
    versions: Sequence[str] = field(default_factory=tuple[str, ...])

    @property
    def unit(self) -> str:
        return UNITS[self.record.sensor]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What stands at the top, by its name."""
        record = self.record
        return [
            ("Board", self.board_id),
            ("Sensor", record.sensor),
            ("Calibration id", str(record.id)),
            ("Date", f"{record.day} (UTC)"),
            ("Valid until", str(record.last_day)),
            ("Technician", self.technician or NOT_STATED),
            ("References", ", ".join(self.references)),
            ("Their standard uncertainty", self.reference_uncertainty or NOT_STATED),
            ("Traceability", self.traceability or "none claimed"),
            ("Temperature", self.temperature or NOT_STATED),
            *([("Gravity", self.masses.text)] if self.masses else []),
            *([("On the board", self.on_board)] if self.on_board else []),
            ("Software", ", ".join(self.versions)),
        ]

    @property
    def results(self) -> list[tuple[str, str]]:
        """Figures of the fit, with their units."""
        fit = self.fit
        bent = None if fit.nonlinearity is None else f"{100 * fit.nonlinearity / fit.span:.3f} % of the span"
        return [
            ("Range", self._range()),
            ("Residual (points left out)", self._figure(fit.residual)),
            ("Non-linearity", self._figure(fit.nonlinearity, bent)),
            ("Hysteresis (up against down)", self._figure(fit.hysteresis)),
            ("Repeatability (standard deviation)", self._deviation(fit.repeatability)),
            (f"Expanded uncertainty (k = {COVERAGE:g})", self._expanded()),
            *([("In doubt", "; ".join(self.doubts))] if self.doubts else []),
        ]

    @property
    def terms(self) -> list[tuple[str, str, str]]:
        """The uncertainty budget: name, standard uncertainty, source."""
        return [(term.name, self._deviation(term.standard), term.source) for term in self.budget.terms]

    @property
    def table(self) -> list[tuple[str, str]]:
        """Reference and reading of each point."""
        return [
            (f"{point.milliunits / 1000:.3f} {self.unit}", f"{point.counts:,}")
            for point in self.record.points
        ]

    @property
    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Of each reading: reference, way, mean and noise in counts, samples."""
        return [
            (
                f"{one.reference:.3f} {self.unit}",
                f"{'up' if one.rising else 'down'}, cycle {one.cycle + 1}",
                f"{one.mean_counts:,.1f}",
                two_figures(one.noise_counts),
                str(one.samples),
            )
            for one in self.readings
        ]

    def _range(self) -> str:
        first, last = (point.milliunits / 1000 for point in (self.fit.points[0], self.fit.points[-1]))
        return f"{first:.3f} to {last:.3f} {self.unit}; beyond the first and the last reference not known"

    def _figure(self, value: float | None, more: str | None = None) -> str:
        if value is None:
            return "not known"
        return f"{value:.4f} {self.unit}" + (f" ({more})" if more else "")

    def _deviation(self, value: float | None, more: str | None = None) -> str:
        if value is None:
            return "not known"
        return f"{two_figures(value)} {self.unit}" + (f" ({more})" if more else "")

    def _expanded(self) -> str:
        without = ", ".join(self.budget.not_stated)
        return self._deviation(self.budget.expanded, f"without: {without}" if without else None)


def two_figures(value: float) -> str:
    """As an uncertainty is written: 0.0123 is 0.012, 1234 is 1,200. Not finer than a record keeps, 1e-6."""
    rounded = float(f"{round(value, 6):.1e}")
    digits = 1 - floor(log10(abs(rounded))) if rounded else 0
    return f"{rounded:,.{max(0, min(6, digits))}f}"


def certificate_text(certificate: Certificate) -> Iterator[str]:
    """Line by line."""
    yield f"Calibration of the {certificate.record.sensor} sensor"
    for name, value in (*certificate.facts, *certificate.results):
        yield f"  {name}: {value}"
    yield "  Points:"
    for reference, counts in certificate.table:
        yield f"    {reference:>14} {counts:>12} counts"
    yield "  Uncertainty, standard:"
    for name, value, source in certificate.terms:
        yield f"    {name}: {value} ({source})"
    yield f"  {NOT_VALIDATED}"


def readings_text(certificate: Certificate) -> Iterator[str]:
    """Every reading, line by line: for who has no page."""
    for reference, way, mean, noise, samples in certificate.rows:
        yield f"  {reference:>14}  {way:<14} {mean:>14} counts, noise {noise}, {samples} samples"


def certificate_page(certificate: Certificate) -> str:
    """Self-contained HTML."""
    return render("certificate.html", certificate=certificate, not_validated=NOT_VALIDATED)
