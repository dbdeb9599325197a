"""The simulated board's script: one attempt, sampled at the rate of a converter with its own oscillator."""

from popsense.twin.insertion import Setup, generator, simulate
from popsense.twin.sensors import SensorScript, SensorSpec, digitise

__all__ = ["SensorScript", "build_script"]

NOMINAL_RATE_HZ = 988.0  # ADS1220, 1000/s setting, normal mode, as measured in the project's spikes
RATE_TOLERANCE = 0.02  # of its internal oscillator, TI SBAS501 "Electrical Characteristics"
REFERENCE_SENSORS = SensorSpec()  # those of the reference build


def draw_period_ns(seed: int, rate_hz: float = NOMINAL_RATE_HZ) -> int:
    """Sample period of this seed's converter in whole nanoseconds."""
    off = generator(seed, "oscillator").uniform(-RATE_TOLERANCE, RATE_TOLERANCE)
    return round(1e9 / (rate_hz * (1.0 + off)))


def build_script(
    setup: Setup, spec: SensorSpec = REFERENCE_SENSORS, rate_hz: float = NOMINAL_RATE_HZ
) -> SensorScript:
    """One attempt as the chips give it; UsageError for an unknown operator or device or a negative seed."""
    return digitise(simulate(setup), setup.seed, spec, draw_period_ns(setup.seed, rate_hz))
