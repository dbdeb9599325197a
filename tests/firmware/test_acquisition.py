"""One sample by the drivers and on the RP2040's registers: the same words, in the order that chips want.

The registers are stood in for here; that the real ones do it is shown on the emulated board.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.firmware.in_process import load_bone
from tests.firmware.sources import constants

KERNELS = constants("kernels.py")
BOARD = constants("board.py")
SIO, SPI0, ADC, TIMER = 0xD0000000, 0x4003C000, 0x4004C000, 0x40054000
CS_BIT = 1 << BOARD["ADS1220_CS_GPIO"]
READY, RECEIVED = 0x100, 0x04
BUSY_POLLS = 3  # so often a conversion and a byte are not ready when asked for
DEPTH, PRESSURE, SUPPLY = 0, 1, 3  # inputs of the converter

bone = load_bone("acquisition", "kernels", "rp2040_registers", "ads1220")


class Chip:
    """RP2040 datasheet 2.3.1.7, 4.4.4, 4.6.5, 4.9.6: the registers that one sample needs."""

    def __init__(self, force: bytes, codes: dict[int, list[int]], ticks_us: int) -> None:
        self.force, self.codes, self.ticks_us = list(force), codes, ticks_us
        self.selected = False
        self.shifting = 0
        self.received: list[int] = []
        self.result = 0
        self.polls = 0
        self.log: list[str] = []

    def page(self, address: int) -> Any:
        return {SIO: Sio, SPI0: Spi, ADC: Converter, TIMER: Timer}[address](self)


class Page:
    def __init__(self, chip: Chip) -> None:
        self.chip = chip


class Timer(Page):
    def __getitem__(self, word: int) -> int:
        assert word == 0x28 // 4
        return self.chip.ticks_us


class Sio(Page):
    def __setitem__(self, word: int, value: int) -> None:
        assert value == CS_BIT
        assert word in (0x14 // 4, 0x18 // 4)
        self.chip.selected = word == 0x18 // 4
        assert self.chip.shifting == len(self.chip.received) == 0, "deselected in the midst of a byte"
        self.chip.log.append("select" if self.chip.selected else "deselect")


class Spi(Page):
    def __setitem__(self, word: int, value: int) -> None:
        assert (word, value, self.chip.selected) == (0x08 // 4, 0, True)
        self.chip.shifting += 1

    def __getitem__(self, word: int) -> int:
        chip = self.chip
        if word == 0x08 // 4:
            return chip.received.pop(0)
        assert word == 0x0C // 4
        chip.polls += 1
        if chip.shifting and chip.polls % BUSY_POLLS == 0:
            chip.shifting -= 1
            chip.received.append(chip.force.pop(0))
        return RECEIVED if chip.received else 0


class Converter(Page):
    def __setitem__(self, word: int, value: int) -> None:
        assert word == 0
        assert value & 0xFFF == 0x005  # EN, START_ONCE
        self.chip.result = self.chip.codes[value >> 12].pop(0)
        self.chip.polls = 0
        self.chip.log.append(f"convert {value >> 12}")

    def __getitem__(self, word: int) -> int:
        self.chip.polls += 1
        if word == 0:
            return READY if self.chip.polls >= BUSY_POLLS else 0
        assert self.chip.polls >= BUSY_POLLS, "a result that is not there yet"
        return self.chip.result


@contextmanager
def in_place_of_registers(chip: Chip) -> Generator[None]:
    """ptr32 of an address is a page of the chip."""
    module, plain = bone.rp2040_registers, bone.rp2040_registers.ptr32

    def ptr32(where: Any) -> Any:
        return chip.page(where) if isinstance(where, int) else plain(where)

    module.ptr32 = ptr32
    yield
    module.ptr32 = plain


def words(turn: int = 0) -> tuple[Any, Any]:
    sample, control = (
        bone.kernels.words(KERNELS["SAMPLE_WORDS"]),
        bone.kernels.words(KERNELS["CONTROL_WORDS"]),
    )
    sample[KERNELS["S_TURN"]] = turn
    return sample, control


def by_drivers(force: bytes, codes: dict[int, list[int]], ticks_us: int, turn: int) -> list[list[int]]:
    """Sample and control words."""
    reads = {k: iter(v) for k, v in codes.items()}
    board = SimpleNamespace(
        is_rp2040=False,
        ticks_us=lambda: ticks_us & 0x3FFFFFFF,
        supply_adc=SimpleNamespace(read_u16=lambda: next(reads[SUPPLY]) << 4),
    )
    depth = SimpleNamespace(counts=lambda: sum(reads[DEPTH]))
    pressure = SimpleNamespace(counts=lambda: sum(reads[PRESSURE]))
    acquire = bone.acquisition.acquisition(
        board, SimpleNamespace(raw=force, read=lambda: None), depth, pressure
    )
    sample, control = words(turn)
    acquire(sample, control)
    return [list(sample), list(control)]


def nothing(_argument: object) -> None:
    """A pin or a bus that leads nowhere."""


codes = st.integers(0, 4095)
fours = st.lists(codes, min_size=4, max_size=4)


@given(
    force=st.binary(min_size=3, max_size=3),
    depth=fours,
    pressure=fours,
    supply=codes,
    ticks_us=st.integers(0, 2**32 - 1),
    turn=st.sampled_from([0, 1, KERNELS["LAST_TURN"]]),
)
def test_the_registers_give_what_the_drivers_give(
    force: bytes, depth: list[int], pressure: list[int], supply: int, ticks_us: int, turn: int
):
    def read() -> dict[int, list[int]]:
        return {DEPTH: list(depth), PRESSURE: list(pressure), SUPPLY: [supply]}

    chip = Chip(force, read(), ticks_us)
    sample, control = words(turn)
    with in_place_of_registers(chip):
        bone.rp2040_registers.acquire(sample, control)
    assert [list(sample), list(control)] == by_drivers(force, read(), ticks_us, turn)
    channels = ["convert 0"] * 4 + ["convert 1"] * 4
    assert chip.log == ["select", *channels, "deselect", *(["convert 3"] if turn == 0 else [])]


def test_the_supply_is_read_once_in_64_samples():
    sample, control = words()
    board = SimpleNamespace(is_rp2040=False, ticks_us=lambda: 5, supply_adc=None)
    read: list[int] = []
    board.supply_adc = SimpleNamespace(read_u16=lambda: read.append(1) or 2068 << 4)
    still = SimpleNamespace(counts=lambda: 7, raw=bytes(3), read=lambda: None)
    acquire = bone.acquisition.acquisition(board, still, still, still)
    for _ in range(65):
        acquire(sample, control)
    assert (len(read), control[KERNELS["SUPPLY"]]) == (2, 2068)


def test_a_board_that_cannot_tell_its_supply_says_0():
    sample, control = words()
    board = SimpleNamespace(is_rp2040=False, ticks_us=lambda: 5, supply_adc=None)
    still = SimpleNamespace(counts=lambda: 7, raw=bytes(3), read=lambda: None)
    bone.acquisition.acquisition(board, still, still, still)(sample, control)
    assert control[KERNELS["SUPPLY"]] == 0


@pytest.mark.parametrize("is_rp2040", [True, False])
def test_registers_are_for_the_rp2040_with_the_ads1220_on_its_bus(
    is_rp2040: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "bone", bone)
    board = SimpleNamespace(is_rp2040=is_rp2040, ticks_us=None, supply_adc=None)
    bus = SimpleNamespace(write=nothing, readinto=nothing)
    ads1220 = bone.ads1220.Ads1220(bus, nothing, nothing)
    chosen = [bone.acquisition.acquisition(board, force, None, None) for force in (ads1220, object())]
    assert [how is bone.rp2040_registers.acquire for how in chosen] == [is_rp2040, False]
