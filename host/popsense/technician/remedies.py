"""What to do about a board, step by step; each line is a sentence or a command to type."""

from pathlib import Path

from popsense.technician.ports import Port

# Which image: docs of MicroPython for this board; 1.24 is the oldest that the firmware is written for.
UF2 = "RPI_PICO (1.24 or newer), from https://micropython.org/download/RPI_PICO"

REPLUG = "Unplug the board and plug it in again."
ENTER_BOOT_LOADER = "Hold the board's BOOTSEL button while you plug it in: a drive RPI-RP2 appears."


def copy_uf2(drive: Path | None) -> tuple[str, ...]:
    """MicroPython onto a board that is in its boot loader."""
    where = f"the drive {drive}" if drive else "the drive RPI-RP2 (open it first)"
    return (
        f"Copy the MicroPython UF2 file {UF2} onto {where}: the board restarts by itself.",
        "If MicroPython was on it already, unplugging and plugging in without BOOTSEL is enough.",
        "Then copy the firmware onto it: popsense flash.",
    )


def copy_firmware(port: Port) -> tuple[str, ...]:
    """Our files onto a board with MicroPython."""
    return (f"popsense flash --port {quoted(port.name)}",)


def at_the_prompt(port: Port) -> tuple[str, ...]:
    """A prompt alone does not tell whether our files are there."""
    return (
        "If the firmware is on it (Ctrl-C stops it): press Ctrl-D there, or unplug and plug in again.",
        "If the prompt comes back, or the board is new, copy the firmware onto it:",
        *copy_firmware(port),
    )


def use_our_micropython(program: str) -> tuple[str, ...]:
    """For a board that runs something else."""
    return (f"Replace {program} by MicroPython. {ENTER_BOOT_LOADER}", *copy_uf2(None))


def join_the_group(group: str) -> tuple[str, ...]:
    """Permission on a port, where a group owns it."""
    return (
        f"sudo usermod -aG {group} $USER",
        "Then log out and in again; that is enough if you are in the group already.",
    )


def allow_the_port(port: Port) -> tuple[str, ...]:
    """Permission on a port whose group may not use it, or that root alone owns."""
    rule = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", MODE="0660", GROUP="dialout"'
    return (
        f"Nobody but its owner may use {port.name}. Let a group use it: put this line into",
        "/etc/udev/rules.d/60-popsense.rules, then plug the board in again:",
        rule,
        *join_the_group("dialout"),
    )


def quoted(name: str) -> str:
    """As it is typed in a command."""
    return f'"{name}"' if " " in name else name
