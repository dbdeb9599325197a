"""`popsense bringup`."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from popsense.cli import paths
from popsense.cli.output import terminal, write_page
from popsense.errors import UsageError
from popsense.recording.disk_errors import writing
from popsense.reports.bringup_page import BringUpReport, FigureRow, bringup_page, shown
from popsense.technician.bringup import (
    BringUp,
    Figure,
    Helper,
    board_figures,
    link_figures,
    report,
)
from popsense.technician.bringup_board import at_prompt
from popsense.technician.measured import HEADING, read_measured
from popsense.technician.one_port import one_port
from popsense.technician.ports import Port
from popsense.technician.system import System
from popsense.twin.firmware_files import firmware_root

TITLE_COLUMNS = 52
TIMES = ("us", "ms", "%")
BOARD = {
    "board_id": "Board",
    "firmware_version": "Firmware",
    "interpreter": "Interpreter",
    "sample_rate_hz": "Samples/s, as it tells",
}
ABOUT = {"image": "image", "emulator": "emulator", "date": "of"}


def bringup(
    port: Annotated[
        str | None,
        typer.Option(help="/dev/ttyACM0, COM5, socket://HOST:PORT. Default: the only board."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            parser=paths.path, help="Report to write; a page of the same name .html is put beside it."
        ),
    ] = Path("bringup.json"),
) -> None:
    """Measures a new board for two minutes, and compares it with the figures of an emulated one.

    Rate, jitter through garbage collection, length of the interrupt, a host that does not read for 2 s,
    noise, wide codes of the on-chip converter (you are asked to move the follower). The firmware is left
    meanwhile and started again. Nothing is judged: that is what popsense check does.

    Report: {created, popsense, board, figures: [{name, title, value, unit, reason, emulated, ratio}],
    emulated: {about, problem, stale}}; value, emulated and ratio are null where they cannot be had.
    """
    if out.suffix == ".html":
        raise UsageError(f"{out} is the name of a page", "Name the report: --out bringup.json.")
    system = System()
    chosen = one_port(port, system.ports(), "bringup")
    if "://" in chosen.address and not chosen.address.startswith(("serial://", "socket://")):
        raise UsageError(
            f"{chosen.name} has no MicroPython prompt", "Name a serial port, or socket://HOST:PORT."
        )
    console = terminal()
    done = _measure(console, system, chosen)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(done.as_json(), indent=2) + "\n", encoding="utf-8")
    page = out.with_suffix(".html")
    write_page(page, bringup_page(to_page(done)))
    _print(console, done)
    console.print(f"\nreport: {out}\npage: {page}", soft_wrap=True)


def _measure(console: Console, system: System, port: Port) -> BringUp:
    firmware = firmware_root()
    console.print(f"Bringing up {port.name}: leave the bone alone until you are asked.", soft_wrap=True)
    transport = system.open_url(port.address)
    try:
        hello, figures = link_figures(transport)
    finally:
        transport.close()
    helper = Helper(lambda text: console.print(text, style="bold", soft_wrap=True), time.sleep)
    with at_prompt(port, system.open_url) as prompt:
        figures += board_figures(prompt, firmware, helper)
    return report(hello, figures, read_measured(firmware))


def to_page(done: BringUp) -> BringUpReport:
    """The report as the page's rows."""
    measured = done.measured
    return BringUpReport(
        created=done.created.replace("T", " ").replace("+00:00", " UTC"),
        board={title: str(done.board[name]) for name, title in BOARD.items()},
        rows=[_row(one) for one in done.figures],
        heading=HEADING,
        about={word: measured.about[name] for name, word in ABOUT.items() if name in measured.about},
        missing=measured.problem,
        stale=measured.stale,
    )


def _row(one: Figure) -> FigureRow:
    return FigureRow(one.title, one.unit, one.value, one.emulated, one.reason, one.unit in TIMES)


def _print(console: Console, done: BringUp) -> None:
    if done.measured.problem:
        console.print(f"Not compared: {done.measured.problem}.", soft_wrap=True)
    else:
        console.print(f"Beside: {HEADING}{'; stale' if done.measured.stale else ''}.", soft_wrap=True)
    for one in done.figures:
        value = f"{shown(one.value)} {one.unit}" if one.value is not None else f"not had: {one.reason}"
        emulated = "" if one.emulated is None else f"  ({shown(one.emulated)})"
        console.print(f"{one.title:<{TITLE_COLUMNS}} {value}{emulated}", soft_wrap=True)
