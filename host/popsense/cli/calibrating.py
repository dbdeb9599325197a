"""One guided calibration at the terminal: finds the board, asks, shows, writes, leaves a certificate."""

import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import typer
from rich.console import Console

from popsense.calibration.record import CalibrationRecord
from popsense.cli.output import terminal, write_page
from popsense.errors import CommandRefused, UsageError
from popsense.link.calibration import write_calibration
from popsense.link.hello import Hello
from popsense.link.session import Session
from popsense.model import SensorName
from popsense.settings import load_settings
from popsense.technician.calibrate import Calibrated, Calibrating, Desk, record_of
from popsense.technician.calibrate import calibrate as calibrate_sensor
from popsense.technician.certificate import Certificate, certificate_page, certificate_text
from popsense.technician.measuring import BoardSource
from popsense.technician.ports import ports_to_ask
from popsense.technician.references import (
    Reference,
)
from popsense.technician.system import System
from popsense_protocol.packets import PROTOCOL_VERSION

ENDED_BEFORE = 3  # exit code, as of `popsense record`
MOST_ID = 0xFFFFFFFF


@dataclass(frozen=True)
class Asked:
    """What the options of one calibration say."""

    sensor: SensorName
    references: tuple[Reference, ...]
    port: str | None
    by: str
    uncertainty: str
    uncertainty_value: float | None
    traceability: str
    temperature: str
    gravity: float | None
    cycles: int
    valid_days: int
    out: Path | None
    yes: bool


def run_calibration(asked: Asked) -> None:
    """Guides, shows, asks, writes, reads back, leaves a certificate."""
    console = terminal()
    with session_with(asked.port) as (session, hello):
        _refuse_unfitted(hello, asked.sensor)
        certificate = _guided(console, asked, session, hello)
        write_calibration(session, asked.sensor, certificate.record)
    console.print("Written to the board, and read back.")
    path = asked.out or load_settings().recordings / _page_name(certificate)
    write_page(path, certificate_page(certificate))
    console.print(f"certificate: {path}", soft_wrap=True)


def _guided(console: Console, asked: Asked, session: Session, hello: Hello) -> Certificate:
    """What shall be written; typer.Exit where the technician ends it."""
    desk = Desk(ask=lambda text: _wait(console, text), tell=lambda text: console.print(text, soft_wrap=True))
    nominal = hello.fields[asked.sensor].nano_units_per_count * 1e-9
    plan = Calibrating(asked.sensor, asked.references, nominal, cycles=asked.cycles)
    try:
        came = calibrate_sensor(plan, BoardSource(session), desk, asked.uncertainty_value)
        today = datetime.now(UTC).date()
        record = record_of(came.fit, 1 + secrets.randbelow(MOST_ID), today, asked.valid_days)
        certificate = _certificate(asked, hello, record, came)
        for line in certificate_text(certificate):
            console.print(line, soft_wrap=True)
        _refuse_without_leave(console, asked.yes)
    except KeyboardInterrupt:
        console.print("Ended by you: the board keeps the calibration that it had.")
        raise typer.Exit(ENDED_BEFORE) from None
    return certificate


def _page_name(certificate: Certificate) -> str:
    record = certificate.record
    return f"calibration-{certificate.board_id}-{record.sensor}-{record.day}-{record.id:08x}.html"


def _certificate(asked: Asked, hello: Hello, record: CalibrationRecord, came: Calibrated) -> Certificate:
    return Certificate(
        record=record,
        fit=came.fit,
        budget=came.budget,
        readings=came.readings,
        references=[reference.text for reference in asked.references],
        board_id=hello.board_id,
        technician=asked.by,
        reference_uncertainty=asked.uncertainty,
        traceability=asked.traceability,
        temperature=asked.temperature,
        gravity=asked.gravity,
        versions=(
            f"popsense {version('popsense')}",
            f"firmware {hello.firmware_version}",
            f"protocol {PROTOCOL_VERSION}",
        ),
    )


def _refuse_unfitted(hello: Hello, sensor: SensorName) -> None:
    if not hello.fields[sensor].fitted:
        raise UsageError(f"this board has no {sensor} sensor", "Calibrate those that it has.")


def _refuse_without_leave(console: Console, yes: bool) -> None:
    """typer.Exit where the technician does not want it on the board."""
    if yes or _answer(console, "Write this to the board? (yes/no)").strip().lower() in ("y", "yes"):
        return
    console.print("Not written: the board keeps the calibration that it had.")
    raise typer.Exit(ENDED_BEFORE)


def _wait(console: Console, text: str) -> None:
    _answer(console, text)


def _answer(console: Console, text: str) -> str:
    """One line from standard input."""
    console.print(text, soft_wrap=True)
    line = sys.stdin.readline()
    if not line:
        raise UsageError("no answer came", "Calibrate at a terminal; nothing was written to the board.")
    return line


@contextmanager
def session_with(port: str | None) -> Generator[tuple[Session, Hello]]:
    """An identified board, closed at the end. UsageError where it is not clear which one is meant."""
    system = System()
    transport = system.open_url(_address(system, port))
    try:
        session = Session(transport)
        yield session, session.connect()
    except CommandRefused as refusal:
        if refusal.reason == "unknown_command":
            refusal.remedy = "Update its firmware (popsense flash); a recording cannot be calibrated."
        raise
    finally:
        transport.close()


def _address(system: System, port: str | None) -> str:
    """What the user named, else the only port that may be a board."""
    found = ports_to_ask([port] if port else [], system.ports(), only_named=port is not None)
    if len(found) == 1:
        return found[0].address
    if not found:
        raise UsageError("no board found", "Plug one in, or name its port with --port. Why: popsense doctor.")
    raise UsageError(
        f"{len(found)} ports may be a board", f"Choose with --port: {', '.join(one.name for one in found)}."
    )
