"""What lies on the board's analog pins. Ref: RP2040 datasheet 4.9.

A conversion takes 96 cycles of the 48 MHz clock and holds what the pin had when it began.
"""

from collections.abc import Callable
from typing import Any

from rp2040py.peripherals.adc import CS_AINSEL_MASK, CS_AINSEL_SHIFT, RPADC

DEPTH_CHANNEL, PRESSURE_CHANNEL, SUPPLY_CHANNEL = 0, 1, 3  # GPIO 26, 27 and 29
CONVERSION_NS = 2_000
CODE_LIMIT = 4095
REFERENCE_MV = 3300
SUPPLY_DIVISOR = 3  # VSYS / 3 on GPIO 29. Ref: Raspberry Pi Pico datasheet 2.1


class _Converter(RPADC):
    """rp2040py's, whose round robin knows the channels 0 and 4 only."""

    @property
    def _active_channel(self) -> int:
        return (self.cs >> CS_AINSEL_SHIFT) & CS_AINSEL_MASK

    @_active_channel.setter
    def _active_channel(self, channel: int) -> None:
        self.cs &= ~(CS_AINSEL_MASK << CS_AINSEL_SHIFT)
        self.cs |= (channel & CS_AINSEL_MASK) << CS_AINSEL_SHIFT


class AnalogInputs:
    """codes(channel) -> 0 to 4095 of depth and pressure; the supply is a voltage and may be changed."""

    def __init__(self, codes: Callable[[int], int], supply_mv: int = 5000) -> None:
        self._codes = codes
        self.supply_mv = supply_mv
        self.last_read_ns = 0.0  # when the last conversion ended
        self._code = 0

    def attach(self, rp2040: Any) -> None:
        self._adc, self._clock = rp2040.adc, rp2040.clock
        self._adc.__class__ = _Converter
        self._done = self._clock.create_alarm(self._complete)
        self._adc.on_adc_read = self._begin

    def _begin(self, channel: int) -> None:
        self._code = min(CODE_LIMIT, max(0, self._level(channel)))
        self._done.schedule(CONVERSION_NS)

    def _level(self, channel: int) -> int:
        if channel == SUPPLY_CHANNEL:
            return self.supply_mv * (CODE_LIMIT + 1) // (SUPPLY_DIVISOR * REFERENCE_MV)
        return self._codes(channel) if channel in (DEPTH_CHANNEL, PRESSURE_CHANNEL) else 0

    def _complete(self) -> None:
        self.last_read_ns = self._clock.nanos
        self._adc.complete_adc_read(self._code, False)
