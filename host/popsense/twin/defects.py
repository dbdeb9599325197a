"""What may be broken in a simulated board, and why it starts: for tests of what is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

POWER_ON_RESET, WATCHDOG_RESET = 1, 3  # as board/machine.py's PWRON_RESET and WDT_RESET
ARMED = 0x41524D31  # what the firmware leaves in the watchdog's scratch register at START


class Defect(NamedTuple):
    """From this sample of the script on (-1: power-on) `name` of board/world.py has a value; None: mended."""

    sample: int
    name: str
    value: str | int | None


@dataclass(frozen=True)
class Restart:
    """A start of the board. flash: calibration files by name, as they are found."""

    cause: int = POWER_ON_RESET
    scratch0: int = 0
    flash: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


POWER_ON = Restart()
BY_WATCHDOG = Restart(WATCHDOG_RESET, ARMED)
