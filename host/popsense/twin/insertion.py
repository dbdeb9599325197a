"""One simulated attempt: hand and bone stepped together, then what the cartridge's sensors would feel.

No feedback from the instrument: an attempt is an array, computed before the first sample is read.
Same setup, same bytes on one build of numpy.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from zlib import crc32

import numpy as np

from popsense.errors import UsageError
from popsense.model import FloatArray
from popsense.procedure.sites import SiteProfile
from popsense.twin.chamber import Chamber, Fluid, chamber_kpa
from popsense.twin.conduct import PULL_S, PUSH_S, Conduct
from popsense.twin.device import device_named, draw_ripple, draw_vibration
from popsense.twin.hand import START_MM, Hand
from popsense.twin.needle import Needle
from popsense.twin.operators import Operator, operator_named
from popsense.twin.shot_conduct import conduct_of
from popsense.twin.specimen import Condition, Specimen, draw_specimen
from popsense.twin.truth import Path, Truth, read_truth
from popsense.twin.unsteadiness import draw_noise

__all__ = ["CONTROL_HZ", "Insertion", "Setup", "Truth", "generator", "simulate"]

CONTROL_HZ = 1000.0  # the operator acts, and the path is kept, so often
STEPS = 3  # of physics per control instant; the stiffest mode, needle against moving mass, is near 50 Hz
SHOT_STEPS = 20  # while a spring drives a few grams
LONGEST_S = 32.0  # noise is drawn for so long; an attempt that lasts longer is cut there
BUMPER_N = 600.0  # the cell's mechanical stop takes what is above; N, design of our cartridge: 550 to 650
STANDS = 5.0  # factor on the bone's resistance to a bevel that is not turned; uncalibrated
EFFORT_EXPONENT = 0.7  # who meets softer bone pushes less, though not in proportion; uncalibrated


@dataclass(frozen=True)
class Setup:
    """One attempt to be simulated. outside: share of a flush that runs out beside the bone."""

    site: SiteProfile
    operator: str = "expert"
    device: str = "powered"
    seed: int = 0
    condition: Condition = field(default_factory=Condition)
    chamber: Chamber | None = None  # None = the site's, tight and open
    outside: float = 0.0


@dataclass(frozen=True)
class Insertion:
    """What the cartridge undergoes, shape (n,) each, at the instants k / CONTROL_HZ; no sensor noise.

    force_n: mean axial force on the cartridge over the instant, compression positive (tip, shaft, skin and
    far cortex together, and a device's body on the skin).
    protrusion_mm: where the follower stands: the bulge of the bent plug, or the tip if it is further.
    pressure_kpa: marrow chamber, gauge. tip_mm: true tip beyond the unloaded inner face, negative before.
    """

    time_s: FloatArray
    force_n: FloatArray
    protrusion_mm: FloatArray
    pressure_kpa: FloatArray
    tip_mm: FloatArray
    truth: Truth


@dataclass(frozen=True)
class _Rig:
    conduct: Conduct
    hand: Hand
    needle: Needle


def simulate(setup: Setup) -> Insertion:
    """One attempt; UsageError for an unknown operator or device or a negative seed."""
    who, tool = operator_named(setup.operator), device_named(setup.device)
    rng = generator(setup.seed, setup.operator, setup.device, setup.site.name)
    # The order of draws is part of an attempt's identity: specimen, operator, ripple, vibration, noise.
    specimen = draw_specimen(setup.site, setup.condition, rng)
    effort = setup.site.relative_hardness.value**EFFORT_EXPONENT
    drawn = who.drawn(tool, effort, setup.condition.spread, rng)
    n_most = ceil(LONGEST_S * CONTROL_HZ)
    ripple = draw_ripple(tool, n_most, CONTROL_HZ, rng)
    noise = draw_noise(n_most, CONTROL_HZ, draw_vibration(tool, n_most, CONTROL_HZ, rng), rng)

    step_s = 1.0 / (STEPS * CONTROL_HZ)
    needle, hand = Needle(specimen, tool, START_MM, step_s), Hand(drawn, tool, noise, step_s)
    conduct = conduct_of(drawn, tool, hand, needle, specimen, noise)
    path, body_n = _step_through(_Rig(conduct, hand, needle), ripple)
    return _sensed(setup, path, body_n, specimen, drawn, conduct.moments)


def generator(seed: int, *names: str) -> np.random.Generator:
    """A random generator that depends on the seed and on the names, and on nothing else."""
    if seed < 0:
        raise UsageError(f"the seed {seed} is negative", "Use a seed of 0 or more.")
    sequence = np.random.SeedSequence([seed, *(crc32(name.encode()) for name in names)])
    return np.random.Generator(np.random.PCG64(sequence))


def _step_through(rig: _Rig, ripple: FloatArray) -> tuple[Path, FloatArray]:
    """Semi-implicit Euler on plain floats: attribute look-ups and arrays would double its time.

    Gives the path and the force of the device's body on the skin, shape (n,).
    """
    rows: list[tuple[float, float, float, float, float]] = []
    hand, needle, push, follow = rig.hand, rig.needle, rig.hand.push, rig.needle.follow
    hub_mm, speed = START_MM, 0.0
    for factor, _ in zip(ripple.tolist(), rig.conduct.steps(), strict=False):
        steps = STEPS if hand.shot is None else SHOT_STEPS
        step_s = needle.step_s = hand.step_s = 1.0 / (steps * CONTROL_HZ)
        needle.ripple = factor if hand.driving else 1.0 if hand.shot else STANDS
        mm_per_s_per_n = 1000.0 * step_s / hand.mass_kg  # speed that one newton adds in one step
        if mm_per_s_per_n == 0.0:  # locked
            speed = 0.0
        total_n, end_mm = 0.0, hand.end_mm
        for _ in range(steps):
            force_n = follow(hub_mm)
            total_n += force_n
            speed += mm_per_s_per_n * (push(hub_mm, speed) - force_n)
            hub_mm += speed * step_s
            if hub_mm > end_mm:
                hub_mm, speed = end_mm, 0.0
        rows.append((needle.tip_mm, needle.in_plug_mm, total_n / steps, needle.friction_n(), hand.body_n))
    tip_mm, in_plug_mm, force_n_, friction_n, body_n = np.array(rows).T
    return Path(tip_mm, in_plug_mm, force_n_, friction_n, CONTROL_HZ), body_n


def _sensed(
    setup: Setup, path: Path, body_n: FloatArray, bone: Specimen, who: Operator, moments: dict[str, float]
) -> Insertion:
    time_s = np.arange(len(path.tip_mm)) / CONTROL_HZ
    beyond_mm = path.tip_mm - bone.inner_mm
    protrusion_mm = np.maximum(0.0, np.maximum(beyond_mm, path.tip_mm - path.in_plug_mm))
    chamber = setup.chamber or Chamber(outflow_tau_s=setup.site.outflow_tau.value)
    fluids = list(_fluids(setup, path, bone, who, moments))
    truth = read_truth(path, bone, moments)
    pressure_kpa = chamber_kpa(time_s, fluids, chamber)
    on_cell_n = np.minimum(path.force_n + body_n, BUMPER_N)
    return Insertion(time_s, on_cell_n, protrusion_mm, pressure_kpa, beyond_mm, truth)


def _fluids(
    setup: Setup, path: Path, bone: Specimen, who: Operator, moments: dict[str, float]
) -> Iterator[Fluid]:
    """Aspiration and flush, as much of them as reaches the chamber."""
    plan = (("aspiration", PULL_S, who.suction_kpa), ("flush", PUSH_S, who.flush_kpa))
    for name, duration_s, kpa in plan:
        if name in moments:
            start_s = moments[name]
            reach = bone.clear(float(path.in_plug_mm[round(start_s * CONTROL_HZ)]))
            yield Fluid(start_s, start_s + duration_s, kpa, reach, setup.outside)
