"""`popsense devices`."""

import json
from typing import Annotated

import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from popsense.cli.output import terminal
from popsense.technician.discovery import Found, find_boards
from popsense.technician.ports import ports_to_ask
from popsense.technician.system import System

NONE_FOUND = "No board found. Plug one in, or name its port: popsense devices PORT. Why: popsense doctor."
USB_FROM_COLUMNS = 100  # a narrower terminal has no room for the ids; the JSON always has


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

    JSON: {"devices": [{port, address, usb_id, usb_serial_number, product, status, board, problem}]}.
    status: idle, sampling, held by another program, no permission, no such port, cannot be opened,
    no popsense board, another protocol, lost. board: {firmware_version, board_id, boot_id, calibration_id
    (0: none), interpreter, sample_rate_hz (0: no force sensor)} or null. problem: {message, remedy} or null.
    """
    system = System()
    found = find_boards(ports_to_ask(port or [], system.ports()), system.open_url)
    if as_one_json:
        typer.echo(json.dumps({"devices": [one.as_json() for one in found]}, indent=2))
    else:
        _print(terminal(), found)


def _print(console: Console, found: list[Found]) -> None:
    if not found:
        console.print(NONE_FOUND, soft_wrap=True)
        return
    console.print(_table(found, with_usb=console.width >= USB_FROM_COLUMNS))
    for one in found:
        if one.problem is not None:
            console.print(f"{one.port.name}: {one.problem}. {one.problem.remedy}", soft_wrap=True)


def _table(found: list[Found], with_usb: bool) -> Table:
    table = Table(box=HORIZONTALS, padding=(0, 1, 0, 0))
    table.add_column("port", overflow="fold", min_width=12)
    table.add_column("status", min_width=8)
    for title in ("firmware", "board", "calibration", "samples/s", *["USB"] * with_usb):
        table.add_column(title, no_wrap=True)
    for one in found:
        table.add_row(one.port.name, one.status, *_said(one), *[one.port.usb_id] * with_usb)
    return table


def _said(one: Found) -> tuple[str, str, str, str]:
    """Firmware, board, calibration, rate."""
    if one.hello is None:
        return "", "", "", ""
    calibration = str(one.hello.calibration_id) if one.hello.calibration_id else "none"
    rate = f"{one.hello.sample_rate_hz:,.1f}" if one.hello.sample_rate_hz else "no sensor"
    return one.hello.firmware_version, one.hello.board_id, calibration, rate
