"""Which boards are attached, and what each says of itself."""

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from popsense.errors import NotOurDeviceError, PopsenseError, PortError, ProtocolMismatch, UsageError
from popsense.link.hello import Hello
from popsense.link.serial_transport import refusal_code
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense.technician.ports import Port

OpenUrl = Callable[[str], Transport]

_REFUSED = {
    errno.EBUSY: "held by another program",
    errno.EACCES: "no permission",
    errno.ENOENT: "no such port",
}


@dataclass(frozen=True)
class Found:
    """One port and who answers there: `hello` of a popsense board, else the `problem` that was met.

    status: idle, sampling, held by another program, no permission, no such port, cannot be opened,
    no popsense board, another protocol, lost.
    """

    port: Port
    status: str
    hello: Hello | None = None
    problem: PopsenseError | None = None

    def as_json(self) -> dict[str, Any]:
        """Layout in the help of `popsense devices`."""
        return {
            "port": self.port.name,
            "address": self.port.address,
            "usb_id": self.port.usb_id or None,
            "usb_serial_number": self.port.usb_serial_number or None,
            "product": self.port.product or None,
            "status": self.status,
            "board": None if self.hello is None else _board(self.hello),
            "problem": None
            if self.problem is None
            else {"message": str(self.problem), "remedy": self.problem.remedy},
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
        return Found(port, _state(session), hello)
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


def _board(hello: Hello) -> dict[str, Any]:
    return {
        "firmware_version": hello.firmware_version,
        "board_id": hello.board_id,
        "boot_id": hello.boot_id,
        "calibration_id": hello.calibration_id,
        "interpreter": hello.interpreter,
        "sample_rate_hz": hello.sample_rate_hz,
    }
