"""Physical quantities to what the chips give: bridge converter, follower position, chamber pressure.

The counts here are those of the chips; the way back to units is `calibration`, which shares nothing with
this file on purpose.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray
from popsense.twin.hand import REST_S
from popsense.twin.insertion import Insertion, Truth, generator

CodeArray = npt.NDArray[np.uint16]

FORCE_LIMIT_COUNTS = 1 << 23  # 24-bit two's complement, TI SBAS501 "Data Format"
ADC_LIMIT_CODE = 4095  # 12 bits, RP2040 datasheet 4.9
REST_MARGIN_S = 0.1  # the looped rest ends this long before the hand moves


@dataclass(frozen=True)
class Ratiometric:
    """A sensor whose output spans 10 % to 90 % of its supply between low and high (in its own unit)."""

    low: float
    high: float

    def codes(self, quantity: FloatArray) -> FloatArray:
        """Converter codes without noise or rounding, shape of quantity."""
        span = (quantity - self.low) / (self.high - self.low)
        return ADC_LIMIT_CODE * (0.1 + 0.8 * span)


@dataclass(frozen=True)
class SensorSpec:
    """The sensors of the reference build. N (a design choice of ours) where no other source stands."""

    capacity_n: float = 500.0
    sensitivity_mv_per_v: float = 2.0
    gain: float = 128.0  # ADS1220, reference = excitation, so counts do not depend on the supply
    # Zero balance of a common bridge cell: within 1 % of full scale; T, makers' data sheets.
    zero_balance_n: float = 5.0
    # ADS1220: 90 nV rms at 20 samples/s (T, SBAS501 "Features", through a board maker's page) times
    # sqrt(1000 / 20) = 0.64 uV; at 3.3 V excitation 1 N is 13.2 uV, so 48 mN. With cell and wiring 60 mN:
    # uncalibrated, the data sheet's noise table was not available.
    force_noise_n: float = 0.06
    drift_n_per_s: float = 0.002  # sigma of a linear drift, warming; uncalibrated
    adc_noise_lsb: float = 1.5  # rms of one read on a Pico; uncalibrated
    adc_reads: int = 4
    depth_mm: Ratiometric = field(default=Ratiometric(0.0, 30.0))
    pressure_kpa: Ratiometric = field(default=Ratiometric(-50.0, 100.0))

    @property
    def counts_per_n(self) -> float:
        """Converter counts for one newton."""
        return self.sensitivity_mv_per_v * 1e-3 * self.gain * FORCE_LIMIT_COUNTS / self.capacity_n


@dataclass(frozen=True)
class SensorScript:
    """One attempt as the chips tell it, shape (n,) or (n, reads). The first rest_samples are rest only:
    they may be looped before the operator begins and after the script ended."""

    sample_period_ns: int
    rest_samples: int
    force_counts: npt.NDArray[np.int32]
    depth_codes: CodeArray
    pressure_codes: CodeArray
    truth: Truth

    def write(self, path: Path) -> None:
        """Writes 10 little-endian uint16 per sample, no header: low and high half of the 32-bit two's
        complement force count, 4 depth codes, 4 pressure codes."""
        halves = self.force_counts.astype("<i4").view("<u2").reshape(-1, 2)
        path.write_bytes(np.hstack([halves, self.depth_codes, self.pressure_codes]).astype("<u2").tobytes())


def digitise(insertion: Insertion, seed: int, spec: SensorSpec = SensorSpec()) -> SensorScript:
    """What the chips give for the insertion. Order of draws: zero balance, drift, force, depth, pressure."""
    rng = generator(seed, "sensors")
    period_s = float(insertion.time_s[-1]) / (len(insertion.time_s) - 1)
    return SensorScript(
        sample_period_ns=round(1e9 * period_s),
        rest_samples=int((REST_S - REST_MARGIN_S) / period_s),
        force_counts=_force_counts(insertion, spec, rng),
        depth_codes=_reads(spec.depth_mm.codes(insertion.protrusion_mm), spec, rng),
        pressure_codes=_reads(spec.pressure_kpa.codes(insertion.pressure_kpa), spec, rng),
        truth=insertion.truth,
    )


def _force_counts(insertion: Insertion, spec: SensorSpec, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    zero_n = spec.zero_balance_n * rng.uniform(-1.0, 1.0)
    drift_n = spec.drift_n_per_s * float(rng.standard_normal()) * insertion.time_s
    noise_n = spec.force_noise_n * rng.standard_normal(len(insertion.force_n))
    counts = np.rint(spec.counts_per_n * (insertion.force_n + zero_n + drift_n + noise_n))
    return np.clip(counts, -FORCE_LIMIT_COUNTS, FORCE_LIMIT_COUNTS - 1).astype(np.int32)


def _reads(codes: FloatArray, spec: SensorSpec, rng: np.random.Generator) -> CodeArray:
    """Several reads of one level, each with its own noise and rounding; shape (n, adc_reads)."""
    noisy = codes[:, np.newaxis] + spec.adc_noise_lsb * rng.standard_normal((len(codes), spec.adc_reads))
    return np.clip(np.rint(noisy), 0, ADC_LIMIT_CODE).astype(np.uint16)
