"""A board on a serial port: `serial:///dev/ttyACM0`, `serial://COM5`; pyserial underneath.

Also `socket://HOST:PORT`, which pyserial opens itself (a board behind a TCP bridge). A board that was away
may come back under another name (ttyACM0 as ttyACM1): it is known by its USB serial number.
"""

import errno
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from popsense.errors import LinkLost, PortError, UsageError

CHUNK_BYTES = 4096
POLL_S = 0.01
DTR_OFF_S = 0.2  # long enough for the board's USB stack to see it

_REMEDIES = {
    errno.ENOENT: (
        "there is no port {port}",
        "Plug the board in, or correct the name (Linux: ls /dev/ttyACM*; Windows: Device Manager).",
    ),
    errno.EACCES: (
        "no permission on {port}",
        "Add yourself to the group that owns it (often dialout), log in again.",
    ),
    errno.EBUSY: (
        "{port} is held by another program",
        "Close the other program (a serial monitor, mpremote).",
    ),
    errno.ENOTTY: ("{port} is no serial port", "Name the board's port, for instance /dev/ttyACM0 or COM5."),
    errno.ECONNREFUSED: ("nothing listens at {port}", "Start the bridge, or check host and port number."),
}


# On Windows a port has no permissions of its own: "access is denied" means that somebody has it open.
_WINDOWS_CODES = {"PermissionError": errno.EBUSY, "FileNotFoundError": errno.ENOENT}

# pyserial lets termios.error through, which is no OSError, where a device vanishes while it is opened.
_termios: Any = getattr(getattr(serial, "serialposix", None), "termios", None)
_CANNOT_OPEN = (serial.SerialException, OSError, ValueError, *([_termios.error] if _termios else []))


class AttachedPort(Protocol):
    """What pyserial tells of a serial port."""

    device: str
    serial_number: str | None


ListPorts = Callable[[], Iterable[AttachedPort]]


