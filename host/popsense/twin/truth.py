"""What really happened in a simulated attempt: the definitions that every detector is measured by.

Pinned by a test together with the cohorts: these lines were committed before the detector they judge, and a
change of them is a change of every figure measured so far.

Positions and forces are true ones, without sensor errors. Half of the resistance is lost when two things
hold: the force at the tip (shaft friction taken off) is at most half of its last peak, and so is what the
bone could resist the bevel where it stands (the part of the bevel that it engages). The second keeps a hand
that merely eases off at the inner face from counting as bone that gave way; the first keeps a hand that
follows the bevel out, at full force, from counting as a loss that nobody could feel.
"""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray
from popsense.twin.specimen import Specimen

STOP_MM_PER_S = 1.0  # under this the advance counts as stopped
SPEED_SPAN_S = 0.01  # speed is taken over this time
PEAK_BEFORE_S = 0.2  # the last peak of the force may lie so long before the exit
FAR_TOUCH_N = 2.0  # a tip that lies at the far face and presses less has not touched it
FAR_DEPTH_MM = 1.0  # how far in the far cortex it must have been called


@dataclass(frozen=True)
class Truth:
    """s from the script's start, each the first control instant at which it holds; None = it did not happen.

    contact_s: the tip is at the outer face of the cortex.
    exit_start_s: its foremost point is past the inner face (of the plug as it is bent then).
    exit_half_s: from there on, and with the tip still past it, the force at the tip is at most half of its
    last peak (from PEAK_BEFORE_S before the exit on), and so is the part of the bevel in bone.
    exit_end_s: the whole bevel is through.
    stop_s: from exit_half (or, without one, from the operator's decision) on the advance is under 1 mm/s.
    deepest_protrusion_mm: of the tip beyond the unloaded inner face; 0 without an exit.
    far_cortex_contact_s: at or behind the far face and pressing on it with 2 N; far_cortex_in_s: 1 mm in it.
    used_hole: the needle stands in a hole from an earlier puncture: no pop is due, the exit is still dated.
    """

    contact_s: float | None
    exit_start_s: float | None
    exit_half_s: float | None
    exit_end_s: float | None
    stop_s: float | None
    deepest_protrusion_mm: float
    far_cortex_contact_s: float | None
    far_cortex_in_s: float | None
    aspiration_s: float | None
    flush_s: float | None
    removal_s: float | None
    used_hole: bool

    def as_dict(self) -> dict[str, float | bool | None]:
        """Field name -> seconds (or mm, or a flag), for a file or a test."""
        return asdict(self)


@dataclass(frozen=True)
class Path:
    """Where the stepping went, shape (n,) each. tip_mm: frame of the cartridge; in_plug_mm: of the bent plug.

    force_n: on the cartridge through the needle. friction_n: what the shaft could take of it.
    """

    tip_mm: FloatArray
    in_plug_mm: FloatArray
    force_n: FloatArray
    friction_n: FloatArray
    rate_hz: float


def read_truth(path: Path, bone: Specimen, moments: dict[str, float]) -> Truth:
    """The truth of a path; moments: what the operator did when, s."""
    tip_mm, plug_mm = path.tip_mm, path.in_plug_mm
    start = _first(plug_mm > bone.inner_mm)
    half = None if start is None else _half(path, bone, start)
    decided = round(moments["stop"] * path.rate_hz) if "stop" in moments else len(tip_mm)
    stop = _first(_speed_mm_per_s(tip_mm, path.rate_hz) < STOP_MM_PER_S, decided if half is None else half)
    pressed = (tip_mm >= bone.far_mm) & (path.force_n - path.friction_n >= FAR_TOUCH_N)

    def seconds(index: int | None) -> float | None:
        return None if index is None else index / path.rate_hz

    return Truth(
        contact_s=seconds(_first(tip_mm >= bone.outer_mm)),
        exit_start_s=seconds(start),
        exit_half_s=seconds(half),
        exit_end_s=seconds(_first(plug_mm >= bone.inner_mm + bone.bevel_mm)),
        stop_s=seconds(stop),
        deepest_protrusion_mm=0.0 if start is None else max(0.0, float(tip_mm.max()) - bone.inner_mm),
        far_cortex_contact_s=seconds(_first(pressed)),
        far_cortex_in_s=seconds(_first(tip_mm >= bone.far_mm + FAR_DEPTH_MM)),
        aspiration_s=moments.get("aspiration"),
        flush_s=moments.get("flush"),
        removal_s=moments.get("removal"),
        used_hole=bone.used_hole,
    )


def _half(path: Path, bone: Specimen, start: int) -> int | None:
    begin = max(0, start - round(PEAK_BEFORE_S * path.rate_hz))
    plug_mm = path.in_plug_mm[begin:]
    engaged = bone.engaged(plug_mm)
    tip_n = np.maximum(0.0, path.force_n[begin:] - path.friction_n[begin:])
    lost = (tip_n <= 0.5 * np.maximum.accumulate(tip_n)) & (engaged <= 0.5 * np.maximum.accumulate(engaged))
    found = _first(lost & (plug_mm > bone.inner_mm), start - begin)
    return None if found is None else found + begin


def _speed_mm_per_s(tip_mm: FloatArray, rate_hz: float) -> FloatArray:
    """Speed over the SPEED_SPAN_S that follow each instant; shape of tip_mm."""
    span = max(1, round(SPEED_SPAN_S * rate_hz))
    return (np.append(tip_mm[span:], np.full(span, tip_mm[-1])) - tip_mm) * (rate_hz / span)


def _first(holds: npt.NDArray[np.bool_], start: int = 0) -> int | None:
    """Index of the first True at or after `start`; None where there is none."""
    found = np.flatnonzero(holds[start:])
    return None if found.size == 0 else int(found[0]) + start
