"""Virtual time and the converter's edges: the world that the firmware's sensors feel. Runs in the child.

The clock moves only while the firmware sleeps (computing takes no virtual time); every data-ready edge that
falls into a sleep calls the interrupt handler at its own instant. Sensor codes come from a file that the host
wrote before (twin/sensors.py: ten 16-bit words a sample); before the operator begins and after the script has
ended, its rest part is played in a loop. An edge of a missed conversion calls nobody: its result is lost.

What breaks under way stands in `defects`, by name: "cell" ("unplugged", "shorted"), "depth" and "pressure"
(12-bit code), "ready" (level at which the data-ready line is stuck), "garbage" (SPI), "supply_mv".
"""

from array import array

WORDS_PER_SAMPLE = 10
FORCE_HIGH_WORD = 1
MISSED_WORD = 0x8000  # as force's high word: this conversion is not read; no 24-bit count has it
CHUNK_SAMPLES = 256
TICKS_MASK = 0x3FFFFFFF  # the board's ticks_us wraps at 2^30, MicroPython's unix port does not
NOT_BEGUN = 0xFFFFFFFFFFFFFFFF


class World:
    """One power-on of the board. `codes[at:at + 10]` is the sample that the sensors show now."""

    def __init__(self, script_path, period_ns, rest_samples):
        self.now_ns = 0
        self.horizon_ns = 0
        self.at_horizon = None  # called when virtual time has used up what the host granted
        self.handler = None
        self.pin = None
        self.converting = False
        self.supply_mv = 5000  # of VSYS
        self.defects = {}
        self._coming = []
        self._played = -1
        self.conversions = 0
        self.origin_us = NOT_BEGUN
        self.ended = False
        self._period_ns = period_ns
        self._next_edge_ns = 0
        self._script = open(script_path, "rb")
        self._rest = array("H", bytes(rest_samples * WORDS_PER_SAMPLE * 2))
        self._script.readinto(self._rest)
        self._script.seek(0)
        self._chunk = array("H", bytes(CHUNK_SAMPLES * WORDS_PER_SAMPLE * 2))
        self._playing = False
        self.codes = self._rest
        self.at = 0
        self._end = len(self._rest)

    def begin(self):
        """The operator takes the needle: the script plays from the next edge on."""
        if not self._playing and not self.ended:
            self._playing = True
            self.at = self._end  # the next edge loads the script's first chunk

    def break_later(self, coming):
        """coming: [sample of the script from which on it holds (-1 = at once), name, value (None: mended)]"""
        self._coming = coming
        self._break()

    def start_conversions(self, settling=1):
        """The first result after so many periods."""
        self.converting = True
        self._next_edge_ns = self.now_ns + settling * self._period_ns

    def stop_conversions(self):
        self.converting = False

    def ticks_us(self):
        return (self.now_ns // 1000) & TICKS_MASK

    def ticks_ms(self):
        return (self.now_ns // 1000000) & TICKS_MASK

    def ticks_diff(self, later, earlier):
        return ((later - earlier + (TICKS_MASK + 1) // 2) & TICKS_MASK) - (TICKS_MASK + 1) // 2

    def ticks_add(self, ticks, delta):
        return (ticks + delta) & TICKS_MASK

    def sleep_ms(self, milliseconds):
        self.sleep_ns(milliseconds * 1000000)

    def sleep_us(self, microseconds):
        self.sleep_ns(microseconds * 1000)

    def sleep_ns(self, nanoseconds):
        """Moves the clock, with every data-ready edge on the way at its own instant."""
        if self.now_ns >= self.horizon_ns:
            self.at_horizon()
        until = self.now_ns + nanoseconds
        while self.converting and self._next_edge_ns <= until:
            self.now_ns = self._next_edge_ns
            self._next_edge_ns += self._period_ns
            self._next_sample()
            if self.handler and self.codes[self.at + FORCE_HIGH_WORD] != MISSED_WORD:
                if "ready" not in self.defects:
                    self.handler(self.pin)
        self.now_ns = until

    def _next_sample(self):
        self.conversions += 1
        self.at += WORDS_PER_SAMPLE
        if self.at >= self._end:
            self._load()
        if self._playing:
            self._played += 1
        if self._coming:
            self._break()

    def _break(self):
        while self._coming and self._coming[0][0] <= self._played:
            _, name, value = self._coming.pop(0)
            if value is None:
                self.defects.pop(name)
            else:
                self.defects[name] = value
            if name == "supply_mv":
                self.supply_mv = 5000 if value is None else value

    def _load(self):
        """Next chunk of the script, or the rest part once more."""
        if self._playing:
            count = self._script.readinto(self._chunk) // 2
            if self.origin_us == NOT_BEGUN:
                self.origin_us = self.now_ns // 1000
            if count:
                self.codes, self.at, self._end = self._chunk, 0, count
                return
            self._playing, self.ended = False, True
        self.codes, self.at, self._end = self._rest, 0, len(self._rest)
