"""One simulated attempt: hand and bone stepped together, then what the cartridge's sensors would feel.

No feedback from the instrument: an attempt is an array, computed before the first sample is read.
Same site, operator, device, seed and rate give the same bytes on one build of numpy.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil
from zlib import crc32

import numpy as np
import numpy.typing as npt

from popsense.errors import TwinError, UsageError
from popsense.model import FloatArray
from popsense.procedure.sites import SiteProfile
from popsense.twin.bone import Fluid, Needle, Specimen, chamber_kpa, device_named, draw_ripple, draw_specimen
from popsense.twin.hand import PULL_S, PUSH_S, START_MM, Conduct, Hand
from popsense.twin.operators import Operator, draw_noise, operator_named

STEP_RATE_HZ = 3000.0  # at least; the stiffest mode, needle against moving mass, is near 70 Hz
LONGEST_S = 24.0  # noise is drawn for this long; an attempt that lasts longer has stalled
STOP_MM_PER_S = 1.0  # under this the advance counts as stopped
SPEED_SPAN_S = 0.01  # speed is taken over this time
PEAK_BEFORE_S = 0.2  # "last peak" of the tip's resistance: from this long before the exit starts


@dataclass(frozen=True)
class Truth:
    """What really happened, s from the script's start; None = it did not happen.

    stop_s: first time that the advance falls under 1 mm/s, after the resistance was lost or, without
    a breakthrough, after the operator had decided to stop. deepest_protrusion_mm: of the tip, without flex.
    """

    contact_s: float | None
    exit_start_s: float | None
    exit_half_s: float | None
    exit_end_s: float | None
    stop_s: float | None
    deepest_protrusion_mm: float
    far_cortex_contact_s: float | None
    aspiration_s: float | None
    flush_s: float | None
    removal_s: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Field name -> seconds (or mm), for a file or a test."""
        return asdict(self)


@dataclass(frozen=True)
class Insertion:
    """What the cartridge undergoes, shape (n,) each, at the instants k / sample_rate_hz; no sensor noise.

    force_n: axial force on the cartridge, compression positive (tip, shaft, skin and far cortex together).
    protrusion_mm: where the follower stands: tip beyond the unloaded inner face, plug flex included.
    pressure_kpa: marrow chamber, gauge.
    """

    time_s: FloatArray
    force_n: FloatArray
    protrusion_mm: FloatArray
    pressure_kpa: FloatArray
    truth: Truth


@dataclass(frozen=True)
class _Rig:
    conduct: Conduct
    hand: Hand
    needle: Needle
    moving_mass_kg: float
    step_s: float
    substeps: int  # per sample


@dataclass(frozen=True)
class _Path:
    """What the stepping leaves behind, shape (n,) each."""

    tip_mm: FloatArray
    force_n: FloatArray
    friction_n: FloatArray
    moments: dict[str, float]


def simulate(site: SiteProfile, operator: str, device: str, seed: int, sample_rate_hz: float) -> Insertion:
    """One attempt at the site; UsageError for an unknown operator or device or a negative seed."""
    who, tool = operator_named(operator), device_named(device)
    rng = generator(seed, operator, device, site.name)
    # The order of draws is part of the script's identity: specimen, operator, ripple, tremor, wander, stray.
    specimen = draw_specimen(site, rng)
    drawn = who.drawn(tool.thrust_scale, rng)
    n_most = ceil(LONGEST_S * sample_rate_hz)
    ripple = draw_ripple(tool, n_most, sample_rate_hz, rng)
    noise = draw_noise(drawn, n_most, sample_rate_hz, rng)

    substeps = ceil(STEP_RATE_HZ / sample_rate_hz)
    step_s = 1.0 / (substeps * sample_rate_hz)
    needle, hand = Needle(specimen, tool, START_MM, step_s), Hand(drawn, step_s)
    conduct = Conduct(drawn, hand, needle, specimen, noise)
    path = _step_through(_Rig(conduct, hand, needle, tool.moving_mass_kg, step_s, substeps), ripple)
    return _sensed(path, specimen, drawn, sample_rate_hz)


def generator(seed: int, *names: str) -> np.random.Generator:
    """A random generator that depends on the seed and on the names, and on nothing else."""
    if seed < 0:
        raise UsageError(f"the seed {seed} is negative", "Use a seed of 0 or more.")
    sequence = np.random.SeedSequence([seed, *(crc32(name.encode()) for name in names)])
    return np.random.Generator(np.random.PCG64(sequence))


