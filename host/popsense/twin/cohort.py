"""Cohorts: many simulated attempts drawn from one plan, each determined by (plan, kind, number).

A plan is a TOML file of weights and ranges; it holds no results and no thresholds.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from popsense.errors import UsageError
from popsense.procedure.sites import SITES
from popsense.twin.chamber import Chamber
from popsense.twin.device import DEVICES
from popsense.twin.insertion import Setup, generator
from popsense.twin.operators import OPERATORS
from popsense.twin.sensors import SensorSpec
from popsense.twin.specimen import Condition

Kind = Literal["attempt", "negative"]
Weight = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[1] < ends[0]:
        raise ValueError(f"the range {list(ends)} ends before it begins")
    return ends


Range = Annotated[tuple[float, float], AfterValidator(_rising)]
NUMBERS = {entry.name for entry in fields(SensorSpec) if entry.type in (float, "float")}
HUM_HZ = (50.0, 60.0)
SIGNED = {"gain_error", "depth_gain_error", "depth_zero_mm", "pressure_gain_error", "pressure_zero_kpa"}
DIVISORS = {"capacity_n", "sensitivity_mv_per_v", "gain", "creep_tau_s", "hysteresis_turn_n", "bump_decay_s"}
LARGEST = 1000.0  # of any figure of a sensor, in its unit: beyond it no sensor is meant
EVERYDAY = Path(__file__).parent / "cohorts" / "everyday.toml"
MOST_EXTRAVASATION = 0.8  # share of a flush that runs out beside the bone, at most; uncalibrated


class Bumps(BaseModel):
    """Knocks on the table: up to `most` in an attempt, within `between_s` of the script, so strong."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    most: int = Field(ge=0)
    between_s: Range
    peak_n: Range


class CohortPlan(BaseModel):
    """What a cohort is drawn from. Weights are relative; shares are of all attempts; ranges are uniform.

    spread multiplies every coefficient of variation of specimens and operators. sensors: field of
    SensorSpec -> range. leak, blocked, extravasation, reservoir: shares of chambers in that state.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    name: str = Field(min_length=1)
    seed: int = Field(ge=0)
    spread: float = Field(gt=0.0, le=10.0)
    rates_hz: tuple[float, ...] = Field(min_length=1)
    sites: Mapping[str, Weight]
    devices: Mapping[str, Weight]
    operators: Mapping[str, Weight]
    negatives: Mapping[str, Weight]
    bone: Share
    worn: Share
    blunt: Share
    used_hole: Share
    leak: Share
    blocked: Share
    extravasation: Share
    reservoir: Share
    sensors: Mapping[str, Range]
    bumps: Bumps
    negative_bumps: Bumps

    @field_validator("sites", "devices", "operators", "negatives", "sensors")
    @classmethod
    def _known(cls, chosen: Mapping[str, Any], info: Any) -> Mapping[str, Any]:
        known: dict[str, set[str]] = {
            "sites": set(SITES),
            "devices": set(DEVICES),
            "operators": set(OPERATORS),
            "negatives": set(OPERATORS),
            "sensors": NUMBERS,
        }
        if unknown := sorted(set(chosen) - known[info.field_name]):
            raise ValueError(f"unknown {unknown[0]!r}; known: {', '.join(sorted(known[info.field_name]))}")
        if not chosen and info.field_name != "sensors":
            raise ValueError("at least one is needed")
        return chosen

    @field_validator("sensors")
    @classmethod
    def _possible(cls, ranges: Mapping[str, Range]) -> Mapping[str, Range]:
        for name, (low, high) in ranges.items():
            lowest = -1.0 if name in SIGNED else 1e-3 if name in DIVISORS else 0.0
            if low < lowest or high > LARGEST:
                raise ValueError(f"{name} lies from {lowest:g} to {LARGEST:g}")
        return ranges


@dataclass(frozen=True)
class Case:
    """One attempt of a cohort: what happens and how it is measured (at any rate)."""

    kind: Kind
    number: int
    setup: Setup
    sensors: SensorSpec


def load_plan(path: Path) -> CohortPlan:
    """The plan in a TOML file; UsageError says which line of it is wrong."""
    try:
        return CohortPlan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Give a cohort's TOML file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text", "Give a cohort's TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is no TOML: {error}", "Correct that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}", "Correct that entry.") from error


def draw_case(plan: CohortPlan, kind: Kind, number: int) -> Case:
    """Attempt `number` of a kind. Order of draws: choices, condition, chamber, sensors, bumps."""
    rng = generator(plan.seed, plan.name, kind, str(number))
    site = SITES[_choose(plan.sites, rng)]
    device = _choose(plan.devices, rng)
    operator = _choose(plan.negatives if kind == "negative" else plan.operators, rng)
    condition = _condition(plan, kind, rng)
    chamber, outside = _chamber(plan, site.outflow_tau.value, rng)
    seed = int(rng.integers(2**32))
    setup = Setup(site, operator, device, seed, condition, chamber, outside)
    return Case(kind, number, setup, _sensors(plan, kind, rng))


def _choose(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def _condition(plan: CohortPlan, kind: Kind, rng: np.random.Generator) -> Condition:
    """A used hole has been passed before, so nobody can fail to get through it: never in a negative."""
    chance, amount = rng.random(4), rng.random(2)
    return Condition(
        material="bone" if chance[0] < plan.bone else "plug",
        spread=plan.spread,
        worn=float(amount[0]) if chance[1] < plan.worn else 0.0,
        blunt=float(amount[1]) if chance[2] < plan.blunt else 0.0,
        used_hole=bool(chance[3] < plan.used_hole) and kind == "attempt",
    )


def _chamber(plan: CohortPlan, outflow_tau_s: float, rng: np.random.Generator) -> tuple[Chamber, float]:
    chance, amount = rng.random(4), rng.random(2)
    chamber = Chamber(
        outflow_tau_s=outflow_tau_s,
        leak=0.8 * float(amount[0]) if chance[0] < plan.leak else 0.0,
        blocked=bool(chance[1] < plan.blocked),
        reservoir_kpa=8.0 if chance[2] < plan.reservoir else None,
    )
    return chamber, MOST_EXTRAVASATION * float(amount[1]) if chance[3] < plan.extravasation else 0.0


def _sensors(plan: CohortPlan, kind: Kind, rng: np.random.Generator) -> SensorSpec:
    drawn: dict[str, Any] = {name: float(rng.uniform(*plan.sensors[name])) for name in sorted(plan.sensors)}
    drawn["hum_hz"] = HUM_HZ[int(rng.integers(2))]
    bumps = plan.negative_bumps if kind == "negative" else plan.bumps
    times = rng.uniform(*bumps.between_s, size=int(rng.integers(bumps.most + 1)))
    drawn["bumps"] = tuple((float(at), float(rng.uniform(*bumps.peak_n))) for at in np.sort(times))
    return SensorSpec(**drawn)
