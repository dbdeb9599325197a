"""What doctor sees of the machine, as plain functions: tests put others in their place.

All is best effort: on a system that does not tell, a list is empty and a name is "".
"""

import os
import shutil
import string
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from popsense.backends import open_url
from popsense.link.transport import Transport
from popsense.technician.ports import Port, attached_ports

USB_DEVICES = Path("/sys/bus/usb/devices")
PROCESSES = Path("/proc")
MOUNTS = Path("/proc/self/mounts")
LONGEST_COMMAND = 60

UsbId = tuple[int, int]  # vendor, product


@dataclass(frozen=True)
class Access:
    """Who may use a port: its group, and whether that group may read and write it."""

    group: str
    group_may: bool


def usb_ids(root: Path = USB_DEVICES) -> list[UsbId]:
    """Ids of every USB device, those without a serial port included. Linux only."""
    return [ids for folder in _listed(root) if (ids := _ids_in(folder)) is not None]


def drives(mounts: Path = MOUNTS, platform: str = sys.platform) -> list[Path]:
    """Folders at which a drive is mounted."""
    if platform == "win32":
        return [Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:]]
    if platform == "darwin":
        return _listed(Path("/Volumes"))
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    # Spaces stand there as \040.
    return [Path(line.split(" ")[1].replace("\\040", " ")) for line in lines if line.startswith("/dev/")]


def holders(port: str, processes: Path = PROCESSES) -> list[str]:
    """Other programs that have the port open, as "command (process 4711)". Linux only.

    Programs of other users are seen by root alone.
    """
    place = os.path.realpath(port)
    return [
        f"{_command(folder)} (process {folder.name})"
        for folder in _listed(processes)
        if folder.name.isdecimal() and int(folder.name) != os.getpid() and place in _open_files(folder)
    ]


def access_to(port: str) -> Access:
    """Group "" where the system knows no groups."""
    if os.name != "posix":
        return Access("", True)
    try:
        path = Path(port)
        return Access(path.group(), path.stat().st_mode & 0o060 == 0o060)
    except (OSError, KeyError):
        return Access("", True)


def free_bytes(folder: Path) -> int:
    """Space on the medium of an existing folder. OSError where it cannot be told."""
    return shutil.disk_usage(folder).free


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _ids_in(folder: Path) -> UsbId | None:
    """None for hubs' interfaces, which have no ids, and for a device that has just gone."""
    try:
        vendor, product = ((folder / name).read_text("ascii") for name in ("idVendor", "idProduct"))
        return int(vendor, 16), int(product, 16)
    except (OSError, ValueError):
        return None


def _open_files(process: Path) -> Iterator[str]:
    for descriptor in _listed(process / "fd"):
        try:
            yield str(descriptor.readlink())
        except OSError:
            continue


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "a program"
    text = " ".join(word.decode(errors="backslashreplace") for word in words)
    return text if len(text) <= LONGEST_COMMAND else f"{text[:LONGEST_COMMAND]}..."


@dataclass(frozen=True)
class System:
    """This machine; see the functions above."""

    ports: Callable[[], Sequence[Port]] = attached_ports
    usb_ids: Callable[[], Sequence[UsbId]] = usb_ids
    drives: Callable[[], Sequence[Path]] = drives
    holders: Callable[[str], Sequence[str]] = holders
    access_to: Callable[[str], Access] = access_to
    free_bytes: Callable[[Path], int] = free_bytes
    open_url: Callable[[str], Transport] = open_url
