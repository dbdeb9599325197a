"""Simulated attempts through the whole chain: twin, firmware, link, journal, analysis, score."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.evaluate import Evaluation
from popsense.attempts.record import AttemptPlan
from popsense.attempts.summary import rounded, summary
from popsense.attempts.workers import in_order
from popsense.errors import TwinError
from popsense.procedure.sites import SiteProfile
from popsense.settings import Settings
from popsense.twin.sim_board import TwinAddress
from popsense.twin.transport import SimTransport

DEMO_OPERATORS = ("expert", "novice", "plunger", "early_stopper")


@dataclass(frozen=True)
class SimulatedAttempt:
    """A scored attempt of a simulated operator, with what really happened.

    truth: name -> seconds since sample 0 (`*_s`), other units as in the name; None = did not happen.
    """

    operator: str
    seed: int
    evaluation: Evaluation
    truth: dict[str, float | None]


def run_simulated(
    site: SiteProfile, operator: str, seed: int, folder: Path, settings: Settings
) -> SimulatedAttempt:
    """One attempt in assessment mode; its journal stays in `folder`. Ctrl-C ends it, and is passed on."""
    device = "powered"
    transport = SimTransport(TwinAddress(site, operator, device, seed))
    try:
        path = folder / f"{operator}-{seed:04d}.journal"
        plan = AttemptPlan(site, "assessment", device, operator, uncalibrated=True)
        recorded, evaluation = conduct_attempt(transport, plan, path, settings)
        if recorded.interrupted:
            raise KeyboardInterrupt
        return SimulatedAttempt(operator, seed, evaluation, truth_in_trace(transport, evaluation))
    finally:
        transport.close()


def run_many(
    site: SiteProfile, chosen: Sequence[tuple[str, int]], folder: Path, settings: Settings, jobs: int
) -> Generator[SimulatedAttempt]:
    """Attempts of (operator, seed) in the given order, `jobs` at a time; `jobs` changes no result."""
    work = partial(_run_chosen, site, folder, settings)
    yield from in_order(work, chosen, jobs)


def _run_chosen(
    site: SiteProfile, folder: Path, settings: Settings, chosen: tuple[str, int]
) -> SimulatedAttempt:
    return run_simulated(site, *chosen, folder, settings)


def truth_in_trace(transport: SimTransport, evaluation: Evaluation) -> dict[str, float | None]:
    """The script's truth, its instants moved from the script's clock to the recording's."""
    return truth_on_recording(transport, evaluation.decoded.start_ticks_us)


def truth_on_recording(transport: SimTransport, start_ticks_us: int) -> dict[str, float | None]:
    """The same; start_ticks_us: the device's clock at the recording's sample 0."""
    if transport.origin_us is None:
        raise TwinError(
            "the simulated operator never began", "This is a fault of popsense: please report it."
        )
    shift_s = (transport.origin_us - start_ticks_us) / 1e6
    return {
        name: value + shift_s if value is not None and name.endswith("_s") else value
        for name, value in transport.truth.as_dict().items()
    }


def as_json(attempt: SimulatedAttempt) -> dict[str, Any]:
    """One entry of `attempts[]` of `popsense demo --json`."""
    truth = {name: rounded(value) for name, value in attempt.truth.items()}
    return {"operator": attempt.operator, "seed": attempt.seed, **summary(attempt.evaluation), "truth": truth}
