"""Simulated attempts shared by the tests of the twin: whole ones, kept, and a hand on a rig without noise."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray
from popsense.procedure.sites import SITES
from popsense.twin.device import DEVICES, Device
from popsense.twin.hand import START_MM, Hand
from popsense.twin.insertion import CONTROL_HZ, STANDS, Insertion, Setup, generator, simulate
from popsense.twin.needle import Needle
from popsense.twin.operators import OPERATORS, Operator
from popsense.twin.shot_conduct import conduct_of
from popsense.twin.specimen import Condition, Specimen, draw_specimen
from popsense.twin.unsteadiness import Noise

TIBIA = "adult-proximal-tibia"
NEW = Condition()
BONE = Specimen(11.0, 14.0, 34.0, 36.5, 2.0, 0.0008, 1.0)  # the design of that site, without spread
STEP_S = 1.0 / (3 * CONTROL_HZ)  # as the simulation steps a hand


@cache
def attempt(
    operator: str = "expert",
    device: str = "powered",
    seed: int = 0,
    site: str = TIBIA,
    bench: Condition = NEW,
) -> Insertion:
    """One attempt, simulated once a process: its arrays are not to be written to."""
    return simulate(Setup(SITES[site], operator, device, seed, bench))


def specimen_of(operator: str, device: str, seed: int, site: str = TIBIA, bench: Condition = NEW) -> Specimen:
    """The cartridge of that attempt, which is drawn first."""
    return draw_specimen(SITES[site], bench, generator(seed, operator, device, site))


def drawn(name: str, device: str = "powered", /, **changed: float) -> Operator:
    """That operator on an adult tibia without variation between attempts; then the changed fields."""
    return replace(OPERATORS[name].drawn(DEVICES[device], 1.0, 0.0, np.random.default_rng(0)), **changed)


def quiet(seconds: float = 32.0, vibration_n: float = 0.0) -> Noise:
    """No tremor, no wander; the motor's vibration at a constant value."""
    n = round(seconds * CONTROL_HZ)
    return Noise([0.0] * n, [0.0] * n, [0.0] * n, [vibration_n] * n, 1.0 / CONTROL_HZ)


def trembling(seconds: float = 32.0) -> Noise:
    """Tremor, wander and stray force at their rms all the time."""
    n = round(seconds * CONTROL_HZ)
    return Noise([1.0] * n, [1.0] * n, [1.0] * n, [0.0] * n, 1.0 / CONTROL_HZ)


@dataclass(frozen=True)
class Course:
    """What a rig saw at each control instant, shape (n,) each; moments as of `Conduct`, s."""

    hub_mm: FloatArray
    tip_mm: FloatArray
    in_plug_mm: FloatArray
    hand_n: FloatArray
    tip_n: FloatArray
    rate_mm_per_s: FloatArray
    driving: FloatArray
    body_n: FloatArray
    shooting: FloatArray
    moments: dict[str, float]

    def first(self, holds: npt.NDArray[np.bool_]) -> int:
        """Index of the first instant at which it holds; there must be one."""
        return int(np.flatnonzero(holds)[0])


def course(operator: Operator, device: Device | str = "powered", bone: Specimen = BONE) -> Course:
    """A drawn operator's attempt on that bone, with neither noise nor ripple."""
    tool = DEVICES[device] if isinstance(device, str) else device
    noise = quiet()
    needle, hand = Needle(bone, tool, START_MM, STEP_S), Hand(operator, tool, noise, STEP_S)
    conduct = conduct_of(operator, tool, hand, needle, bone, noise)
    hub_mm, speed = START_MM, 0.0
    rows: list[tuple[float, ...]] = []
    for _ in conduct.steps():
        steps = 3 if hand.shot is None else 20
        needle.ripple = 1.0 if hand.driving or hand.shot else STANDS
        needle.step_s = hand.step_s = 1.0 / (steps * CONTROL_HZ)
        force_n = 0.0
        for _ in range(steps):
            force_n = needle.follow(hub_mm)
            net_n = hand.push(hub_mm, speed) - force_n
            speed = 0.0 if hand.mass_kg == np.inf else speed + 1000.0 * net_n * needle.step_s / hand.mass_kg
            hub_mm += speed * needle.step_s
            if hub_mm > hand.end_mm:
                hub_mm, speed = hand.end_mm, 0.0
        rows.append(
            (hub_mm, needle.tip_mm, needle.in_plug_mm, hand.force_n, force_n, hand.rate_mm_per_s,
             hand.driving, hand.body_n, hand.shot is not None)
        )  # fmt: skip
    return Course(*np.array(rows, dtype=np.float64).T, moments=conduct.moments)
