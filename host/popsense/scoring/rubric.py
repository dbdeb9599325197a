"""The rubric: what a TOML file of it may say. A key that is not here is a mistake, never ignored."""

import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from popsense.analysis import CATALOGUE, METRIC_NAMES
from popsense.model import Mode

UNITS: Mapping[str, str] = {definition.name: definition.unit for definition in CATALOGUE}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _known_metric(name: str) -> str:
    if name not in METRIC_NAMES:
        raise ValueError(f"no metric '{name}'; allowed: {', '.join(sorted(METRIC_NAMES))}")
    return name


MetricName = Annotated[str, AfterValidator(_known_metric)]
Text = Annotated[str, Field(min_length=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]


class Part(BaseModel):
    """Anything in a rubric: frozen, and closed to unknown keys, numbers written as text, nan and inf."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Band(Part):
    """Share of an item's points up to and including a value; without up_to it holds for all above."""

    up_to: float | None = None
    points: Fraction


class Condition(Part):
    """A comparison of one metric with a number. A metric without a value meets no condition."""

    metric: MetricName
    comparison: Literal["==", "!=", "<", "<=", ">", ">="]
    value: float

    def holds(self, value: float | None) -> bool:
        """Whether the metric's value meets it."""
        return value is not None and COMPARISONS[self.comparison](value, self.value)


class Item(Part):
    """A line of the score: one metric, its bands, and what to tell the trainee.

    weight: points possible; 0 = shown, not scored. none_means: "omission" is zero points where the
    trainee left it out, "not_assessed" takes the item out of the sum. bands: lowest values first.
    shown_metric: printed before the metric that is scored, as the millimetres before their percentage.
    """

    id: Text
    title: Text
    metric: MetricName
    unit: str
    shown_metric: MetricName | None = None
    weight: Points
    bands: tuple[Band, ...] = Field(strict=False, default=())
    none_means: Literal["omission", "not_assessed"]
    advice: Text
    source: Text

    @model_validator(mode="after")
    def _unit_is_the_metrics(self) -> Self:
        if self.unit != UNITS[self.metric]:
            raise ValueError(
                f"unit '{self.unit}' is not that of {self.metric}; allowed: {UNITS[self.metric]}"
            )
        return self

    @model_validator(mode="after")
    def _bands_ascend_to_an_open_end(self) -> Self:
        if self.weight > 0 and not self.bands:
            raise ValueError("bands are missing; an item with a weight needs at least one")
        for before, after in pairwise(self.bands):
            if before.up_to is None:
                raise ValueError("only the last band may stand without up_to")
            if after.up_to is not None and after.up_to <= before.up_to:
                raise ValueError(f"bands must ascend: up_to = {after.up_to:g} stands after {before.up_to:g}")
        if self.bands and self.bands[-1].up_to is not None:
            raise ValueError("the last band must have no up_to, so that every value has its points")
        return self

    def band(self, value: float) -> Band:
        """The band that holds the value; the item must have bands."""
        return next(band for band in self.bands if band.up_to is None or value <= band.up_to)


class Critical(Part):
    """An error that fails an attempt in the given modes; in the others a line worth major_points."""

    code: Text
    title: Text
    condition: Condition
    modes: tuple[Mode, ...] = Field(strict=False, min_length=1)
    major_points: Points = 0.0
    advice: Text
    source: Text


class NoScore(Part):
    """What an attempt must not be for there to be anything to score."""

    condition: Condition
    reason: Text


class Rubric(Part):
    """All rules for one site with some devices. pass_percent of the assessable points are a pass.

    required: ids of items without which there is no decision; least_assessable_percent: of the possible
    points, likewise.
    """

    name: Text
    version: Annotated[int, Field(ge=1)]
    site: Text
    devices: tuple[Text, ...] = Field(strict=False, min_length=1)
    pass_percent: Percent
    pass_percent_source: Text
    least_assessable_percent: Percent
    least_assessable_percent_source: Text
    required: tuple[Text, ...] = Field(strict=False)
    item: tuple[Item, ...] = Field(strict=False, min_length=1)
    critical: tuple[Critical, ...] = Field(strict=False, default=())
    no_score: tuple[NoScore, ...] = Field(strict=False, default=())

    @model_validator(mode="after")
    def _ids_are_unique_and_known(self) -> Self:
        ids = [item.id for item in self.item] + [critical.code for critical in self.critical]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"id '{twice[0]}' is used twice")
        known = [item.id for item in self.item]
        for name in self.required:
            if name not in known:
                raise ValueError(f"required names no item '{name}'; allowed: {', '.join(known)}")
        return self
