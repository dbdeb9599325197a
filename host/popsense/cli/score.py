"""`popsense score FILE`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from popsense.attempts.evaluate import evaluate
from popsense.attempts.summary import summary
from popsense.cli import paths
from popsense.cli.output import terminal
from popsense.cli.tables import print_score
from popsense.scoring import load_rubric

RecordingFile = Annotated[
    Path,
    typer.Argument(parser=paths.path, help="A recording (*.parquet, or a *.journal that was not closed)."),
]
RubricFile = Annotated[
    Path | None, typer.Option(parser=paths.path, help="Rubric (TOML); default: the site's own.")
]


def score(
    file: RecordingFile,
    rubric: RubricFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Scores a recording and prints the arithmetic."""
    evaluation = evaluate(file, load_rubric(rubric) if rubric else None)
    if as_json:
        typer.echo(json.dumps(summary(evaluation), indent=2))
    else:
        print_score(terminal(), file.name, evaluation)
