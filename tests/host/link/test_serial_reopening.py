"""A serial port that goes and comes back, under the same name or another."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import serial

from popsense.errors import LinkLost
from popsense.link.serial_transport import SerialTransport

# ---- coming back ---------------------------------------------------------------------------------------


@dataclass
class Attached:
    """One entry of the list of ports."""

    device: str
    serial_number: str | None = None


class Computer:
    """Serial ports that come and go: each name is a link to a pty, as udev would make it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: list[int] = []
        self.numbers: dict[str, str | None] = {}

    def plug_in(self, name: str, number: str | None) -> int:
        """The board's end of a new port."""
        master, slave = os.openpty()
        self._open += [master, slave]
        (self._folder / name).symlink_to(os.ttyname(slave))
        self.numbers[name] = number
        return master

    def unplug(self, name: str) -> None:
        (self._folder / name).unlink()
        del self.numbers[name]

    def attached(self) -> list[Attached]:
        return [Attached(str(self._folder / name), number) for name, number in self.numbers.items()]

    def path(self, name: str) -> str:
        return str(self._folder / name)

    def transport(self, name: str) -> SerialTransport:
        return SerialTransport(f"serial://{self.path(name)}", self.attached, lambda _: None)

    def switch_off(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    found = Computer(tmp_path)
    yield found
    found.switch_off()


def test_a_board_that_comes_back_under_another_name_is_found(computer: Computer):
    computer.plug_in("ttyACM0", "E660")
    transport = computer.transport("ttyACM0")
    computer.unplug("ttyACM0")
    computer.plug_in("ttyUSB0", "A1")
    board = computer.plug_in("ttyACM1", "E660")
    transport.reopen()
    assert transport.name == computer.path("ttyACM1")
    os.write(board, b"here")
    heard = transport.read(1.0)
    while len(heard) < 4:
        heard += transport.read(1.0)  # the first byte may come alone
    assert heard == b"here"
    transport.close()


def test_while_a_board_is_away_reopening_is_a_lost_link_each_time(computer: Computer):
    computer.plug_in("ttyACM0", "E660")
    transport = computer.transport("ttyACM0")
    computer.unplug("ttyACM0")
    for _ in range(2):
        with pytest.raises(LinkLost, match="ttyACM0 is not back") as caught:
            transport.reopen()
        assert "Plug the board in" in caught.value.remedy
        with pytest.raises(LinkLost):
            transport.read(0)
        with pytest.raises(LinkLost):
            transport.write(b"x")
    computer.plug_in("ttyACM0", "E660")
    transport.reopen()
    assert transport.read(0) == b""
    transport.close()


def test_another_board_under_the_old_name_is_not_opened(computer: Computer):
    computer.plug_in("ttyACM0", "E660")
    transport = computer.transport("ttyACM0")
    computer.unplug("ttyACM0")
    computer.plug_in("ttyACM0", "E661")
    with pytest.raises(LinkLost, match="another device than before is on"):
        transport.reopen()
    serial.Serial(computer.path("ttyACM0"), exclusive=True).close()  # nobody holds it
    computer.plug_in("ttyACM1", "E660")
    transport.reopen()
    assert transport.name == computer.path("ttyACM1")
    transport.close()


def test_without_a_serial_number_the_name_counts(computer: Computer):
    computer.plug_in("ttyS0", None)
    transport = computer.transport("ttyS0")
    computer.plug_in("ttyACM1", "E660")
    transport.reopen()
    assert transport.name == computer.path("ttyS0")
    transport.close()


def test_of_two_ports_with_one_serial_number_the_old_name_is_taken(computer: Computer):
    """A debug probe has several."""
    computer.plug_in("ttyACM0", "E660")
    computer.plug_in("ttyACM1", "E660")
    transport = computer.transport("ttyACM1")
    transport.reopen()
    assert transport.name == computer.path("ttyACM1")
    transport.close()


def test_a_port_named_by_a_link_is_known_by_its_number(computer: Computer, tmp_path: Path):
    computer.plug_in("ttyACM0", "E660")
    (tmp_path / "by-path").symlink_to(computer.path("ttyACM0"))
    transport = SerialTransport(f"serial://{tmp_path}/by-path", computer.attached)
    computer.unplug("ttyACM0")
    computer.plug_in("ttyACM1", "E660")
    transport.reopen()
    assert transport.name == computer.path("ttyACM1")
    transport.close()


def test_a_list_of_ports_that_breaks_off_counts_as_empty(computer: Computer):
    """pyserial reads int(None, 16) from a device that goes while it is listed."""
    computer.plug_in("ttyACM0", "E660")

    def break_off() -> list[Attached]:
        raise TypeError("int() can't convert non-string with explicit base")

    transport = SerialTransport(f"serial://{computer.path('ttyACM0')}", break_off)
    transport.reopen()
    assert transport.name == computer.path("ttyACM0")
    transport.close()


def test_what_came_while_nobody_had_the_port_open_is_not_read(computer: Computer):
    board = computer.plug_in("ttyACM0", "E660")
    transport = computer.transport("ttyACM0")
    transport.close()
    os.write(board, b"stale")
    transport.reopen()
    assert transport.read(0.02) == b""
    transport.close()


def connected(clients: list[socket.socket]) -> list[socket.socket]:
    """Both of them."""
    deadline = time.monotonic() + 10
    while len(clients) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    return clients


@contextmanager
def server() -> Iterator[tuple[str, list[socket.socket]]]:
    """socket:// address at which every client is let in, and those that came."""
    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def let_in() -> None:
            clients.extend(listening.accept()[0] for _ in range(2))

        thread = threading.Thread(target=let_in, daemon=True)
        thread.start()
        yield f"socket://127.0.0.1:{listening.getsockname()[1]}", clients
        thread.join(10)
        for client in clients:
            client.close()


@pytest.mark.slow
def test_a_bridge_is_opened_again_at_its_address():
    with server() as (url, clients):
        transport = SerialTransport(url, attached=lambda: pytest.fail("a bridge is no USB device"))
        transport.reopen()
        assert transport.name == url
        transport.write(b"again")
        heard = [client.recv(5) for client in connected(clients)]
        assert heard == [b"", b"again"]
        assert transport.renew_dtr() is False
        transport.close()
    with pytest.raises(LinkLost, match="is not back: nothing listens at"):
        transport.reopen()


def test_waiting_is_left_to_the_clock_that_was_given(computer: Computer):
    computer.plug_in("ttyACM0", None)
    waited: list[float] = []
    transport = SerialTransport(f"serial://{computer.path('ttyACM0')}", computer.attached, waited.append)
    transport.wait(7200.0)
    assert waited == [7200.0]
    transport.close()


def test_dtr_is_switched_off_and_on(computer: Computer, monkeypatch: pytest.MonkeyPatch):
    computer.plug_in("ttyACM0", None)
    transport = computer.transport("ttyACM0")
    assert transport.renew_dtr() is False, "a pty has none"
    states: list[bool] = []
    monkeypatch.setattr(type(transport._port), "_update_dtr_state", lambda port: states.append(port.dtr))
    assert transport.renew_dtr() is True
    assert states == [False, True]
    transport.close()
