"""The HX711 behind two fake pins. Ref: Avia Semiconductor, HX711 data sheet, "Serial Interface" and on.

A result is ready when the world has made one that was not fetched. Pulses are counted; only after 25 of them
does the next result suit the bridge, else it is zero. DOUT's own falling edges are remembered while the
interrupt runs, as the RP2040 does (datasheet 2.19.3: edges are latched until acknowledged).
"""

POWER_DOWN_NS = 60000
SETTLE_CONVERSIONS = 4
BRIDGE_PULSES = 25


class Hx711Model:
    """Converts from power-on. `fitted` False: nothing is connected, DOUT is what the pull makes of it."""

    def __init__(self, world, fitted):
        self._world = world
        self.fitted = fitted
        self._sck = 0
        self._rose_ns = 0
        self._edges = 0
        self._reset()

    def _reset(self):
        self._pulses = 0
        self._suits_bridge = True
        self._bit = 1
        self._fetched = self._world.conversions
        if self.fitted:
            self._world.start_conversions(SETTLE_CONVERSIONS)

    def clock(self, level):
        """The firmware drives PD_SCK."""
        if not self.fitted or level == self._sck:
            return
        down = self.is_down()
        self._sck = level
        if level:
            self._rose_ns = self._world.now_ns
            self._pulse()
        elif down:
            self._reset()

    def is_down(self):
        """PD_SCK has been high for long enough."""
        return self._sck == 1 and self._world.now_ns - self._rose_ns >= POWER_DOWN_NS

    def dout(self, pulled_up):
        """Level of DOUT."""
        if not self.fitted:
            return 1 if pulled_up else 0
        if self.is_down():
            return 1
        if 0 < self._pulses < BRIDGE_PULSES:
            return self._bit
        return 0 if self._world.conversions != self._fetched else 1

    def while_reading(self, handler):
        """The handler, called once more where DOUT fell while it ran, and not at all without power."""

        def call(pin):
            if self.is_down():
                return
            self._edges = 0
            handler(pin)
            while self._edges:
                self._edges = 0
                handler(pin)

        return call

    def _pulse(self):
        if self._pulses == 0 or self._world.conversions != self._fetched:
            if self._world.conversions == self._fetched:
                return  # nothing to fetch
            self._take()
        self._pulses += 1
        before = self._bit
        self._bit = (self._value >> 24 - self._pulses) & 1 if self._pulses <= 24 else 1
        if before and not self._bit:
            self._edges += 1
        if self._pulses >= BRIDGE_PULSES:
            self._suits_bridge = self._pulses == BRIDGE_PULSES

    def _take(self):
        self._fetched = self._world.conversions
        self._pulses = 0
        self._bit = 0
        codes, at = self._world.codes, self._world.at
        self._value = (codes[at + 1] & 0xFF) << 16 | codes[at] if self._suits_bridge else 0
