"""One cartridge as it lies on the bench: where its faces are, how hard it is, worn, punctured or new.

One axis, no heat, no side force. Positions are mm along the needle's axis, 0 = skin, in the frame of the
unloaded cartridge; the plug's own frame is displaced by its flex. Status letters as in `device`.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from popsense.model import FloatArray
from popsense.procedure.sites import Figure, SiteProfile

HARDNESS_CV = {"plug": 0.10, "bone": 0.34}  # A, urethane and bone biopsy needles, Heiner 2001
PRINTED_CV = 0.02  # of a printed plug's lengths; uncalibrated. Bone varies as its site does.
COMPLIANCE_CV = {"plug": 0.10, "bone": 0.20}  # uncalibrated
WORN_SOFTENS = 0.4  # a plug fully worn has lost this part of its resistance; uncalibrated
WORN_FLEXES = 0.5  # and flexes so much more; uncalibrated
BLUNT_HARDENS = 1.0  # a fully blunt needle meets twice the resistance; N (A: blunt bits plunge)
REUSED_RESISTANCE = 0.2  # what a hole from an earlier needle still resists, of fresh bone; uncalibrated
RETURN_RESISTANCE = 0.05  # the same needle back in its own hole; uncalibrated
SEAT_FRACTION = 0.7  # part of the bevel's resistance met on touching the face; uncalibrated
STOP_MM = 2.5  # plate behind the far cortex; N, design of our cartridge
HALF_OUT = 1.0 - sqrt(0.5)  # part of the bevel beyond the inner face at which half the resistance is left


@dataclass(frozen=True)
class Condition:
    """What a technician has put on the bench. worn, blunt: 0 (new) to 1. used_hole: at this very place.

    material: "plug" (printed) or "bone". spread multiplies every coefficient of variation.
    """

    material: str = "plug"
    spread: float = 1.0
    worn: float = 0.0
    blunt: float = 0.0
    used_hole: bool = False


@dataclass(frozen=True)
class Specimen:
    """One cartridge as drawn: faces in mm from the skin, hardness relative to the adult tibia's design."""

    outer_mm: float
    inner_mm: float
    far_mm: float
    stop_mm: float
    bevel_mm: float
    compliance_mm_per_n: float
    hardness: float
    used_hole: bool = False

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
        """Bone round the shaft, near and far, in thicknesses of the near cortex; same shape as tip_mm."""
        thick_mm = self.inner_mm - self.outer_mm
        near = np.clip((tip_mm - self.outer_mm) / thick_mm, 0.0, 1.0)
        return near + np.clip((tip_mm - self.far_mm) / thick_mm, 0.0, 1.0)

    def clear(self, tip_mm: float) -> float:
        """Part of the bevel's opening that lies free in the cavity, 0 to 1.

        0 until the whole bevel is through: what leaks past a half-buried bevel does not reach the chamber.
        """
        if tip_mm < self.inner_mm + self.bevel_mm:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (tip_mm - self.far_mm) / self.bevel_mm))


def draw_specimen(site: SiteProfile, condition: Condition, rng: np.random.Generator) -> Specimen:
    """A cartridge of the site. Order of draws: hardness, tissue, cortex, cavity, compliance, clipped."""
    normal = np.clip(rng.standard_normal(5), -2.5, 2.5)
    spread, kind = condition.spread, condition.material
    hardness = site.relative_hardness.value * _lognormal(HARDNESS_CV[kind] * spread, float(normal[0]))
    hardness *= (1.0 - WORN_SOFTENS * condition.worn) * (1.0 + BLUNT_HARDENS * condition.blunt)
    outer_mm = _length(site.soft_tissue, site.soft_tissue_sd, condition, float(normal[1]))
    inner_mm = outer_mm + _length(site.cortex, site.cortex_sd, condition, float(normal[2]))
    far_mm = inner_mm + _length(site.cavity, site.cavity_sd, condition, float(normal[3]))
    compliance = site.plug_compliance.value * _lognormal(COMPLIANCE_CV[kind] * spread, float(normal[4]))
    compliance *= 1.0 + WORN_FLEXES * condition.worn
    bevel_mm = site.bevel.value
    return Specimen(
        outer_mm, inner_mm, far_mm, far_mm + STOP_MM, bevel_mm, compliance, hardness, condition.used_hole
    )


def _length(mean: Figure, sd: Figure, condition: Condition, normal: float) -> float:
    cv = PRINTED_CV if condition.material == "plug" else sd.value / mean.value
    return mean.value * _lognormal(cv * condition.spread, normal)


def _lognormal(cv: float, normal: float) -> float:
    """A factor of median 1 and that coefficient of variation: never negative, whatever the spread."""
    return exp(sqrt(log(1.0 + cv * cv)) * normal)
