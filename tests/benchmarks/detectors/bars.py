"""The figures that have a bar, and those printed beside them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.benchmarks.report import Figure

from .deepest import deepest
from .drilling import Comparison
from .host import HostReading
from .statistics import percentile
from .summary import Summary
from .trade_off import Point

WHOLE_RUN = 5000  # attempts
MOST_MISSED = 17  # in a whole run or a longer one; in proportion, rounded down, in a shorter one
LEAST_RECALL_PERCENT = 98.0
LATEST_P95_MS, LATEST_P99_MS = 15.0, 25.0
DEEPEST_P95_MM = 0.3
LEAST_FAR_PERCENT = 99.0


def our_bars(all_rates: Summary, rates: Mapping[float, Summary], attempts: int) -> Iterator[Figure]:
    """Ours with depth. The first rate has the sharp bars; every rate that of the sampled far cortex."""
    yield _at_most("false pops, attempts, all rates", all_rates.false_in_attempts, "pops", 1)
    yield _at_most("false pops, hard negatives, all rates", all_rates.false_in_negatives, "pops", 1)
    yield _at_most("crashes of the detector", all_rates.crashes, "", 0)
    first = next(iter(rates))
    for rate_hz, summary in rates.items():
        yield from _rate_bars(f"{rate_hz:.0f}/s", rate_hz, summary, attempts, sharp=rate_hz == first)


def _rate_bars(at: str, rate_hz: float, summary: Summary, attempts: int, sharp: bool) -> Iterator[Figure]:
    late = summary.late_ms["half"]
    slack_ms = 0.0 if sharp else 2000.0 / rate_hz
    if sharp:
        most = MOST_MISSED * min(attempts, WHOLE_RUN) // WHOLE_RUN
        yield _at_most(f"missed, {at}, of {summary.due}", summary.missed, "pops", most)
    yield Figure(f"recall, {at}", summary.recall_percent.value, "%", LEAST_RECALL_PERCENT)
    yield _at_most(f"p95 after exit_half, {at}", late["p95"].value, "ms", LATEST_P95_MS + slack_ms)
    yield _at_most(f"p99 after exit_half, {at}", late["p99"].value, "ms", LATEST_P99_MS if sharp else None)
    far_bar = LEAST_FAR_PERCENT if sharp else None
    yield Figure(f"far cortex in time, {at}, of {summary.far_due}", summary.far_percent.value, "%", far_bar)
    # Without those in which no sample lies between the touch and 1 mm in.
    sampled = f"far cortex where sampled, {at}, of {summary.far_sampled_due}"
    yield Figure(sampled, summary.far_sampled_percent.value, "%", LEAST_FAR_PERCENT)
    yield Figure(f"false far cortex, {at}", summary.far_false, "")
    yield Figure(f"uncertain pops in hard negatives, {at}", summary.uncertain_in_negatives, "pops")
    yield Figure(f"pops in used holes, {at}", summary.used_hole_pops, "pops")


def blind_figures(rates: Mapping[float, Summary]) -> Iterator[Figure]:
    """Ours without the depth channel: told, no bar; it says itself that it is less sure."""
    for rate_hz, summary in rates.items():
        at = f"without depth, {rate_hz:.0f}/s"
        yield Figure(f"recall, {at}", summary.recall_percent.value, "%")
        yield Figure(f"false pops, attempts, {at}", summary.false_in_attempts, "pops")
        yield Figure(f"false pops, negatives, {at}", summary.false_in_negatives, "pops")
        yield Figure(f"p95 after exit_half, {at}", summary.late_ms["half"]["p95"].value, "ms")


def host_figures(rates: Mapping[float, Sequence[HostReading]], sharp_hz: float) -> Iterator[Figure]:
    """The host's detector, attempts and negatives together: both have exits to find and none to invent."""
    for rate_hz, readings in rates.items():
        at = f"host, {rate_hz:.0f}/s"
        found = deepest(readings)
        due, late = sum(r.due for r in readings), [r.late_ms for r in readings if r.late_ms is not None]
        for percent, error_mm in found.error_mm.items():
            bar = DEEPEST_P95_MM if percent == "p95" else None
            yield _at_most(f"deepest protrusion, error {percent}, {at}", error_mm.value, "mm", bar)
        yield Figure(f"deepest protrusion not measured, {at}, of {found.exits} exits", found.unmeasured, "")
        yield Figure(f"exits missed, {at}, of {due}", sum(r.missed for r in readings), "")
        yield Figure(f"false exits, {at}", sum(r.false_exits for r in readings), "")
        yield Figure(f"date p5 after exit_half, {at}", percentile(late, 5).value, "ms")
        yield Figure(f"date p95 after exit_half, {at}", percentile(late, 95).value, "ms")
        share = (
            100.0 * sum(bool(r.disagreements) for r in readings) / len(readings) if readings else float("nan")
        )
        yield Figure(f"attempts with a disagreement, {at}", share, "%")
        if rate_hz == sharp_hz:
            yield from _disagreements(at, readings)


def _disagreements(at: str, readings: Sequence[HostReading]) -> Iterator[Figure]:
    kinds = Counter(kind for reading in readings for kind in reading.disagreements)
    for kind, count in kinds.most_common():
        yield Figure(f"{kind}, {at}", count, "")


def rule_bars(as_good: Mapping[str, Sequence[Point]]) -> Iterator[Figure]:
    """No setting of a published rule may be as good as ours in everything."""
    for rule, points in as_good.items():
        yield _at_most(f"{rule}: as good as ours", len(points), "settings", 0)


def drilling_figures(found: Sequence[Comparison]) -> Iterator[Figure]:
    """Two for each band of the papers, its low and its high end: misses are told and set no exit code."""
    for row in found:
        band = row.band
        name = f"drilling, {band.quantity}, {band.operator}, papers {band.low:g}..{band.high:g}"
        yield Figure(f"{name}: at least", row.mean, band.unit, band.low)
        yield _at_most(f"{name}: at most", row.mean, band.unit, band.high)


def _at_most(name: str, value: float, unit: str, bar: float | None) -> Figure:
    return Figure(name, value, unit, bar, higher_is_better=False)
