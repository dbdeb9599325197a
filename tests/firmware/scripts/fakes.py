"""Stand-in board for scripts that run the firmware's parts alone. Once built, it allocates nothing."""

from bone.ads1220 import REGISTERS

PERIOD_US = 1012
TICKS_MASK = 0x3FFFFFFF


class Console:
    """Keeps the last frame written; gives the bytes of `incoming`."""

    def __init__(self):
        self.frame = bytearray(512)
        self.length = 0
        self.frames = 0
        self.of_type = [0] * 128  # behind 0x00 and COBS's first code the type byte, which is not zero
        self.incoming = b""
        self._at = 0

    def feed(self, data):
        self.incoming = data
        self._at = 0

    def any(self):
        return self._at < len(self.incoming)

    def read_byte(self):
        byte = self.incoming[self._at]
        self._at += 1
        return byte

    def write(self, buffer, count):
        i = 0
        while i < count:
            self.frame[i] = buffer[i]
            i += 1
        self.length = count
        self.frames += 1
        self.of_type[buffer[2]] += 1

    def last_hex(self):
        """The last frame written; allocates."""
        return bytes(self.frame[: self.length]).hex()


class Spi:
    """Four bytes asked for: the registers. Three: the conversion result."""

    def __init__(self):
        self.result = bytearray(3)

    def write(self, data):
        pass

    def readinto(self, buffer):
        source = REGISTERS if len(buffer) == 4 else self.result
        i = 0
        while i < len(buffer):
            buffer[i] = source[i]
            i += 1


class Adc:
    """A 12-bit code as MicroPython scales it to 16 bits."""

    def __init__(self, code):
        self.code = code

    def read_u16(self):
        return (self.code << 4) | (self.code >> 8)


class ReadyPin:
    def __init__(self):
        self.handler = None

    def irq(self, handler=None, trigger=0, hard=False):
        self.handler = handler


class Board:
    """What the application needs of bone.board.Board; its clock moves with sleep_ms and edge() only."""

    def __init__(self):
        self.console = Console()
        self.spi = Spi()
        self.force_ready = ReadyPin()
        self.ready_edge = 4
        self.depth_adc = Adc(410)
        self.pressure_adc = Adc(1502)
        self.board_id = bytes(8)
        self.boot_id = 0
        self.reset_cause = 1
        self.interpreter = "stand-in"
        self.period_us = PERIOD_US
        self.last_us = 0
        self.now_us = 0
        self.now_ms = 0
        self.ctrl_c_ignored = False

    def force_cs(self, level):
        pass

    def ticks_us(self):
        return self.now_us & TICKS_MASK

    def ticks_ms(self):
        return self.now_ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_ms(self, milliseconds):
        """At the reference converter's period one data-ready edge a millisecond, or nearly so."""
        while milliseconds:
            if self.period_us == PERIOD_US:
                self.edge()
            else:
                self._slow_millisecond()
            milliseconds -= 1

    def _slow_millisecond(self):
        """Of a converter of another period; with period 0 there is never an edge."""
        due_us = self.last_us + self.period_us
        until_us = self.now_us + 1000
        self.now_ms += 1
        if self.period_us and due_us <= until_us:
            self.now_us = self.last_us = due_us
            self.ready()
        self.now_us = until_us

    def edge(self):
        """One conversion is ready."""
        self.now_us += PERIOD_US
        self.now_ms += 1
        self.ready()

    def ready(self):
        if self.force_ready.handler:
            self.force_ready.handler(self.force_ready)

    def ignore_ctrl_c(self):
        self.ctrl_c_ignored = True

    def collect_garbage(self):
        return 41216
