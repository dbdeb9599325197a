"""`popsense devices`."""

import json
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from popsense.cli.output import terminal
from popsense.link.fault_wording import wording_of
from popsense.technician.discovery import NO_FORCE_SAMPLES, Found, find_boards
from popsense.technician.ports import ports_to_ask
from popsense.technician.system import System

NONE_FOUND = "No board found. Plug one in, or name its port: popsense devices PORT. Why: popsense doctor."
REMEDY_NO_SAMPLES = "Check the cable between board and force converter, then plug the board in again."
WIDE_FROM_COLUMNS = 110  # a narrower terminal has no room for rate and ids; the JSON always has


def devices(
    port: Annotated[
        list[str] | None,
        typer.Argument(help="Ports to ask too: /dev/ttyACM0, COM5, socket://HOST:PORT, sim://SITE."),
    ] = None,
    as_one_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Lists the boards on this computer, and what each says of itself.

    Every port with the USB id of a Raspberry Pi Pico is asked, all at the same time, for up to 3 s.
    One port's problem is its own line; the exit code is 0, also where there is no board.

    calibration: the day until which all fitted sensors are calibrated. health: ok, the board's faults, or no
    samples of the force; no self-test is done, so a board that samples is not disturbed.

    JSON: {"devices": [{port, address, usb_id, usb_serial_number, product, status, board, calibration, health,
    problem}]}.
    status: idle, sampling, held by another program, no permission, no such port, cannot be opened,
    no popsense board, another protocol, lost. board: {firmware_version, board_id, boot_id, calibration_id
    (0: none), interpreter, sample_rate_hz (0: no force sensor), sampling_costs (sentences: what a slow force
    converter costs)} or null. calibration: {force, depth, pressure: {id, state (calibrated, expired, dated
    ahead, missing), made, valid_until (days, or null)}} or null where the board does not tell. health: {ok,
    faults: [{code, title}], problem ("no force samples" or null)} or null. problem: {message, remedy} or
    null.
    """
    system = System()
    found = find_boards(ports_to_ask(port or [], system.ports()), system.open_url)
    today = datetime.now(UTC).date()
    if as_one_json:
        typer.echo(json.dumps({"devices": [one.as_json(today) for one in found]}, indent=2))
    else:
        _print(terminal(), found, today)


def _print(console: Console, found: list[Found], today: date) -> None:
    if not found:
        console.print(NONE_FOUND, soft_wrap=True)
        return
    console.print(_table(found, today, wide=console.width >= WIDE_FROM_COLUMNS))
    for one in found:
        if one.problem is not None:
            console.print(f"{one.port.name}: {one.problem}. {one.problem.remedy}", soft_wrap=True)
        for sentence in one.sampling_costs:
            console.print(f"{one.port.name}: {sentence}", soft_wrap=True)
        if one.no_force_samples:
            console.print(f"{one.port.name}: {NO_FORCE_SAMPLES}. {REMEDY_NO_SAMPLES}", soft_wrap=True)
        for name in one.faults or ():
            words = wording_of(name)
            console.print(f"{one.port.name}: {words.told()} {words.remedy}", soft_wrap=True)


def _table(found: list[Found], today: date, wide: bool) -> Table:
    table = Table(box=HORIZONTALS, padding=(0, 1, 0, 0))
    table.add_column("port", overflow="fold", min_width=12)
    table.add_column("status", min_width=8)
    for title in ("firmware", "board", "calibration", "health", *["samples/s", "USB"] * wide):
        table.add_column(title, no_wrap=True)
    for one in found:
        table.add_row(one.port.name, one.status, *_said(one, today), *[_rate(one), one.port.usb_id] * wide)
    return table


def _said(one: Found, today: date) -> tuple[str, str, str, str]:
    """Firmware, board, calibration, health; the faults themselves are lines below the table."""
    if one.hello is None:
        return "", "", "", ""
    return one.hello.firmware_version, one.hello.board_id, one.calibration(today), _health(one)


def _health(one: Found) -> str:
    if one.no_force_samples and not one.faults:
        return "no samples"
    if one.faults is None:
        return "unknown"
    count = len(one.faults)
    return f"{count} fault{'s' * (count > 1)}" if count else "ok"


def _rate(one: Found) -> str:
    if one.hello is None:
        return ""
    return f"{one.hello.sample_rate_hz:,.1f}" if one.hello.sample_rate_hz else "no sensor"
