"""One detector's events against the truth of one attempt. Pure; the same rules for ours and for the others.

A pop before `exit_start`, or without an exit, is false. One exit gives one pop: each further one is false.
A pop is due where the truth has an `exit_half` and the needle does not stand in a used hole; whoever calls it
at all from `exit_start` on has not missed it, how late it comes is told by the latencies. In a used hole no
pop is due; one that comes there after the exit began is counted apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from popsense.model import FloatArray
from popsense.twin.insertion import CONTROL_HZ, Truth

EARLY_FAR_S = 0.005  # so much before the truth's 2 N a contact with the far cortex may be felt; uncalibrated
REFERENCES = ("start", "half", "end")  # of the exit


class Found(NamedTuple):
    """One event: when the detector was sure of it, in s of the script, and what it is called."""

    time_s: float
    kind: str


@dataclass(frozen=True)
class Verdict:
    """What there is to say of one detector in one attempt. Times in s of the script; None = did not come.

    late_ms, late_mm: the detection after each reference of REFERENCES, negative = early; a reference that did
    not happen is left out. mm are those of the tip. used_hole_pops, uncertain_pops: neither false nor missed,
    counted apart. far_false: calls of the far cortex without a touch, or too early. far_room_s: from the
    touch until the tip is 1 mm in, infinite where it never is; no sampler can be quicker than its period.
    used_hole: the needle stands in one.
    """

    false_pops: int
    false_s: float | None  # the first of them
    due: bool
    detected_s: float | None
    late_ms: dict[str, float]
    late_mm: dict[str, float]
    used_hole_pops: int
    uncertain_pops: int
    far_due: bool
    far_met: bool
    far_false: int
    far_room_s: float
    used_hole: bool = False

    @property
    def missed(self) -> bool:
        """A pop was due and none came."""
        return self.due and self.detected_s is None


def judge(truth: Truth, events: Sequence[Found], tip_mm: FloatArray) -> Verdict:
    """events: in order of time. tip_mm: true tip, one value every 1 / CONTROL_HZ from the script's start."""
    pops_s = [event.time_s for event in events if event.kind == "pop"]
    far_s = [event.time_s for event in events if event.kind == "far_cortex_contact"]
    false_s, detected_s = sort_pops(truth, pops_s)
    return Verdict(
        false_pops=len(false_s),
        false_s=min(false_s, default=None),
        due=is_due(truth),
        detected_s=detected_s,
        late_ms={} if detected_s is None else late_ms(truth, detected_s),
        late_mm={} if detected_s is None else late_mm(truth, detected_s, tip_mm),
        used_hole_pops=len(pops_s) - len(false_s) if truth.used_hole else 0,
        uncertain_pops=sum(event.kind == "uncertain_pop" for event in events),
        far_due=truth.far_cortex_contact_s is not None,
        far_met=_far_met(truth, far_s),
        far_false=len(split(far_s, _felt_s(truth))[0]),
        far_room_s=_far_room_s(truth),
        used_hole=truth.used_hole,
    )


def sort_pops(truth: Truth, pops_s: Sequence[float]) -> tuple[list[float], float | None]:
    """(the false ones, the detection) of pops in order of time; what is left over lies in a used hole."""
    early_s, late_s = split(pops_s, truth.exit_start_s)
    if truth.used_hole or not late_s:
        return early_s, None
    return early_s + late_s[1:], late_s[0]


def is_due(truth: Truth) -> bool:
    """Whether a pop is due."""
    return truth.exit_half_s is not None and not truth.used_hole


def split(times_s: Sequence[float], since_s: float | None) -> tuple[list[float], list[float]]:
    """The times before since_s, and those from then on; all are before what never comes."""
    early_s = [time_s for time_s in times_s if since_s is None or time_s < since_s]
    return early_s, list(times_s[len(early_s) :])


def late_ms(truth: Truth, detected_s: float) -> dict[str, float]:
    """The detection after each reference there is, ms."""
    return {name: 1000.0 * (detected_s - moment_s) for name, moment_s in _moments_s(truth).items()}


def late_mm(truth: Truth, detected_s: float, tip_mm: FloatArray) -> dict[str, float]:
    """What the tip has gone between each reference there is and the detection, mm."""
    here_mm = _tip_at(tip_mm, detected_s)
    return {name: here_mm - _tip_at(tip_mm, moment_s) for name, moment_s in _moments_s(truth).items()}


def _moments_s(truth: Truth) -> dict[str, float]:
    moments_s = (truth.exit_start_s, truth.exit_half_s, truth.exit_end_s)
    return {
        name: moment_s for name, moment_s in zip(REFERENCES, moments_s, strict=True) if moment_s is not None
    }


def _tip_at(tip_mm: FloatArray, time_s: float) -> float:
    return float(tip_mm[min(round(time_s * CONTROL_HZ), len(tip_mm) - 1)])


def _felt_s(truth: Truth) -> float | None:
    contact_s = truth.far_cortex_contact_s
    return None if contact_s is None else contact_s - EARLY_FAR_S


def _far_room_s(truth: Truth) -> float:
    if truth.far_cortex_contact_s is None or truth.far_cortex_in_s is None:
        return inf
    return truth.far_cortex_in_s - truth.far_cortex_contact_s


def _far_met(truth: Truth, far_s: Sequence[float]) -> bool:
    in_time_s = split(far_s, _felt_s(truth))[1]
    return any(truth.far_cortex_in_s is None or time_s < truth.far_cortex_in_s for time_s in in_time_s)
