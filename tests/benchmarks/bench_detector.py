"""Our detector and the published rules on the same cohort: `make bench-detector`, short with ATTEMPTS=200.

PLAN=tune|heldback and JOBS=2 may be set too. Leaves build/bench/detector.json (figures and bars),
detector-details.json (every group and setting) and detector.png. For tuning,
`python tests/benchmarks/bench_detector.py --worst` runs our detector alone on the cohort for tuning and lists
its worst cases; on the held-back one only with --plan heldback --yes-this-is-not-tuning.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program, Python knows this folder only

from rich.console import Console

from popsense.errors import PopsenseError
from popsense.twin.cohort import CohortPlan, load_plan
from tests.benchmarks.detectors import bars, tables
from tests.benchmarks.detectors.deepest import deepest_groups
from tests.benchmarks.detectors.details import add_told, write_details
from tests.benchmarks.detectors.drilling import Comparison, compare_drilling
from tests.benchmarks.detectors.plots import draw_trade_off
from tests.benchmarks.detectors.readings import detector_build, run_cohort
from tests.benchmarks.detectors.results import Results
from tests.benchmarks.detectors.run import run_all
from tests.benchmarks.detectors.summary import Summary, summarise
from tests.benchmarks.detectors.trade_off import as_good, by_rule, nearest, our_point
from tests.benchmarks.detectors.used_holes import used_holes
from tests.benchmarks.detectors.worst import worst_table
from tests.benchmarks.report import OUTPUT, Figure, write_bench

PLANS = Path(__file__).parents[1] / "cohorts"
PLAN_NAMES = ("tune", "heldback")
Groups = Mapping[str, Mapping[str, Summary]]
WIDTH = 180  # of the tables, also where the output is a file


def main() -> None:
    chosen = read_arguments()
    plan = load_plan(PLANS / f"{chosen.plan}.toml")
    negatives = chosen.attempts if chosen.negatives is None else chosen.negatives
    if chosen.worst:
        print(worst_table(run_cohort(plan, chosen.attempts, negatives, chosen.jobs), chosen.rows))
    else:
        bench(plan, chosen.attempts, negatives, chosen.jobs)


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Of the program, unless told; code 2 where the held-back cases would be looked at unasked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--worst", action="store_true", help="our detector alone, its worst cases")
    arguments.add_argument("--rows", type=int, default=40, help="of the worst cases")
    arguments.add_argument("--attempts", type=int, default=int(os.environ.get("ATTEMPTS", "5000")))
    arguments.add_argument("--negatives", type=int, help="as many as attempts, unless told")
    arguments.add_argument(
        "--plan", choices=PLAN_NAMES, help="PLAN, else tune with --worst, heldback without"
    )
    arguments.add_argument(
        "--yes-this-is-not-tuning", action="store_true", help="lets --worst list cases that are held back"
    )
    arguments.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", "2")))
    chosen = arguments.parse_args(words)
    if chosen.plan is None:
        chosen.plan = os.environ.get("PLAN") or ("tune" if chosen.worst else "heldback")
    if chosen.plan not in PLAN_NAMES:
        arguments.error(f"PLAN={chosen.plan}: one of {', '.join(PLAN_NAMES)}")
    if chosen.worst and chosen.plan == "heldback" and not chosen.yes_this_is_not_tuning:
        arguments.error(
            "whoever looks at held-back cases tunes on them: take --plan tune,"
            " or --plan heldback --yes-this-is-not-tuning"
        )
    return chosen


def bench(plan: CohortPlan, attempts: int, negatives: int, jobs: int) -> None:
    """Everything, printed and written; ends the program with code 1 where a bar is missed."""
    console = Console(width=WIDTH)
    build = detector_build()
    subject = f"{plan.name}, {attempts} attempts and {negatives} hard negatives"
    console.print(
        f"Detector version {build.detector_version} in {build.interpreter}: {subject}", highlight=False
    )
    begun_s = time.perf_counter()
    results = Results()
    results.add(run_all(plan, attempts, negatives, jobs))
    spent_s = time.perf_counter() - begun_s

    groups = results.groups()
    for title, named in groups.items():
        if title.startswith("rate") or title.endswith(f" {results.sharp_hz:.0f}/s"):
            tables.print_groups(console, f"By {title}", named)
    tables.print_latencies(console, "Latency, negative = early (95 % interval)", groups["rate"])
    drilling = compare_drilling()
    figures = [*_our_figures(results, attempts), *_rule_figures(console, results, subject, groups, drilling)]
    figures.append(Figure("time for a case", 1000.0 * spent_s / (attempts + negatives), "ms"))
    try:
        write_bench(
            "detector", [figure for figure in figures if figure.bar is not None or isfinite(figure.value)]
        )
    finally:  # it ends the program where a bar is missed; the papers on drilling have no say in that
        add_told(OUTPUT / "detector.json", list(bars.drilling_figures(drilling)))


def _our_figures(results: Results, attempts: int) -> list[Figure]:
    """Of the board's detector, with and without depth, and of the host's."""
    ours, blind = (
        {rate_hz: summarise(own) for rate_hz, own in readings.items()}
        for readings in (results.ours, results.blind)
    )
    return [
        *bars.our_bars(results.all_rates(), ours, attempts),
        *bars.blind_figures(blind),
        *bars.host_figures(results.host, results.sharp_hz),
    ]


def _rule_figures(
    console: Console, results: Results, subject: str, groups: Groups, drilling: Sequence[Comparison]
) -> list[Figure]:
    """The host's depth, used holes, the published rules, the papers on drilling: tables, picture, details."""
    readings = results.ours[results.sharp_hz]
    ours, points = our_point(summarise(readings)), results.rules.points()
    depths = deepest_groups(results.host)
    holes = {f"{rate_hz:.0f}/s": used_holes(own) for rate_hz, own in results.ours.items()}
    tables.print_deepest(console, depths)
    tables.print_used_holes(console, holes)
    best = {rule: nearest(own, ours) for rule, own in by_rule(points).items()}
    tables.print_rules(
        console, f"Published rules at {results.sharp_hz:.0f}/s: what each can at best", ours, best
    )
    tables.print_drilling(console, drilling)
    draw_trade_off(points, ours, len(readings), subject, OUTPUT / "detector.png")
    write_details(OUTPUT / "detector-details.json", groups, ours, points, drilling, depths, holes)
    return list(bars.rule_bars(as_good(points, ours)))


if __name__ == "__main__":
    try:
        main()
    except PopsenseError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
