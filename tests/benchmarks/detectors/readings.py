"""Our detector, as it stands in `firmware/`, over whole cohorts: real MicroPython, several processes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from multiprocessing import util

from popsense.errors import TwinError
from popsense.procedure.detector_profile import detector_profile
from popsense.procedure.sites import SiteProfile
from popsense.twin.cohort import CohortPlan, Kind
from popsense.twin.detector_child import DetectorBuild, DetectorChild
from popsense.twin.interpreter import find_interpreter

from .cases import Item, Played, numbered, play
from .scoring import Found, Verdict, judge
from .spread import spread


@dataclass(frozen=True)
class Reading:
    """One case as our detector read it at one rate. events: all that it said.

    crash: what its process said when it died; there are no events then. Empty: it lives.
    """

    kind: Kind
    number: int
    rate_hz: float
    site: str
    device: str
    operator: str
    by_depth: bool
    verdict: Verdict
    events: tuple[Found, ...] = field(repr=False)
    crash: str = ""


def run_cohort(
    plan: CohortPlan,
    attempts: int,
    negatives: int,
    jobs: int = 2,
    without_depth: bool = False,
    progress: bool = True,
) -> list[Reading]:
    """The first so many cases of each kind at each rate, attempts first, in order; `jobs` changes no result.

    without_depth: each a second time with the depth channel taken away. UsageError without MicroPython. A
    program that calls this with more than one job needs `if __name__ == "__main__":`, as for every process.
    """
    require_micropython()
    work = partial(read_case, plan, without_depth)
    return list(chain.from_iterable(spread(work, numbered(attempts, negatives), jobs, progress)))


def require_micropython() -> None:
    """UsageError where it is not installed; figures of another interpreter are none of the device's."""
    find_interpreter("micropython")


def detector_build() -> DetectorBuild:
    """What is measured."""
    return _child().build


def read_case(plan: CohortPlan, without_depth: bool, item: Item) -> list[Reading]:
    """One case at each rate of the plan."""
    return [reading for played in play(plan, *item) for reading in _read(played, without_depth)]


def _read(played: Played, without_depth: bool) -> Iterator[Reading]:
    yield read(played, by_depth=True)
    if without_depth:
        yield read(played, by_depth=False)


def read(played: Played, by_depth: bool = True) -> Reading:
    """What our detector says of it."""
    found, crash = _events(played, by_depth)
    setup = played.case.setup
    return Reading(
        kind=played.case.kind,
        number=played.case.number,
        rate_hz=played.rate_hz,
        site=setup.site.name,
        device=setup.device,
        operator=setup.operator,
        by_depth=by_depth,
        verdict=judge(played.insertion.truth, found, played.insertion.tip_mm),
        events=found,
        crash=crash,
    )


def _events(played: Played, by_depth: bool) -> tuple[tuple[Found, ...], str]:
    """The events, and the words of a process that died: one case must not end a long run unseen."""
    codes, depth_counts, ticks_us = played.readings
    profile = profile_of(played.case.setup.site, played.case.setup.device, by_depth)
    depth = depth_counts if by_depth else None
    try:
        packets = _child().run(codes, depth, ticks_us, played.rate_mhz, profile)
    except TwinError as error:
        _child.cache_clear()
        return (), str(error)
    return tuple(Found(packet.fields.ticks_us / 1e6, str(packet.fields.kind)) for packet in packets), ""


def profile_of(site: SiteProfile, device: str, by_depth: bool) -> dict[str, int]:
    """What the host tells the device before an attempt."""
    return detector_profile(site, device, by_depth)


@cache
def _child() -> DetectorChild:
    """One for the life of this process."""
    child = DetectorChild(find_interpreter("micropython"))
    util.Finalize(None, child.close, exitpriority=1)  # a worker runs no atexit
    return child
