"""What a calibration says of itself, on the screen and as a page to keep.

It claims no traceability but what the technician states, and nobody has validated the procedure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from popsense.calibration.fit import Fit, Reading
from popsense.calibration.record import UNITS, CalibrationRecord
from popsense.calibration.uncertainty import COVERAGE, Budget
from popsense.reports.pages import render

NOT_STATED = "not stated"
NOT_VALIDATED = (
    "Computed by popsense from the readings below. Nobody has validated this procedure or this certificate; "
    "it is no certificate of an accredited laboratory."
)


@dataclass(frozen=True)
class Certificate:
    """references: as they were given. traceability: in the technician's words; empty: none is claimed."""

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
    gravity: float | None = None
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
            *([("Gravity", f"{self.gravity:g} m/s2")] if self.gravity is not None else []),
            ("Software", ", ".join(self.versions)),
        ]

    @property
    def results(self) -> list[tuple[str, str]]:
        """Figures of the fit, with their units."""
        fit = self.fit
        span = (fit.points[-1].milliunits - fit.points[0].milliunits) / 1000
        linearity = None if fit.nonlinearity is None else f"{100 * fit.nonlinearity / span:.3f} % of the span"
        return [
            ("Residual (points left out)", self._figure(fit.residual)),
            ("Non-linearity", self._figure(fit.nonlinearity, linearity)),
            ("Hysteresis (up against down)", self._figure(fit.hysteresis)),
            ("Repeatability (standard deviation)", self._figure(fit.repeatability)),
            (f"Expanded uncertainty (k = {COVERAGE:g})", self._expanded()),
        ]

    @property
    def terms(self) -> list[tuple[str, str, str]]:
        """The uncertainty budget: name, standard uncertainty, source."""
        return [(term.name, self._figure(term.standard), term.source) for term in self.budget.terms]

    @property
    def table(self) -> list[tuple[str, str]]:
        """Reference and reading of each point."""
        return [
            (f"{point.milliunits / 1000:.3f} {self.unit}", f"{point.counts:,}")
            for point in self.record.points
        ]

    def _figure(self, value: float | None, more: str | None = None) -> str:
        if value is None:
            return "not known"
        return f"{value:.4f} {self.unit}" + (f" ({more})" if more else "")

    def _expanded(self) -> str:
        without = ", ".join(self.budget.not_stated)
        return self._figure(self.budget.expanded, f"without: {without}" if without else None)


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


def certificate_page(certificate: Certificate) -> str:
    """Self-contained HTML."""
    return render("certificate.html", certificate=certificate, not_validated=NOT_VALIDATED)
