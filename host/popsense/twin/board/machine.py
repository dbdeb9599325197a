"""Stand-in for MicroPython's `machine` on the twin: pins, SPI, ADC over the world of world.py.

`install` is called by run_firmware.py before the firmware is imported.
"""

import sys

from ads1220_model import Ads1220Model
from hx711_model import Hx711Model

PWRON_RESET = 1
WDT_RESET = 3
ADS1220_DRDY_GPIO = 6
DEPTH_GPIO = 26
PRESSURE_GPIO = 27
HX711_DOUT_GPIO = 8
HX711_SCK_GPIO = 9
SUPPLY_GPIO = 29  # a third of VSYS
_FIRST_WORD = {DEPTH_GPIO: 2, PRESSURE_GPIO: 6}  # of the four codes of that channel in a sample
_DEFECT = {DEPTH_GPIO: "depth", PRESSURE_GPIO: "pressure"}
SCRATCH0 = 0x4005800C  # of the watchdog

mem32 = {SCRATCH0: 0}  # the watchdog's scratch register 0, as after power-on
console = None
on_pin_change = None  # called with GPIO, level and virtual time in ns
_world = None
_unique_id = bytes(8)
_reset_cause = PWRON_RESET
_ads1220 = None
_hx711 = None


def install(world, usb, unique_id, converter="ads1220"):
    """converter: the chip that is fitted; where the other one would be nothing is connected."""
    global console, _world, _unique_id, _ads1220, _hx711
    console, _world, _unique_id = usb, world, unique_id
    _ads1220 = Ads1220Model(world) if converter == "ads1220" else Nothing()
    _hx711 = Hx711Model(world, converter == "hx711")


class Nothing:
    """A bus without a chip: its input line rests high."""

    def write(self, data):
        pass

    def readinto(self, buffer):
        for i in range(len(buffer)):
            buffer[i] = 0xFF


def unique_id():
    return _unique_id


def reset_cause():
    return _reset_cause


def restarted(cause, scratch0):
    """Why the board starts, and what the register kept."""
    global _reset_cause
    _reset_cause = cause
    mem32[SCRATCH0] = scratch0


def reset():
    """The board is gone, as far as the host can see."""
    sys.exit(0)


class WDT:
    """Never bites: computing takes no virtual time."""

    def __init__(self, timeout):
        self.timeout = timeout

    def feed(self):
        pass


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 4

    def __init__(self, number, mode=0, pull=None, value=0):
        self.number = number
        self.level = 1 if pull == Pin.PULL_UP else value
        self._pull = pull

    def init(self, mode=0, pull=None):
        self._pull = pull

    def __call__(self, level=None):
        if level is None:
            if self.number == ADS1220_DRDY_GPIO:
                return _world.defects.get("ready", 1)
            if self.number == HX711_DOUT_GPIO:
                return _hx711.dout(self._pull == Pin.PULL_UP)
            return self.level
        if on_pin_change and level != self.level:
            on_pin_change(self.number, level, _world.now_ns)
        self.level = level
        if self.number == HX711_SCK_GPIO:
            _hx711.clock(level)
        return None

    def irq(self, handler=None, trigger=0, hard=False):
        """Only the data-ready pin asks for interrupts on this board."""
        if handler and self.number == HX711_DOUT_GPIO:
            handler = _hx711.while_reading(handler)
        _world.handler = handler
        _world.pin = self


class SPI:
    def __init__(self, bus, **_options):
        self.write = _ads1220.write
        self.readinto = _ads1220.readinto


def ADC(gpio):
    return _Supply() if gpio == SUPPLY_GPIO else _Channel(gpio)


class _Supply:
    """A third of what the world supplies now, against 3.3 V."""

    def read_u16(self):
        code = min(4095, _world.supply_mv * 4095 // 9900)
        return (code << 4) | (code >> 8)


class _Channel:
    """On-chip converter: each read takes the next of the four codes of the present sample."""

    def __init__(self, gpio):
        self._first = _FIRST_WORD[gpio]
        self._defect = _DEFECT[gpio]
        self._turn = 0

    def read_u16(self):
        turn = self._turn
        self._turn = (turn + 1) & 3
        code = _world.codes[_world.at + self._first + turn]
        if _world.defects:
            code = _world.defects.get(self._defect, code)
        return (code << 4) | (code >> 8)
