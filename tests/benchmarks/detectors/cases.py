"""A case of a cohort, cut to the stretch that is judged, and what the sensors give of it at each rate."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from popsense.model import FloatArray
from popsense.twin.cohort import Case, CohortPlan, Kind, draw_case
from popsense.twin.detector_child import Counts, readings_of
from popsense.twin.insertion import CONTROL_HZ, Insertion, Truth, simulate
from popsense.twin.script import draw_period_ns
from popsense.twin.sensors import SensorScript, SensorSpec, digitise

CUT_S = 15.0  # rest, contact and exit lie within; what comes later is handling of the syringe
Item = tuple[Kind, int]  # and number
ZERO_SAMPLES = 64  # the rules' zero: force with the needle not near
NOMINAL = SensorSpec()  # scales of the build, without the errors of a specimen


@dataclass(frozen=True)
class Played:
    """One case at one rate. insertion: cut, its truth with it."""

    case: Case
    insertion: Insertion
    script: SensorScript
    rate_hz: float  # of the plan; the converter's own is up to 2 % off

    @property
    def rate_mhz(self) -> int:
        """As the device measures it, in thousandths of a sample a second."""
        return round(1e12 / self.script.sample_period_ns)

    @cached_property
    def readings(self) -> tuple[Counts, Counts, Counts]:
        """What the firmware reads: force codes, depth counts, ticks in us; shape (n,) each."""
        return readings_of(self.script)

    @property
    def time_s(self) -> FloatArray:
        """Of each sample, on the script's clock."""
        return self.readings[2].astype(np.float64) / 1e6

    @property
    def force_n(self) -> FloatArray:
        """Nominal scale, less the mean of the first ZERO_SAMPLES."""
        codes = self.readings[0].astype(np.float64)
        return (codes - codes[:ZERO_SAMPLES].mean()) / NOMINAL.counts_per_n


def numbered(attempts: int, negatives: int) -> list[Item]:
    """The first so many of each kind."""
    kinds: tuple[tuple[Kind, int], ...] = (("attempt", attempts), ("negative", negatives))
    return [(kind, number) for kind, count in kinds for number in range(count)]


def play(plan: CohortPlan, kind: Kind, number: int) -> Iterator[Played]:
    """The case at each rate of the plan."""
    case = draw_case(plan, kind, number)
    insertion = cut(simulate(case.setup))
    seed = case.setup.seed
    for rate_hz in plan.rates_hz:
        script = digitise(insertion, seed, case.sensors, draw_period_ns(seed, rate_hz))
        yield Played(case, insertion, script, rate_hz)


def cut(insertion: Insertion, end_s: float = CUT_S) -> Insertion:
    """Its first end_s seconds; what the truth has later has not happened."""
    n = round(end_s * CONTROL_HZ)
    if n >= len(insertion.time_s):
        return insertion
    parts = {
        entry.name: getattr(insertion, entry.name)[:n] for entry in fields(insertion) if entry.name != "truth"
    }
    return Insertion(truth=_cut_truth(insertion.truth, parts["tip_mm"]), **parts)


def _cut_truth(truth: Truth, tip_mm: FloatArray) -> Truth:
    """tip_mm: what is left of it."""
    end_s = len(tip_mm) / CONTROL_HZ
    moments = {name: value for name, value in truth.as_dict().items() if name.endswith("_s")}
    later: dict[str, Any] = {name: None for name, value in moments.items() if (value or 0.0) >= end_s}
    before = replace(truth, **later)
    deepest_mm = 0.0 if before.exit_start_s is None else max(0.0, float(tip_mm.max()))
    return replace(before, deepest_protrusion_mm=deepest_mm)
