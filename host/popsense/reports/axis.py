"""Axes: from numbers to pixels, and ticks at numbers that people like."""

import math
from dataclasses import dataclass

from popsense.model import FloatArray


@dataclass(frozen=True)
class Axis:
    """A linear map from [low, high] in units to [start, end] in pixels; end may be the smaller one."""

    low: float
    high: float
    start: float
    end: float

    def pixel(self, value: float) -> float:
        """Where the value is drawn, not clipped."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def pixels(self, values: FloatArray) -> FloatArray:
        """The same for an array, shape kept."""
        return self.start + (values - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int) -> list[float]:
        """About so many multiples of 1, 2 or 5 times a power of ten, from low to high."""
        step = nice_step((self.high - self.low) / about)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def nice_step(least: float) -> float:
    """Smallest of 1, 2, 5 times a power of ten that is not below least (> 0)."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def covering(values: FloatArray, least_span: float, also: tuple[float, ...] = ()) -> tuple[float, float]:
    """Low and high that show zero, all values, what else must be seen, and a little air above and below."""
    finite = [float(values.min()), float(values.max())] if values.size else []
    low, high = min(0.0, *finite, *also), max(0.0, *finite, *also)
    high = max(high, low + least_span)
    air = 0.06 * (high - low)
    return low - air, high + air
