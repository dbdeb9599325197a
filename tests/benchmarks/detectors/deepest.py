"""The host's deepest protrusion: how far off it is, over all cases and by site, device and operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .host import HostReading
from .statistics import Estimate, percentile
from .summary import GROUPS, PERCENTS


@dataclass(frozen=True)
class Deepest:
    """Absolute errors in mm, "p50" -> estimate. unmeasured: of those with an exit; they have no error."""

    exits: int
    unmeasured: int
    error_mm: dict[str, Estimate]


def deepest(readings: Sequence[HostReading]) -> Deepest:
    """Of any set; attempts and hard negatives alike, for both may leave the bone."""
    errors_mm = [abs(r.deepest_error_mm) for r in readings if r.deepest_error_mm is not None]
    return Deepest(
        exits=sum(r.has_exit for r in readings),
        unmeasured=sum(r.unmeasured for r in readings),
        error_mm={f"p{percent:.0f}": percentile(errors_mm, percent) for percent in PERCENTS},
    )


def deepest_groups(rates: Mapping[float, Sequence[HostReading]]) -> dict[str, dict[str, Deepest]]:
    """Rate as it is printed -> "all" and each site, device and operator."""
    return {f"{rate_hz:.0f}/s": _of_rate(readings) for rate_hz, readings in rates.items()}


def _of_rate(readings: Sequence[HostReading]) -> dict[str, Deepest]:
    found = {"all": deepest(readings)}
    for by, key in GROUPS.items():
        for name in sorted({key(reading) for reading in readings}):
            found[f"{by}: {name}"] = deepest([reading for reading in readings if key(reading) == name])
    return found
