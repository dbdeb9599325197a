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
DEPTH_ADC_GPIO = 26
PRESSURE_ADC_GPIO = 27

SPI_BAUD = 2_000_000  # the ADS1220 allows 5 MHz at 3.3 V; cable to the cell board

# machine.reset_cause() -> wire.RESET_*; a requested reset cannot be told from others here.
_RESET_CAUSES = {
    getattr(machine, "PWRON_RESET", -1): 1,
    getattr(machine, "WDT_RESET", -2): 2,
}


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
        self.depth_adc = machine.ADC(DEPTH_ADC_GPIO)
        self.pressure_adc = machine.ADC(PRESSURE_ADC_GPIO)
        self.ready_edge = pin.IRQ_FALLING
        self.board_id = machine.unique_id()
        self.boot_id = int.from_bytes(os.urandom(4), "little")
        self.reset_cause = _RESET_CAUSES.get(machine.reset_cause(), 0)
        self.interpreter = _interpreter()
        # Bound here so that a swapped clock (the twin's) is taken up once, with no look-up in the interrupt.
        self.ticks_us = time.ticks_us
        self.ticks_ms = time.ticks_ms
        self.ticks_diff = time.ticks_diff
        self.sleep_ms = time.sleep_ms

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
