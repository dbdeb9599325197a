"""`popsense salvage`: finishes what a crash has left in a folder of recordings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from popsense.cli import paths
from popsense.cli.output import terminal
from popsense.errors import UsageError
from popsense.recording.salvage import Done, Salvaged
from popsense.recording.salvage import salvage as salvage_folder
from popsense.settings import load_settings

WORDS: dict[Done, str] = {
    "left": "left as it is",
    "unreadable": "left as it is",
    "empty": "left as it is",
    "in use": "in use",
}
SOMETHING_LEFT = 1  # exit code: it can be finished later


def salvage(
    folder: Annotated[
        Path | None,
        typer.Argument(parser=paths.path, help="Folder of recordings; default: the one of the settings."),
    ] = None,
) -> None:
    """Closes every recording that a crash has left open. Safe at any time: live ones are not touched.

    Exit code: 0 if nothing is left to do, 1 if something was left that can be finished later (the disk is
    full, a name is taken, a right is missing).
    """
    where = folder or load_settings().recordings
    found = salvage_folder(where)
    if not found and not where.is_dir():
        if folder is not None:
            raise UsageError(f"{folder} is no folder", "Name the folder with the recordings.")
        typer.echo(f"nothing to do: there is no folder {where}")
        return
    _print(terminal(), where, found)
    if any(entry.done == "left" for entry in found):
        raise typer.Exit(SOMETHING_LEFT)


def tell_salvaged(console: Console, found: Sequence[Salvaged]) -> None:
    """A line for what became a recording, and for what the user has to see to."""
    for entry in found:
        if entry.done == "closed":
            console.print(f"salvaged: {entry.path}", soft_wrap=True)
        elif entry.done == "left":
            console.print(f"{WORDS[entry.done]}: {entry.reason}", soft_wrap=True)


def _print(console: Console, where: Path, found: Sequence[Salvaged]) -> None:
    tell_salvaged(console, found)
    for entry in found:
        if entry.done in WORDS and entry.done != "left":
            console.print(f"{WORDS[entry.done]}: {entry.reason}", soft_wrap=True)
    if all(entry.done in ("in use", "empty", "unreadable") for entry in found):
        console.print(f"nothing to do in {where}", soft_wrap=True)
