"""What makes a hand unsteady, drawn before the attempt: tremor, wander of the force, stray force."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import signal

from popsense.model import FloatArray

TREMOR_BAND_HZ = [8.0, 12.0]  # physiological tremor; A, motor-control literature, see `operators`
WANDER_TAU_S = 0.4  # correlation of slow unsteadiness; uncalibrated


@dataclass(frozen=True)
class Noise:
    """One value per control instant for the longest possible attempt, all of rms 1 except vibration_n."""

    tremor: list[float]
    wander: list[float]
    stray: list[float]
    vibration_n: list[float]  # of the running motor
    sample_s: float


def draw_noise(n: int, rate_hz: float, vibration_n: FloatArray, rng: np.random.Generator) -> Noise:
    """Unsteadiness at n control instants. Order of draws: tremor, wander, stray."""
    tremor, wander = _tremor(n, rate_hz, rng), _wander(n, rate_hz, rng)
    stray = _wander(n, rate_hz, rng)
    return Noise(tremor.tolist(), wander.tolist(), stray.tolist(), vibration_n.tolist(), 1.0 / rate_hz)


def _tremor(n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Noise in the tremor's band, rms 1, shape (n,)."""
    b, a = signal.butter(1, TREMOR_BAND_HZ, btype="bandpass", fs=rate_hz)
    band = np.asarray(signal.lfilter(b, a, rng.standard_normal(n)), dtype=np.float64)
    return band / float(band.std())


def _wander(n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """First-order noise with correlation time WANDER_TAU_S, rms 1, shape (n,)."""
    keep = float(np.exp(-1.0 / (WANDER_TAU_S * rate_hz)))
    start = [keep * float(rng.standard_normal())]
    shocks = sqrt(1.0 - keep * keep) * rng.standard_normal(n)
    return np.asarray(signal.lfilter([1.0], [1.0, -keep], shocks, zi=start)[0], dtype=np.float64)
