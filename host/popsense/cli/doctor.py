"""`popsense doctor`."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from popsense.cli.output import terminal
from popsense.settings import load_settings
from popsense.technician.checks import Check
from popsense.technician.doctor import examine
from popsense.technician.system import System

STYLES = {"ok": "green", "failed": "bold red", "not applicable": "dim"}
SOMETHING_FAILED = 1  # exit code


def doctor(
    port: Annotated[
        str | None,
        typer.Argument(
            help="Only this port: /dev/ttyACM0, COM5, socket://HOST:PORT, sim://SITE. Default: all boards."
        ),
    ] = None,
    as_one_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Looks for what may be wrong in the first hour, and says what to do about it.

    The installation, the boards on USB, then each board's port, its faults and its calibrations (without the
    self-test of popsense check). A port is listened to for 3 s; if it stays silent, and is MicroPython's by
    its USB id or was named, doctor sends one carriage return to see a prompt.

    Exit code: 0 if nothing failed, 1 if something did. JSON: {"failed": how many, "checks": [{name, outcome,
    seen, remedy, subject}]}; outcome: ok, failed or not applicable; remedy: lines; subject: the port or "".
    """
    checks = examine(port, load_settings().recordings, System())
    failures = [check for check in checks if check.outcome == "failed"]
    if as_one_json:
        typer.echo(
            json.dumps({"failed": len(failures), "checks": [one.as_json() for one in checks]}, indent=2)
        )
    else:
        _print(terminal(), checks, failures)
    if failures:
        raise typer.Exit(SOMETHING_FAILED)


def _print(console: Console, checks: Sequence[Check], failures: Sequence[Check]) -> None:
    width = max(len(check.title) for check in checks)
    for check in checks:
        console.print(f"{check.outcome:<14}  ", style=STYLES[check.outcome], end="", soft_wrap=True)
        console.print(f"{check.title:<{width}}  {check.seen}", soft_wrap=True)
    if not failures:
        console.print("\nNothing failed.")
    for check in failures:
        console.print(f"\n{check.title}: {check.seen}", style="bold", soft_wrap=True)
        for line in check.remedy:
            console.print(f"    {line}", soft_wrap=True)
