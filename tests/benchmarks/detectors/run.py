"""Everything that is measured on one case, in one process: ours, the host's, the published rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from popsense.twin.cohort import CohortPlan

from .cases import Item, Played, numbered, play
from .host import HostReading, host_reading
from .readings import Reading, detector_build, read, require_micropython
from .spread import spread
from .sweep import SweepRow, sweep


@dataclass(frozen=True)
class Measured:
    """One case at one rate. blind: ours without the depth channel. rules: at the plan's first rate only."""

    ours: Reading
    blind: Reading
    host: HostReading
    rules: SweepRow | None


def run_all(plan: CohortPlan, attempts: int, negatives: int, jobs: int) -> Iterator[Measured]:
    """As run_cohort, but everything."""
    require_micropython()
    for case in spread(partial(measure, plan), numbered(attempts, negatives), jobs):
        yield from case


def measure(plan: CohortPlan, item: Item) -> list[Measured]:
    """One case at each rate."""
    return [_measure(played, played.rate_hz == plan.rates_hz[0]) for played in play(plan, *item)]


def _measure(played: Played, with_rules: bool) -> Measured:
    ours = read(played)
    return Measured(
        ours=ours,
        blind=read(played, by_depth=False),
        host=host_reading(played, ours.events, detector_build()),
        rules=sweep(played) if with_rules else None,
    )
