"""The force converters that a simulated board can have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Converter:
    """Full scale is +- reference_share of the excitation, over the gain: no supply is in the counts.

    chip: whose registers or pins the firmware finds. rate_hz: nominal; the chip's own oscillator is off by
    some. settle_periods: a conversion shows the mean of the force over so many periods before it. That a
    filter of several periods is flat is an assumption of ours: none of the data sheets tells its shape.
    """

    chip: str
    rate_hz: float
    settle_periods: int
    reference_share: float


# 1000/s setting, normal mode, as measured in the project's spikes. Single-cycle settling, TI SBAS501 8.3.6.
ADS1220 = Converter("ads1220", 988.0, 1, 1.0)
# Avia HX711 data sheet: 80 or 10/s (RATE pin), settling time 50 or 400 ms, full scale +-0.5 AVDD / gain.
HX711 = Converter("hx711", 80.0, 4, 0.5)
HX711_SLOW = Converter("hx711", 10.0, 4, 0.5)

CONVERTERS = {"ads1220": ADS1220, "hx711": HX711, "hx711-10": HX711_SLOW}
