"""One guided calibration at the terminal: finds the board, asks, shows, writes, leaves a certificate."""

import secrets
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TextIO, cast

import typer
from rich.console import Console

from popsense.calibration.record import CalibrationRecord
from popsense.cli.output import terminal, try_page, write_page
from popsense.errors import CommandRefused, PopsenseError, UsageError
from popsense.link.calibration import write_calibration
from popsense.link.hello import Hello
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.link.transport import known_scheme
from popsense.model import SensorName
from popsense.settings import load_settings
from popsense.technician.calibrate import Calibrated, Calibrating, Desk, record_of
from popsense.technician.calibrate import calibrate as calibrate_sensor
from popsense.technician.certificate import (
    Certificate,
    certificate_page,
    certificate_text,
    readings_text,
)
from popsense.technician.measuring import BoardSource
from popsense.technician.one_port import one_port
from popsense.technician.references import Reference
from popsense.technician.system import System
from popsense_protocol.packets import PROTOCOL_VERSION

ENDED_BEFORE = 3  # exit code, as of `popsense record`
MOST_ID = 0xFFFFFFFF


@dataclass(frozen=True)
class Asked:
    """What the options of one calibration say. gravity: None where it was not given."""

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
    accept: bool


@dataclass(frozen=True)
class _Made:
    """What the new calibration is called, from the first reading on. page: where its certificate will be."""

    id: int
    day: date
    page: Path


def run_calibration(asked: Asked) -> None:
    """Guides, shows, asks, writes, reads back, leaves a certificate.

    What may refuse at the end is tried before the first reading: half an hour of masses is not done twice.
    """
    console = terminal()
    with session_with(asked.port, f"calibrate {asked.sensor}", writes=True) as (session, hello):
        _refuse_unable(session, hello, asked.sensor)
        made = _made(asked, hello)
        try_page(made.page)
        certificate = _guided(console, asked, session, hello, made)
        problem = _written(session, certificate.record)
    if problem is None:
        console.print("Written to the board, and read back.")
    on_board = "yes, read back" if problem is None else f"not known: {problem}"
    _leave_page(console, made.page, replace(certificate, on_board=on_board), problem)
    if problem is not None:
        raise problem


def _written(session: Session, record: CalibrationRecord) -> PopsenseError | None:
    """What went wrong: the certificate is left all the same."""
    try:
        write_calibration(session, record.sensor, record)
    except PopsenseError as error:
        return error
    except KeyboardInterrupt:
        return UsageError("broken off while it was written", "What the board holds: popsense calibrate show.")
    return None


def _leave_page(
    console: Console, path: Path, certificate: Certificate, problem: PopsenseError | None
) -> None:
    """Where there can be none, the readings stand on the screen; UsageError, or the board's problem."""
    try:
        write_page(path, certificate_page(certificate))
    except UsageError as error:
        console.print(f"No certificate: {error}. The readings:", soft_wrap=True)
        for line in readings_text(certificate):
            console.print(line, soft_wrap=True)
        if problem is None:
            error.remedy = "The board holds the calibration; keep the readings above."
        raise problem or error from error
    console.print(f"certificate: {path}", soft_wrap=True)


def _guided(console: Console, asked: Asked, session: Session, hello: Hello, made: _Made) -> Certificate:
    """What shall be written; typer.Exit where the technician ends it."""
    desk = Desk(ask=lambda text: _wait(console, text), tell=lambda text: console.print(text, soft_wrap=True))
    nominal = hello.fields[asked.sensor].nano_units_per_count * 1e-9
    plan = Calibrating(asked.sensor, asked.references, nominal, cycles=asked.cycles, gravity=asked.gravity)
    try:
        came = calibrate_sensor(plan, BoardSource(session), desk, asked.uncertainty_value)
        record = record_of(came.fit, made.id, made.day, asked.valid_days)
        certificate = _certificate(asked, hello, record, plan, came)
        for line in certificate_text(certificate):
            console.print(line, soft_wrap=True)
        _refuse_without_leave(console, asked, came.doubts)
    except KeyboardInterrupt:
        console.print("Ended by you: the board keeps the calibration that it had.")
        raise typer.Exit(ENDED_BEFORE) from None
    return certificate


def _made(asked: Asked, hello: Hello) -> _Made:
    identity, today = 1 + secrets.randbelow(MOST_ID), datetime.now(UTC).date()
    name = f"calibration-{hello.board_id}-{asked.sensor}-{today}-{identity:08x}.html"
    return _Made(identity, today, asked.out or load_settings().recordings / name)


def _certificate(
    asked: Asked, hello: Hello, record: CalibrationRecord, plan: Calibrating, came: Calibrated
) -> Certificate:
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
        masses=plan.masses,
        doubts=came.doubts,
        versions=(
            f"popsense {version('popsense')}",
            f"firmware {hello.firmware_version}",
            f"protocol {PROTOCOL_VERSION}",
        ),
    )


def _refuse_unable(session: Session, hello: Hello, sensor: SensorName) -> None:
    """CommandRefused where the firmware knows nothing of calibrations."""
    if not hello.fields[sensor].fitted:
        raise UsageError(f"this board has no {sensor} sensor", "Calibrate those that it has.")
    Service(session).calibration(sensor)


def _refuse_without_leave(console: Console, asked: Asked, doubts: Sequence[str]) -> None:
    """typer.Exit where the technician does not want it on the board, or accepts a doubtful one unseen."""
    for doubt in doubts:
        console.print(f"In doubt: {doubt}.", style="bold", soft_wrap=True)
    if asked.yes and doubts and not asked.accept:
        console.print("Not written: --yes alone accepts nothing doubtful; add --accept where it is meant.")
        raise typer.Exit(ENDED_BEFORE)
    if asked.yes or _answer(console, "Write this to the board? (yes/no)").strip().lower() in ("y", "yes"):
        return
    console.print("Not written: the board keeps the calibration that it had.")
    raise typer.Exit(ENDED_BEFORE)


def _wait(console: Console, text: str) -> None:
    _answer(console, text)


def _answer(console: Console, text: str) -> str:
    """One line from standard input, which may be closed, or be none at all. UsageError at its end."""
    console.print(text, soft_wrap=True)
    stream = cast(TextIO | None, sys.stdin)
    line = "" if stream is None else stream.readline()
    if not line:
        raise UsageError("no answer came", "Calibrate at a terminal; nothing was written to the board.")
    return line


@contextmanager
def session_with(port: str | None, command: str, writes: bool = False) -> Generator[tuple[Session, Hello]]:
    """An identified board, closed at the end. Errors as of `one_port`; command: for its remedy.

    writes: UsageError for a recording.
    """
    system = System()
    address = one_port(port, system.ports(), command).address
    if writes and known_scheme(address) == "replay":
        raise UsageError("a recording cannot be calibrated", "Name a board with --port.")
    transport = system.open_url(address)
    try:
        session = Session(transport)
        yield session, session.connect()
    except CommandRefused as refusal:
        if refusal.reason == "unknown_command":
            refusal.remedy = "Update its firmware (popsense flash)."
        raise
    finally:
        transport.close()
