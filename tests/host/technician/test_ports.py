"""Which ports are asked, and which are left alone."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from popsense.technician.ports import Port, attached_ports, ports_to_ask
from tests.host.technician.machines import PICO

FTDI = Port("serial:///dev/ttyUSB0", 0x0403, 0x6001, "A1", "FT232R")


@pytest.mark.parametrize(
    ("product_id", "asked"),
    [
        (0x0003, False),  # boot loader
        (0x0004, False),  # picoprobe
        (0x0005, True),  # MicroPython
        (0x000A, True),  # a program of the Pico SDK
        (0x000B, True),  # CircuitPython
        (0x000C, False),  # debug probe
        (0x1003, True),  # another maker's board
        (0x2000, False),
    ],
)
def test_boards_that_can_run_our_firmware_are_asked(product_id: int, asked: bool):
    port = Port("serial:///dev/ttyACM0", 0x2E8A, product_id)
    assert port.may_be_a_board == asked
    assert port.runs_micropython == (product_id == 5)
    assert not Port("serial:///dev/ttyACM0", 0x1234, product_id).may_be_a_board


def test_a_port_without_usb_id_is_not_asked():
    assert not Port("serial:///dev/ttyS0").may_be_a_board
    assert Port("serial:///dev/ttyS0").usb_id == ""


def test_what_the_user_names_is_asked_too():
    asked = ports_to_ask(["/dev/ttyUSB0", "sim://adult-proximal-tibia"], [FTDI, PICO])
    assert [port.name for port in asked] == ["/dev/ttyACM0", "/dev/ttyUSB0", "sim://adult-proximal-tibia"]
    assert [port.named for port in asked] == [False, True, True]
    assert asked[1].usb_id == "0403:6001"
    assert ports_to_ask([], [FTDI]) == []


def test_only_the_named_port_is_looked_at_if_so_wanted():
    assert [port.name for port in ports_to_ask(["COM5"], [PICO], only_named=True)] == ["COM5"]


def test_a_port_named_by_a_link_is_listed_once(tmp_path: Path):
    (tmp_path / "ttyACM0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyACM0")
    attached = Port(f"serial://{tmp_path}/ttyACM0", 0x2E8A, 5, "E660")
    (asked,) = ports_to_ask([f"{tmp_path}/by-id"], [attached])
    assert (asked.name, asked.usb_serial_number, asked.named) == (f"{tmp_path}/by-id", "E660", True)


def test_ports_come_in_the_order_of_their_numbers():
    infos = [ListPortInfo(f"/dev/ttyACM{n}") for n in (10, 9)]
    infos[0].vid, infos[0].pid, infos[0].serial_number = 0x2E8A, 5, "E661"
    found = attached_ports(lambda: infos)
    assert [port.name for port in found] == ["/dev/ttyACM9", "/dev/ttyACM10"]
    assert (found[1].usb_id, found[1].usb_serial_number, found[0].usb_id) == ("2e8a:0005", "E661", "")


@dataclass
class Vanishing:
    """As pyserial fares with a device that goes while it is listed: int(None, 16)."""

    def __call__(self) -> list[object]:
        raise TypeError("int() can't convert non-string with explicit base")


def test_a_port_that_vanishes_while_it_is_listed_is_no_crash():
    assert attached_ports(Vanishing()) == []
