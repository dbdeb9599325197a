"""The cases in which our detector did worst, to be looked at one by one."""

from collections.abc import Sequence

from .readings import Reading
from .scoring import Verdict


def worst_table(readings: Sequence[Reading], rows: int) -> str:
    """One line a reading: crashes first, then false pops, missed ones, the far cortex, the latest pops."""
    chosen = sorted(readings, key=_badness, reverse=True)[:rows]
    return "\n".join([_totals(readings), _line_of("kind", "nr", "rate", "site", "device", "operator", "what"),
                      *(_line(reading) for reading in chosen)])  # fmt: skip


def _badness(reading: Reading) -> tuple[float, ...]:
    verdict = reading.verdict
    return (
        len(reading.crash),
        verdict.false_pops,
        verdict.missed,
        verdict.far_due and not verdict.far_met,
        verdict.far_false,
        verdict.used_hole_pops,
        verdict.late_ms.get("half", -1e9),
    )


def _line(reading: Reading) -> str:
    return _line_of(
        reading.kind,
        str(reading.number),
        f"{reading.rate_hz:.0f}",
        reading.site,
        reading.device,
        reading.operator,
        reading.crash or ", ".join(_words(reading.verdict)),
    )


def _line_of(*cells: str) -> str:
    widths = (8, 5, 5, 22, 13, 19, 0)
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))


def _words(verdict: Verdict) -> list[str]:
    half_ms, half_mm = verdict.late_ms.get("half"), verdict.late_mm.get("half")
    words = {
        f"{verdict.false_pops} false, first at {verdict.false_s or 0.0:.3f} s": verdict.false_pops,
        "missed": verdict.missed,
        f"{verdict.uncertain_pops} uncertain": verdict.uncertain_pops,
        "far cortex missed": verdict.far_due and not verdict.far_met,
        f"{verdict.far_false} false far cortex": verdict.far_false,
        f"{verdict.used_hole_pops} pops in a used hole": verdict.used_hole_pops,
        f"{half_ms or 0.0:+.1f} ms, {half_mm or 0.0:+.2f} mm": half_ms is not None,
    }
    return [word for word, said in words.items() if said]


def _totals(readings: Sequence[Reading]) -> str:
    verdicts = [reading.verdict for reading in readings]
    due, far = sum(verdict.due for verdict in verdicts), sum(verdict.far_due for verdict in verdicts)
    far_missed = sum(verdict.far_due and not verdict.far_met for verdict in verdicts)
    return (
        f"{len(verdicts)} readings: {sum(verdict.false_pops for verdict in verdicts)} false pops,"
        f" {sum(verdict.missed for verdict in verdicts)} missed of {due},"
        f" {far_missed} far cortices missed of {far},"
        f" {sum(verdict.far_false for verdict in verdicts)} false ones,"
        f" {sum(bool(reading.crash) for reading in readings)} crashes"
    )
