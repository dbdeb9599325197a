"""`popsense flash`."""

import json
import time
from typing import Annotated

import typer
from rich.console import Console

from popsense.cli.output import terminal
from popsense.errors import UsageError
from popsense.technician.flash.install import Done, Flasher, port_to_flash
from popsense.technician.flash.release import Release, read_release
from popsense.technician.ports import Port
from popsense.technician.system import System
from popsense.twin.firmware_files import firmware_root

DIFFERENT = 1  # exit code


def flash(
    port: Annotated[
        str | None,
        typer.Option(
            help="The board's port: /dev/ttyACM0, COM5, socket://HOST:PORT. Default: the only board."
        ),
    ] = None,
    source: Annotated[
        bool, typer.Option("--source", help="Copy the Python sources, not compiled modules.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare what is on the board with what would be copied.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Put the former firmware back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_one_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; asks nothing.")] = False,
) -> None:
    """Copies this release's firmware onto a board with MicroPython; its calibration stays as it is.

    A running firmware is asked to leave, unless it samples. The files go into a folder of their own, are
    compared by hash, and change places with the former ones, which --rollback puts back. If it is
    interrupted, run it again: it finishes, or puts back what was there. --check starts the board anew, too.

    Exit code: 0; with --check 1 if a file differs; 2 if it failed. JSON: {port, address, action,
    version_before, version_after, files: [{path, state}], duration_s}. action: copied, already there, rolled
    back or compared. A version is null where none is known. state, against this release's: same, different,
    missing or extra.
    """
    if check and rollback:
        raise UsageError("--check and --rollback do not go together", "Choose one.")
    release = read_release(firmware_root(), source)
    system = System()
    chosen = port_to_flash(port, system.ports())
    if not (check or yes or as_one_json):
        typer.confirm(_question(chosen, release, rollback), abort=True, err=True)
    console = terminal()
    flasher = Flasher(
        chosen,
        system.open_url,
        lambda text: None if as_one_json else console.print(f"{text} ...", soft_wrap=True),
    )
    began = time.monotonic()
    done = (flasher.compare if check else flasher.roll_back if rollback else flasher.copy)(release)
    seconds = round(time.monotonic() - began, 1)
    if as_one_json:
        typer.echo(json.dumps(done.as_json() | {"duration_s": seconds}, indent=2))
    else:
        _print(console, done, seconds)
    if check and done.differs:
        raise typer.Exit(DIFFERENT)


def _question(port: Port, release: Release, rollback: bool) -> str:
    what = "Put the former firmware back" if rollback else f"Copy firmware {release.version}"
    return f"{what} on {port.name}? What runs there is stopped."


def _print(console: Console, done: Done, seconds: float) -> None:
    if done.action == "compared":
        for file in done.files:
            console.print(f"{file.state:<10} {file.path}", soft_wrap=True)
        verdict = "differs from" if done.differs else "is"
        console.print(f"The firmware on {done.port.name} {verdict} this release's.", soft_wrap=True)
        return
    versions = f"{done.version_before or 'none'} -> {done.version_after or 'unknown'}"
    console.print(
        f"{done.port.name}: firmware {versions}, {done.action}; {len(done.files)} files, {seconds:,.1f} s",
        soft_wrap=True,
    )
