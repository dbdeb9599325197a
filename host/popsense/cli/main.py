"""The command `popsense`. One command, one function call; a deliberate error is one line and exit code 2."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from popsense.cli.bringup import bringup
from popsense.cli.calibrate import calibrate
from popsense.cli.check import check
from popsense.cli.demo import demo
from popsense.cli.detect import detect
from popsense.cli.devices import devices
from popsense.cli.doctor import doctor
from popsense.cli.flash import flash
from popsense.cli.output import AnswerRefusedError, answering, forget
from popsense.cli.record import record
from popsense.cli.report import report
from popsense.cli.salvage import salvage
from popsense.cli.score import score
from popsense.cli.twin import twin
from popsense.errors import PopsenseError

app = typer.Typer(
    name="popsense",
    help="Records, scores and shows intraosseous insertion technique. TRAINING ONLY.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, record, score, report, detect, salvage, devices, doctor, check, bringup, flash):
    app.command()(command)
app.add_typer(twin)
app.add_typer(calibrate)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"popsense {version('popsense')}")
        raise typer.Exit


@app.callback()
def popsense(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Records, scores and shows intraosseous insertion technique. TRAINING ONLY."""


def run() -> None:
    """Entry point."""
    try:
        with answering():
            app()
    except PopsenseError as error:
        if not (isinstance(error, AnswerRefusedError) and error.reader_left):
            _complain(error)
        sys.exit(2)


def _complain(error: PopsenseError) -> None:
    try:
        typer.echo(" ".join(f"popsense: {error}. {error.remedy}".split()), err=True)
    except OSError:  # nobody can be told; the exit code tells
        forget(sys.stderr)


if __name__ == "__main__":
    run()
