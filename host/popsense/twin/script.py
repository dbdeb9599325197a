"""The simulated board's script: one attempt, sampled at the rate of a converter with its own oscillator."""

from popsense.procedure.sites import SiteProfile
from popsense.twin.insertion import generator, simulate
from popsense.twin.sensors import SensorScript, digitise

__all__ = ["SensorScript", "build_script"]

NOMINAL_RATE_HZ = 988.0  # ADS1220, 1000/s setting, normal mode, as measured in the project's spikes
RATE_TOLERANCE = 0.02  # of its internal oscillator, TI SBAS501 "Electrical Characteristics"


def draw_period_ns(seed: int) -> int:
    """Sample period of this seed's converter in whole nanoseconds."""
    off = generator(seed, "oscillator").uniform(-RATE_TOLERANCE, RATE_TOLERANCE)
    return round(1e9 / (NOMINAL_RATE_HZ * (1.0 + off)))


def build_script(site: SiteProfile, operator: str, device: str, seed: int) -> SensorScript:
    """One attempt as the chips give it; UsageError for an unknown operator or device or a negative seed."""
    insertion = simulate(site, operator, device, seed, 1e9 / draw_period_ns(seed))
    return digitise(insertion, seed)
