"""The serial ports on which a board of ours may be, by their USB ids.

Ids: Raspberry Pi's own list, https://github.com/raspberrypi/usb-pid; MicroPython's rp2 port takes 2E8A:0005
where a board's maker gives no other (ports/rp2/mpconfigport.h).
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from serial.tools import list_ports

RASPBERRY_PI = 0x2E8A
MICROPYTHON = 0x0005
# What else a Pico may run that offers a serial port: no firmware of ours, but worth a line.
OTHER_PROGRAMS = {
    0x0009: "a program of the Pico SDK",
    0x000A: "a program of the Pico SDK",
    0x000B: "CircuitPython",
}
OTHER_MAKERS = range(0x1000, 0x2000)  # their boards with this chip, MicroPython on them included
BOOT_LOADERS = {0x0003: "RP2040", 0x000F: "RP2350"}

Comports = Callable[[], Iterable[Any]]


@dataclass(frozen=True)
class Port:
    """A port by which a board may be reached. `named` = the user said that it is one."""

    address: str
    vendor_id: int | None = None
    product_id: int | None = None
    usb_serial_number: str = ""
    product: str = ""
    named: bool = False

    @property
    def name(self) -> str:
        """As the system calls it: /dev/ttyACM0, COM5; of other addresses the whole."""
        return self.address.removeprefix("serial://")

    @property
    def is_serial(self) -> bool:
        return self.address.startswith("serial://")

    @property
    def usb_id(self) -> str:
        """Such as 2e8a:0005; empty where it is no USB device."""
        if self.vendor_id is None or self.product_id is None:
            return ""
        return f"{self.vendor_id:04x}:{self.product_id:04x}"

    @property
    def runs_micropython(self) -> bool:
        """By its USB id."""
        return (self.vendor_id, self.product_id) == (RASPBERRY_PI, MICROPYTHON)

    @property
    def may_be_a_board(self) -> bool:
        """By its USB id. Debug probes and keyboards of the same vendor are left alone."""
        product_id = -1 if self.product_id is None else self.product_id
        fits = self.runs_micropython or product_id in OTHER_PROGRAMS or product_id in OTHER_MAKERS
        return self.vendor_id == RASPBERRY_PI and fits


def attached_ports(comports: Comports = list_ports.comports) -> list[Port]:
    """Every serial port of this machine, in the order of their names."""
    try:
        found = sorted(comports())
    except (OSError, TypeError, ValueError):
        return []  # pyserial stumbles over a port that vanishes while it is listed
    return [
        Port(f"serial://{one.device}", one.vid, one.pid, one.serial_number or "", one.product or "")
        for one in found
    ]


def ports_to_ask(named: Sequence[str], attached: Sequence[Port], only_named: bool = False) -> list[Port]:
    """What may be a board by its USB id, and what the user names: a port's name or any board's address.

    A named port, which may be a link such as those in /dev/serial/by-id, is listed once, with its USB ids.
    """
    listed = {_place(port): port for port in attached}
    asked = {} if only_named else {place: port for place, port in listed.items() if port.may_be_a_board}
    for name in named:
        port = Port(name if "://" in name else f"serial://{name}", named=True)
        known = listed.get(_place(port))
        asked[_place(port)] = replace(known, address=port.address, named=True) if known else port
    return list(asked.values())


def _place(port: Port) -> str:
    return os.path.realpath(port.name) if port.is_serial else port.address
