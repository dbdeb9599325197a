"""A simulated board with its power supply: the firmware's process, its clock, its hand.

The board runs whether anybody listens or not, as a real one does on its own supply; flags of an exchange say
whether a port is open (DTR) and whether the host reads.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from popsense.procedure.sites import SiteProfile
from popsense.twin.board import usb
from popsense.twin.child import FirmwareChild
from popsense.twin.converters import CONVERTERS
from popsense.twin.defects import BY_WATCHDOG, POWER_ON, Defect, Restart
from popsense.twin.insertion import Setup
from popsense.twin.interpreter import find_interpreter
from popsense.twin.script import SensorScript, build_script, sensors_with

QUANTUM_US = {"max": 100_000, "real": 20_000}  # a larger step means fewer exchanges and a later answer


@dataclass(frozen=True)
class TwinAddress:
    """A parsed sim:// address."""

    site: SiteProfile
    operator: str = "expert"
    device: str = "powered"
    seed: int = 0
    pace: str = "max"
    interpreter: str = "auto"
    converter: str = "ads1220"  # one of CONVERTERS


class SimBoard:
    """Powered at once; `now_us` is its own virtual clock, which goes on while the power is off."""

    def __init__(
        self,
        address: TwinAddress,
        script: SensorScript | None = None,
        sleep: Callable[[float], None] = time.sleep,
        defects: Sequence[Defect] = (),
        start: Restart = POWER_ON,
    ) -> None:
        self.address = address
        self._defects = defects
        self._flash = start.flash
        self.script = script or build_script(
            Setup(address.site, address.operator, address.device, address.seed),
            sensors_with(CONVERTERS[address.converter]),
        )
        self.now_us = 0
        self.origin_us: int | None = None  # the device's clock (not wrapped) at the script's first sample
        self.boots = 0
        self._sleep = sleep
        self._started_wall_s = time.monotonic()
        self._powered_at_us = 0
        self._child: FirmwareChild | None = None
        self.power_on(start)

    @property
    def quantum_us(self) -> int:
        """How much virtual time passes in one exchange."""
        return QUANTUM_US[self.address.pace]

    @property
    def is_powered(self) -> bool:
        return self._child is not None

    def power_on(self, start: Restart = POWER_ON) -> None:
        """The firmware starts anew, with another boot id; the operator has not begun."""
        if self._child is None:
            interpreter = find_interpreter(self.address.interpreter)
            start = replace(start, flash=self._flash)
            self._child = FirmwareChild(
                self.script, interpreter, self.address.seed, self.boots, self._defects, start
            )
            self.boots += 1
            self._powered_at_us = self.now_us

    def power_off(self) -> None:
        """Ring, events and sample index are gone. Safe to call twice."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def watchdog_reset(self) -> None:
        """The firmware hung, and starts anew."""
        self.power_off()
        self.power_on(BY_WATCHDOG)

    def run(self, grant_us: int, data: bytes = b"", flags: int = usb.FLAG_DTR | usb.FLAG_READING) -> bytes:
        """What the board writes while so much virtual time passes; flags of board/usb.py."""
        if self._child is None:
            self.now_us += grant_us
            return b""
        answer = self._child.exchange(grant_us, data, flags)
        self.now_us = self._powered_at_us + answer.now_us
        if answer.origin_us is not None:
            self.origin_us = answer.origin_us
        return answer.data

    def keep_pace(self) -> None:
        """Waits for the wall clock where the address asks for it."""
        if self.address.pace == "real":
            ahead_s = self.now_us / 1e6 - (time.monotonic() - self._started_wall_s)
            if ahead_s > 0:
                self._sleep(ahead_s)
