"""The needle in one specimen: hub -> spring -> cutting front, and the plug that gives under it.

The front has no mass: it moves as fast as (spring force - dry resistance) / drag allows, which in bone is
the rate-limited cut; solved implicitly, so a vanishing drag at the end of the bevel is harmless. Ahead of
the deepest point reached it cuts; inside the hole made before, only friction and what the hole still
resists act. Under load the needle, its chuck and the bone under the tip are compressed (spring), and the
plug bulges (flex): that stored travel is given back when the resistance goes, which is part of the pop.
"""

import numpy as np

from popsense.model import FloatArray
from popsense.twin.device import Device
from popsense.twin.specimen import RETURN_RESISTANCE, REUSED_RESISTANCE, Specimen

GRID_PER_MM = 100  # resistance is tabulated every 10 um: far below what the follower resolves
HOLE_TOLERANCE_MM = 0.01  # a plug that flexes moves the end of the hole by less from step to step
NEEDLE_N_PER_MM = 200.0  # needle, chuck and holder in series between hub and tip; uncalibrated
INDENT_N_PER_MM = 1500.0  # elastic indentation of cortex under a seated tip (500 to 4000); N, from E 10 GPa
PUNCH_N = 150.0  # what is pushed faster than it can be cut is punched through at this force; uncalibrated
PUNCH_DRAG_N_S_PER_MM = 0.05  # and hardly depends on speed; uncalibrated
THIN_DRAG_N_S_PER_MM = 0.01  # rate part outside bone: only keeps the front's law regular; uncalibrated
PUNCTURE_MM = 3.0  # dimpling of the skin pad before it gives; uncalibrated
PUNCTURE_N = 3.5  # force at which it gives; uncalibrated
TISSUE_N = 1.2  # drag in soft tissue behind the skin; uncalibrated
MARROW_N = 1.25  # cancellous 1 to 1.5 N; A, drilling studies, J Healthc Eng 2020 tab. 6


class Needle:
    """Tip position, flex and force of one needle; `follow` is called every physics step."""

    def __init__(self, specimen: Specimen, device: Device, start_mm: float, step_s: float) -> None:
        grid_mm = np.arange(0, int((specimen.stop_mm + 1.0) * GRID_PER_MM) + 2) / GRID_PER_MM
        engaged = specimen.engaged(grid_mm)
        hard = engaged * specimen.hardness
        grip_n = device.shaft_friction_n * min(1.0, specimen.hardness) * specimen.gripped(grid_mm)
        self._friction_n: list[float] = grip_n.tolist()
        self._soft_n: list[float] = _soft_n(specimen, grid_mm).tolist()
        self._onset_n: list[float] = (hard * device.onset_n).tolist()
        self._punch_n: list[float] = (hard * PUNCH_N).tolist()
        self._drag: list[float] = (hard / device.feed_mm_per_s_per_n).tolist()
        self._spring: list[float] = (1.0 / (1.0 / NEEDLE_N_PER_MM + engaged / INDENT_N_PER_MM)).tolist()
        self._bone_mm = specimen.outer_mm
        self._through_mm = specimen.inner_mm + specimen.bevel_mm
        self._compliance = specimen.compliance_mm_per_n
        self._stop_mm = specimen.stop_mm
        self._redo = REUSED_RESISTANCE if specimen.used_hole else RETURN_RESISTANCE
        self._hole_mm = self._through_mm if specimen.used_hole else 0.0
        self.step_s = step_s
        self.tip_mm = start_mm
        self.flex_mm = 0.0
        self.ripple = 1.0  # momentary factor on the resistance of bone; the caller renews it

    @property
    def in_plug_mm(self) -> float:
        """Where the tip is in the frame of the flexed plug, mm."""
        return self.tip_mm - self.flex_mm

    def follow(self, hub_mm: float) -> float:
        """Moves the tip by one step after the hub; gives the axial force on the cartridge in N."""
        if hub_mm <= 0.0:  # in the air
            self.tip_mm, self.flex_mm = hub_mm, 0.0
            return 0.0
        at_mm = self.tip_mm - self.flex_mm
        here = int(at_mm * GRID_PER_MM) if at_mm > 0.0 else 0
        stiff = self._spring[here]
        spring_n = stiff * (hub_mm - self.tip_mm)
        friction_n = self._friction_n[here]
        if spring_n > friction_n:
            self._push(spring_n - friction_n, at_mm, here, stiff)
        elif spring_n < -friction_n:
            self.tip_mm += (spring_n + friction_n) / (stiff + THIN_DRAG_N_S_PER_MM / self.step_s)
        force_n = stiff * (hub_mm - self.tip_mm)
        if at_mm >= self._bone_mm:
            # Behind the exit only the shaft loads the plug.
            on_plug_n = force_n if at_mm < self._through_mm else max(-friction_n, min(friction_n, force_n))
            self.flex_mm = self._compliance * on_plug_n
        else:
            self.flex_mm = 0.0
        return force_n

    def _push(self, spare_n: float, at_mm: float, here: int, stiff: float) -> None:
        cutting = at_mm >= self._hole_mm - HOLE_TOLERANCE_MM
        part = self.ripple if cutting else self._redo
        spare_n -= self._soft_n[here]
        over_n = spare_n - self._onset_n[here] * part
        if over_n <= 0.0:
            return
        drag = (self._drag[here] * part + THIN_DRAG_N_S_PER_MM) / self.step_s
        step_mm = over_n / (stiff + drag)
        if step_mm * drag + self._onset_n[here] * part > self._punch_n[here] > 0.0:
            step_mm = (spare_n - self._punch_n[here]) / (stiff + PUNCH_DRAG_N_S_PER_MM / self.step_s)
        if cutting:
            self.tip_mm = min(self.tip_mm + step_mm, self._stop_mm)
            self._hole_mm = max(self._hole_mm, self.tip_mm - self.flex_mm)
        else:  # to the end of its hole and no further: there it begins to cut
            self.tip_mm = min(self.tip_mm + step_mm, self._hole_mm + self.flex_mm)

    def friction_n(self) -> float:
        """Largest friction of the shaft where it stands, N."""
        at_mm = self.tip_mm - self.flex_mm
        return self._friction_n[int(at_mm * GRID_PER_MM) if at_mm > 0.0 else 0]


def _soft_n(specimen: Specimen, grid_mm: FloatArray) -> FloatArray:
    """Dry resistance that is not bone: skin up to its puncture, tissue, marrow. N, shape of grid_mm."""
    skin_n = np.where(grid_mm < PUNCTURE_MM, PUNCTURE_N * grid_mm / PUNCTURE_MM, TISSUE_N)
    in_cavity = (grid_mm >= specimen.inner_mm) & (grid_mm < specimen.far_mm)
    return np.where(grid_mm < specimen.outer_mm, skin_n, np.where(in_cavity, MARROW_N, 0.0))
