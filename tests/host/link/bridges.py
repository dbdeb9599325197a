"""A simulated board behind a pseudo terminal or a TCP port: what a real board is to pyserial."""

import os
import select
import socket
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Protocol

from popsense.twin.insertion import Setup
from popsense.twin.script import SensorScript, build_script
from popsense.twin.transport import SimTransport, parse_address

SIM = "sim://adult-proximal-tibia?operator=expert&seed=5"


class Pipe(Protocol):
    """What a bridge forwards to: a SimTransport, or canned bytes."""

    def read(self, timeout_s: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...


class Canned:
    """Says the same bytes over and over, a part in each round; keeps what it hears."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts
        self._turn = 0
        self.heard = b""

    def read(self, timeout_s: float) -> bytes:
        self._turn += 1
        return self._parts[self._turn % len(self._parts)]

    def write(self, data: bytes) -> None:
        self.heard += data


class Paced:
    """A simulated board whose time goes SPEED times as fast as ours: no host meets a board of 100 times."""

    SPEED = 2  # its 8 s of memory are 4 of ours

    def __init__(self, board: SimTransport) -> None:
        self._board = board
        self._began = time.monotonic() - board.now() / self.SPEED

    def read(self, timeout_s: float) -> bytes:
        ahead_s = self._board.now() - (time.monotonic() - self._began) * self.SPEED
        return b"" if ahead_s > 0 else self._board.read(timeout_s)

    def write(self, data: bytes) -> None:
        self._board.write(data)


def forward(descriptor: int, pipe: Pipe, stop: threading.Event) -> None:
    """Moves bytes between a file descriptor and a pipe until the one side goes or `stop` is set."""
    os.set_blocking(descriptor, False)
    waiting = b""
    while not stop.is_set():
        waiting = waiting or pipe.read(0)
        readable, writable, _ = select.select([descriptor], [descriptor] if waiting else [], [], 0.005)
        try:
            if readable:
                heard = os.read(descriptor, 4096)
                if not heard:
                    return
                pipe.write(heard)
            if writable:
                waiting = waiting[os.write(descriptor, waiting) :]
        except OSError:
            return


def serve(server: socket.socket, pipe: Pipe, stop: threading.Event) -> None:
    """One client after another, as a bridge does it that a client may come back to."""
    server.settimeout(0.02)
    while True:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            if stop.is_set():  # and nobody has knocked
                return
            continue
        with connection:
            forward(connection.fileno(), pipe, stop)


@contextmanager
def running(thread: threading.Thread, stop: threading.Event) -> Iterator[None]:
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def behind_pty(pipe: Pipe) -> Iterator[str]:
    """serial:// address of a pseudo terminal with this behind it."""
    master, slave = os.openpty()
    tty.setraw(slave)  # before the port is opened nothing may be echoed
    stop = threading.Event()
    try:
        with running(threading.Thread(target=forward, args=(master, pipe, stop), daemon=True), stop):
            yield f"serial://{os.ttyname(slave)}"
    finally:
        os.close(slave)
        os.close(master)


@contextmanager
def behind_tcp(pipe: Pipe) -> Iterator[str]:
    """socket:// address of a server with this behind it, for one client at a time."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with running(threading.Thread(target=serve, args=(server, pipe, stop), daemon=True), stop):
            yield f"socket://127.0.0.1:{port}"


@cache
def _script() -> SensorScript:
    address = parse_address(SIM)
    return build_script(Setup(address.site, address.operator, address.device, address.seed))


@contextmanager
def simulated() -> Iterator[SimTransport]:
    """A board for a bridge, that of SIM."""
    board = SimTransport(parse_address(SIM), _script())
    try:
        yield board
    finally:
        board.close()
