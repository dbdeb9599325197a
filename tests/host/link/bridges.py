"""A simulated board behind a pseudo terminal or a TCP port: what a real board is to pyserial."""

import os
import select
import socket
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from popsense.twin.transport import SimTransport, open_sim

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


class Bridge:
    """Moves bytes between a file descriptor and a pipe until it is stopped."""

    def __init__(self, descriptor: int, pipe: Pipe) -> None:
        self._descriptor = descriptor
        self._pipe = pipe
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        os.set_blocking(descriptor, False)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        waiting = b""
        while not self._stop.is_set():
            waiting = waiting or self._pipe.read(0)
            readable, writable, _ = select.select(
                [self._descriptor], [self._descriptor] if waiting else [], [], 0.005
            )
            try:
                if readable:
                    self._pipe.write(os.read(self._descriptor, 4096))
                if writable:
                    waiting = waiting[os.write(self._descriptor, waiting) :]
            except OSError:
                return  # the other side is gone


@contextmanager
def behind_pty(pipe: Pipe) -> Iterator[str]:
    """serial:// address of a pseudo terminal with this behind it."""
    master, slave = os.openpty()
    tty.setraw(slave)  # before the port is opened nothing may be echoed
    name = os.ttyname(slave)
    bridge = Bridge(master, pipe)
    try:
        yield f"serial://{name}"
    finally:
        bridge.stop()
        os.close(slave)
        os.close(master)


@contextmanager
def behind_tcp(pipe: Pipe) -> Iterator[str]:
    """socket:// address of a server for one client with this behind it."""
    server = socket.create_server(("127.0.0.1", 0))
    bridges: list[Bridge] = []
    connections: list[socket.socket] = []

    def serve() -> None:
        connection, _ = server.accept()
        connections.append(connection)
        bridges.append(Bridge(connection.fileno(), pipe))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    finally:
        thread.join(10)
        for bridge in bridges:
            bridge.stop()
        for connection in connections:
            connection.close()
        server.close()


@contextmanager
def simulated() -> Iterator[SimTransport]:
    """A board for a bridge."""
    board = open_sim(SIM)
    try:
        yield board
    finally:
        board.close()
