"""The simulated cartridge: what a needle tip meets on its way, and what the chamber's pressure does.

Bone v1, one axis, no heat, no side force. Positions are mm along the needle's axis, 0 = skin, in the
frame of the unloaded cartridge. Status letters: D given, E published, T training text, A analogue,
N nothing found; "uncalibrated" = chosen so that curves look plausible, replace by bench measurements.
"""

from dataclasses import dataclass

import numpy as np

from popsense.errors import UsageError
from popsense.model import FloatArray
from popsense.procedure.sites import SiteProfile

GRID_PER_MM = 100  # resistance is tabulated every 10 um: far below what the follower resolves
HARDNESS_CV = 0.10  # spread between printed plugs; A, urethane, Heiner 2001 (real bone: 0.34)
NEEDLE_N_PER_MM = 200.0  # needle, chuck and plug in series between hub and tip; uncalibrated
THIN_DRAG_N_S_PER_MM = 0.01  # rate part outside bone: only keeps the tip's law regular; uncalibrated
PUNCTURE_MM = 3.0  # dimpling of the skin pad before it gives; uncalibrated
PUNCTURE_N = 3.5  # force at which it gives; uncalibrated
TISSUE_N = 1.2  # drag in soft tissue behind the skin; uncalibrated
MARROW_N = 1.25  # cancellous 1 to 1.5 N; A, drilling studies, J Healthc Eng 2020 tab. 6
SEAT_FRACTION = 0.7  # part of the bevel's resistance met on touching the face; uncalibrated
STOP_MM = 2.5  # plate behind the far cortex; N, design of our cartridge
LINE_TAU_S = 0.08  # syringe and tubing fill the chamber this fast; uncalibrated
OUTFLOW_TAU_S = 0.5  # chamber empties through its outflow restrictor; N, design of our cartridge


@dataclass(frozen=True)
class Device:
    """How a needle is driven into bone. Every figure uncalibrated except where a source stands.

    Feed comes from published times: powered 1.1 s (0.8 to 1.4), E JSOM 2025. A manual adult insertion
    took 55 s (E SpringerPlus 2015); ours is a deliberately shortened variant of at most about 8 s.
    """

    name: str
    onset_n: float  # thrust under which a fully engaged bevel does not cut
    feed_mm_per_s_per_n: float  # speed gained per newton above the onset
    shaft_friction_n: float  # with the whole cortex round the shaft; manual is larger, A Heiner 2001
    ripple_fraction: float  # stick-slip: rms variation of the resistance
    ripple_hz: float  # of the chatter (powered) or of the twisting wrist (manual)
    moving_mass_kg: float  # driver or handle with hand and part of the forearm
    thrust_scale: float  # how much harder people push than with the driver


DEVICES = {
    "powered": Device("powered", 12.0, 0.055, 2.0, 0.20, 14.0, 1.4, 1.0),
    "manual": Device("manual", 18.0, 0.022, 6.0, 0.15, 2.3, 1.0, 1.4),
}


def device_named(name: str) -> Device:
    """The device of that name; UsageError names the possible ones."""
    if name not in DEVICES:
        raise UsageError(f"no simulated device is called {name!r}", f"Use one of: {', '.join(DEVICES)}.")
    return DEVICES[name]


@dataclass(frozen=True)
class Specimen:
    """One cartridge as drawn: the faces' positions in mm from the skin, hardness relative to the design."""

    outer_mm: float
    inner_mm: float
    far_mm: float
    stop_mm: float
    bevel_mm: float
    compliance_mm_per_n: float
    hardness: float

    def engaged(self, tip_mm: FloatArray) -> FloatArray:
        """Part of the bevel that cuts bone, 0 to 1, near and far cortex alike; same shape as tip_mm.

        Leaving falls with the square: what a tapered point still has to widen shrinks as its cross-section
        does (assumption). So the pop is no step, yet steeper than the bevel's length suggests.
        """
        leaving = np.clip(1.0 - (tip_mm - self.inner_mm) / self.bevel_mm, 0.0, 1.0) ** 2
        near = np.minimum(self._entering(tip_mm - self.outer_mm), leaving) * (tip_mm >= self.outer_mm)
        return np.where(tip_mm >= self.far_mm, self._entering(tip_mm - self.far_mm), near)

    def _entering(self, depth_mm: FloatArray) -> FloatArray:
        return np.minimum(1.0, SEAT_FRACTION + (1.0 - SEAT_FRACTION) * depth_mm / self.bevel_mm)

    def gripped(self, tip_mm: FloatArray) -> FloatArray:
        """Part of the cortex that lies round the shaft, 0 to 1; same shape as tip_mm."""
        return np.clip((tip_mm - self.outer_mm) / (self.inner_mm - self.outer_mm), 0.0, 1.0)

    def clear(self, tip_mm: float) -> float:
        """Part of the bevel's opening that lies free in the cavity, 0 to 1.

        0 until the whole bevel is through: what leaks past a half-buried bevel does not reach the chamber.
        """
        if tip_mm < self.inner_mm + self.bevel_mm:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (tip_mm - self.far_mm) / self.bevel_mm))

    def flex_mm(self, tip_mm: FloatArray, force_n: FloatArray, friction_n: FloatArray) -> FloatArray:
        """How far the plug bulges inward, mm: tip and shaft load it in the cortex, only the shaft behind."""
        shaft_only = np.clip(force_n, -friction_n, friction_n)
        load_n = np.where(tip_mm < self.inner_mm + self.bevel_mm, force_n, shaft_only)
        return np.where(tip_mm >= self.outer_mm, self.compliance_mm_per_n * load_n, 0.0)


