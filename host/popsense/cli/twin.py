"""`popsense twin cohort` and `popsense twin show`: simulated attempts, with what really happened in them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from popsense.attempts.cohort import TRUTH_FILE, CohortRun, Entry, plan_digest, prepare_folder, record_cohort
from popsense.cli import paths
from popsense.cli.output import terminal
from popsense.cli.twin_show import checked_rate, show
from popsense.errors import UsageError
from popsense.twin.cohort import EVERYDAY, load_plan
from popsense.twin.transport import parse_seed

MOST_RECORDINGS = 100_000  # what is known of each is held in memory until the truth file is written
ENDED_BY_CTRL_C = 130

twin = typer.Typer(name="twin", help="Simulated attempts: a cohort, or one drawn.", no_args_is_help=True)
twin.command()(show)


@twin.command()
def cohort(
    out: Annotated[
        Path, typer.Option(parser=paths.path, help="A new folder for the recordings and truth.json.")
    ],
    attempts: Annotated[int, typer.Option(help="How many attempts.")],
    seed: Annotated[str | None, typer.Option(help="A whole number; default: the plan's.")] = None,
    plan: Annotated[
        Path | None,
        typer.Option(parser=paths.path, help="The cohort's TOML file; default: a skills lab's evening."),
    ] = None,
    negatives: Annotated[
        int, typer.Option(help="And how many hard negatives: what looks like a pop and is none.")
    ] = 0,
    rate: Annotated[
        float | None, typer.Option(help="Samples a second, 80 to 1000; default: the plan's first rate.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Attempts computed at the same time.", min=1)] = 2,
    as_one_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Records simulated attempts through firmware, link and journal, and what really happened in them.

    The same arguments give the same recordings, but for the time of creation in each. Ctrl-C keeps what is
    complete.
    """
    run = _run(out, attempts, negatives, seed, plan or EVERYDAY, rate)
    entries = _recorded(run, jobs, quiet=as_one_json)
    if as_one_json:
        typer.echo(json.dumps(_summary(run, entries), indent=2))
    else:
        _print(terminal(), run, entries)


def _run(
    out: Path, attempts: int, negatives: int, seed: str | None, plan: Path, rate: float | None
) -> CohortRun:
    for option, count in (("--attempts", attempts), ("--negatives", negatives)):
        if count < 0:
            raise UsageError(f"{option} {count} is negative", "Give 0 or more.")
    if not 0 < attempts + negatives <= MOST_RECORDINGS:
        raise UsageError(
            f"{attempts + negatives:,} recordings are no cohort",
            f"Ask for 1 to {MOST_RECORDINGS:,} with --attempts and --negatives.",
        )
    drawn_from = load_plan(plan)
    if seed is not None:
        drawn_from = drawn_from.model_copy(update={"seed": parse_seed(seed)})
    rate_hz = checked_rate(drawn_from.rates_hz[0] if rate is None else rate)
    return CohortRun(drawn_from, plan_digest(plan), attempts, negatives, rate_hz, out)


def _recorded(run: CohortRun, jobs: int, quiet: bool) -> Sequence[Entry]:
    """Exit code 130 after Ctrl-C, with a line on what is kept."""
    prepare_folder(run.folder)  # refused before a bar is drawn
    console = terminal()
    try:
        with Progress(console=console, disable=quiet) as progress:
            task = progress.add_task("recordings", total=run.attempts + run.negatives)
            return record_cohort(run, jobs, lambda _: progress.advance(task))
    except KeyboardInterrupt:
        if not quiet and (run.folder / TRUTH_FILE).is_file():
            console.print(
                f"Ended by you. Listed is what is complete: {run.folder / TRUTH_FILE}", soft_wrap=True
            )
        raise typer.Exit(ENDED_BY_CTRL_C) from None


def _summary(run: CohortRun, entries: Sequence[Entry]) -> dict[str, Any]:
    return {
        "folder": str(run.folder),
        "truth": str(run.folder / TRUTH_FILE),
        "plan": run.plan.name,
        "plan_sha256": run.plan_sha256,
        "seed": run.plan.seed,
        "rate_hz": run.rate_hz,
        "recordings": {kind: counts(entries, kind) for kind in ("attempt", "negative")},
    }


def counts(entries: Sequence[Entry], kind: str) -> dict[str, int]:
    """recorded; exits: half of the resistance was lost beyond the inner face; used_holes; whole: no hole
    in the recording."""
    chosen = [entry for entry in entries if entry["kind"] == kind]
    return {
        "recorded": len(chosen),
        "exits": sum(entry["truth"]["exit_half_s"] is not None for entry in chosen),
        "used_holes": sum(entry["truth"]["used_hole"] for entry in chosen),
        "whole": sum(entry["recording"]["integrity"] in ("complete", "repaired") for entry in chosen),
    }


def _print(console: Console, run: CohortRun, entries: Sequence[Entry]) -> None:
    table = Table(box=HORIZONTALS, padding=(0, 1, 0, 0))
    table.add_column("kind")
    for head in ("recorded", "with an exit", "used holes", "complete"):
        table.add_column(head, justify="right")
    for kind in ("attempt", "negative"):
        table.add_row(kind, *map(str, counts(entries, kind).values()))
    console.print(table)
    console.print(f"plan {run.plan.name}, seed {run.plan.seed}, {run.rate_hz:g} samples a second")
    console.print(f"truth: {run.folder / TRUTH_FILE}", soft_wrap=True)
