"""Every fault a board can tell, in words: what it is, what was measured, what to do.

In this row because the check, the list of boards, the recording and the reports all say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from popsense_protocol.packets import Fault

_UNPLUG = "unplug the board, plug it in again"


@dataclass(frozen=True)
class FaultWording:
    """title: a few words. sentence: for the user. measured: of `value` in FAULT, with its unit; may be empty.
    remedy: what to do."""

    title: str
    sentence: str
    measured: str
    remedy: str

    def told(self, value: int | None = None) -> str:
        """The sentence, with what was measured where that is known."""
        if value is None or not self.measured:
            return f"{self.sentence}."
        return f"{self.sentence} ({self.measured.format(value=value)})."


FAULTS: Mapping[str, FaultWording] = {
    "force_converter": FaultWording(
        "force converter missing",
        "The force converter does not give back its settings",
        "",
        f"Check the cable between board and converter (SPI, 3.3 V, ground), then {_UNPLUG}.",
    ),
    "force_cell_open": FaultWording(
        "load cell unplugged",
        "The load cell, or a wire of it, is not connected",
        "the reading rose by {value:,} counts under the test current",
        "Check the four wires of the load cell at the converter board.",
    ),
    "force_cell_shorted": FaultWording(
        "load cell shorted",
        "Two wires of the load cell touch each other",
        "the reading rose by {value:,} counts under the test current",
        "Check the four wires of the load cell for a short circuit, then its resistance between the signal "
        "wires (350 ohm in most cells).",
    ),
    "force_saturated": FaultWording(
        "force out of range",
        "The force reading is at the end of its range",
        "{value:,} counts",
        "Take all load off the bone; if it stays, check the wires of the load cell, then the cell.",
    ),
    "force_stuck": FaultWording(
        "force stuck",
        "The force reading does not change at all, not even by noise",
        "{value:,} counts again and again",
        f"Check the cable between board and converter, then {_UNPLUG}.",
    ),
    "force_noisy": FaultWording(
        "force noisy",
        "The force reading is restless although nobody pushes",
        "standard deviation {value:,} counts",
        "Put the bone on a firm table, away from motors and mains leads; check the shield of the load cell's "
        "cable.",
    ),
    "force_garbage": FaultWording(
        "force readings impossible",
        "The force readings jump as no force does",
        "{value:,} counts from one sample to the next",
        "Check the cable between board and converter: short (20 cm, uncalibrated) and away from others.",
    ),
    "data_ready_timeout": FaultWording(
        "no samples",
        "The force converter no longer says that a sample is ready",
        "its data-ready line stands at level {value}: 0 low, 1 high",
        f"Check the data-ready wire between board and converter, then {_UNPLUG}.",
    ),
    "conversions_missed": FaultWording(
        "conversions missed",
        "The board did not read some samples of the force converter",
        "{value:,} conversions",
        "Repeat the attempt if it happened at the pop; if it happens again, install the firmware anew: "
        "popsense flash.",
    ),
    "depth_open": FaultWording(
        "depth sensor unplugged",
        "The depth sensor, or a wire of it, is not connected",
        "{value:,} counts",
        "Check the three wires of the depth sensor.",
    ),
    "depth_stuck": FaultWording(
        "depth stuck",
        "The depth reading does not change at all, not even by noise",
        "{value:,} counts again and again",
        "Move the follower by hand; if the reading stays, check the wires of the depth sensor.",
    ),
    "pressure_saturated": FaultWording(
        "pressure out of range",
        "The pressure reading is at the end of its range",
        "{value:,} counts",
        "Open the outlet of the chamber; if it stays, check the wires of the pressure sensor.",
    ),
    "pressure_stuck": FaultWording(
        "pressure stuck",
        "The pressure reading does not change at all, not even by noise",
        "{value:,} counts again and again",
        "Check the wires of the pressure sensor.",
    ),
    "overload": FaultWording(
        "overload",
        "More force was put on the bone than its load cell is made for",
        "{value:,} mN",
        "Take the load off, then repeat the known-weight check: popsense check.",
    ),
    "undervoltage": FaultWording(
        "supply too low",
        "The supply voltage of the board is too low",
        "{value:,} mV",
        "Use another cable, or a port of the computer itself instead of a hub.",
    ),
    "calibration_corrupt": FaultWording(
        "calibration damaged",
        "The calibration on the board is damaged and is not used",
        "sensors {value}, the sum of 1 force, 2 depth, 4 pressure",
        "Calibrate again: popsense calibrate force, depth or pressure.",
    ),
    "flash_failed": FaultWording(
        "not stored",
        "The board could not store a calibration; what it had before is still there",
        "",
        f"{_UNPLUG.capitalize()} and try again; if it fails again, replace the board.",
    ),
    "watchdog_reset": FaultWording(
        "board had hung",
        "The board hung in its last attempt and restarted itself",
        "",
        "Repeat the attempt; if it happens again, install the firmware anew: popsense flash.",
    ),
    "host_not_reading": FaultWording(
        "computer not reading",
        "The computer did not fetch what the board sent, which was cut short",
        "{value:,} writes",
        "Close other programs that are busy, and keep the computer from going to sleep.",
    ),
    "host_silent": FaultWording(
        "computer silent",
        "The board heard nothing from the computer for a long time while it sampled",
        "for {value:,} ms",
        "Check the cable; keep the computer from going to sleep during an attempt.",
    ),
    "command_garbage": FaultWording(
        "damaged commands",
        "The board received commands that it could not read",
        "{value:,} since power-on",
        "Use another cable, or a port of the computer itself instead of a hub.",
    ),
    "slow_loop": FaultWording(
        "firmware slow",
        "A turn of the firmware's main loop took too long",
        "{value:,} us",
        "Install the firmware anew: popsense flash; if it stays, please report it.",
    ),
    "low_heap": FaultWording(
        "little memory left",
        "The board has little memory left",
        "{value:,} bytes",
        f"{_UNPLUG.capitalize()}; if it stays, install the firmware anew: popsense flash.",
    ),
}


def present_faults(mask: int) -> tuple[str, ...]:
    """Names of the faults in a bit mask of HEALTH, by code; a bit of a newer board is "fault NUMBER"."""
    names: dict[int, str] = {int(code): str(name) for name, code in Fault.encmapping.items()}
    return tuple(names.get(bit, f"fault {bit}") for bit in range(32) if mask >> bit & 1)


def wording_of(name: str) -> FaultWording:
    """Of one this program does not know: that it does not."""
    unknown = FaultWording(
        name, f"The board tells {name}, which this program does not know", "", "Update popsense."
    )
    return FAULTS.get(name, unknown)


def fault_notice(faults: int) -> str:
    """What to tell before an attempt: one line a fault that is present, "" where there is none.

    faults: of HEALTH.
    """
    found = (wording_of(name) for name in present_faults(faults))
    return "\n".join(f"{one.told()} {one.remedy}" for one in found)
