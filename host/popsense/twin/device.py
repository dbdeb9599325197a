"""How a needle is driven into bone: powered driver, manual handle, spring-loaded one shot.

Status letters: E published, T training text, A analogue, N nothing found; "uncalibrated" = chosen so that
curves look plausible, to be replaced by bench measurements.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from popsense.errors import UsageError
from popsense.model import FloatArray


@dataclass(frozen=True)
class Spring:
    """The drive of a one-shot device. Nothing is published (N): 2 to 8 J over the stroke, uncalibrated."""

    force_n: float  # when cocked; falls to half over the stroke
    moving_mass_kg: float  # needle and plunger
    drag_n_s_per_mm: float  # friction of the mechanism
    recoil: float  # part of the press on the skin that the kick takes away
    recoil_tau_s: float


@dataclass(frozen=True)
class Device:
    """Every figure uncalibrated except where a source stands.

    Feed comes from published times: powered 1.1 s (0.8 to 1.4), E JSOM 2025. A manual adult insertion
    took 55 s (E SpringerPlus 2015); ours is a deliberately shortened variant of at most about 8 s. A punch
    (spring) needs force, hardly time: 83 N mean for a pushed sternal needle, E Johnson 2005. Moving mass:
    hand and forearm 1 to 1.5 kg (behind ISO 10068, not read), driver 0.3 kg, A. The motor turns at about
    1,200 rpm, N.
    """

    name: str
    onset_n: float  # thrust under which a fully engaged bevel does not cut the adult tibia's plug
    feed_mm_per_s_per_n: float  # speed gained per newton above the onset
    shaft_friction_n: float  # with the whole cortex round the shaft; manual is larger, A Heiner 2001
    ripple_fraction: float  # rms variation of the resistance: chatter, or the turns of the wrist
    ripple_hz: float
    stick: float  # 0 = sine, towards 1 = stick-slip: bone holds at the wrist's turn, gives in between
    vibration_n: float  # rms force of the running motor on the needle
    vibration_hz: float
    moving_mass_kg: float  # driver or handle with hand and part of the forearm
    thrust_scale: float  # how much harder people push than with the driver
    strength_scale: float  # and how much harder they can: a palm behind a handle, not a grip
    spring: Spring | None = None


DEVICES = {
    "powered": Device("powered", 12.0, 0.055, 2.0, 0.20, 14.0, 0.0, 0.4, 20.0, 1.8, 1.0, 1.0),
    "manual": Device("manual", 18.0, 0.022, 6.0, 0.15, 2.3, 0.6, 0.0, 0.0, 1.6, 1.4, 1.9),
    "spring_loaded": Device(
        "spring_loaded", 70.0, 20.0, 3.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.6, 1.0, 1.0,
        Spring(force_n=220.0, moving_mass_kg=0.04, drag_n_s_per_mm=0.02, recoil=0.35, recoil_tau_s=0.04),
    ),
}  # fmt: skip


def device_named(name: str) -> Device:
    """The device of that name; UsageError names the possible ones."""
    if name not in DEVICES:
        raise UsageError(f"no simulated device is called {name!r}", f"Use one of: {', '.join(DEVICES)}.")
    return DEVICES[name]


def draw_ripple(device: Device, n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Factor on bone resistance at n instants, never under 0.3; a wave of wandering phase round 1."""
    turns = np.cumsum(device.ripple_hz * (1.0 + 0.8 * rng.standard_normal(n)) / rate_hz) + rng.random()
    sine = np.sin(2.0 * np.pi * turns)
    slip, third = np.tanh(4.0 * sine), np.sin(6.0 * np.pi * turns)
    wave = (1.0 - device.stick) * np.sqrt(2.0) * sine + device.stick * slip + 0.3 * third
    return np.maximum(0.3, 1.0 + device.ripple_fraction * wave)


def draw_vibration(device: Device, n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Force of the running motor on the needle at n instants, N; zeros where the device has none."""
    if device.vibration_n == 0.0:
        return np.zeros(n)
    band = np.array([0.8, 1.2]) * device.vibration_hz
    b, a = signal.butter(1, band, btype="bandpass", fs=rate_hz)
    noise = np.asarray(signal.lfilter(b, a, rng.standard_normal(n)), dtype=np.float64)
    return device.vibration_n * noise / float(noise.std())
