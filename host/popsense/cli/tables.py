"""Score and metrics as terminal tables."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from popsense.attempts.evaluate import Evaluation


def print_score(console: Console, title: str, evaluation: Evaluation) -> None:
    """The table with its arithmetic, critical errors, advice."""
    score = evaluation.score
    table = Table(
        title=escape(title), title_justify="left", caption=_arithmetic(evaluation), caption_justify="left"
    )
    for column, justify in (("item", "left"), ("measured", "right"), ("points", "right"), ("source", "left")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    for line in score.lines:
        earned = "not assessed" if line.earned is None else f"{line.earned:g} / {line.possible:g}"
        table.add_row(
            escape(line.title), escape(line.measured), earned, escape(line.source.partition(";")[0])
        )  # whole in the report
    console.print(table)
    for error in score.critical_errors:
        console.print(f"[bold red]critical:[/] {escape(error.title)} ({error.code}). {escape(error.advice)}")
    console.print(f"[bold]{escape(score.decision)}[/]   integrity: {evaluation.decoded.integrity}\n")


def _arithmetic(evaluation: Evaluation) -> str:
    score = evaluation.score
    percent = "no percentage" if score.percent is None else f"{score.percent:.1f} %"
    return (
        f"{score.earned:g} points earned / {score.assessable:g} assessable / {score.possible:g} possible"
        f" = {percent}\nrubric {score.rubric} {score.rubric_version}, {evaluation.calibration.label}"
    )
