"""The emulated board as the host's link sees it: directly, or through TCP. Time is the board's own on both.

So the emulator's slowness counts in no time-out.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from select import select

from popsense.link.serial_transport import SerialTransport
from tests.emulated.pico import Pico

TURN_S = 0.002  # emulated time between two looks at the other side
CHUNK_BYTES = 4096


class PicoTransport:
    """link.transport.Transport without a wire: whoever reads lets the board run. One thread."""

    name = "emulated board"

    def __init__(self, pico: Pico, begin: Callable[[], None] = lambda: None) -> None:
        self._pico, self._begin = pico, begin
        self._read = 0

    def now(self) -> float:
        return self._pico.now_s

    def read(self, timeout_s: float) -> bytes:
        arrivals = self._pico.usb.arrivals
        self._pico.run(timeout_s, lambda: len(arrivals) > self._read)
        data = b"".join(arrival.data for arrival in arrivals[self._read :])
        self._read = len(arrivals)
        return data

    def write(self, data: bytes) -> None:
        self._pico.usb.write(data)

    def operator_may_begin(self) -> None:
        self._begin()

    def wait(self, seconds: float) -> None:
        self._pico.run(seconds)

    def reopen(self) -> None:
        """The port was never gone."""

    def close(self) -> None:
        """The board stays powered."""


class Bridge:
    """A TCP port in front of a board that runs in a thread of its own; `url` is for the host's link.

    The board never runs faster than the wall clock, so that an idle one does not outrun its host.
    failed: what ended the thread, if anything did.
    """

    def __init__(self, pico: Pico) -> None:
        self._pico = pico
        self._read = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._client: socket.socket | None = None
        self._ended = threading.Event()
        self.failed: BaseException | None = None
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for end in (self._client, self._listener):
            if end is not None:
                end.close()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                began_s = time.monotonic()
                self._pico.run(TURN_S)
                self._exchange()
                time.sleep(max(0.0, began_s + TURN_S - time.monotonic()))
        except BaseException as error:  # noqa: BLE001  told to whoever waits for the board
            self.failed = error

    def _exchange(self) -> None:
        arrivals = self._pico.usb.arrivals
        came = b"".join(arrival.data for arrival in arrivals[self._read :])
        self._read = len(arrivals)
        if self._client is None:
            self._accept()
        else:
            self._talk(self._client, came)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            self._client, _ = self._listener.accept()
            self._client.setblocking(True)

    def _talk(self, client: socket.socket, came: bytes) -> None:
        try:
            client.sendall(came)
            if not select([client], (), (), 0)[0]:
                return
            heard = client.recv(CHUNK_BYTES)
        except ConnectionError:
            heard = b""
        self._pico.usb.write(heard)
        if not heard:  # gone: the next one may come
            client.close()
            self._client = None


class BridgedTransport(SerialTransport):
    """The host's own transport for socket://, on the emulated board's clock."""

    def __init__(self, bridge: Bridge, pico: Pico, begin: Callable[[], None]) -> None:
        super().__init__(bridge.url)
        self._bridge, self._pico, self._begin = bridge, pico, begin

    def now(self) -> float:
        if self._bridge.failed is not None:
            raise self._bridge.failed
        return self._pico.now_s

    def wait(self, seconds: float) -> None:
        until_s = self.now() + seconds
        while self.now() < until_s:
            self._sleep(0.01)

    def operator_may_begin(self) -> None:
        self._begin()
