"""Is a board on USB at all, and is it in its boot loader?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from popsense.technician import remedies
from popsense.technician.checks import Check, failed, not_applicable, ok
from popsense.technician.ports import BOOT_LOADERS, MICROPYTHON, RASPBERRY_PI, Port
from popsense.technician.system import System, UsbId

# Board-ID in the drive's INFO_UF2.TXT -> chip. Other makers' boot loaders show such a file too.
_CHIPS = {"RPI-RP2": "RP2040", "RP2350": "RP2350"}


@dataclass(frozen=True)
class BootLoader:
    """A board that waits for a UF2 file; drive: where it is mounted, if it is."""

    chip: str
    drive: Path | None


def check_usb(ports: Sequence[Port], system: System) -> list[Check]:
    """ports: those that will be looked at one by one."""
    waiting = boot_loaders(system.usb_ids(), system.drives())
    return [_attached(ports, waiting, system), _boot_loader(waiting)]


def boot_loaders(ids: Sequence[UsbId], drives: Sequence[Path]) -> list[BootLoader]:
    """One for each drive of a boot loader, and for each USB id of one that is not mounted."""
    mounted = [BootLoader(chip, drive) for drive in drives if (chip := _chip_of(drive))]
    found = [
        BOOT_LOADERS[product] for vendor, product in ids if vendor == RASPBERRY_PI and product in BOOT_LOADERS
    ]
    for one in mounted:
        if one.chip in found:
            found.remove(one.chip)
    return [*mounted, *(BootLoader(chip, None) for chip in found)]


def _chip_of(drive: Path) -> str:
    try:
        text = (drive / "INFO_UF2.TXT").read_text("ascii", errors="replace")
    except OSError:
        return ""
    ids = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Board-ID:")]
    return _CHIPS.get(ids[0], "") if ids else ""


def _attached(ports: Sequence[Port], waiting: Sequence[BootLoader], system: System) -> Check:
    if any(port.named for port in ports):
        return not_applicable("board attached", "a port was named")
    if ports:
        return ok("board attached", ", ".join(_described(port) for port in ports))
    if waiting:
        return ok("board attached", "in its boot loader, see below")
    if (RASPBERRY_PI, MICROPYTHON) in system.usb_ids():
        return failed(
            "board attached",
            "a board with MicroPython is on USB, but it has no serial port",
            "Load the driver (Linux: sudo modprobe cdc_acm); hand it on to a container or virtual machine.",
        )
    return failed(
        "board attached",
        "nothing of ours is on USB",
        "Plug the board in. If it is, take another cable: some only charge.",
        "Try another USB socket, without a hub. A board with another USB id: popsense doctor PORT.",
    )


def _described(port: Port) -> str:
    return f"{port.name} ({port.usb_id})" if port.usb_id else port.name


def _boot_loader(waiting: Sequence[BootLoader]) -> Check:
    if not waiting:
        return ok("boot loader", "no board is in it")
    (first, *_) = waiting
    where = f"the drive {first.drive}" if first.drive else "USB"
    seen = f"a board ({first.chip}) waits for a UF2 file on {where}"
    if first.chip != "RP2040":
        return failed(
            "boot loader", seen, "The firmware is for a Raspberry Pi Pico (RP2040): use one of those."
        )
    return failed("boot loader", seen, *remedies.copy_uf2(first.drive))
