"""The score in the terminal: the same texts as in the report, laid out for its width."""

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from popsense.attempts.evaluate import Evaluation, detail_of, outcome_of
from popsense.reports.decision import REPEAT, decision_text
from popsense.reports.integrity_wording import integrity_text, missing_lines
from popsense.scoring import ScoreRow, score_table, sum_text

SOURCES_FROM_COLUMNS = 110  # a narrower terminal has no room for them; the report always has


def print_score(console: Console, title: str, evaluation: Evaluation) -> None:
    """The table with its arithmetic, advice, critical errors, how the attempt ended, the decision."""
    score, rows, ended = evaluation.score, score_table(evaluation.score), how_it_ended(evaluation)
    console.print(f"\n{title}", style="bold")
    console.print(_table(rows, with_sources=console.width >= SOURCES_FROM_COLUMNS))
    console.print(f"sum: {sum_text(score)}")
    console.print(f"rubric {score.rubric} {score.rubric_version}, {evaluation.calibration.label}")
    for row in rows:
        if row.advice:
            console.print(f"advice: {row.item}: {row.advice}")
    for error in score.critical_errors:
        console.print(f"critical: {error.title} ({error.code}). {error.advice}", style="red")
    print_ending(console, evaluation)
    if score.passed is None:
        console.print(decision_text(score, evaluation.analysis, evaluation.trace), style="yellow")
    if score.withheld:
        console.print(REPEAT, style="yellow")
    decision = "score withheld" if score.withheld else score.decision
    words = f"{decision} ({ended})" if ended else decision
    doubted = ", uncalibrated" if evaluation.trace.uncalibrated_because else ""  # why: with the rubric
    console.print(f"{words}{doubted}", style="bold", end="   ")
    console.print(f"recording: {integrity_text(evaluation.decoded.integrity, evaluation.trace)}")
    for line in missing_lines(evaluation.trace):
        console.print(f"  {line}")
    console.print()


def print_ending(console: Console, evaluation: Evaluation) -> None:
    """A line where the attempt did not end with the needle's removal."""
    ended, detail = how_it_ended(evaluation), detail_of(evaluation.recording)
    if ended:
        console.print(f"ended: {ended}{f' ({detail})' if detail else ''}")


def how_it_ended(evaluation: Evaluation) -> str:
    """Such as "timed out" or "cut off"; empty where the needle was removed, as it should be."""
    outcome = outcome_of(evaluation.recording)
    return "" if outcome == "removed" else outcome.replace("_", " ")


def _table(rows: list[ScoreRow], with_sources: bool) -> Table:
    """Item, measured, points with their rule; the source up to its first semicolon."""
    table = Table(box=HORIZONTALS)
    table.add_column("item")
    table.add_column("measured")
    table.add_column("points", no_wrap=True)  # an arithmetic in two lines is hard to follow
    if with_sources:
        table.add_column("source")
    for row in rows:
        table.add_row(row.item, row.measured, row.points, *[row.source.partition(";")[0]] * with_sources)
    return table
