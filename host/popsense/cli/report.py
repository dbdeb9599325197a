"""`popsense report FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from popsense.attempts.evaluate import evaluate
from popsense.attempts.page import report_page
from popsense.cli import paths
from popsense.cli.output import write_page
from popsense.cli.score import RecordingFile, RubricFile
from popsense.scoring import load_rubric


def report(
    file: RecordingFile,
    out: Annotated[
        Path | None,
        typer.Option(parser=paths.path, help="HTML file to write; default: beside the recording."),
    ] = None,
    rubric: RubricFile = None,
) -> None:
    """Writes the report of a recording as one self-contained HTML file."""
    page = report_page(evaluate(file, load_rubric(rubric) if rubric else None))
    target = out or file.with_suffix(".html")
    write_page(target, page)
    typer.echo(target)