def draw_specimen(site: SiteProfile, rng: np.random.Generator) -> Specimen:
    """A cartridge of the site with its own hardness (clipped at 2.5 sigma); one draw."""
    outer_mm = site.soft_tissue.value
    inner_mm = outer_mm + site.cortex.value
    far_mm = inner_mm + site.cavity.value
    hardness = 1.0 + HARDNESS_CV * float(np.clip(rng.standard_normal(), -2.5, 2.5))
    bevel_mm, compliance = site.bevel.value, site.plug_compliance.value
    return Specimen(outer_mm, inner_mm, far_mm, far_mm + STOP_MM, bevel_mm, compliance, hardness)


class Needle:
    """The needle in one specimen: the hub drives a spring, the spring the tip, the tip meets resistance.

    The tip has no mass: it moves forward as fast as (spring force - dry resistance) / drag allows, which in
    bone is the rate-limited cut. Solved implicitly, so a vanishing drag at the end of the bevel is harmless.
    Ahead of the deepest point reached it cuts; inside the hole already made only shaft friction acts.
    """

    def __init__(self, specimen: Specimen, device: Device, start_mm: float, step_s: float) -> None:
        grid_mm = np.arange(0, int(specimen.stop_mm * GRID_PER_MM) + 2) / GRID_PER_MM
        engaged = specimen.engaged(grid_mm) * specimen.hardness
        self._friction_n: list[float] = (device.shaft_friction_n * specimen.gripped(grid_mm)).tolist()
        self._soft_n: list[float] = _soft_n(specimen, grid_mm).tolist()
        self._onset_n: list[float] = (engaged * device.onset_n).tolist()
        self._drag: list[float] = (engaged / device.feed_mm_per_s_per_n + THIN_DRAG_N_S_PER_MM).tolist()
        self._per_s = 1.0 / step_s
        self._back_step = 1.0 / (NEEDLE_N_PER_MM + THIN_DRAG_N_S_PER_MM * self._per_s)
        self._stop_mm = specimen.stop_mm
        self._hole_mm = 0.0
        self.tip_mm = start_mm
        self.ripple = 1.0  # momentary factor on the resistance of bone; the caller renews it

    def follow(self, hub_mm: float) -> float:
        """Moves the tip by one step after the hub; gives the axial force on the cartridge in N."""
        spring_n = NEEDLE_N_PER_MM * (hub_mm - self.tip_mm)
        here = int(self.tip_mm * GRID_PER_MM) if self.tip_mm > 0.0 else 0
        friction_n = self._friction_n[here]
        if spring_n > friction_n:
            self._push(spring_n - friction_n, here)
        elif spring_n < -friction_n:
            self.tip_mm += (spring_n + friction_n) * self._back_step
        return NEEDLE_N_PER_MM * (hub_mm - self.tip_mm)

    def _push(self, spare_n: float, here: int) -> None:
        if self.tip_mm < self._hole_mm or self.tip_mm < 0.0:
            self.tip_mm += spare_n * self._back_step
            return
        over_n = spare_n - self._soft_n[here] - self._onset_n[here] * self.ripple
        if over_n > 0.0:
            step_mm = over_n / (NEEDLE_N_PER_MM + self._drag[here] * self.ripple * self._per_s)
            self.tip_mm = self._hole_mm = min(self.tip_mm + step_mm, self._stop_mm)

    def friction_n(self) -> float:
        """Largest friction of the shaft where it stands, N."""
        return self._friction_n[int(self.tip_mm * GRID_PER_MM) if self.tip_mm > 0.0 else 0]


def _soft_n(specimen: Specimen, grid_mm: FloatArray) -> FloatArray:
    """Dry resistance that is not bone: skin up to its puncture, tissue, marrow. N, shape of grid_mm."""
    skin_n = np.where(grid_mm < PUNCTURE_MM, PUNCTURE_N * grid_mm / PUNCTURE_MM, TISSUE_N)
    in_cavity = (grid_mm >= specimen.inner_mm) & (grid_mm < specimen.far_mm)
    return np.where(grid_mm < specimen.outer_mm, skin_n, np.where(in_cavity, MARROW_N, 0.0))


def draw_ripple(device: Device, n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Factor on bone resistance at n sample instants: chatter of wandering phase round 1, never under 0.3."""
    turns = np.cumsum(device.ripple_hz * (1.0 + 0.8 * rng.standard_normal(n)) / rate_hz) + rng.random()
    wave = np.sqrt(2.0) * np.sin(2.0 * np.pi * turns) + 0.3 * np.sin(6.0 * np.pi * turns)
    return np.maximum(0.3, 1.0 + device.ripple_fraction * wave)


@dataclass(frozen=True)
class Fluid:
    """One pull or push of the syringe: the chamber is driven toward `kpa` from start_s to end_s."""

    start_s: float
    end_s: float
    kpa: float


def chamber_kpa(time_s: FloatArray, actions: list[Fluid]) -> FloatArray:
    """Gauge pressure of the chamber, kPa, shape of time_s; 0 at rest, since no reservoir is fitted.

    Towards the syringe's pressure with the line's time constant, back to 0 with the outflow's.
    """
    pressure_kpa = np.zeros_like(time_s)
    for action in actions:
        before_kpa = float(np.interp(action.start_s, time_s, pressure_kpa))
        driven_s = np.clip(time_s - action.start_s, 0.0, action.end_s - action.start_s)
        reached_kpa = action.kpa + (before_kpa - action.kpa) * np.exp(-driven_s / LINE_TAU_S)
        ebb = np.exp(-np.maximum(0.0, time_s - action.end_s) / OUTFLOW_TAU_S)
        pressure_kpa = np.where(time_s >= action.start_s, reached_kpa * ebb, pressure_kpa)
    return pressure_kpa
