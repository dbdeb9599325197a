"""Stand-in board for scripts that run the firmware's parts alone. Once built, it allocates nothing."""

PERIOD_US = 1012
TICKS_MASK = 0x3FFFFFFF
_SILENCE = bytes((0xFF, 0xFF, 0xFF, 0xFF))


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
    """An ADS1220: four bytes asked for are the registers, three the conversion result.

    bridge: what the burn-out currents do to the result, as counts added while they are on.
    """

    def __init__(self):
        self.result = bytearray(3)
        self.registers = bytearray(4)
        self.answers = True
        self.bridge = 1140000  # of a 350 ohm cell: 10 uA through it, 13.6 % of full scale
        self._burnt = bytearray(3)

    def write(self, data):
        command = data[0]
        if command == 0x06:
            self._set(0, 0)
        elif command & 0xF0 == 0x40:
            first = (command >> 2) & 3
            i = 1
            while i < len(data):
                self._set(first + i - 1, data[i])
                i += 1

    def _set(self, register, value):
        self.registers[register] = value

    def readinto(self, buffer):
        if not self.answers:
            source = _SILENCE
        elif len(buffer) == 4:
            source = self.registers
        elif self.registers[1] & 1:
            source = self._with_burn_out()
        else:
            source = self.result
        i = 0
        while i < len(buffer):
            buffer[i] = source[i]
            i += 1

    def _with_burn_out(self):
        result = self.result
        code = ((result[0] << 16 | result[1] << 8 | result[2]) ^ 0x800000) + self.bridge
        code = min(max(code, 0), 0xFFFFFF) ^ 0x800000
        for k in range(3):
            self._burnt[k] = (code >> (16 - 8 * k)) & 0xFF
        return self._burnt


class Adc:
    """A 12-bit code as MicroPython scales it to 16 bits."""

    def __init__(self, code):
        self.code = code

    def read_u16(self):
        return (self.code << 4) | (self.code >> 8)


class OutputPin:
    def __init__(self):
        self.level = 0

    def __call__(self, level):
        self.level = level


class UnconnectedPin:
    """An input with a pull-down at the most."""

    IN = 0
    PULL_DOWN = 2
    PULL_UP = 1

    def init(self, *_):
        pass

    def __call__(self):
        return 0


class ReadyPin:
    def __init__(self):
        self.handler = None
        self.level = 1

    def __call__(self):
        return self.level

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
        self.supply_adc = Adc(2068)  # 5.0 V / 3
        self.cue_led = OutputPin()
        self.cue_buzzer = OutputPin()
        self.hx711_dout = UnconnectedPin()
        self.hx711_sck = OutputPin()
        self.is_rp2040 = False
        self.board_id = bytes(8)
        self.boot_id = 0
        self.reset_cause = 1
        self.interpreter = "stand-in"
        self.period_us = PERIOD_US
        self.last_us = 0
        self.now_us = 0
        self.now_ms = 0
        self.ctrl_c_ignored = False
        self.watchdog_armed = False
        self.left = False
        self.calibration_folder = "no such folder"

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

    def arm_watchdog(self):
        self.watchdog_armed = True

    def feed_watchdog(self):
        pass

    def leave(self):
        self.left = True

    def ignore_ctrl_c(self):
        self.ctrl_c_ignored = True

    def collect_garbage(self):
        return 41216
