"""What the benchmark prints: recall, false pops and latencies by rate, site, device and operator."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from .deepest import Deepest
from .drilling import Comparison
from .statistics import Estimate
from .summary import Summary
from .trade_off import Point
from .used_holes import TOLD, UsedHoles

MISS = "[bold red]MISS[/]"


def interval(estimate: Estimate, digits: int = 1) -> str:
    """Value and its 95 % interval; a dash where there is none."""
    if estimate.value != estimate.value:
        return "-"
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}..{estimate.high:.{digits}f}]"


def _table(title: str, columns: Sequence[str], left: int = 1) -> Table:
    """The first `left` columns are words, the others numbers."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < left else "right", no_wrap=True)
    return table


def print_groups(console: Console, title: str, groups: Mapping[str, Summary]) -> None:
    """One line a group; latency after exit_half, [95 % interval]; false in attempts and in negatives."""
    counts = ("", "due", "missed", "recall %", "false", "in neg.", "uncertain")
    table = _table(title, (*counts, "p50 ms", "p95 ms", "p99 ms", "p95 mm", "far cortex %", "false far"))
    for name, summary in groups.items():
        late_ms, late_mm = summary.late_ms["half"], summary.late_mm["half"]
        table.add_row(
            name,
            str(summary.due),
            str(summary.missed),
            interval(summary.recall_percent),
            str(summary.false_in_attempts),
            str(summary.false_in_negatives),
            f"{summary.uncertain_in_attempts} + {summary.uncertain_in_negatives}",
            interval(late_ms["p50"]).split()[0],
            interval(late_ms["p95"]),
            interval(late_ms["p99"]).split()[0],
            interval(late_mm["p95"], 2).split()[0],
            interval(summary.far_percent),
            str(summary.far_false),
        )
    console.print(table, markup=False)


def print_latencies(console: Console, title: str, rates: Mapping[str, Summary]) -> None:
    """Against each reference, in time and in travel of the tip; negative = early."""
    columns = ("", "after", "p50 ms", "p95 ms", "p99 ms", "p50 mm", "p95 mm", "p99 mm")
    table = _table(title, columns, left=2)
    for rate, summary in rates.items():
        for reference, late_ms in summary.late_ms.items():
            late_mm = summary.late_mm[reference].values()
            cells = [interval(late) for late in late_ms.values()] + [interval(late, 2) for late in late_mm]
            table.add_row(rate, f"exit_{reference}", *cells)
    console.print(table)


def print_deepest(console: Console, rates: Mapping[str, Mapping[str, Deepest]]) -> None:
    """Absolute errors, [95 % interval]; cases with an exit, and those of them without a measurement."""
    columns = ("", "", "exits", "not measured", "p50 mm", "p95 mm", "p99 mm")
    table = _table("Deepest protrusion, host: absolute error (95 % interval)", columns, left=2)
    for rate, groups in rates.items():
        for name, own in groups.items():
            errors = [interval(error_mm, 2) for error_mm in own.error_mm.values()]
            table.add_row(rate, name, str(own.exits), str(own.unmeasured), *errors)
    console.print(table, markup=False)


def print_used_holes(console: Console, rates: Mapping[str, Mapping[str, UsedHoles]]) -> None:
    """Rate -> device -> what was told."""
    table = _table(
        "Used holes: attempts told as (one may be told as several)",
        ("", "", "attempts", *TOLD, "nothing"),
        left=2,
    )
    for rate, devices in rates.items():
        for device, own in devices.items():
            told = [str(own.told[kind]) for kind in TOLD]
            table.add_row(rate, device, str(own.attempts), *told, str(own.nothing))
    console.print(table)


def print_rules(console: Console, title: str, ours: Point, rows: Mapping[str, Mapping[str, Point]]) -> None:
    """Rule -> what it can at best -> that setting."""
    columns = ("rule", "", "threshold", "armed at", "alarms", "recall %", "false pops", "p95 ms")
    table = _table(title, columns, left=2)
    table.add_row("ours", "", "", "", "", *_figures(ours))
    for rule, best in rows.items():
        for what, point in best.items():
            if point.setting:
                alarms = "first" if point.setting.first_only else "all"
                where = (f"{point.setting.threshold:.4g}", f"{point.setting.arming_n:.0f} N", alarms)
                table.add_row(rule, what, *where, *_figures(point))
    console.print(table)


def _figures(point: Point) -> tuple[str, str, str]:
    return f"{point.recall_percent:.2f}", str(point.false_pops), f"{point.p95_ms:.1f}"


def print_drilling(console: Console, found: Sequence[Comparison]) -> None:
    """The twin beside the papers."""
    table = Table(
        title="Adult proximal tibia, powered, beside drilling papers: not fitted", title_justify="left"
    )
    for name in ("", "operator", "twin, mean +/- SD", "n", "papers", "", "source", "explanation"):
        table.add_column(name, overflow="fold")
    for row in found:
        band = row.band
        table.add_row(
            band.quantity,
            band.operator,
            f"{row.mean:.2f} +/- {row.sd:.2f} {band.unit}",
            str(row.n),
            f"{band.low:g} to {band.high:g} {band.unit}",
            "inside" if row.is_inside else MISS,
            band.source,
            "" if row.is_inside else band.explanation or "none yet",
        )
    console.print(table)
