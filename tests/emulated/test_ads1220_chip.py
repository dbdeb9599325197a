"""The model of the converter against its datasheet (TI SBAS501C), on the emulator's SPI, without a board."""

from dataclasses import dataclass, field

import pytest
from rp2040py.peripherals.spi import SSPCPSR, SSPCR0, SSPCR1, SSPDR
from rp2040py.rp2040 import RP2040

from tests.emulated.ads1220_chip import LIMIT_COUNTS, UNREAD_PULSE_NS, Ads1220Chip

PERIOD_NS = 1_000_000.0
EIGHT_BITS, ENABLED, DIVISOR = 7, 2, 62
REGISTERS = [0x0E, 0xC4, 0x40, 0x00]
BYTE_NS = 8e9 / (125e6 / DIVISOR)


@dataclass
class Bench:
    """A chip on the SPI of an RP2040 whose core stands still."""

    force: int = 0
    chip: Ads1220Chip = field(init=False)

    def __post_init__(self) -> None:
        self.chip = Ads1220Chip(lambda k: self.force + k, PERIOD_NS)
        self.rp2040 = RP2040()
        self.chip.attach(self.rp2040)
        self.spi = self.rp2040.spi[0]
        for register, value in ((SSPCR0, EIGHT_BITS), (SSPCPSR, DIVISOR), (SSPCR1, ENABLED)):
            self.spi.write_uint32(register, value)

    def exchange(self, *sent: int) -> list[int]:
        """What comes back for these bytes, with CS low."""
        self.chip._selected = True
        back = []
        for byte in sent:
            self.spi.write_uint32(SSPDR, byte)
            self.rp2040.clock.tick(BYTE_NS)
            back.append(self.spi.read_uint32(SSPDR))
        self.chip._selected = False
        self.chip._forget_transfer()
        return back

    def started(self) -> "Bench":
        self.exchange(0x43, *REGISTERS)
        self.exchange(0x08)
        return self

    def pass_periods(self, count: float) -> None:
        self.rp2040.clock.tick(count * PERIOD_NS)

    @property
    def ready(self) -> bool:
        return not self.rp2040.gpio[6]._effective_raw_input_value

    def result(self) -> int:
        return int.from_bytes(bytes(self.exchange(0, 0, 0)), "big", signed=True)


def test_registers_are_read_as_they_were_written_until_a_reset():
    bench = Bench()
    bench.exchange(0x43, *REGISTERS)
    assert bench.exchange(0x23, 0, 0, 0, 0)[1:] == REGISTERS
    assert bench.exchange(0x24, 0)[1:] == [0xC4]
    bench.exchange(0x06)
    assert bench.exchange(0x23, 0, 0, 0, 0)[1:] == [0, 0, 0, 0]


def test_data_ready_falls_once_a_period_and_rises_with_the_first_clock():
    bench = Bench(force=1000).started()
    assert not bench.ready
    bench.pass_periods(1.01)
    assert bench.ready
    assert bench.result() == 1000
    assert not bench.ready
    bench.pass_periods(1)
    assert bench.ready
    assert bench.exchange(0x10, 0, 0, 0)[1:] == [0, 0x03, 0xE9]


def test_an_unread_result_gives_a_pulse_before_the_next_one():
    bench = Bench().started()
    bench.pass_periods(1.5)
    assert bench.ready
    bench.rp2040.clock.tick(0.5 * PERIOD_NS - UNREAD_PULSE_NS / 2)
    assert not bench.ready
    bench.rp2040.clock.tick(UNREAD_PULSE_NS)
    assert bench.ready


def test_nothing_is_converted_before_start_and_after_power_down():
    bench = Bench()
    bench.pass_periods(3)
    assert not bench.ready
    bench.started()
    bench.exchange(0x02)
    bench.pass_periods(3)
    assert not bench.ready


def test_a_byte_takes_its_eight_clocks():
    bench = Bench()
    bench.chip._selected = True
    bench.spi.write_uint32(SSPDR, 0x23)
    bench.rp2040.clock.tick(BYTE_NS - 10)
    assert bench.spi.rx_fifo.empty
    bench.rp2040.clock.tick(20)
    assert not bench.spi.rx_fifo.empty


@pytest.mark.parametrize(
    ("cell", "plain", "burnt_out"),
    [("fitted", 500, 500 + 1_138_817), ("unplugged", 0, LIMIT_COUNTS - 1), ("shorted", 0, 0)],
)
def test_burn_out_currents_tell_a_broken_bridge(cell, plain: int, burnt_out: int):
    bench = Bench(force=500).started()
    bench.chip.cell = cell
    bench.pass_periods(1.1)
    assert bench.result() == plain
    bench.exchange(0x44, 0xC5)
    bench.exchange(0x08)
    bench.pass_periods(1.1)
    assert bench.result() == burnt_out


def test_faults_can_be_switched_on():
    bench = Bench(force=7).started()
    bench.chip.unannounced = {1}
    bench.pass_periods(1.1)
    bench.result()
    bench.pass_periods(1)
    assert not bench.ready
    bench.pass_periods(1)
    assert bench.ready
    bench.chip.garble = lambda byte: byte ^ 0xFF
    assert bench.result() == ~9
    bench.chip.garble = None
    for level in (True, False):
        bench.chip.ready_held = level
        bench.pass_periods(1)
        assert bench.ready is not level