def _step_through(rig: _Rig, ripple: FloatArray) -> _Path:
    """Semi-implicit Euler on plain floats: attribute look-ups and arrays would double its time."""
    tips: list[float] = []
    forces: list[float] = []
    frictions: list[float] = []
    needle, push, follow, step_s = rig.needle, rig.hand.push, rig.needle.follow, rig.step_s
    mm_per_s_per_n = 1000.0 * step_s / rig.moving_mass_kg  # speed that one newton adds in one step
    hub_mm, speed, force = START_MM, 0.0, 0.0
    for factor, _ in zip(ripple.tolist(), rig.conduct.steps(), strict=False):
        needle.ripple = factor
        for _ in range(rig.substeps):
            force = follow(hub_mm)
            speed += mm_per_s_per_n * (push(hub_mm, speed) - force)
            hub_mm += speed * step_s
        tips.append(needle.tip_mm)
        forces.append(force)
        frictions.append(needle.friction_n())
    if len(tips) == len(ripple):
        raise TwinError(f"a simulated attempt did not end within {LONGEST_S:.0f} s", "Choose another seed.")
    return _Path(np.array(tips), np.array(forces), np.array(frictions), rig.conduct.moments)


def _sensed(path: _Path, specimen: Specimen, operator: Operator, rate_hz: float) -> Insertion:
    time_s = np.arange(len(path.tip_mm)) / rate_hz
    flex_mm = specimen.flex_mm(path.tip_mm, path.force_n, path.friction_n)
    protrusion_mm = np.maximum(0.0, np.maximum(0.0, path.tip_mm - specimen.inner_mm) + flex_mm)
    fluids = list(_fluids(path, specimen, operator, rate_hz))
    pressure_kpa = chamber_kpa(time_s, fluids)
    return Insertion(time_s, path.force_n, protrusion_mm, pressure_kpa, _truth(path, specimen, rate_hz))


def _fluids(path: _Path, specimen: Specimen, operator: Operator, rate_hz: float) -> Iterator[Fluid]:
    """Aspiration and flush, as much of them as reaches the chamber."""
    plan = (("aspiration", PULL_S, operator.suction_kpa), ("flush", PUSH_S, operator.flush_kpa))
    for name, duration_s, kpa in plan:
        start_s = path.moments[name]
        reaches = specimen.clear(float(path.tip_mm[round(start_s * rate_hz)]))
        yield Fluid(start_s, start_s + duration_s, kpa * reaches)


def _truth(path: _Path, specimen: Specimen, rate_hz: float) -> Truth:
    """Reads the events off the path; every time is that of the first sample at which it holds."""
    tip_mm, moments = path.tip_mm, path.moments
    exit_start = _first(tip_mm > specimen.inner_mm)
    exit_end = _first(tip_mm >= specimen.inner_mm + specimen.bevel_mm)
    lost = None if exit_start is None else _half_of_peak(path, exit_start, rate_hz)
    if lost is not None and exit_end is not None:
        lost = min(lost, exit_end)  # a plunge may leave within one sample, force then lags by one
    decided = round(moments["stop"] * rate_hz)
    stop = _first(_speed_mm_per_s(tip_mm, rate_hz) < STOP_MM_PER_S, decided if lost is None else lost)

    def seconds(index: int | None) -> float | None:
        return None if index is None else index / rate_hz

    return Truth(
        contact_s=seconds(_first(tip_mm >= specimen.outer_mm)),
        exit_start_s=seconds(exit_start),
        exit_half_s=seconds(lost),
        exit_end_s=seconds(exit_end),
        stop_s=seconds(stop),
        deepest_protrusion_mm=max(0.0, float(tip_mm.max()) - specimen.inner_mm),
        far_cortex_contact_s=seconds(_first(tip_mm >= specimen.far_mm)),
        aspiration_s=moments["aspiration"],
        flush_s=moments["flush"],
        removal_s=moments["removal"],
    )


def _half_of_peak(path: _Path, exit_start: int, rate_hz: float) -> int | None:
    """First sample from the exit on whose tip resistance is at most half of the peak before it."""
    begin = max(0, exit_start - round(PEAK_BEFORE_S * rate_hz))
    tip_n = np.maximum(0.0, path.force_n[begin:] - path.friction_n[begin:])
    return _first(tip_n <= 0.5 * np.maximum.accumulate(tip_n), exit_start - begin, begin)


def _speed_mm_per_s(tip_mm: FloatArray, rate_hz: float) -> FloatArray:
    """Speed over the SPEED_SPAN_S that follow each sample; shape of tip_mm."""
    span = max(1, round(SPEED_SPAN_S * rate_hz))
    return (np.append(tip_mm[span:], np.full(span, tip_mm[-1])) - tip_mm) * (rate_hz / span)


def _first(holds: npt.NDArray[np.bool_], start: int = 0, offset: int = 0) -> int | None:
    """Index of the first True at or after `start`, plus offset; None where there is none."""
    found = np.flatnonzero(holds[start:])
    return None if found.size == 0 else int(found[0]) + start + offset
