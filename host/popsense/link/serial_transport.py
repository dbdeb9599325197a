"""A board on a serial port: `serial:///dev/ttyACM0`, `serial://COM5`; pyserial underneath.

Also `socket://HOST:PORT`, which pyserial opens itself (a board behind a TCP bridge).
"""

import errno
import time
from typing import Any

import serial

from popsense.errors import LinkLost, PortError

CHUNK_BYTES = 4096
POLL_S = 0.01

_REMEDIES = {
    errno.ENOENT: (
        "there is no port {port}",
        "Plug the board in; `python -m serial.tools.list_ports` shows ports.",
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
        self._port_name = url.removeprefix("serial://")
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


def _open(name: str) -> Any:
    try:
        options: dict[str, Any] = {} if "://" in name else {"exclusive": True}
        return serial.serial_for_url(name, timeout=POLL_S, write_timeout=2, **options)
    except (serial.SerialException, OSError, ValueError) as error:
        raise _port_error(name, error) from error


def _port_error(name: str, error: Exception) -> PortError:
    code = getattr(error, "errno", None)
    cause = error.__context__
    if code is None and cause is not None and cause.args and isinstance(cause.args[0], int):
        code = cause.args[0]  # OSError or termios.error
    if code in (errno.EAGAIN, errno.EWOULDBLOCK) or "exclusively lock" in str(error):
        code = errno.EBUSY
    message, remedy = _REMEDIES.get(
        code or 0, (f"{{port}} cannot be opened: {error}", "Check the port's name.")
    )
    return PortError(message.format(port=name), remedy)
