"""What stands between a quantity and a converter's code: pure functions on arrays, no random draws.

All are causal; arrays have shape (n,), one value per sample unless said otherwise.
"""

from math import atan, exp, pi, sin, sqrt

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from popsense.model import FloatArray

ADC_LIMIT_CODE = 4095  # 12 bits, RP2040 datasheet 4.9
WIDE_CODES = (512, 1536, 2560, 3584)  # RP2040 datasheet, erratum E11


def mean_over_period(
    time_s: FloatArray, values: FloatArray, instants_s: FloatArray, period_s: float
) -> FloatArray:
    """Mean of values(time_s) over the period that ends at each instant; shape of instants_s.

    A converter that settles in a single cycle gives the average of its input over one conversion
    (delta-sigma, TI SBAS501 "Digital Filter"). Outside of time_s the outermost value goes on.
    """
    steps = 0.5 * (values[1:] + values[:-1]) * np.diff(time_s)
    integral = np.concatenate([[0.0], np.cumsum(steps)])

    def until(instants: FloatArray) -> FloatArray:
        beyond = values[0] * np.minimum(instants - time_s[0], 0.0)
        beyond += values[-1] * np.maximum(instants - time_s[-1], 0.0)
        return np.interp(instants, time_s, integral) + beyond

    return (until(instants_s) - until(instants_s - period_s)) / period_s


def hum(instants_s: FloatArray, period_s: float, rms: float, hum_hz: float, phase: float) -> FloatArray:
    """Mains hum of this rms, averaged over the period before each instant; period_s 0 = read at once.

    What is left of it above half the sample rate aliases, as it does in a converter.
    """
    kept = float(np.sinc(hum_hz * period_s))
    middle_s = instants_s - 0.5 * period_s
    return sqrt(2.0) * rms * kept * np.sin(2.0 * pi * hum_hz * middle_s + phase)


def bump(time_s: FloatArray, start_s: float, peak: float, ring_hz: float, decay_s: float) -> FloatArray:
    """Decaying oscillation from start_s on; its first and greatest deflection is `peak`."""
    omega = 2.0 * pi * ring_hz
    first_s = atan(omega * decay_s) / omega
    scale = peak / (exp(-first_s / decay_s) * sin(omega * first_s))
    since_s = np.maximum(time_s - start_s, 0.0)
    return scale * np.exp(-since_s / decay_s) * np.sin(omega * since_s)


def creep(values: FloatArray, period_s: float, fraction: float, tau_s: float) -> FloatArray:
    """Values plus what follows a load slowly: `fraction` of it in the end, with time constant tau_s."""
    step = 1.0 - exp(-period_s / tau_s)
    slow: FloatArray = np.asarray(lfilter([step], [1.0, step - 1.0], values))
    return values + fraction * slow


def play(values: FloatArray, width: float) -> FloatArray:
    """Backlash: the output rests until the input has come `width` back, and lags by half of it.

    Starts in the middle of its play. A loop on plain floats: each value depends on the one before.
    """
    half = 0.5 * width
    out: list[float] = []
    held = float(values[0]) if len(values) else 0.0
    for value in values.tolist():
        if held < value - half:
            held = value - half
        elif held > value + half:
            held = value + half
        out.append(held)
    return np.array(out)


def hysteresis(values: FloatArray, width: float, turn: float) -> FloatArray:
    """Values that read `width` less while rising than while falling.

    After a reversal the loop opens within a change of `turn`; there is no dead stretch as in `play`,
    since an elastic body answers every load.
    """
    lag = (values - play(values, turn)) / turn  # -0.5 falling, 0.5 rising
    return values - width * lag


def stepped_codes(codes: FloatArray, step_lsb: float) -> FloatArray:
    """Codes (0 to 4095, not rounded, any shape) through a converter with four wide codes.

    Each of WIDE_CODES takes in step_lsb more of input than its neighbours; full scale is kept, so between
    them the slope is a little under 1. Clips.
    """
    edges = np.array([edge for code in WIDE_CODES for edge in (code - 0.5, code + 0.5)])
    given = np.concatenate([[0.0], edges, [float(ADC_LIMIT_CODE)]])
    passed = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])  # wide codes below each of `given`
    taken = (given + step_lsb * passed) * ADC_LIMIT_CODE / (ADC_LIMIT_CODE + 4.0 * step_lsb)
    return np.interp(codes, taken, given)


def within(instants_s: FloatArray, starts_s: FloatArray, duration_s: float) -> npt.NDArray[np.bool_]:
    """Which instants lie in a stretch that begins at one of starts_s (any order, any number)."""
    before = np.searchsorted(np.sort(starts_s), instants_s, side="right")
    latest = np.concatenate([[-np.inf], np.sort(starts_s)])[before]
    return instants_s - latest < duration_s