class SerialTransport:
    """See link.transport.Transport. The port is opened exclusively; that flushes what came before."""

    def __init__(
        self,
        url: str,
        attached: ListPorts = list_ports.comports,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._port_name = _port_name(url)
        self._attached, self._sleep = attached, sleep
        self._port = _open(self._port_name)
        self._is_bridge = "://" in self._port_name
        self._usb_serial_number = self._number_of(self._port_name)

    @property
    def name(self) -> str:
        return self._port_name

    def now(self) -> float:
        return time.monotonic()

    def read(self, timeout_s: float) -> bytes:
        deadline = self.now() + timeout_s
        while True:
            data = self._read_chunk()
            if data or self.now() >= deadline:
                return data

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._lost() from error

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self._sleep(seconds)

    def operator_may_begin(self) -> None:
        """A person holds the needle: nothing to do here."""

    def close(self) -> None:
        with suppress(serial.SerialException, OSError):  # of a device that is gone
            self._port.close()

    def reopen(self) -> None:
        """Closes the port and opens it again, under the name that the board has now (see `name`).

        LinkLost while it is not there; a later call may succeed.
        """
        self.close()
        name = self._name_now()
        try:
            self._port = _open(name)
        except PortError as error:
            raise LinkLost(
                f"{self._port_name} is not back: {error}", "Plug the board in again; close other programs."
            ) from error
        self._port_name = name
        self._usb_serial_number = self._usb_serial_number or self._number_of(name)

    def renew_dtr(self) -> bool:
        """Takes DTR off and on again, for `doctor`. False where the port has none (socket://, a pty)."""
        if self._is_bridge:
            return False
        try:
            self._port.dtr = False
            self._sleep(DTR_OFF_S)
            self._port.dtr = True
        except (serial.SerialException, OSError):
            return False
        return True

    def _name_now(self) -> str:
        """LinkLost where the board's name is taken by another one, so that nobody opens that by mistake."""
        if self._usb_serial_number is None:
            return self._port_name
        here = {port.device: port.serial_number for port in self._ports()}
        its = sorted(name for name, number in here.items() if number == self._usb_serial_number)
        if not its and self._number_of(self._port_name):
            raise LinkLost(
                f"another device than before is on {self._port_name}", "Plug the first board in again."
            )
        same = [name for name in its if os.path.realpath(name) == os.path.realpath(self._port_name)]
        return self._port_name if same or not its else its[0]

    def _number_of(self, name: str) -> str | None:
        """USB serial number of a port, whose name may be a link such as those in /dev/serial/by-id."""
        real = os.path.realpath(name)
        numbers = [port.serial_number for port in self._ports() if os.path.realpath(port.device) == real]
        return numbers[0] if numbers else None

    def _ports(self) -> list[AttachedPort]:
        if self._is_bridge:
            return []
        try:
            return list(self._attached())
        except (OSError, TypeError, ValueError):
            return []  # pyserial stumbles over a port that vanishes while it is listed

    def _read_chunk(self) -> bytes:
        try:
            return bytes(self._port.read(self._wanted()))
        except (serial.SerialException, OSError, TypeError) as error:
            # pyserial raises TypeError where the port was closed under a pending read.
            raise self._lost() from error

    def _wanted(self) -> int:
        """Bytes to ask for: what waits, else one. in_waiting of socket:// is 0 or 1: there, a chunk."""
        waiting = self._port.in_waiting
        if waiting and self._is_bridge:
            return CHUNK_BYTES
        return min(CHUNK_BYTES, max(1, waiting))

    def _lost(self) -> LinkLost:
        return LinkLost(f"{self._port_name} is gone", "Check the cable, then open the port again.")


def _port_name(url: str) -> str:
    """What pyserial is to open. UsageError for what it would refuse in its own terms."""
    name = url.removeprefix("serial://")
    if name == url:
        _check_bridge(url)
    elif not name or "://" in name:
        raise UsageError(f"{url!r} names no port", "Use for instance serial:///dev/ttyACM0 or serial://COM5.")
    return name


def _check_bridge(url: str) -> None:
    try:
        parts = urlsplit(url)
        # A bad port is a ValueError, none is None; what may follow is pyserial's own and not for users.
        well = bool(parts.hostname and parts.port) and not (parts.path or parts.query or parts.fragment)
    except ValueError:
        well = False
    if not well:
        raise UsageError(f"{url!r} does not name host and port", "Use for instance socket://127.0.0.1:5000.")


def _open(name: str) -> Any:
    try:
        options: dict[str, Any] = {} if "://" in name else {"exclusive": True}
        return serial.serial_for_url(name, timeout=POLL_S, write_timeout=2, **options)
    except _CANNOT_OPEN as error:
        raise _port_error(name, error) from error


def refusal_code(error: PortError) -> int:
    """Why a port could not be opened, as errno has it (EBUSY, EACCES, ENOENT ...); 0 where unknown."""
    return _code(error.__cause__) if error.__cause__ else 0


def _port_error(name: str, error: Exception) -> PortError:
    message, remedy = _REMEDIES.get(
        _code(error),
        (f"{{port}} cannot be opened: {_reason(error.__context__ or error)}", "Check the port's name."),
    )
    return PortError(message.format(port=name), remedy)


def _code(error: BaseException) -> int:
    code = getattr(error, "errno", None)
    cause = error.__context__ or error
    if code is None and cause.args and isinstance(cause.args[0], int):
        code = cause.args[0]  # OSError or termios.error
    if code in (errno.EAGAIN, errno.EWOULDBLOCK) or "exclusively lock" in str(error):
        return errno.EBUSY
    return code or _WINDOWS_CODES.get(_windows_word(error), 0)


def _windows_word(error: BaseException) -> str:
    """Type of the system's error, of which pyserial keeps only the text on Windows."""
    return str(error).partition("': ")[2].partition("(")[0]


def _reason(cause: BaseException) -> str:
    """The system's own words, without those that pyserial puts around them."""
    if len(cause.args) > 1 and isinstance(cause.args[1], str):
        return cause.args[1]  # OSError or termios.error
    return str(cause)
