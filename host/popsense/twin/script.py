"""The simulated board's script: one attempt, sampled at the rate of a converter with its own oscillator."""

from dataclasses import replace

from popsense.twin.converters import ADS1220, Converter
from popsense.twin.insertion import Setup, generator, simulate
from popsense.twin.sensors import SensorScript, SensorSpec, digitise

__all__ = ["SensorScript", "build_script"]

NOMINAL_RATE_HZ = ADS1220.rate_hz
# Of the ADS1220's internal oscillator, TI SBAS501 "Electrical Characteristics"; the HX711's data sheet states
# none: uncalibrated there.
RATE_TOLERANCE = 0.02
REFERENCE_SENSORS = SensorSpec()  # those of the reference build


def draw_period_ns(seed: int, rate_hz: float = NOMINAL_RATE_HZ) -> int:
    """Sample period of this seed's converter in whole nanoseconds."""
    off = generator(seed, "oscillator").uniform(-RATE_TOLERANCE, RATE_TOLERANCE)
    return round(1e9 / (rate_hz * (1.0 + off)))


def build_script(
    setup: Setup, spec: SensorSpec = REFERENCE_SENSORS, rate_hz: float | None = None
) -> SensorScript:
    """One attempt as the chips give it; UsageError for an unknown operator or device or a negative seed.

    rate_hz None = that of the spec's converter.
    """
    period_ns = draw_period_ns(setup.seed, rate_hz or spec.converter.rate_hz)
    return digitise(simulate(setup), setup.seed, spec, period_ns)


def sensors_with(converter: Converter) -> SensorSpec:
    """The sensors of the reference build behind another force converter."""
    return replace(REFERENCE_SENSORS, converter=converter)
