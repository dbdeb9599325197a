"""Do the channels contradict each other: a dead sensor looks like a trainee who did nothing.

Three checks on the whole trace: a fall of the force as at a pop while the follower moves neither out nor with
the plug's bulge; a tip that comes out while no force is felt; a reading without any noise. All figures are
uncalibrated.
"""

import numpy as np
import numpy.typing as npt

from popsense.analysis.filters import local_mean
from popsense.analysis.signals import SMOOTHING_S, is_long_enough
from popsense.model import FloatArray, IntArray, RawTrace, SensorName, Trace

WORKING_N = 10.0  # a load that bulges the plug
FALL_S, FALL_SHARE = 0.040, 0.4  # of the force, so quickly: a pop, or a hand that lets go
STILL_MM = 0.3  # further out than this and the follower has moved; a bulge stays under 0.15 mm
BULGE_SHARE = 0.2  # of the compliance; in the cohorts a live follower shows 0.39 at least, a stuck one 0.04
LEAST_LOADED = 100  # samples, and force spread over so much, that a bulge is to be seen
LEAST_SPREAD_N = 3.0
OUT_MM = 2.0  # the bevel is out
NO_FORCE_N = 1.5  # the least that a tip on its way out was felt with in the cohorts: 5 N
FLAT_FORCE_SAMPLES = 64
FLAT_ANALOG_S = 2.0


def suspects(trace: Trace, raw: RawTrace, compliance_mm_per_n: float) -> dict[SensorName, str]:
    """Sensor -> the contradiction in words; those with a fault already (trace.faults) are left alone.

    raw: of the same samples. compliance_mm_per_n: what was taken off the depth for each newton.
    """
    if not is_long_enough(trace):
        return {}
    found = _contradictions(trace, compliance_mm_per_n) | _flat(raw)
    return {
        name: f"sensor suspect ({name}): {reason}"
        for name, reason in found.items()
        if name not in trace.faults
    }


def _contradictions(trace: Trace, compliance_mm_per_n: float) -> dict[SensorName, str]:
    if {"force", "depth"} & trace.faults.keys():
        return {}
    force_n = local_mean(trace.time_s, trace.force_n, SMOOTHING_S)
    tip_mm = local_mean(trace.time_s, trace.protrusion_mm, SMOOTHING_S)
    deepest_mm = float(tip_mm.max())
    if deepest_mm > OUT_MM and float(force_n[: int(np.argmax(tip_mm > OUT_MM)) + 1].max()) < NO_FORCE_N:
        return {"force": f"the tip came {deepest_mm:.1f} mm out, and no force was felt"}
    if deepest_mm < STILL_MM and _falls(trace, force_n):
        follower_mm = trace.protrusion_mm + compliance_mm_per_n * trace.force_n
        if _bulge_mm_per_n(trace.force_n, follower_mm) < BULGE_SHARE * compliance_mm_per_n:
            return {"depth": "the force fell as at a pop, and the follower did not move at all"}
    return {}


def _falls(trace: Trace, force_n: FloatArray) -> bool:
    """Whether a working load fell by FALL_SHARE within FALL_S."""
    later_n = np.interp(trace.time_s + FALL_S, trace.time_s, force_n)
    return bool(((force_n >= WORKING_N) & (later_n < (1.0 - FALL_SHARE) * force_n)).any())


def _bulge_mm_per_n(force_n: FloatArray, follower_mm: FloatArray) -> float:
    """Slope of the follower over the force under load; infinite where too little was loaded to tell."""
    loaded = force_n >= WORKING_N / 2
    if loaded.sum() < LEAST_LOADED or float(force_n[loaded].std()) < LEAST_SPREAD_N:
        return float("inf")
    rest = follower_mm[: max(1, int(np.argmax(loaded)))]
    load_n, moved_mm = force_n[loaded], follower_mm[loaded] - float(np.median(rest))
    return float((load_n * moved_mm).sum() / (load_n * load_n).sum())


def _flat(raw: RawTrace) -> dict[SensorName, str]:
    if raw.time_s.size < 2:
        return {}
    analog = max(FLAT_FORCE_SAMPLES, round(FLAT_ANALOG_S / float(np.median(np.diff(raw.time_s)))))
    channels: tuple[tuple[SensorName, IntArray, int], ...] = (
        ("force", raw.force_counts, FLAT_FORCE_SAMPLES),
        ("depth", raw.depth_counts, analog),
        ("pressure", raw.pressure_counts, analog),
    )
    found: dict[SensorName, str] = {}
    for name, counts, most in channels:
        if (samples := longest_run(counts)) >= most:
            found[name] = f"the {name} reading stood still for {samples} samples, without any noise"
    return found


def longest_run(counts: npt.NDArray[np.integer]) -> int:
    """Length of the longest stretch of one value."""
    changes = np.flatnonzero(np.diff(counts, prepend=counts[:1] - 1, append=counts[-1:] + 1))
    return int(np.diff(changes).max(initial=0))
