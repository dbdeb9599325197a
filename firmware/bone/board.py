"""Pins, buses, clock, sleep and the USB console: the one place that knows the Raspberry Pi Pico.

With main.py the only importer of `machine`. Everything above takes time, sleep and output from here, which is
why the same files run on the twin's virtual time. GPIO numbers as in hardware/pinout.toml.
"""

import gc
import os
import select
import sys
import time

import machine
import micropython

ADS1220_SCK_GPIO = 2
ADS1220_MOSI_GPIO = 3
ADS1220_MISO_GPIO = 4
ADS1220_CS_GPIO = 5
ADS1220_DRDY_GPIO = 6
HX711_DOUT_GPIO = 8
HX711_SCK_GPIO = 9
DEPTH_ADC_GPIO = 26
PRESSURE_ADC_GPIO = 27
SUPPLY_ADC_GPIO = 29  # a third of VSYS, on the board itself
CUE_LED_GPIO = 14
CUE_BUZZER_GPIO = 15

STRAP_GPIO = 22  # to ground: the firmware does not start, MicroPython's prompt stays

SPI_BAUD = 2_000_000  # the ADS1220 allows 5 MHz at 3.3 V; cable to the cell board

WATCHDOG_MS = 8300  # the RP2040's longest is 8,388 (datasheet 4.7)
CALIBRATION_FOLDER = "/calibration"

# Scratch register of the watchdog (RP2040 datasheet 4.7.4): outlives every reset but that of the supply.
# machine.reset() uses the watchdog too, so only what stands here tells a hang from a wish.
_SCRATCH0 = 0x4005800C
_ARMED = 0x41524D31  # written at START: a reset that finds it is the watchdog's
_LEFT = 0x45584954  # written by EXIT: stay at the prompt

# wire.RESET_*
_UNKNOWN = 0
_POWER_ON = 1
_WATCHDOG = 2
_REQUESTED = 3


def stays_at_prompt():
    """True after EXIT, once, and while the strap pin is grounded: then nothing of ours may run."""
    left = machine.mem32[_SCRATCH0] & 0xFFFFFFFF == _LEFT
    if left:
        machine.mem32[_SCRATCH0] = 0
    return left or machine.Pin(STRAP_GPIO, machine.Pin.IN, machine.Pin.PULL_UP)() == 0


def _reset_cause():
    marker = machine.mem32[_SCRATCH0] & 0xFFFFFFFF
    machine.mem32[_SCRATCH0] = 0
    cause = machine.reset_cause()
    if cause == machine.PWRON_RESET:
        return _POWER_ON
    if cause == machine.WDT_RESET:
        return _WATCHDOG if marker == _ARMED else _REQUESTED
    return _UNKNOWN


class Console:
    """USB CDC as MicroPython's standard streams. A write may block for 500 ms when the host does not read."""

    def __init__(self, stdin, stdout):
        self._in = stdin
        self._out = stdout
        self._one = bytearray(1)
        self._poll = select.poll()
        self._poll.register(stdin, select.POLLIN)

    def any(self):
        """True if a byte can be read at once. ipoll allocates nothing."""
        for _ in self._poll.ipoll(0):
            return True
        return False

    def read_byte(self):
        """The next byte, or -1 at the end of the stream."""
        return self._one[0] if self._in.readinto(self._one) else -1

    def write(self, buffer, count):
        self._out.write(buffer, count)


class Board:
    """Everything the application needs of the hardware, built once."""

    def __init__(self):
        pin = machine.Pin
        self.console = getattr(machine, "console", None) or Console(sys.stdin.buffer, sys.stdout.buffer)
        self.spi = machine.SPI(
            0,
            baudrate=SPI_BAUD,
            polarity=0,
            phase=1,
            sck=pin(ADS1220_SCK_GPIO),
            mosi=pin(ADS1220_MOSI_GPIO),
            miso=pin(ADS1220_MISO_GPIO),
        )
        self.force_cs = pin(ADS1220_CS_GPIO, pin.OUT, value=1)
        self.force_ready = pin(ADS1220_DRDY_GPIO, pin.IN)
        self.hx711_dout = pin(HX711_DOUT_GPIO, pin.IN)
        self.hx711_sck = pin(HX711_SCK_GPIO, pin.OUT, value=0)
        self.depth_adc = machine.ADC(DEPTH_ADC_GPIO)
        self.pressure_adc = machine.ADC(PRESSURE_ADC_GPIO)
        self.supply_adc = machine.ADC(SUPPLY_ADC_GPIO)
        self.cue_led = pin(CUE_LED_GPIO, pin.OUT, value=0)
        self.cue_buzzer = pin(CUE_BUZZER_GPIO, pin.OUT, value=0)
        self.ready_edge = pin.IRQ_FALLING
        self.board_id = machine.unique_id()
        self.boot_id = int.from_bytes(os.urandom(4), "little")
        self.reset_cause = _reset_cause()
        self.calibration_folder = CALIBRATION_FOLDER
        self._watchdog = None
        self.interpreter = _interpreter()
        self.is_rp2040 = "RP2040" in getattr(sys.implementation, "_machine", "")
        # Bound here so that a swapped clock (the twin's) is taken up once, with no look-up in the interrupt.
        self.ticks_us = time.ticks_us
        self.ticks_ms = time.ticks_ms
        self.ticks_diff = time.ticks_diff
        self.sleep_ms = time.sleep_ms

    def arm_watchdog(self):
        """From here on the main loop must feed it, for ever: it cannot be stopped. Safe to call twice."""
        if self._watchdog is None:
            machine.mem32[_SCRATCH0] = _ARMED
            self._watchdog = machine.WDT(timeout=WATCHDOG_MS)

    def feed_watchdog(self):
        if self._watchdog is not None:
            self._watchdog.feed()

    def leave(self):
        """Restarts into MicroPython's prompt, with no watchdog. Does not return on a board."""
        machine.mem32[_SCRATCH0] = _LEFT
        self.sleep_ms(50)  # the ACK is still on its way to the host
        machine.reset()

    def ignore_ctrl_c(self):
        """After the first valid IDENTIFY a 0x03 on the wire is data (console rule)."""
        micropython.kbd_intr(-1)

    def collect_garbage(self):
        """Free heap in bytes after a collection; takes milliseconds, never while sampling."""
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else 0


def _interpreter():
    version = sys.implementation.version
    return "%s %d.%d.%d %s" % (sys.implementation.name, version[0], version[1], version[2], sys.platform)
