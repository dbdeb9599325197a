"""The powered twin beside what is published on drilling bone: printed, never fitted; a miss stays a miss.

The papers drill the far cortex with free bits of 2.5 to 4.5 mm at 900/min and more; ours is the near cortex
and a 15 G needle with a hub. Analogues (status A) but for the time of an IO needle (E). Several are known by
their abstract alone.
"""

from dataclasses import dataclass

import numpy as np

from popsense.model import FloatArray
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.insertion import CONTROL_HZ, Insertion, Setup, simulate
from popsense.twin.specimen import Condition

SEEDS = 60
PLUG = Condition(spread=1.0)


@dataclass(frozen=True)
class Band:
    """What the papers give for one quantity of one operator. explanation: of the miss that was found."""

    quantity: str
    operator: str
    unit: str
    low: float
    high: float
    source: str
    explanation: str = ""


@dataclass(frozen=True)
class Comparison:
    """The twin's mean and standard deviation over n attempts, beside the papers' band of means."""

    band: Band
    mean: float
    sd: float
    n: int

    @property
    def is_inside(self) -> bool:
        """Whether the mean lies in the band."""
        return self.band.low <= self.mean <= self.band.high


OVERSHOOT = (
    "So You Think You Don't Plunge?, PMID 28693046 (novice 11.9, experienced 6.1); Kazum, J Surg Educ (7.00,"
    " 6.33, 5.28); doi 10.1097/BOT.0b013e3182336ec3, sharp (7.6, 5.1); doi 10.1097/BOT.0000000000001490"
    " (two hands 10.6 +/- 3.5)"
)
COURSE = "; UNM ORJ 7(1):23, before a course 28.8"
IO_TIME = "IO, powered, clinicians: JSOM 2025 (1.1, 0.8 to 1.4; timing definition not seen)"
MODEL_TIME = "IO, powered, model tibia: doi 10.1186/s40064-015-0982-y (3.7 +/- 2.1, n = 22)"
DRILL_TIME = (
    "drilling: Nigam 2022, doi 10.1002/jor.25377 (expert 4.01, novice 9.98, no spread: +/- 25 % taken)"
)
FORCE = (
    "UNM ORJ 7(1):23 (58.6, 84.3); J Healthc Eng 2020, 8817422 (trochanter 0 to 50, femoral shaft 140 to 186)"
)

# What the explanations say was tried once, 25 attempts each, and then left alone: nothing is fitted.
TAPERS = (
    "our expert gives up 45 % of the thrust before the exit, as IO training asks for, which the drilling"
    " papers do not report: without it 7.0 mm. With half of the bracing stiffness (no source, N) 6.7 mm."
)
BRACES = (
    "stored travel, force over stiffness: the bracing stiffness has no source (N). With 4 instead of 3 N/mm"
    " 12.4 mm, with the expert's 6 N/mm 8.8 mm; a reaction of 160 ms instead of 230 changes 0.1 mm."
)
RAMPS = (
    "ours runs from bone contact and includes a ramp of 0.9 s to the full thrust; the feed (0.055 mm/s per N)"
    " has no published ground (N)."
)
TWO_CORTICES = "the drilling task passes two cortices of a long bone; ours one of 3 mm."
RATIO = Band(
    "expert's overshoot : novice's",
    "both",
    "",
    0.5,
    0.75,
    OVERSHOOT,
    "both of the misses above, which add up.",
)

BANDS = (
    Band("overshoot", "expert", "mm", 5.0, 6.4, OVERSHOOT, TAPERS),
    Band("overshoot", "novice", "mm", 7.0, 12.0, OVERSHOOT + COURSE, BRACES),
    Band("penetration", "expert", "s", 0.8, 1.4, IO_TIME, RAMPS),
    Band("penetration", "novice", "s", 1.6, 5.8, MODEL_TIME),
    Band("penetration", "expert", "s", 3.0, 5.0, DRILL_TIME, TWO_CORTICES),
    Band("penetration", "novice", "s", 7.5, 12.5, DRILL_TIME, TWO_CORTICES),
    Band("peak force", "expert", "N", 20.0, 85.0, FORCE),
    Band("peak force", "novice", "N", 20.0, 85.0, FORCE),
)


def compare_drilling(seeds: int = SEEDS) -> list[Comparison]:
    """Adult proximal tibia, powered, plugs with their own spread."""
    measured = {operator: _measured(operator, seeds) for operator in ("expert", "novice")}
    overshoot = {operator: figures["overshoot"] for operator, figures in measured.items()}
    rows = [_comparison(band, measured[band.operator][band.quantity]) for band in BANDS]
    return [*rows, _ratio(overshoot)]


def _measured(operator: str, seeds: int) -> dict[str, FloatArray]:
    runs = [simulate(Setup(ADULT_PROXIMAL_TIBIA, operator, "powered", seed, PLUG)) for seed in range(seeds)]
    figures = [_figures(run) for run in runs if run.truth.exit_start_s is not None]
    return {
        name: np.array([figure[name] for figure in figures])
        for name in ("overshoot", "penetration", "peak force")
    }


def _figures(run: Insertion) -> dict[str, float]:
    """overshoot: deepest point less the bevel itself, mm; force: up to the exit, on the cartridge."""
    contact_s, start_s = run.truth.contact_s or 0.0, run.truth.exit_start_s or 0.0
    working = slice(round(contact_s * CONTROL_HZ), round(start_s * CONTROL_HZ) + 1)
    return {
        "overshoot": run.truth.deepest_protrusion_mm - ADULT_PROXIMAL_TIBIA.bevel.value,
        "penetration": start_s - contact_s,
        "peak force": float(run.force_n[working].max()),
    }


def _comparison(band: Band, values: FloatArray) -> Comparison:
    return Comparison(band, float(values.mean()), float(values.std(ddof=1)), len(values))


def _ratio(overshoot: dict[str, FloatArray]) -> Comparison:
    """Of the means; its standard deviation by propagation of their standard errors."""
    expert, novice = overshoot["expert"], overshoot["novice"]
    relative = sum(values.var(ddof=1) / len(values) / values.mean() ** 2 for values in (expert, novice))
    ratio = float(expert.mean() / novice.mean())
    return Comparison(RATIO, ratio, ratio * float(relative) ** 0.5, len(expert))
