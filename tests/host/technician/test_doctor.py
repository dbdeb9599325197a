"""`examine`: all checks in order, and real ports (ptys) for what a fake might get wrong."""

import errno
import os
import threading
from pathlib import Path

import pytest
import serial

from popsense.backends import open_url
from popsense.errors import UsageError
from popsense.link.transport import Transport
from popsense.technician.checks import Check
from popsense.technician.doctor import examine
from popsense.technician.installation import SIMULATED
from popsense.technician.ports import Port
from popsense.technician.system import System, access_to, holders
from popsense_protocol.packets import PROTOCOL_VERSION
from tests.host.link.bridges import Canned, behind_pty
from tests.host.link.scripted import hello
from tests.host.technician.machines import PICO, FakeBoard, Together, failures, machine, only_failure
from tests.host.technician.test_discovery import refusal

INSTALLATION = ["Python", "packages", "firmware files", "recordings", "simulated board"]
USB = ["board attached", "boot loader"]
PORT = ["port", "permission", "not in use", "DTR", "firmware", "protocol", "force sensor"]
PORT += ["faults", "calibration"]


def test_checks_come_in_the_order_in_which_one_would_look(tmp_path: Path):
    second = Port("serial:///dev/ttyACM1", 0x2E8A, 5)
    checks = examine(None, tmp_path, machine(ports=(PICO, second)))
    assert [check.name for check in checks] == INSTALLATION + USB + 2 * PORT
    assert {check.outcome for check in checks} == {"ok"}
    assert [check.subject for check in checks[7 :: len(PORT)]] == ["/dev/ttyACM0", "/dev/ttyACM1"]


def test_without_a_board_its_checks_are_not_applicable(tmp_path: Path):
    checks = examine(None, tmp_path, machine())
    assert [check.name for check in checks] == INSTALLATION + USB + PORT
    assert {check.outcome for check in checks[7:]} == {"not applicable"}
    assert only_failure(checks).name == "board attached"


def test_a_named_port_is_looked_at_alone(tmp_path: Path):
    checks = examine("/dev/ttyS3", tmp_path, machine(ports=(PICO,)))
    assert {check.subject for check in checks[7:]} == {"/dev/ttyS3"}
    assert failures(checks) == []


def test_one_bad_port_does_not_hide_the_others(tmp_path: Path):
    second = Port("serial:///dev/ttyACM1", 0x2E8A, 5)
    computer = machine((PICO.address, refusal(errno.EBUSY)), ports=(PICO, second))
    assert only_failure(examine(None, tmp_path, computer)).subject == "/dev/ttyACM0"


def test_ports_are_looked_at_at_the_same_time(tmp_path: Path):
    second = Port("serial:///dev/ttyACM1", 0x2E8A, 5)
    barrier = threading.Barrier(2)
    boards = [(port.address, Together(barrier)) for port in (PICO, second)]
    assert failures(examine(None, tmp_path, machine(*boards, ports=(PICO, second)))) == []


def test_no_address_at_all_is_the_users_error(tmp_path: Path):
    computer = machine(("usb://1", UsageError("no address", "Give one.")))
    with pytest.raises(UsageError):
        examine("usb://1", tmp_path, computer)


# ---- through a real port -------------------------------------------------------------------------------


def through(url: str, folder: Path) -> Check:
    """The one failure on a named port that is really opened."""

    def opened(address: str) -> Transport:
        return FakeBoard(hello()) if address == SIMULATED else open_url(address)

    computer = System(
        ports=list, usb_ids=list, drives=list, holders=holders, access_to=access_to, open_url=opened
    )
    return only_failure(examine(url.removeprefix("serial://"), folder, computer))


class Repl(Canned):
    """Stock MicroPython: says nothing until a line is ended."""

    def __init__(self) -> None:
        super().__init__(b"")

    def read(self, timeout_s: float) -> bytes:
        asked, self.asked = self.asked, False
        return b"\r\n>>> " if asked else b""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.asked = True

    asked = False


def test_stock_micropython_on_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("popsense.link.session.HELLO_TIMEOUT_S", 0.2)
    board = Repl()
    with behind_pty(board) as url:
        failure = through(url, tmp_path)
    assert board.heard == b"\r"
    assert failure.name == "firmware"
    assert f"popsense flash --port {failure.subject}" in failure.remedy


@pytest.mark.slow
def test_another_device_on_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("popsense.link.session.HELLO_TIMEOUT_S", 1.0)  # on a busy machine, too, some is heard
    device = Canned(b"$GPGGA,123519,4807.038,N\r\n")
    with behind_pty(device) as url:
        failure = through(url, tmp_path)
    assert "neither a popsense board nor MicroPython" in failure.seen
    assert device.heard == b""


@pytest.mark.parametrize(
    ("version", "said"),
    [(PROTOCOL_VERSION - 1, "Update the board's firmware."), (PROTOCOL_VERSION + 1, "Update this program.")],
)
def test_another_protocol_on_a_port(tmp_path: Path, version: int, said: str):
    board = Canned(hello(protocol_version=version))
    with behind_pty(board) as url:
        failure = through(url, tmp_path)
    assert (failure.name, failure.remedy[0]) == ("protocol", said)
    assert board.heard == b""


def test_a_held_port(tmp_path: Path):
    with behind_pty(Canned(hello())) as url, serial.Serial(url.removeprefix("serial://"), exclusive=True):
        failure = through(url, tmp_path)
    assert (failure.name, failure.seen) == ("not in use", "held by another program")


def test_a_port_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The refusal is mocked: a test that runs as root is refused nothing."""
    opening = os.open
    with behind_pty(Canned(hello())) as url:
        name = url.removeprefix("serial://")

        def forbidden(path: str, *arguments: int, **more: int) -> int:
            if str(path) == name:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return opening(path, *arguments, **more)

        monkeypatch.setattr(os, "open", forbidden)
        failure = through(url, tmp_path)
    assert failure.name == "permission"
    assert failure.remedy


def test_no_such_port(tmp_path: Path):
    failure = through("serial:///dev/ttyNONE7", tmp_path)
    assert (failure.name, failure.seen) == ("port", "there is no port /dev/ttyNONE7")
