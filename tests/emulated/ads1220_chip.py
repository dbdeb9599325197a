"""The ADS1220 on the board's SPI, by its registers. Ref: TI SBAS501C 8.3 to 8.6.

Commands, data-ready pin and burn-out currents as the datasheet has them; an own oscillator; every byte takes
its eight clocks. The faults that a technician may meet can be switched on while the board runs.
"""

from collections.abc import Callable
from typing import Any, Literal

from rp2040py.gpio_pin import GPIOPinState

Cell = Literal["fitted", "unplugged", "shorted"]

SPI, CS_GPIO, DRDY_GPIO = 0, 5, 6  # hardware/pinout.toml
RESET, START_SYNC, POWERDOWN, READ_DATA = 0x06, 0x08, 0x02, 0x10
WRITE_REGISTERS, READ_REGISTERS = 0x40, 0x20  # ... rrnn: from register rr, nn + 1 of them
BURN_OUT = 0x01  # register 1, BCS
CONTINUOUS = 0x04  # register 1, CM
GAIN_SHIFT, GAIN_MASK = 1, 0x07  # register 0
UNREAD_PULSE_NS = 7_812.5  # 2 / f(MOD), 256 kHz in normal mode
BURN_OUT_A = 10e-6
EXCITATION_V = 3.3
LIMIT_COUNTS = 1 << 23  # two's complement: what is beyond is clipped


class Ads1220Chip:
    """force(k): counts of conversion k since the last START_SYNC.

    read_ns[k]: when the last bit of conversion k was shifted out, edge_ns[k]: when DRDY fell for it, both of
    the longest run between two START_SYNCs: the board tests the bridge with a few conversions now and then.
    """

    def __init__(self, force: Callable[[int], int], period_ns: float, bridge_ohm: float = 350.0) -> None:
        self._force, self.period_ns, self._bridge_ohm = force, period_ns, bridge_ohm
        self.cell: Cell = "fitted"
        self.ready_held: bool | None = None  # DRDY stuck at this level
        self.unannounced: set[int] = set()  # conversions for which DRDY does not fall
        self.garble: Callable[[int], int] | None = None  # what becomes of a byte on its way to the board
        self.on_ready: Callable[[], None] = lambda: None
        self.starts = 0
        self.edge_ns: dict[int, float] = {}
        self.read_ns: dict[int, float] = {}
        self._edges: dict[int, float] = self.edge_ns
        self._reads: dict[int, float] = self.read_ns
        self.registers = bytearray(4)
        self._conversion = -1
        self._result = bytes(3)
        self._selected = self._converting = False
        self._forget_transfer()

    def attach(self, rp2040: Any) -> None:
        self._clock, self._spi = rp2040.clock, rp2040.spi[SPI]
        self._drdy = rp2040.gpio[DRDY_GPIO]
        self._spi.on_transmit = self._begin_byte
        rp2040.gpio[CS_GPIO].add_listener(self._select)
        self._converted = self._clock.create_alarm(self._convert)
        self._about_to = self._clock.create_alarm(lambda: self._drive(True))
        self._shifted = self._clock.create_alarm(self._end_byte)
        self._drive(True)

    # ---- conversions -----------------------------------------------------------------------------------

    def _next_conversion(self) -> None:
        self._converting = True
        self._converted.schedule(self.period_ns)
        self._about_to.schedule(self.period_ns - UNREAD_PULSE_NS)

    def _stop(self) -> None:
        self._converting = False
        self._converted.cancel()
        self._about_to.cancel()

    def _convert(self) -> None:
        self._conversion += 1
        self._converting = False
        self._result = self._counts().to_bytes(3, "big", signed=True)
        if self.registers[1] & CONTINUOUS:
            self._next_conversion()
        if self._conversion in self.unannounced:
            return
        self._edges[self._conversion] = self._clock.nanos
        if len(self._edges) > len(self.edge_ns):
            self.edge_ns, self.read_ns = self._edges, self._reads
        self._drive(False)
        self.on_ready()

    def _counts(self) -> int:
        burn_out = bool(self.registers[1] & BURN_OUT)
        if self.cell == "unplugged":
            counts = LIMIT_COUNTS if burn_out else 0  # without the currents the inputs float
        elif self.cell == "shorted":
            counts = 0
        else:
            counts = self._force(self._conversion) + (self._bridge_counts() if burn_out else 0)
        return max(-LIMIT_COUNTS, min(LIMIT_COUNTS - 1, counts))

    def _bridge_counts(self) -> int:
        """What the burn-out currents give across the bridge; the excitation is the reference."""
        gain = 1 << (self.registers[0] >> GAIN_SHIFT & GAIN_MASK)
        return round(BURN_OUT_A * self._bridge_ohm * gain / EXCITATION_V * LIMIT_COUNTS)

    def _drive(self, high: bool) -> None:
        self._drdy.set_input_value(high if self.ready_held is None else self.ready_held)

    # ---- the bus ---------------------------------------------------------------------------------------

    def _select(self, new: GPIOPinState, _old: GPIOPinState) -> None:
        self._selected = new == GPIOPinState.LOW
        if not self._selected:
            self._forget_transfer()

    def _forget_transfer(self) -> None:
        self._out = b""
        self._to_write: list[int] = []
        self._is_result = False

    def _begin_byte(self, value: int) -> None:
        self._value = value
        clocks = self._spi.data_bits
        self._shifted.schedule(clocks * 1e9 / self._spi.clock_frequency)

    def _end_byte(self) -> None:
        answer = 0
        for shift in range(self._spi.data_bits - 8, -1, -8):
            answer = answer << 8 | self._exchange(self._value >> shift & 0xFF)
        self._spi.complete_transmit(answer)

    def _exchange(self, byte: int) -> int:
        if not self._selected:
            return 0xFF  # nobody drives the line
        self._drive(True)  # DRDY rises with the first clock
        answer = self._shift(byte)
        return self.garble(answer) if self.garble else answer

    def _shift(self, byte: int) -> int:
        if self._to_write:
            self._write_register(byte)
            return 0
        if not self._out:
            if self._command(byte):
                return 0
            self._offer_result()  # clocks without a command: the result, read directly
        return self._shift_out()

    def _shift_out(self) -> int:
        first, self._out = self._out[0], self._out[1:]
        if not self._out and self._is_result:
            self._reads[self._conversion] = self._clock.nanos
        return first

    def _offer_result(self) -> None:
        self._out, self._is_result = self._result, True

    def _command(self, byte: int) -> bool:
        """Does what the byte says; False where it is no command."""
        first, count = byte >> 2 & 3, (byte & 3) + 1
        if byte & 0xFE == RESET:
            self.registers[:] = bytes(4)
            self._stop()
        elif byte & 0xFE == START_SYNC:
            self._start()
        elif byte & 0xFE == POWERDOWN:
            self._stop()
        elif byte & 0xF0 == READ_DATA:
            self._offer_result()
        elif byte & 0xF0 == READ_REGISTERS:
            self._out = bytes(self.registers[first : first + count])
            self._is_result = False
        elif byte & 0xF0 == WRITE_REGISTERS:
            self._to_write = list(range(first, min(4, first + count)))
        else:
            return False
        return True

    def _start(self) -> None:
        self.starts += 1
        self._conversion = -1
        self._edges, self._reads = {}, {}
        self._next_conversion()

    def _write_register(self, byte: int) -> None:
        self.registers[self._to_write.pop(0)] = byte
        if self._converting:
            self._next_conversion()  # new settings: the conversion under way begins anew
