"""HX711 24-bit converter on the load cell: the low-cost build. Ref: Avia Semiconductor, HX711 data sheet.

Bridge on channel A, AVDD both excites it and is the reference (ratiometric), gain 128: full scale is
+-0.5 AVDD / 128. DOUT falls when a result is ready; 24 pulses on PD_SCK fetch it, most significant bit first,
the 25th keeps gain 128 and leaves DOUT high. The RATE pin (or a crystal) sets 10, 80 or up to 144
samples/s; the oscillator is the chip's own, so the true rate is measured. A step shows in full after 4
conversions (settling time 400 ms at 10/s, 50 ms at 80/s), and so long the chip is silent after a reset.

PD_SCK high for 60 us powers the chip down. A pulse here takes a few us, and on the RP2040 no interrupt comes
between in the data-ready interrupt: all have one priority. Viper rules as in kernels.py.
"""

import micropython

from bone import settings, wire

_DRIVEN_MS = 5  # after a reset DOUT is high for 28 ms at least
_SETTLED_MS = 500  # 400 at 10 samples/s, by an oscillator without a stated tolerance


class Hx711:
    """One converter. `fitted`: after a reset it held DOUT high, gave a result, and held it high again."""

    option = wire.OPTION_HX711
    nano_n_per_count = settings.HX711_FORCE_NANO_N_PER_COUNT
    settle_samples = 4
    measure_samples = 16
    measure_timeout_ms = 2300  # at 10 samples/s 400 to settle and 1600; at 80 it takes 250

    def __init__(self, dout, sck, sleep_ms):
        self._dout = dout
        self._sck = sck
        self._sleep_ms = sleep_ms
        self.raw = bytearray(3)  # latest result, two's complement, most significant byte first
        self.ready_pin = ReadyEdge(dout)
        self.fitted = self._converts()
        self.stop()

    def start(self):
        """Conversions begin, the first result comes when the filter has settled."""
        self._sck(0)

    def stop(self):
        """Power-down. The data-ready interrupt must be disarmed already."""
        self._sck(1)
        self._sleep_ms(1)  # 60 us are asked for; a shorter pulse would be taken for a clock

    def read(self):
        """Fetch the result into `raw`; called in the interrupt, allocates nothing."""
        fetch(self._sck, self._dout, self.raw)

    def answers(self):
        """True where it holds DOUT high after a reset: it does until it has settled. Not while sampling."""
        driven = self._is_driven()
        self.stop()
        return driven

    def _is_driven(self):
        """Takes at most 7 ms. Where nothing is connected nobody drives DOUT against the pull-down."""
        self.stop()
        self._dout.init(self._dout.IN, self._dout.PULL_DOWN)
        self.start()
        driven = self._becomes(1, _DRIVEN_MS)
        self._dout.init(self._dout.IN, self._dout.PULL_UP)  # a wire that breaks is never ready
        return driven

    def _converts(self):
        """It gives a result; a line that is shorted, to either side, does not."""
        if not (self._is_driven() and self._becomes(0, _SETTLED_MS)):
            return False
        self.read()
        return self._dout() == 1

    def _becomes(self, level, timeout_ms):
        while self._dout() != level:
            if timeout_ms == 0:
                return False
            self._sleep_ms(1)
            timeout_ms -= 1
        return True


def _nobody(pin):
    """Before the first handler."""


class ReadyEdge:
    """DOUT as a data-ready pin. Its bits make falling edges too, and the board latches them while the
    interrupt reads: such an edge finds DOUT high, as the 25th pulse left it, and is dropped."""

    def __init__(self, dout):
        self._dout = dout
        self._handler = _nobody
        self._interrupt = self._on_edge  # bound once: binding allocates

    def __call__(self):
        """Level of DOUT."""
        return self._dout()

    def irq(self, handler=None, trigger=0, hard=False):
        """As machine.Pin.irq, for this one handler."""
        if handler is None:
            self._dout.irq(handler=None)
            return
        self._handler = handler
        self._dout.irq(handler=self._interrupt, trigger=trigger, hard=hard)

    def _on_edge(self, pin):
        if not self._dout():
            self._handler(pin)


@micropython.viper
def fetch(sck, dout, raw_o):
    """25 pulses: 24 bits into `raw`, and gain 128 for the next conversion."""
    raw = ptr8(raw_o)
    k = 0
    while k < 3:
        byte = 0
        bit = 0
        while bit < 8:
            sck(1)
            sck(0)
            byte = (byte << 1) | int(dout())
            bit += 1
        raw[k] = byte
        k += 1
    sck(1)
    sck(0)
