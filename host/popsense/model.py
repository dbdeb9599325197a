"""What travels between the stages of the host: plain, frozen, without I/O.

Counts become physical units once, in `calibration`; everything above works with `Trace`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EventKind = Literal[
    "contact",
    "pop",
    "released",
    "loss_of_resistance",
    "far_cortex_contact",
    "withdrawal",
    "uncertain_pop",
    "re_puncture",
    "used_hole",
    "overload",
]
SensorName = Literal["force", "depth", "pressure"]
Mode = Literal["guided", "assessment", "blind"]
# complete: every sample and event came as it was sent. repaired: all are there, some on the second way.
# holes: some are not there, and it is known which. cut off: what came behind the last sample is not known.
IntegrityVerdict = Literal["complete", "repaired", "holes", "cut off"]


@dataclass(frozen=True)
class Stretch:
    """Samples by index: [first_sample, first_sample + count)."""

    first_sample: int
    count: int

    @property
    def end(self) -> int:
        """Index behind the last one."""
        return self.first_sample + self.count


@dataclass(frozen=True)
class RawTrace:
    """One attempt in counts, shape (n,) each, ascending in sample_index; a missing sample is absent, not NaN.

    time_s counts from sample 0 on the device's crystal; force_counts is signed (offset binary removed).
    holes: samples that the device took and the host has not. repaired: samples that came only when they were
    asked for again. missed_conversions have no index: they are gaps in time_s, and no holes.
    """

    sample_index: IntArray
    time_s: FloatArray
    force_counts: IntArray
    depth_counts: IntArray
    pressure_counts: IntArray
    flags: IntArray
    holes: tuple[Stretch, ...] = ()
    repaired: tuple[Stretch, ...] = ()
    missed_conversions: int = 0


@dataclass(frozen=True)
class Trace:
    """One attempt in physical units, shape (n,) each, ascending in time; a missing sample is absent, not NaN.

    force_n: axial force on the cartridge, tared, compression positive. protrusion_mm: tip beyond the
    unloaded inner face of the plug, plug flex already taken off, never below 0 by more than noise.
    pressure_kpa: marrow chamber, gauge. cut_off: nobody knows what came behind the last sample. faults:
    sensor -> why its readings cannot be used. tare_doubtful: not known to have been at rest when tared.
    holes, repaired: as in RawTrace. uncalibrated_because: which calibrations were missing, expired or
    dated ahead; empty where they held, or nothing is known of them. settle_samples: conversions until a step
    of the force shows.
    """

    sample_index: IntArray
    time_s: FloatArray
    force_n: FloatArray
    protrusion_mm: FloatArray
    pressure_kpa: FloatArray
    holes: tuple[Stretch, ...] = ()
    repaired: tuple[Stretch, ...] = ()
    calibrated: bool = False
    cut_off: bool = False
    faults: Mapping[SensorName, str] = field(default_factory=dict["SensorName", str])
    tare_doubtful: bool = False
    uncalibrated_because: str = ""
    settle_samples: int = 1

    @property
    def sample_rate_hz(self) -> float:
        """Median rate between neighbouring samples, from the device's clock; NaN under two samples."""
        step = np.diff(self.time_s)
        return float(1.0 / np.median(step)) if step.size else float("nan")


@dataclass(frozen=True)
class Event:
    """Something found in the trace, by the device's detector or by the host's.

    evidence: name with its unit (`peak_n`, `drop_percent`, `advance_mm`, `duration_ms`) -> value.
    by_depth: the detector saw the tip's depth too; by force alone it is less sure.
    by_force: False for a pop so quick that no fall of the force was sampled, only the tip deep inside.
    """

    kind: EventKind
    sample_index: int
    time_s: float
    evidence: Mapping[str, float] = field(default_factory=dict[str, float])
    source: Literal["device", "host"] = "device"
    detector_version: int = 1
    by_depth: bool = True
    by_force: bool = True


@dataclass(frozen=True)
class Metric:
    """A measured figure with its unit; value None = not assessable, and `note` says why.

    lost: the value is None because samples or a sensor are missing, not because of what the trainee did.
    error: 95 of 100 such values are off by less, in the unit; 0 where nothing is known of it.
    """

    name: str
    value: float | None
    unit: str
    note: str = ""
    lost: bool = False
    error: float = 0.0


@dataclass(frozen=True)
class HoleAtPop:
    """Missing samples so near to a pop that no score is given. apart_s: 0 where the pop lies in the hole."""

    hole: Stretch
    pop: Event
    apart_s: float


@dataclass(frozen=True)
class Phase:
    """A named stretch of the attempt, [start_s, end_s), for shading and for the record."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Analysis:
    """All that the host found in one trace; scoring reads this and nothing else.

    hole_at_pop: why the score is withheld; None where it is not.
    """

    metrics: tuple[Metric, ...]
    events: tuple[Event, ...]
    phases: tuple[Phase, ...]
    version: int
    hole_at_pop: HoleAtPop | None = None

    def metric(self, name: str) -> Metric:
        """The metric of that name; KeyError where the analysis does not compute it."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)


@dataclass(frozen=True)
class ScoreLine:
    """One line of the arithmetic. earned is None where the item was not assessed.

    rule: the band that applied, as in "up to 25 %: 1 x 30"; empty where none did. "not counted" where there
    is a figure but the score is withheld.
    """

    item: str
    title: str
    measured: str
    earned: float | None
    possible: float
    advice: str
    source: str
    rule: str = ""


@dataclass(frozen=True)
class CriticalError:
    """An error that fails an attempt whatever its points."""

    code: str
    title: str
    advice: str


@dataclass(frozen=True)
class Score:
    """Points with their arithmetic: percent = 100 * earned / assessable; assessable <= possible.

    passed is None, no decision, where required items were not assessed, or under 70 % of the points, or where
    critical errors could not be ruled out: their titles, for want of samples or of a sensor. pass_percent:
    the pass mark, with its source. withheld: why no score is given, though there are figures; then percent
    and passed are None and no line has points; critical errors that were seen stay listed.
    """

    earned: float
    assessable: float
    possible: float
    percent: float | None
    passed: bool | None
    decision: str
    critical_errors: tuple[CriticalError, ...]
    lines: tuple[ScoreLine, ...]
    rubric: str
    rubric_version: int
    not_ruled_out: tuple[str, ...] = ()
    pass_percent: float | None = None
    pass_percent_source: str = ""
    withheld: str = ""
