"""Synthetic attempts with known truth, drawn from a few corner points; no physics (the twin has that)."""

from dataclasses import dataclass, replace

import numpy as np

from popsense.analysis import Geometry
from popsense.model import FloatArray, Stretch, Trace

GEOMETRY = Geometry(bevel_mm=2.0, cavity_mm=20.0)
CONTACT_S, EXIT_S, POP_S = 1.5, 4.0, 4.06
RATE_HZ = 988.0


@dataclass(frozen=True)
class Hand:
    """What the simulated operator does. Times in s, lengths in mm, forces in N, pressures in kPa."""

    peak_n: float = 60.0
    exit_n: float = 35.0
    tremor_n: float = 0.5
    reaction_s: float = 0.2
    overshoot_mm: float = 2.5
    aspiration_kpa: float = 10.0
    flush_kpa: float = 25.0
    removal_s: float | None = 9.0
    far_cortex_n: float = 0.0
    stops_early: bool = False


EXPERT = Hand()
NOVICE = Hand(peak_n=80.0, exit_n=78.0, tremor_n=12.0, reaction_s=0.45, overshoot_mm=8.0)
PLUNGER = Hand(peak_n=100.0, exit_n=98.0, tremor_n=9.0, reaction_s=0.3, overshoot_mm=18.0, far_cortex_n=60.0)
EARLY_STOPPER = Hand(stops_early=True)


def _line(time_s: FloatArray, *corners: tuple[float, float]) -> FloatArray:
    """Straight lines between (time, value) corners."""
    times, values = zip(*corners, strict=True)
    return np.interp(time_s, times, values)


def _force_n(time_s: FloatArray, hand: Hand) -> FloatArray:
    end_s = EXIT_S if not hand.stops_early else 4.0
    loading = [(0.7, 0.0), (0.8, 3.0), (CONTACT_S, 3.5), (2.0, hand.peak_n), (3.4, hand.peak_n)]
    if hand.stops_early:
        force = _line(time_s, *loading, (end_s, 0.0))
    else:
        stop_s = POP_S + hand.reaction_s
        far = [(stop_s - 0.02, 5.0), (stop_s, hand.far_cortex_n)] if hand.far_cortex_n else [(stop_s, 4.0)]
        force = _line(time_s, *loading, (end_s, hand.exit_n), (POP_S + 0.04, 5.0), *far, (stop_s + 0.3, 0.0))
    work = (time_s > 2.0) & (time_s < end_s)
    return force + work * hand.tremor_n * np.sin(2 * np.pi * 3.3 * time_s)


def _protrusion_mm(time_s: FloatArray, hand: Hand) -> FloatArray:
    if hand.stops_early:
        return np.zeros_like(time_s)
    deep = 2.0 + hand.overshoot_mm
    corners = [(0.0, 0.0), (EXIT_S, 0.0), (POP_S, 0.8), (POP_S + hand.reaction_s, deep)]
    if hand.removal_s is not None:
        corners += [(hand.removal_s, deep), (hand.removal_s + 0.6, 0.0)]
    return _line(time_s, *corners)


def _pressure_kpa(time_s: FloatArray, hand: Hand) -> FloatArray:
    if hand.stops_early:
        return np.zeros_like(time_s)
    suction = -hand.aspiration_kpa * ((time_s > 5.4) & (time_s < 6.0))
    flush = hand.flush_kpa * np.exp(-(time_s - 7.0) / 0.5) * (time_s >= 7.0)
    return suction + flush


def build_trace(
    hand: Hand = EXPERT, rate_hz: float = RATE_HZ, duration_s: float = 10.5, seed: int = 1
) -> Trace:
    """An attempt of that hand with sensor noise: contact at 1.5 s, pop at 4.06 s, flush at 7 s."""
    random = np.random.default_rng(seed)
    time_s = np.arange(0.0, duration_s, 1 / rate_hz)
    return Trace(
        sample_index=np.arange(time_s.size, dtype=np.int64),
        time_s=time_s,
        force_n=_force_n(time_s, hand) + random.normal(0, 0.1, time_s.size),
        protrusion_mm=_protrusion_mm(time_s, hand) + random.normal(0, 0.01, time_s.size),
        pressure_kpa=_pressure_kpa(time_s, hand) + random.normal(0, 0.05, time_s.size),
    )


def with_hole(trace: Trace, start_s: float, end_s: float) -> Trace:
    """The trace without its samples in [start_s, end_s), and with the hole on record."""
    gone = (trace.time_s >= start_s) & (trace.time_s < end_s)
    first = int(trace.sample_index[gone][0])
    return replace(only(trace, ~gone), holes=(*trace.holes, Stretch(first, int(gone.sum()))))


def only(trace: Trace, kept: np.ndarray) -> Trace:
    """The trace with those samples alone (mask or slice), without any hole on record."""
    return replace(
        trace,
        sample_index=trace.sample_index[kept],
        time_s=trace.time_s[kept],
        force_n=trace.force_n[kept],
        protrusion_mm=trace.protrusion_mm[kept],
        pressure_kpa=trace.pressure_kpa[kept],
    )


def flat_trace(samples: int = 5000) -> Trace:
    """Nothing happens: noise-free zeros."""
    zeros = np.zeros(samples)
    return Trace(np.arange(samples, dtype=np.int64), np.arange(samples) / RATE_HZ, zeros, zeros, zeros)
