"""bone.board over a chip that can be reset. In: {cause, marker, strap, do: [...]} a line.

`cause`: machine.reset_cause(); `marker`: what stands in the watchdog's scratch register; `strap`: level of
the strap pin; `do`: methods of Board to call. Out: what the board says of itself, and what happened to the
chip.
"""

import json
import sys

SCRATCH0 = 0x4005800C


class Pin:
    IN, OUT, PULL_UP, IRQ_FALLING = 0, 1, 1, 4

    def __init__(self, number, mode=0, pull=None, value=0):
        self.number = number

    def __call__(self, level=None):
        return chip.strap if self.number == board.STRAP_GPIO else 1


class Part:
    def __init__(self, *_positions, **_options):
        pass


class Watchdog:
    def __init__(self, timeout):
        chip.events.append(["watchdog", timeout])

    def feed(self):
        chip.events.append(["feed"])


class Chip:
    """Stands in for the module `machine`."""

    PWRON_RESET, WDT_RESET = 1, 3
    Pin, SPI, ADC, WDT = Pin, Part, Part, Watchdog

    def __init__(self):
        self.mem32 = {SCRATCH0: 0}
        self.events = []
        self.cause = 1
        self.strap = 1

    def reset_cause(self):
        return self.cause

    def unique_id(self):
        return bytes(8)

    def reset(self):
        self.events.append(["reset"])


class Clock:
    @staticmethod
    def ticks_us():
        return 0

    ticks_ms = ticks_us

    @staticmethod
    def ticks_diff(later, earlier):
        return later - earlier

    @staticmethod
    def sleep_ms(milliseconds):
        pass


chip = Chip()
sys.modules["machine"] = chip
from bone import board  # noqa: E402  the chip must be there first

board.time = Clock

for line in sys.stdin:
    asked = json.loads(line)
    chip.cause, chip.mem32[SCRATCH0] = asked["cause"], asked["marker"]
    chip.strap, chip.events = asked["strap"], []
    told = {"at_prompt": board.stays_at_prompt()}
    if not told["at_prompt"]:
        here = board.Board()
        told["reset_cause"] = here.reset_cause
        for name in asked["do"]:
            getattr(here, name)()
    told["events"], told["marker"] = chip.events, chip.mem32[SCRATCH0]
    print(json.dumps(told))
