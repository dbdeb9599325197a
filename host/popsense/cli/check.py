"""`popsense check`."""

import json
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from popsense.cli.output import terminal
from popsense.link.transport import Transport
from popsense.technician.check import Technician, check_board, nobody
from popsense.technician.check_line import CheckLine
from popsense.technician.one_port import one_port
from popsense.technician.ports import Port
from popsense.technician.system import System

STYLES = {"pass": "green", "fail": "bold red", "skipped": "dim"}
SOMETHING_FAILED = 1  # exit code
NAME_COLUMNS = 32  # of 80; a longer name pushes its figure to the right


def check(
    port: Annotated[
        str | None,
        typer.Option(help="/dev/ttyACM0, COM5, socket://HOST:PORT, sim://SITE. Default: the only board."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what needs nobody's hand: about 12 s.")
    ] = False,
    mass: Annotated[
        float | None, typer.Option(min=0.1, max=40.0, help="The known mass at hand, kg; none: not checked.")
    ] = None,
    as_one_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; asks nothing, as --quick.")
    ] = False,
) -> None:
    """Says before a session whether a board can be trusted: pass or fail, line by line, and what to do.

    Faults by the board's self-test, calibrations, then 10 s of samples of the untouched bone: rate, losses,
    range, noise, drift, saturation. Then it asks for a closed chamber under pressure (leak-down) and, with
    --mass, for that mass on the needle's axis (20 s); each can be skipped.

    Exit code: 0 if no line failed, 1 if one did; 2 if the board could not be spoken to. JSON: {"port",
    "failed": how many, "lines": [{name, outcome, seen, figure, unit, limit, remedy}]}; outcome: pass, fail or
    skipped; limit: {low, high, source} in the figure's unit, or null; figure: a number or null.
    """
    system = System()
    chosen = one_port(port, system.ports(), "check")
    console = terminal()
    technician = _technician(console, mass, quick or as_one_json)
    today = datetime.now(UTC).date()
    with _opened(system, chosen) as transport:
        lines = check_board(transport, technician, today)
        seen = list(lines) if as_one_json else _printed(console, chosen, lines)
    failures = [line for line in seen if line.outcome == "fail"]
    if as_one_json:
        listed = [line.as_json() for line in seen]
        typer.echo(json.dumps({"port": chosen.name, "failed": len(failures), "lines": listed}, indent=2))
    else:
        _print_remedies(console, failures)
    if failures:
        raise typer.Exit(SOMETHING_FAILED)


@contextmanager
def _opened(system: System, port: Port) -> Generator[Transport]:
    transport = system.open_url(port.address)
    try:
        yield transport
    finally:
        transport.close()


def _technician(console: Console, mass: float | None, quick: bool) -> Technician:
    if quick:
        return nobody("it needs a hand, and --quick asks for none")
    if not sys.stdin.isatty():
        return nobody("it needs a hand, and nobody is at the keyboard")
    return Technician(lambda request: _asked(console, request), mass)


def _asked(console: Console, request: str) -> bool:
    """Waits for Enter; s (or the end of the input) skips."""
    console.print(f"\n{request}", style="bold")
    try:
        answer = console.input("Enter when done, s and Enter to skip: ")
    except EOFError:
        return False
    return not answer.strip().lower().startswith("s")


def _printed(console: Console, port: Port, lines: Iterable[CheckLine]) -> list[CheckLine]:
    """Each as soon as it is known: a check takes half a minute."""
    console.print(f"Checking {port.name}: leave the bone alone for 12 s.", soft_wrap=True)
    seen: list[CheckLine] = []
    for line in lines:
        seen.append(line)
        limit = f"  ({line.limit_text})" if line.limit_text else ""
        text = Text.assemble(
            (f"{line.outcome:<8}", STYLES[line.outcome]),
            f"{line.name:<{NAME_COLUMNS}} {line.seen}",
            (limit, "dim"),
        )
        console.print(text, soft_wrap=True)
    return seen


def _print_remedies(console: Console, failures: list[CheckLine]) -> None:
    if not failures:
        console.print("\nNothing failed.")
    for line in failures:
        console.print(f"\n{line.name}: {line.seen}", style="bold", soft_wrap=True)
        console.print(f"    {line.remedy}", soft_wrap=True)
        if line.limit is not None:
            console.print(f"    Limit: {line.limit_text}; {line.limit.source}.", style="dim", soft_wrap=True)
