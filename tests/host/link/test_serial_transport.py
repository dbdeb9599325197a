"""Ports that cannot be opened, with what to do about it, and ports that go away."""

import errno
import os
import socket
import termios
from pathlib import Path

import pytest
import serial

from popsense.backends import open_url
from popsense.errors import LinkLost, NotOurDeviceError, PortError, UsageError
from popsense.link.serial_transport import SerialTransport, refusal_code
from popsense.link.session import Session
from tests.host.link.bridges import Canned, behind_pty, behind_tcp
from tests.host.link.scripted import hello


def refused(url: str) -> tuple[str, str]:
    """What the user reads: message and remedy."""
    with pytest.raises(PortError) as caught:
        open_url(url)
    return str(caught.value), caught.value.remedy


def test_hello_comes_through_a_port():
    frame = hello(interpreter="behind a pty")
    with behind_pty(Canned(frame[:40], frame[40:])) as url:
        transport = SerialTransport(url)
        session = Session(transport)
        packets = []
        while not packets:
            packets = list(session.receive(0.1))
        transport.close()
    assert packets[0].fields.interpreter == "behind a pty"


def test_another_device_on_the_port_is_not_written_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("popsense.link.session.HELLO_TIMEOUT_S", 0.1)
    other = Canned(b"$GPGGA,123519,4807.038,N\r\n")
    with behind_pty(other) as url:
        transport = open_url(url)
        with pytest.raises(NotOurDeviceError, match="something answers on /dev/"):
            Session(transport).connect()
        transport.close()
    assert other.heard == b""


def test_a_missing_port_says_how_to_find_the_right_one():
    message, remedy = refused("serial:///dev/ttyNONE7")
    assert message == "there is no port /dev/ttyNONE7"
    assert "/dev/ttyACM" in remedy


def test_a_port_held_by_another_program_says_so():
    with behind_pty(Canned(b"")) as url:
        first = open_url(url)
        message, remedy = refused(url)
        assert message == f"{first.name} is held by another program"
        assert "Close" in remedy
        first.close()
        open_url(url).close()


def test_a_plain_file_is_no_port(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no port")
    message, remedy = refused(f"serial://{tmp_path}/notes.txt")
    assert message == f"{tmp_path}/notes.txt is no serial port"
    assert "/dev/ttyACM0" in remedy


@pytest.mark.parametrize(
    ("code", "text", "remedy"),
    [
        (errno.EACCES, "no permission on /dev/ttyACM0", "dialout"),
        (errno.EBUSY, "/dev/ttyACM0 is held by another program", "Close"),
        (errno.EIO, "/dev/ttyACM0 cannot be opened", "name"),
    ],
)
def test_what_the_system_refuses_is_explained(
    monkeypatch: pytest.MonkeyPatch, code: int, text: str, remedy: str
):
    """Mocked: a test that runs as root is refused nothing."""

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    message, advice = refused("serial:///dev/ttyACM0")
    assert message.startswith(text)
    assert remedy in advice


def test_nothing_that_listens_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    message, remedy = refused(f"socket://127.0.0.1:{port}")
    assert message == f"nothing listens at socket://127.0.0.1:{port}"
    assert "bridge" in remedy


def test_of_pyserial_only_the_reason_is_told(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert refused("socket://192.0.2.1:5000")[0] == "socket://192.0.2.1:5000 cannot be opened: timed out"


def test_an_address_of_no_known_kind_names_those_there_are():
    for url in ("/dev/ttyACM0", "usb://1", "", "serial"):
        with pytest.raises(UsageError, match="is no address of a board") as caught:
            open_url(url)
        assert "serial://, sim://, socket://" in caught.value.remedy


def test_a_port_that_goes_away_is_a_lost_link():
    master, slave = os.openpty()
    transport = SerialTransport(f"serial://{os.ttyname(slave)}")
    os.close(slave)
    os.close(master)
    with pytest.raises(LinkLost, match="is gone") as caught:
        transport.read(1.0)
    assert "cable" in caught.value.remedy
    transport.close()


def test_a_bridge_that_goes_away_is_a_lost_link():
    with behind_tcp(Canned(hello())) as url:
        transport = open_url(url)
    with pytest.raises(LinkLost, match="is gone"):
        any(transport.read(0.1) == b"no such bytes" for _ in range(10_000))
    transport.close()


@pytest.mark.parametrize("behind", [behind_pty, behind_tcp])
def test_bytes_come_in_chunks(behind: object):
    """At 8 kB/s a read for every byte would be 8,000 reads a second."""
    assert callable(behind)
    with behind(Canned(bytes(4000))) as url:
        transport = open_url(url)
        reads = [transport.read(0.5) for _ in range(20)]
        transport.close()
    assert sum(len(data) for data in reads) > 20 * 200


def test_a_read_without_bytes_ends_with_its_timeout():
    with behind_pty(Canned(b"")) as url:
        transport = open_url(url)
        before = transport.now()
        assert transport.read(0.03) == b""
        assert 0.03 <= transport.now() - before < 1
        transport.operator_may_begin()
        transport.close()


def test_a_write_to_a_port_that_is_full_is_a_lost_link(monkeypatch: pytest.MonkeyPatch):
    master, slave = os.openpty()
    transport = SerialTransport(f"serial://{os.ttyname(slave)}")

    def time_out(data: bytes) -> int:
        raise serial.SerialTimeoutException("Write timeout")

    monkeypatch.setattr(transport._port, "write", time_out)
    with pytest.raises(LinkLost):
        transport.write(b"x")
    transport.close()
    os.close(slave)
    os.close(master)


# ---- DTR, and the oddities of pyserial -------------------------------------------------------------------


def test_a_device_that_vanishes_while_it_is_opened_is_a_port_error(monkeypatch: pytest.MonkeyPatch):
    """pyserial lets termios.error out, which is no OSError."""

    def vanish(port: object) -> None:
        raise termios.error(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(serial.Serial, "_reset_input_buffer", vanish)
    with behind_pty(Canned(b"")) as url:
        message, _ = refused(url)
    assert message.endswith("cannot be opened: Input/output error")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("PermissionError(13, 'Access is denied.', None, 5)", errno.EBUSY, "COM5 is held by another program"),
        (
            "FileNotFoundError(2, 'The system cannot find the file specified.', None, 2)",
            errno.ENOENT,
            "there is no port COM5",
        ),
        ("OSError(22, 'The semaphore timeout period has expired.', None, 121)", 0, "COM5 cannot be opened"),
    ],
)
def test_what_windows_refuses_is_explained(
    monkeypatch: pytest.MonkeyPatch, words: str, code: int, message: str
):
    """There pyserial keeps of the system's error only its text."""

    def refuse(*_: object, **__: object) -> object:
        raise serial.SerialException(f"could not open port 'COM5': {words}")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(PortError, match=message) as caught:
        open_url("serial://COM5")
    assert refusal_code(caught.value) == code


def test_the_code_of_a_refusal_is_that_of_the_system():
    with pytest.raises(PortError) as caught:
        open_url("serial:///dev/ttyNONE7")
    assert refusal_code(caught.value) == errno.ENOENT
    assert refusal_code(PortError("made by hand")) == 0
