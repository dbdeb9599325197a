"""`popsense salvage`: finishes what a crash has left in a folder of recordings."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from popsense.cli.output import terminal
from popsense.errors import UsageError
from popsense.recording.salvage import Salvaged
from popsense.recording.salvage import salvage as salvage_folder
from popsense.settings import load_settings


def salvage(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of recordings; default: the one of the settings.")
    ] = None,
) -> None:
    """Closes every recording that a crash has left open. Safe at any time: live ones are not touched."""
    where = folder or load_settings().recordings
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "Name the folder with the recordings.")
    if not print_salvaged(terminal(), where):
        typer.echo(f"nothing to do in {where}")


def print_salvaged(console: Console, folder: Path) -> list[Salvaged]:
    """Salvages, and says in one line each what was done; nothing where nothing was left."""
    done = salvage_folder(folder)
    for entry in done:
        if entry.done == "closed":
            console.print(f"salvaged: {entry.path}", soft_wrap=True)
        elif entry.done == "left":
            console.print(f"left as it is: {entry.reason}", soft_wrap=True)
    return done
