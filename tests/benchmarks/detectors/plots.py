"""The trade-off drawn: what a rule pays in false pops and recall for being quick."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any  # matplotlib's own types are partial

from matplotlib.figure import Figure

from .sweep import ARMINGS_N
from .trade_off import Point, by_rule

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by colour-blind people (Okabe and Ito)
MARKERS = dict(zip(ARMINGS_N, "o^sD", strict=True))
MARKS = "armed at 5 (o), 10 (^), 15 (square), 20 N (diamond); filled: only the first alarm counts"
LEAST_RECALL_PERCENT = 50.0  # a percentile of the few that a rule found says little
SHOWN_MS = (-20.0, 400.0)


def draw_trade_off(points: Sequence[Point], ours: Point, cases: int, subject: str, path: Path) -> None:
    """PNG with two panels; cases: attempts and negatives together, over which false pops are counted."""
    figure: Any = Figure(figsize=(13.0, 6.6), layout="constrained")
    late, recall = figure.subplots(1, 2)
    for colour, (rule, own) in zip(COLOURS, by_rule(points).items(), strict=True):
        most = [point for point in own if point.recall_percent >= LEAST_RECALL_PERCENT]
        _scatter(late, most, colour, rule, cases, "p95_ms")
        _scatter(recall, own, colour, rule, cases, "recall_percent")
    for axes, value in ((late, ours.p95_ms), (recall, ours.recall_percent)):
        axes.plot(_share(ours, cases), value, "k*", markersize=18, label="ours, in MicroPython", zorder=5)
        axes.set(xscale="log", xlabel=f"false pops per case ({cases} cases; a third of one = none)")
        axes.grid(alpha=0.3)
    late.set(ylim=SHOWN_MS, ylabel="p95 of the latency after exit_half, ms")
    late.set_title(f"Latency (settings that find at least {LEAST_RECALL_PERCENT:.0f} %)")
    recall.set(ylabel="recall, %", title="Recall")
    handles, labels = recall.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize="small", title=MARKS
    )
    figure.suptitle(f"Published rules, every threshold, beside ours: {subject}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _share(point: Point, cases: int) -> float:
    """False pops per case; none is drawn as a third of one, for a logarithm has no zero."""
    return max(point.false_pops, 1 / 3) / cases


def _scatter(axes: Any, points: Sequence[Point], colour: str, rule: str, cases: int, value: str) -> None:
    """One rule: a marker for each arming force, filled where only the first alarm counts."""
    for point_kind in [(arming_n, first_only) for arming_n in ARMINGS_N for first_only in (False, True)]:
        arming_n, first_only = point_kind
        chosen = [p for p in points if p.setting and (p.setting.arming_n, p.setting.first_only) == point_kind]
        axes.scatter(
            [_share(point, cases) for point in chosen],
            [getattr(point, value) for point in chosen],
            s=16,
            marker=MARKERS[arming_n],
            facecolors=colour if first_only else "none",
            edgecolors=colour,
            linewidths=0.7,
            label=rule if point_kind == (ARMINGS_N[0], True) else None,
        )
