"""A board on a serial port: `serial:///dev/ttyACM0`, `serial://COM5`; pyserial underneath.

Also `socket://HOST:PORT`, which pyserial opens itself (a board behind a TCP bridge).
"""

import errno
import time
from typing import Any
from urllib.parse import urlsplit

import serial

from popsense.errors import LinkLost, PortError, UsageError

CHUNK_BYTES = 4096
POLL_S = 0.01

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


class SerialTransport:
    """See link.transport.Transport. The port is opened exclusively."""

    def __init__(self, url: str) -> None:
        self._port_name = _port_name(url)
        self._port = _open(self._port_name)
        self._counts_waiting = "://" not in self._port_name

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

    def operator_may_begin(self) -> None:
        """A person holds the needle: nothing to do here."""

    def close(self) -> None:
        self._port.close()

    def _read_chunk(self) -> bytes:
        try:
            return bytes(self._port.read(self._wanted()))
        except (serial.SerialException, OSError, TypeError) as error:
            # pyserial raises TypeError where the port was closed under a pending read.
            raise self._lost() from error

    def _wanted(self) -> int:
        """Bytes to ask for: what waits, else one. in_waiting of socket:// is 0 or 1: there, a chunk."""
        waiting = self._port.in_waiting
        if waiting and not self._counts_waiting:
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
    except (serial.SerialException, OSError, ValueError) as error:
        raise _port_error(name, error) from error


def _port_error(name: str, error: Exception) -> PortError:
    code = getattr(error, "errno", None)
    cause = error.__context__ or error
    if code is None and cause.args and isinstance(cause.args[0], int):
        code = cause.args[0]  # OSError or termios.error
    if code in (errno.EAGAIN, errno.EWOULDBLOCK) or "exclusively lock" in str(error):
        code = errno.EBUSY
    message, remedy = _REMEDIES.get(
        code or 0, (f"{{port}} cannot be opened: {_reason(cause)}", "Check the port's name.")
    )
    return PortError(message.format(port=name), remedy)


def _reason(cause: BaseException) -> str:
    """The system's own words, without those that pyserial puts around them."""
    return str(getattr(cause, "strerror", None) or cause)
