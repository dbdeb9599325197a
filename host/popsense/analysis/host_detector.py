"""The host's own detector: every exit, withdrawal and contact with the far cortex in a stored trace.

Not causal. With a depth channel the tip proves the exit, and tip and force date it together: a hand may ease
off before the bevel is out, or follow it out at full force. Force alone gives sudden falls that last, and
says that it is less sure. Thresholds are ours, uncalibrated, except where cited.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from popsense.analysis.breakthrough import (
    DATED_DROP_PERCENT,
    FAR_DEPTH_FRACTION,
    FAR_RISE_N,
    HALF_RESISTANCE_FRACTION,
    HOLD_S,
    LEVEL_AFTER_S,
    REFERENCE_S,
)
from popsense.analysis.change_points import Fall, find_falls
from popsense.analysis.detection import Basis, Detection, HostExit
from popsense.analysis.filters import (
    BoolArray,
    calm,
    crossing_s,
    first_held,
    last_held,
    last_true,
    zero_phase,
)
from popsense.analysis.landmarks import Geometry
from popsense.analysis.penetration import USED_HOLE_N
from popsense.analysis.plug_flex import left_compliance_mm_per_n, without_flex_mm
from popsense.analysis.signals import SMOOTHING_S, Span, gaps, is_long_enough
from popsense.analysis.withdrawal import OUT_MM
from popsense.model import FloatArray, Trace

STARTS_MM = 0.05  # protrusion that is no noise, once the plug's flex is off
FAR_RISE_FRACTION = 0.2  # without depth: of the peak before, for any hand leans on a needle a little
PULL_N = -1.0  # without depth: the shaft is drawn against its friction


@dataclass(frozen=True)
class _Channels:
    """Smoothed, shape (n,) each; tip_mm without plug flex."""

    time_s: FloatArray
    force_n: FloatArray
    tip_mm: FloatArray

    def before(self, time_s: float) -> int:
        return int(np.searchsorted(self.time_s, time_s))

    def at_most(self, time_s: float) -> int:
        """Index behind the last sample up to that time."""
        return int(np.searchsorted(self.time_s, time_s + 1e-9, side="right"))


@dataclass(frozen=True)
class _Stay:
    """The tip beyond the inner face, as indices: from its exit to its withdrawal (behind it, or the end)."""

    start: int
    half: int
    bevel_out: int | None
    back: int | None


def detect(trace: Trace, geometry: Geometry) -> Detection:
    """Everything the whole trace tells; a sensor at fault is left out, and `basis` says what it rests on."""
    basis = _basis(trace)
    if basis == "nothing":
        return Detection(basis)
    seen = (float(trace.time_s[0]), float(trace.time_s[-1]))
    channels = _channels(trace, geometry, zero_phase)
    if basis == "force only: less sure":
        return _by_force(channels, gaps(trace), seen)
    # A parabola swings beyond a sudden stop; the deepest point is taken where no filter invents any.
    deepest_mm = max(0.0, float(_channels(trace, geometry, calm).tip_mm.max()))
    return replace(_by_depth(channels, geometry, basis, gaps(trace), seen), deepest_protrusion_mm=deepest_mm)


def _basis(trace: Trace) -> Basis:
    if not is_long_enough(trace):
        return "nothing"
    if "depth" not in trace.faults:
        return "depth only: less sure" if "force" in trace.faults else "force and depth"
    return "nothing" if "force" in trace.faults else "force only: less sure"


def _channels(
    trace: Trace, geometry: Geometry, smooth: Callable[[FloatArray, FloatArray, float], FloatArray]
) -> _Channels:
    """Both channels smoothed; rest in place of a sensor at fault."""
    time_s, nothing = trace.time_s, np.zeros_like(trace.time_s)
    force_n = nothing if "force" in trace.faults else smooth(time_s, trace.force_n, SMOOTHING_S)
    if "depth" in trace.faults:
        return _Channels(time_s, force_n, nothing)
    depth_mm = smooth(time_s, trace.protrusion_mm, SMOOTHING_S)
    return _Channels(time_s, force_n, _tip_mm(time_s, force_n, depth_mm, geometry))


def _tip_mm(time_s: FloatArray, force_n: FloatArray, depth_mm: FloatArray, geometry: Geometry) -> FloatArray:
    inside = depth_mm < HALF_RESISTANCE_FRACTION * geometry.bevel_mm
    left = left_compliance_mm_per_n(time_s, force_n, depth_mm, inside)
    free = depth_mm >= geometry.bevel_mm
    return without_flex_mm(force_n, depth_mm, left, geometry.plug_compliance_mm_per_n, free)


# ---- with depth ----


def _by_depth(
    channels: _Channels, geometry: Geometry, basis: Basis, unseen: tuple[Span, ...], seen: Span
) -> Detection:
    stays = list(_stays(channels, geometry.bevel_mm))
    starts = [0, *(stay.back for stay in stays if stay.back is not None)]
    far = [_far_cortex(channels, stay, geometry.cavity_mm) for stay in stays]
    return Detection(
        basis=basis,
        exits=tuple(
            _depth_exit(channels, stay, since, geometry.bevel_mm, basis)
            for stay, since in zip(stays, starts, strict=False)
        ),
        withdrawals_s=tuple(float(channels.time_s[stay.back]) for stay in stays if stay.back is not None),
        far_cortex_s=tuple(float(channels.time_s[index]) for index in far if index is not None),
        unseen=unseen,
        seen=seen,
    )


def _stays(channels: _Channels, bevel_mm: float) -> Iterator[_Stay]:
    """Each time that the tip came out, with a return behind the inner face in between."""
    time_s, tip_mm = channels.time_s, channels.tip_mm
    half_mm = HALF_RESISTANCE_FRACTION * bevel_mm
    begin: int | None = 0
    while begin is not None and (half := first_held(tip_mm >= half_mm, time_s, HOLD_S, begin)) is not None:
        inside = last_true(tip_mm < min(STARTS_MM, half_mm / 2), half, begin)
        back = first_held(tip_mm < min(OUT_MM, half_mm / 2), time_s, HOLD_S, half)
        whole = first_held(tip_mm[:back] >= bevel_mm, time_s[:back], 0.0, half)
        yield _Stay(begin if inside is None else inside + 1, half, whole, back)
        begin = back


def _depth_exit(channels: _Channels, stay: _Stay, since: int, bevel_mm: float, basis: Basis) -> HostExit:
    """since: index from which the needle worked towards this exit."""
    time_s, force_n = channels.time_s, channels.force_n
    reference = channels.before(float(time_s[stay.start]) - REFERENCE_S)
    out = stay.half if stay.bevel_out is None else stay.bevel_out
    peak = reference + int(np.argmax(force_n[reference : out + 1]))
    behind = min(channels.at_most(float(time_s[out]) + LEVEL_AFTER_S), stay.back or time_s.size)
    after_n = float(force_n[peak : max(behind, peak + 1)].min())
    tip_half_s = crossing_s(time_s, channels.tip_mm, stay.half, HALF_RESISTANCE_FRACTION * bevel_mm)
    lost_s = _lost_s(channels, stay, reference, after_n)
    return HostExit(
        start_s=float(time_s[stay.start]),
        half_s=tip_half_s if lost_s is None else max(tip_half_s, lost_s),
        end_s=None if stay.bevel_out is None else float(time_s[stay.bevel_out]),
        tip_half_s=tip_half_s,
        peak_n=float(force_n[peak]),
        after_n=after_n,
        used_hole=basis == "force and depth" and float(force_n[since : out + 1].max()) < USED_HOLE_N,
        basis=basis,
    )


def _lost_s(channels: _Channels, stay: _Stay, reference: int, after_n: float) -> float | None:
    """When, with the bevel out by half, half of the force is gone as well; None where too little goes.

    What is left behind the exit is the shaft's friction, and was never the bone's resistance to the bevel.
    """
    force_n = channels.force_n[reference : stay.back]
    friction_n = max(after_n, 0.0)
    peak_n = np.maximum.accumulate(force_n)
    if 100.0 * (peak_n.max() - friction_n) <= DATED_DROP_PERCENT * peak_n.max():
        return None
    half_n = (peak_n + friction_n) / 2
    lost = np.flatnonzero(force_n[stay.half - reference :] <= half_n[stay.half - reference :])
    if lost.size == 0:
        return None
    index = stay.half + int(lost[0])
    return crossing_s(channels.time_s, channels.force_n, index, float(half_n[index - reference]))


def _far_cortex(channels: _Channels, stay: _Stay, cavity_mm: float) -> int | None:
    near = channels.tip_mm[stay.half : stay.back] >= FAR_DEPTH_FRACTION * cavity_mm
    return _second_rise(channels.force_n, stay.half, stay.back, FAR_RISE_N, near)


def _second_rise(
    force_n: FloatArray, start: int, behind: int | None, rise_n: float, where: BoolArray | bool = True
) -> int | None:
    """First index at which the force is that much over its lowest level since start, a pull counting as 0."""
    force = force_n[start:behind]
    level = np.maximum(np.minimum.accumulate(force), 0.0)
    hits = np.flatnonzero((force >= level + rise_n) & where)
    return start + int(hits[0]) if hits.size else None


# ---- force alone ----


def _by_force(channels: _Channels, unseen: tuple[Span, ...], seen: Span) -> Detection:
    falls = _with_a_pull_between(channels, find_falls(channels.time_s, channels.force_n))
    ends = [*(fall.peak for fall in falls[1:]), channels.time_s.size]
    pulls = [_pulled_out(channels, fall, end) for fall, end in zip(falls, ends, strict=False)]
    far = [
        _second_rise(channels.force_n, fall.bottom, pull or end, _leaning_n(fall))
        for fall, end, pull in zip(falls, ends, pulls, strict=False)
    ]
    return Detection(
        basis="force only: less sure",
        exits=tuple(_force_exit(channels, fall) for fall in falls),
        withdrawals_s=tuple(float(channels.time_s[index]) for index in pulls if index is not None),
        far_cortex_s=tuple(float(channels.time_s[index]) for index in far if index is not None),
        unseen=unseen,
        seen=seen,
    )


def _with_a_pull_between(channels: _Channels, falls: list[Fall]) -> list[Fall]:
    """Without one the needle is still in: what falls then is the hand that leant on it."""
    kept = falls[:1]
    for fall in falls[1:]:
        if _pulled_out(channels, kept[-1], fall.peak) is not None:
            kept.append(fall)
    return kept


def _force_exit(channels: _Channels, fall: Fall) -> HostExit:
    time_s = channels.time_s
    return HostExit(
        start_s=float(time_s[fall.peak]),
        half_s=crossing_s(time_s, channels.force_n, fall.half, (fall.peak_n + fall.after_n) / 2),
        end_s=float(time_s[fall.bottom]),
        tip_half_s=None,
        peak_n=fall.peak_n,
        after_n=fall.after_n,
        used_hole=False,
        basis="force only: less sure",
    )


def _pulled_out(channels: _Channels, fall: Fall, end: int) -> int | None:
    """Index at which the last pull up to the next exit is over; None where nobody pulled."""
    part = slice(fall.bottom, end)
    last = last_held(channels.force_n[part] <= PULL_N, channels.time_s[part], HOLD_S)
    return None if last is None else fall.bottom + last


def _leaning_n(fall: Fall) -> float:
    """More than a hand leans on a needle that stands in the cavity."""
    return max(FAR_RISE_N, FAR_RISE_FRACTION * fall.peak_n)
