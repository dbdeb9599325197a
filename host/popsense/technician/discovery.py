"""Which boards are attached, and what each says of itself."""

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import Any

from popsense.calibration.record import SENSORS, CalibrationRecord, word_for
from popsense.errors import (
    CommandRefused,
    LinkLost,
    NotOurDeviceError,
    PopsenseError,
    PortError,
    ProtocolMismatch,
    UsageError,
)
from popsense.link.calibration import Records, read_calibration
from popsense.link.fault_wording import present_faults, wording_of
from popsense.link.hello import Hello
from popsense.link.serial_transport import refusal_code
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense.model import SensorName
from popsense.technician.ports import Port

OpenUrl = Callable[[str], Transport]

_REFUSED = {
    errno.EBUSY: "held by another program",
    errno.EACCES: "no permission",
    errno.ENOENT: "no such port",
}


NO_FORCE_SAMPLES = "no force samples"


@dataclass(frozen=True)
class Found:
    """One port and who answers there: `hello` of a popsense board, else the `problem` that was met.

    status: idle, sampling, held by another program, no permission, no such port, cannot be opened,
    no popsense board, another protocol, lost. records (calibrations) and faults: None where it did not tell.
    """

    port: Port
    status: str
    hello: Hello | None = None
    problem: PopsenseError | None = None
    records: Records | None = None
    faults: tuple[str, ...] | None = None

    @property
    def no_force_samples(self) -> bool:
        """The force converter gave none at power-on: the board cannot sample at all."""
        return self.hello is not None and not self.hello.sample_rate_hz

    @property
    def sampling_costs(self) -> Sequence[str]:
        """What a slow force converter costs, a sentence each; empty for a quick one."""
        cost = self.hello.sampling_cost if self.hello else None
        return cost.sentences if cost else ()

    def calibration(self, today: date) -> str:
        """For people: until when all fitted sensors are calibrated, or what is amiss."""
        if self.hello is None or self.records is None:
            return "unknown"
        fitted: list[SensorName] = [one for one in SENSORS if self.hello.fields[one].fitted]
        records = {sensor: record for sensor in fitted if (record := self.records[sensor]) is not None}
        if not records:
            return "none"
        if missing := [sensor for sensor in fitted if sensor not in records]:
            return f"no {', '.join(missing)}"
        first = min(record.last_day for record in records.values())
        return f"until {first}" if today <= first else f"ended {first}"

    def as_json(self, today: date) -> dict[str, Any]:
        """Layout in the help of `popsense devices`."""
        return {
            "port": self.port.name,
            "address": self.port.address,
            "usb_id": self.port.usb_id or None,
            "usb_serial_number": self.port.usb_serial_number or None,
            "product": self.port.product or None,
            "status": self.status,
            "board": None if self.hello is None else _board(self.hello),
            "calibration": None if self.records is None else _calibration(self.records, today),
            "health": self._health(),
            "problem": None
            if self.problem is None
            else {"message": str(self.problem), "remedy": self.problem.remedy},
        }

    def _health(self) -> dict[str, Any] | None:
        if self.faults is None and not self.no_force_samples:
            return None
        faults = self.faults or ()
        return {
            "ok": not faults and not self.no_force_samples,
            "faults": [{"code": name, "title": wording_of(name).title} for name in faults],
            "problem": NO_FORCE_SAMPLES if self.no_force_samples else None,
        }


def find_boards(ports: Sequence[Port], open_url: OpenUrl) -> list[Found]:
    """One result a port, in their order. Each is asked in a thread of its own: silence takes seconds."""
    with ThreadPoolExecutor(max_workers=max(1, len(ports))) as threads:
        return list(threads.map(ask, ports, repeat(open_url)))


def ask(port: Port, open_url: OpenUrl) -> Found:
    """Opens the port, waits for HELLO, closes it. What goes wrong there is the result, not an exception."""
    try:
        transport = open_url(port.address)
    except PopsenseError as error:
        return Found(port, status_of(error), problem=error)
    try:
        session = Session(transport, patience_s=0)
        hello = session.connect()
        state = _state(session)
        return Found(port, state, hello, None, *condition(session))
    except PopsenseError as error:
        return Found(port, status_of(error), problem=error)
    finally:
        transport.close()


def status_of(problem: PopsenseError) -> str:
    """One of the words of `Found.status`."""
    if isinstance(problem, PortError):
        return _REFUSED.get(refusal_code(problem), "cannot be opened")
    if isinstance(problem, NotOurDeviceError):
        return "no popsense board"
    if isinstance(problem, ProtocolMismatch):
        return "another protocol"
    return "cannot be opened" if isinstance(problem, UsageError) else "lost"


def _state(session: Session) -> str:
    """By the answer to IDENTIFY, which waits to be received."""
    states = [str(packet.fields.state) for packet in session.receive() if packet.name == "ACK"]
    return states[-1] if states else "idle"


def condition(session: Session) -> tuple[Records | None, tuple[str, ...] | None]:
    """Calibrations and faults, without a self-test: nothing that a sampling board minds. None: not told."""
    try:
        return read_calibration(session), present_faults(Service(session).health().faults)
    except (CommandRefused, LinkLost):
        return None, None  # who answers is worth more than in which condition


def _calibration(records: Records, today: date) -> dict[str, Any]:
    return {sensor: _validity(record, today) for sensor, record in records.items()}


def _validity(record: CalibrationRecord | None, today: date) -> dict[str, Any]:
    return {
        "id": record.id if record else 0,
        "state": word_for(record, today),
        "made": record.day.isoformat() if record else None,
        "valid_until": record.last_day.isoformat() if record else None,
    }


def _board(hello: Hello) -> dict[str, Any]:
    return {
        "firmware_version": hello.firmware_version,
        "board_id": hello.board_id,
        "boot_id": hello.boot_id,
        "calibration_id": hello.calibration_id,
        "interpreter": hello.interpreter,
        "sample_rate_hz": hello.sample_rate_hz,
        "sampling_costs": list(hello.sampling_cost.sentences) if hello.sampling_cost else [],
    }
