"""`popsense demo`: the main job on the simulated bone, without hardware."""

import json
import reprlib
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from popsense.attempts.page import report_page
from popsense.attempts.simulated import DEMO_OPERATORS, SimulatedAttempt, as_json, run_many
from popsense.cli import paths
from popsense.cli.output import terminal, write_page
from popsense.cli.serve import serve_folder
from popsense.cli.tables import print_score
from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.reports import IndexEntry, index_report
from popsense.reports.decision import calibration_text
from popsense.reports.integrity_wording import integrity_text
from popsense.settings import load_settings
from popsense.twin.transport import parse_seed

MOST_SEEDS = 10_000  # what is made of them is held in memory
NOT_VALIDITY = (
    "Simulated operators check this software. "
    "That it tells them apart is no evidence that its scores are valid."
)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit when done, without serving the reports.")
    ] = False,
    as_one_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    seeds: Annotated[str, typer.Option(help="One seed, or a range A..B, both included.")] = "1",
    out: Annotated[
        Path | None,
        typer.Option(parser=paths.path, help="Folder for recordings and reports; default: a new one."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Attempts computed at the same time.", min=1)] = 2,
) -> None:
    """Runs every simulated operator once per seed, in assessment mode, and shows score and trace."""
    chosen = [(operator, seed) for seed in _seeds(seeds) for operator in DEMO_OPERATORS]
    if as_one_json:
        with tempfile.TemporaryDirectory(prefix="popsense-demo-") as scratch:
            attempts = run_many(ADULT_PROXIMAL_TIBIA, chosen, out or Path(scratch), load_settings(), jobs)
            result = {"note": NOT_VALIDITY, "attempts": [as_json(attempt) for attempt in attempts]}
        typer.echo(json.dumps(result, indent=2))
        return
    folder = out or Path("popsense-demo") / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    console = terminal()
    attempts = _with_progress(console, chosen, folder, jobs)
    index = write_reports(folder, attempts)  # before the terminal, which may be a pipe that closes
    for attempt in attempts:
        print_score(console, f"{attempt.operator}, seed {attempt.seed}", attempt.evaluation)
    console.print(NOT_VALIDITY)
    console.print(f"report: {index}", soft_wrap=True)
    if not once:
        serve_folder(folder, console)


def write_reports(folder: Path, attempts: list[SimulatedAttempt]) -> Path:
    """A page per attempt and an overview; returns the overview's path."""
    entries: list[IndexEntry] = []
    for attempt in attempts:
        name = f"{attempt.operator}-{attempt.seed:04d}.html"
        write_page(folder / name, report_page(attempt.evaluation))
        evaluation = attempt.evaluation
        entries.append(
            IndexEntry(
                title=f"{evaluation.site.title}, {attempt.operator}, seed {attempt.seed}",
                operator=attempt.operator,
                mode=evaluation.mode,
                score=evaluation.score,
                recording=integrity_text(evaluation.decoded.integrity, evaluation.trace),
                href=name,
                calibration=calibration_text(evaluation.trace),
            )
        )
    write_page(folder / "index.html", index_report(entries, "Simulated attempts"))
    return folder / "index.html"


def _with_progress(
    console: Console, chosen: list[tuple[str, int]], folder: Path, jobs: int
) -> list[SimulatedAttempt]:
    attempts: list[SimulatedAttempt] = []
    with Progress(console=console) as progress:
        task = progress.add_task("attempts", total=len(chosen))
        with closing(run_many(ADULT_PROXIMAL_TIBIA, chosen, folder, load_settings(), jobs)) as finished:
            for attempt in finished:
                attempts.append(attempt)
                progress.advance(task)
    return attempts


def _seeds(text: str) -> range:
    first, dots, last = text.partition("..")
    if not first.isdecimal() or (dots and not last.isdecimal()):
        raise _no_range(text)
    start, end = parse_seed(first), parse_seed(last or first)
    if end < start:
        raise _no_range(text)
    if end - start >= MOST_SEEDS:
        raise UsageError(
            f"--seeds {text} asks for {end - start + 1:,} seeds; at most {MOST_SEEDS:,} go into one run",
            "Ask for fewer.",
        )
    return range(start, end + 1)


def _no_range(text: str) -> UsageError:
    return UsageError(
        f"--seeds {reprlib.repr(text)} is no range", "Use for instance --seeds 7 or --seeds 0..19."
    )
