"""Physical quantities to what the chips give: bridge converter, follower position, chamber pressure.

The counts here are those of the chips; the way back to units is `calibration`, which shares nothing with
this file on purpose. The disturbances themselves are in disturbances.py.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray, IntArray
from popsense.twin import disturbances
from popsense.twin.board.world import MISSED_WORD
from popsense.twin.converters import ADS1220, Converter
from popsense.twin.disturbances import ADC_LIMIT_CODE
from popsense.twin.hand import REST_S
from popsense.twin.insertion import Insertion, Truth, generator

CodeArray = npt.NDArray[np.uint16]

FORCE_LIMIT_COUNTS = 1 << 23  # 24-bit two's complement, TI SBAS501 "Data Format"
REST_MARGIN_S = 0.1  # the looped rest ends this long before the hand moves
NOISE_RATE_HZ = 1000.0  # rate at which SensorSpec.force_noise_n holds


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
    """The sensors of the reference build. N (a design choice of ours) where no other source stands.

    Errors of gain, zero and the like are those of this one specimen; only zero balance, drift and the
    moments of bursts and missed conversions are drawn. Events (bursts, missed) spare the looped rest.
    """

    capacity_n: float = 500.0
    sensitivity_mv_per_v: float = 2.0
    gain: float = 128.0
    converter: Converter = ADS1220

    # --- force, steady errors. Makers' figures for common cells (T): creep 0.03 % in 30 min, hysteresis
    # 0.02 %, of rated output, senstech.co.kr "term"; how fast both set in is uncalibrated.
    zero_balance_n: float = 5.0  # drawn within +- this: 1 % of full scale; T, makers' data sheets
    drift_n_per_s: float = 0.002  # sigma of a linear drift, warming; uncalibrated
    gain_error: float = 0.0  # (shown - true) / true; 0: taken out by the calibration
    creep_fraction: float = 0.0003  # of the load, in the end
    creep_tau_s: float = 300.0
    hysteresis_fraction: float = 0.0002  # greatest difference of rising and falling output, of the capacity
    hysteresis_turn_n: float = 20.0  # change of load after a reversal in which the loop opens

    # --- force, noise
    # ADS1220: 90 nV rms at 20 samples/s (T, SBAS501 "Features", through a board maker's page) times
    # sqrt(1000 / 20) = 0.64 uV; at 3.3 V excitation 1 N is 13.2 uV, so 48 mN. With cell and wiring 60 mN:
    # uncalibrated, the data sheet's noise table was not available. Rms at 1000 samples/s; white, so at
    # other rates it goes with their root.
    force_noise_n: float = 0.06
    hum_n: float = 0.02  # rms at the cell, before the converter averages over its period; uncalibrated
    hum_hz: float = 50.0  # mains: 50 or 60

    # --- depth and pressure: the on-chip converter
    adc_noise_lsb: float = 1.5  # rms of one read on a Pico; uncalibrated
    adc_reads: int = 4
    # Erratum RP2040-E11; 9 to 10 LSB in the mean of five Picos (github.com/kitanokitsune/
    # rp2040adc_correction, measured by its author; A). Reads of one sample all have the same step.
    adc_step_lsb: float = 9.0
    adc_hum_lsb: float = 0.0  # rms, both channels, same for the reads of one sample; uncalibrated
    depth_mm: Ratiometric = field(default=Ratiometric(0.0, 30.0))
    depth_gain_error: float = 0.0
    depth_zero_mm: float = 0.0
    depth_hysteresis_mm: float = 0.01  # play of the follower, whole width; uncalibrated
    pressure_kpa: Ratiometric = field(default=Ratiometric(-50.0, 100.0))
    pressure_gain_error: float = 0.0
    pressure_zero_kpa: float = 0.0

    # --- events; none in a quiet room. All figures uncalibrated.
    bursts_per_s: float = 0.0  # a cable is touched: mean number in a second
    burst_s: float = 0.03
    burst_n: float = 1.5  # rms of a conversion in a burst, at any rate: 25 times the noise
    burst_mm: float = 0.2  # the same for depth
    missed_per_s: float = 0.0  # conversions whose data-ready edge nobody serves, mean number in a second
    # (time_s, peak_n) of each knock on the table, script's time; one in the rest is looped with it.
    bumps: tuple[tuple[float, float], ...] = ()
    bump_hz: float = 22.0  # the table with the manikin on it
    bump_decay_s: float = 0.08
    bump_mm_per_n: float = 0.003  # the follower on its spring goes along a little

    @property
    def counts_per_n(self) -> float:
        """Converter counts for one newton."""
        full_scale_mv_per_v = 1e3 * self.converter.reference_share / self.gain
        return self.sensitivity_mv_per_v / full_scale_mv_per_v * FORCE_LIMIT_COUNTS / self.capacity_n


def _no_samples() -> IntArray:
    return np.empty(0, dtype=np.int64)


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
    missed: IntArray = field(default_factory=_no_samples)  # indices of conversions that nobody reads
    chip: str = ADS1220.chip  # that gives the force

    def write(self, path: Path) -> None:
        """Writes 10 little-endian uint16 per sample, no header: low and high half of the 32-bit two's
        complement force count, 4 depth codes, 4 pressure codes. In a missed conversion the high half is
        MISSED_WORD, which no 24-bit count has."""
        halves = self.force_counts.astype("<i4").view("<u2").reshape(-1, 2)
        halves[self.missed, 1] = MISSED_WORD
        path.write_bytes(np.hstack([halves, self.depth_codes, self.pressure_codes]).astype("<u2").tobytes())


@dataclass(frozen=True)
class _Clock:
    """The converter's instants, shape (n,), s on the insertion's time; the first rest_samples are rest."""

    instants_s: FloatArray
    period_s: float
    rest_samples: int

    @property
    def rest_end_s(self) -> float:
        return self.rest_samples * self.period_s


def digitise(
    insertion: Insertion, seed: int, spec: SensorSpec = SensorSpec(), period_ns: int | None = None
) -> SensorScript:
    """What the chips give for the insertion, one sample every period_ns (None: the insertion's own period).

    Force is the mean over the converter's settle_periods before the sample's instant, depth and pressure are
    read at it.
    Random draws come from four generators, so that a change of one term leaves the others as they were:
    "sensors" (zero balance, drift, force, depth, pressure), "hum" (phases of force and on-chip converter),
    "bursts" (number, moments, force, depth), "missed". Same seed and spec, same bytes.
    """
    clock = _clock(insertion, period_ns)
    rng = generator(seed, "sensors")
    hum_phases = 2.0 * np.pi * generator(seed, "hum").random(2)
    bump_n = _bumps_n(insertion.time_s, spec)
    burst_n, burst_mm = _bursts(clock, spec, generator(seed, "bursts"))
    adc_hum = disturbances.hum(clock.instants_s, 0.0, spec.adc_hum_lsb, spec.hum_hz, float(hum_phases[1]))

    force_n = _cell_n(insertion.time_s, insertion.force_n + bump_n, clock, spec)
    settling_s = spec.converter.settle_periods * clock.period_s
    force_n += disturbances.hum(clock.instants_s, settling_s, spec.hum_n, spec.hum_hz, float(hum_phases[0]))
    follower_mm = insertion.protrusion_mm + spec.bump_mm_per_n * bump_n
    depth_mm = _follower_mm(np.interp(clock.instants_s, insertion.time_s, follower_mm), spec) + burst_mm
    pressure_kpa = np.interp(clock.instants_s, insertion.time_s, insertion.pressure_kpa)
    pressure_kpa = pressure_kpa * (1.0 + spec.pressure_gain_error) + spec.pressure_zero_kpa
    return SensorScript(
        sample_period_ns=round(1e9 * clock.period_s),
        rest_samples=clock.rest_samples,
        force_counts=_force_counts(force_n + burst_n, clock, spec, rng),
        depth_codes=_reads(spec.depth_mm.codes(depth_mm) + adc_hum, spec, rng),
        pressure_codes=_reads(spec.pressure_kpa.codes(pressure_kpa) + adc_hum, spec, rng),
        truth=insertion.truth,
        missed=_missed(clock, spec, generator(seed, "missed")),
        chip=spec.converter.chip,
    )


def _clock(insertion: Insertion, period_ns: int | None) -> _Clock:
    end_s = float(insertion.time_s[-1])
    period_s = end_s / (len(insertion.time_s) - 1) if period_ns is None else 1e-9 * period_ns
    instants_s = np.arange(round(end_s / period_s) + 1, dtype=np.float64) * period_s
    return _Clock(instants_s, period_s, int((REST_S - REST_MARGIN_S) / period_s))


def _bumps_n(time_s: FloatArray, spec: SensorSpec) -> FloatArray:
    """Force that the table's knocks add, at the physics' rate: the converter averages it with the rest."""
    total_n = np.zeros_like(time_s)
    for start_s, peak_n in spec.bumps:
        total_n += disturbances.bump(time_s, start_s, peak_n, spec.bump_hz, spec.bump_decay_s)
    return total_n


def _bursts(clock: _Clock, spec: SensorSpec, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Noise in N and in mm of the stretches in which the one cable of both is touched; else zero."""
    n, end_s = len(clock.instants_s), float(clock.instants_s[-1])
    count = int(rng.poisson(spec.bursts_per_s * max(0.0, end_s - clock.rest_end_s)))
    if count == 0:
        return np.zeros(n), np.zeros(n)
    starts_s = rng.uniform(clock.rest_end_s, end_s, count)
    touched = disturbances.within(clock.instants_s, starts_s, spec.burst_s)
    noise = touched * rng.standard_normal((2, n))
    return spec.burst_n * noise[0], spec.burst_mm * noise[1]


def _cell_n(time_s: FloatArray, force_n: FloatArray, clock: _Clock, spec: SensorSpec) -> FloatArray:
    """What the cell's bridge says of the force, averaged over each conversion; no noise, no zero."""
    settling_s = spec.converter.settle_periods * clock.period_s
    shown_n = disturbances.mean_over_period(time_s, force_n, clock.instants_s, settling_s)
    if spec.hysteresis_fraction:
        width_n = spec.hysteresis_fraction * spec.capacity_n
        shown_n = disturbances.hysteresis(shown_n, width_n, spec.hysteresis_turn_n)
    shown_n = disturbances.creep(shown_n, clock.period_s, spec.creep_fraction, spec.creep_tau_s)
    return (1.0 + spec.gain_error) * shown_n


def _follower_mm(protrusion_mm: FloatArray, spec: SensorSpec) -> FloatArray:
    followed_mm = protrusion_mm
    if spec.depth_hysteresis_mm:
        followed_mm = disturbances.play(protrusion_mm, spec.depth_hysteresis_mm)
    return (1.0 + spec.depth_gain_error) * followed_mm + spec.depth_zero_mm


def _force_counts(
    force_n: FloatArray, clock: _Clock, spec: SensorSpec, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    zero_n = spec.zero_balance_n * rng.uniform(-1.0, 1.0)
    drift_n = spec.drift_n_per_s * float(rng.standard_normal()) * clock.instants_s
    noise_rms_n = spec.force_noise_n / (clock.period_s * NOISE_RATE_HZ) ** 0.5
    noise_n = noise_rms_n * rng.standard_normal(len(force_n))
    counts = np.rint(spec.counts_per_n * (force_n + zero_n + drift_n + noise_n))
    return np.clip(counts, -FORCE_LIMIT_COUNTS, FORCE_LIMIT_COUNTS - 1).astype(np.int32)


def _reads(codes: FloatArray, spec: SensorSpec, rng: np.random.Generator) -> CodeArray:
    """Several reads of one level, each with its own noise and rounding; shape (n, adc_reads)."""
    noisy = codes[:, np.newaxis] + spec.adc_noise_lsb * rng.standard_normal((len(codes), spec.adc_reads))
    return np.rint(disturbances.stepped_codes(noisy, spec.adc_step_lsb)).astype(np.uint16)


def _missed(clock: _Clock, spec: SensorSpec, rng: np.random.Generator) -> IntArray:
    """Indices of conversions that nobody reads, each independently; none in the rest."""
    unread = rng.random(len(clock.instants_s)) < spec.missed_per_s * clock.period_s
    unread[: clock.rest_samples] = False
    return np.flatnonzero(unread)
