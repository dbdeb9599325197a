"""What the chips of a script say, back in physical units: to be drawn beside what really happened.

The inverse of the drawn sensors without their errors, tared on the rest as the instrument does; the
instrument's own way is `calibration`, which knows less than this file.
"""

from dataclasses import dataclass

import numpy as np

from popsense.model import FloatArray
from popsense.twin.disturbances import ADC_LIMIT_CODE
from popsense.twin.sensors import CodeArray, Ratiometric, SensorScript, SensorSpec


@dataclass(frozen=True)
class Readings:
    """Shape (n,) each; nan where a conversion was missed. time_s: of the script."""

    time_s: FloatArray
    force_n: FloatArray
    protrusion_mm: FloatArray
    pressure_kpa: FloatArray


def read_script(script: SensorScript, spec: SensorSpec) -> Readings:
    """Force and protrusion are zero at rest, whatever their drawn zero; pressure is gauge as it reads."""
    force_n = script.force_counts / spec.counts_per_n
    protrusion_mm = _quantity(script.depth_codes, spec.depth_mm)
    pressure_kpa = _quantity(script.pressure_codes, spec.pressure_kpa)
    force_n = force_n - np.median(force_n[: script.rest_samples])
    protrusion_mm = protrusion_mm - np.median(protrusion_mm[: script.rest_samples])
    for row in (force_n, protrusion_mm, pressure_kpa):
        row[script.missed] = np.nan
    time_s = np.arange(len(force_n), dtype=np.float64) * (script.sample_period_ns * 1e-9)
    return Readings(time_s, force_n, protrusion_mm, pressure_kpa)


def _quantity(codes: CodeArray, sensor: Ratiometric) -> FloatArray:
    """Mean of the reads of each sample in the sensor's unit; codes (n, reads), result (n,)."""
    share = (codes.mean(axis=1) / ADC_LIMIT_CODE - 0.1) / 0.8
    return sensor.low + share * (sensor.high - sensor.low)
