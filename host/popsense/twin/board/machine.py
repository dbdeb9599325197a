"""Stand-in for MicroPython's `machine` on the twin: pins, SPI, ADC over the world of world.py.

`install` is called by run_firmware.py before the firmware is imported.
"""

from ads1220_model import Ads1220Model

PWRON_RESET = 1
WDT_RESET = 3
DEPTH_GPIO = 26
PRESSURE_GPIO = 27
_FIRST_WORD = {DEPTH_GPIO: 2, PRESSURE_GPIO: 6}  # of the four codes of that channel in a sample

console = None
_world = None
_unique_id = bytes(8)


def install(world, usb, unique_id):
    global console, _world, _unique_id
    console, _world, _unique_id = usb, world, unique_id


def unique_id():
    return _unique_id


def reset_cause():
    return PWRON_RESET


class Pin:
    IN = 0
    OUT = 1
    IRQ_FALLING = 4

    def __init__(self, number, mode=0, value=0):
        self.number = number
        self.level = value

    def __call__(self, level=None):
        if level is not None:
            self.level = level
        return self.level

    def irq(self, handler=None, trigger=0, hard=False):
        """Only the data-ready pin asks for interrupts on this board."""
        _world.handler = handler
        _world.pin = self


class SPI:
    def __init__(self, bus, **_options):
        model = Ads1220Model(_world)
        self.write = model.write
        self.readinto = model.readinto


class ADC:
    """On-chip converter: each read takes the next of the four codes of the present sample."""

    def __init__(self, gpio):
        self._first = _FIRST_WORD[gpio]
        self._turn = 0

    def read_u16(self):
        turn = self._turn
        self._turn = (turn + 1) & 3
        code = _world.codes[_world.at + self._first + turn]
        return (code << 4) | (code >> 8)
