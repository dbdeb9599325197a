"""`popsense check`."""

import json
import re
import sys
import textwrap
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, TextIO, cast

import typer
from rich.console import Console
from rich.text import Text

from popsense.cli.output import terminal
from popsense.errors import UsageError
from popsense.link.transport import Transport
from popsense.technician.check import Technician, check_board, nobody
from popsense.technician.check_line import CheckLine, for_port
from popsense.technician.hands_on_lines import LEAST_MASS_KG, MOST_MASS_KG
from popsense.technician.one_port import one_port
from popsense.technician.ports import Port
from popsense.technician.remedies import quoted
from popsense.technician.system import System

STYLES = {"pass": "green", "fail": "bold red", "skipped": "dim"}
SOMETHING_FAILED = 1  # exit code
OUTCOME_COLUMNS = 8
NAME_COLUMNS = 32
SEEN_COLUMN = OUTCOME_COLUMNS + NAME_COLUMNS + 1
MOST_COLUMNS = 110  # longer lines are hard to read
COMMAND = re.compile(r"popsense(?: [\w-]+)+(?: --port (?:\"[^\"]*\"|[^\s.;,]+))?")


def check(
    port: Annotated[
        str | None,
        typer.Option(help="/dev/ttyACM0, COM5, socket://HOST:PORT, sim://SITE. Default: the only board."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what needs nobody's hand: about 12 s.")
    ] = False,
    mass: Annotated[
        float | None, typer.Option(help="The known mass at hand, 1 to 40 kg; none: not checked.")
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
    _refuse_mass(mass)
    system = System()
    chosen = one_port(port, system.ports(), "check")
    _refuse_recording(chosen)
    console = terminal()
    technician = _technician(console, mass, quick or as_one_json)
    today = datetime.now(UTC).date()
    with _opened(system, chosen) as transport:
        name = quoted(chosen.name)
        lines = (for_port(line, name) for line in check_board(transport, technician, today))
        seen = list(lines) if as_one_json else _printed(console, chosen, lines)
    failures = [line for line in seen if line.outcome == "fail"]
    if as_one_json:
        listed = [line.as_json() for line in seen]
        typer.echo(json.dumps({"port": chosen.name, "failed": len(failures), "lines": listed}, indent=2))
    else:
        _print_remedies(console, failures)
    if failures:
        raise typer.Exit(SOMETHING_FAILED)


def _refuse_mass(mass: float | None) -> None:
    if mass is not None and not LEAST_MASS_KG <= mass <= MOST_MASS_KG:
        raise UsageError(
            f"{mass:g} kg is no mass to check with", f"Use one of {LEAST_MASS_KG:g} to {MOST_MASS_KG:g} kg."
        )


def _refuse_recording(port: Port) -> None:
    if port.address.startswith("replay://"):
        raise UsageError(
            f"{port.name} is a recording, which has no sensors to check",
            "Name a board's port; popsense report shows what a recording holds.",
        )


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
    stdin = cast(TextIO | None, sys.stdin)
    if stdin is None or not stdin.isatty():
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
        _print_line(console, line)
    return seen


def _print_line(console: Console, line: CheckLine) -> None:
    """In one row where it fits; else the limit below the figure, or a long text below the name."""
    width = min(console.width, MOST_COLUMNS)
    head = Text.assemble((f"{line.outcome:<{OUTCOME_COLUMNS}}", STYLES[line.outcome]), line.name)
    room = width - SEEN_COLUMN
    if len(line.name) > NAME_COLUMNS or len(line.seen) > room:
        console.print(head, soft_wrap=True)
        _print_wrapped(console, line.seen, OUTCOME_COLUMNS)
        if line.limit_text:
            _print_wrapped(console, f"({line.limit_text})", OUTCOME_COLUMNS, "dim")
        return
    head.pad_right(SEEN_COLUMN - len(head.plain))
    head.append(line.seen)
    limit = f"({line.limit_text})" if line.limit_text else ""
    fits = len(line.seen) + 2 + len(limit) <= room
    if limit and fits:
        head.append(f"  {limit}", "dim")
    console.print(head, soft_wrap=True)
    if limit and not fits:
        _print_wrapped(console, limit, SEEN_COLUMN, "dim")


def _print_wrapped(console: Console, text: str, indent: int, style: str = "") -> None:
    """Between words; a command stays in one piece, to be copied."""
    whole = COMMAND.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    width = max(20, min(console.width, MOST_COLUMNS) - indent)
    for row in textwrap.wrap(whole, width, break_long_words=False, break_on_hyphens=False):
        plain = row.replace("\N{NO-BREAK SPACE}", " ")
        console.print(f"{' ' * indent}{plain}", style=style, soft_wrap=True)


def _print_remedies(console: Console, failures: list[CheckLine]) -> None:
    if not failures:
        console.print("\nNothing failed.")
    for line in failures:
        console.print()
        _print_wrapped(console, f"{line.name}: {line.seen}", 0, "bold")
        _print_wrapped(console, line.remedy, 4)
        if line.limit is not None:
            _print_wrapped(console, f"Limit: {line.limit.text()}; {line.limit.source}.", 4, "dim")
