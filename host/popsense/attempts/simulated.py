"""Simulated attempts through the whole chain: twin, firmware, link, journal, analysis, score."""

import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.evaluate import Evaluation
from popsense.attempts.record import AttemptPlan
from popsense.attempts.summary import rounded, summary
from popsense.errors import TwinError
from popsense.procedure.sites import SiteProfile
from popsense.settings import Settings
from popsense.twin.transport import SimTransport, TwinAddress

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
        plan = AttemptPlan(site, "assessment", device, operator)
        recorded, evaluation = conduct_attempt(transport, plan, path, settings)
        if recorded.outcome == "cancelled":
            raise KeyboardInterrupt
        return SimulatedAttempt(operator, seed, evaluation, truth_in_trace(transport, evaluation))
    finally:
        transport.close()


def run_many(
    site: SiteProfile, chosen: Sequence[tuple[str, int]], folder: Path, settings: Settings, jobs: int
) -> Generator[SimulatedAttempt]:
    """Attempts of (operator, seed) in the given order, `jobs` at a time; `jobs` changes no result."""
    if jobs == 1 or len(chosen) == 1:
        yield from (run_simulated(site, operator, seed, folder, settings) for operator, seed in chosen)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _leave_ctrl_c_to_the_parent)
    try:
        with _ctrl_c_later():  # the pool starts its workers as work is submitted
            futures = [
                pool.submit(run_simulated, site, operator, seed, folder, settings)
                for operator, seed in chosen
            ]
        yield from (future.result() for future in futures)
    finally:  # after Ctrl-C or an error nobody waits for the rest
        pool.shutdown(cancel_futures=True)


def _leave_ctrl_c_to_the_parent() -> None:
    """In a worker: one that dies of Ctrl-C may leave the parent waiting for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _ctrl_c_later() -> Generator[None]:
    """Ctrl-C takes effect at the end of the block; children started in it are deaf to it from birth on.

    A worker imports for a second before it can ask for that itself, and a start that breaks off half-way
    leaves a worker whom nobody knows. A blocked signal is inherited; the handler is for other threads, to
    which the system gives what the main one blocks. Only the main thread may do this, and needs to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    mask = _block_ctrl_c()
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if pressed and callable(before):  # a program that ignores Ctrl-C goes on ignoring it
        before(signal.SIGINT, None)


def _block_ctrl_c() -> set[int] | None:
    """The mask before; None on Windows, which has none."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}))


def truth_in_trace(transport: SimTransport, evaluation: Evaluation) -> dict[str, float | None]:
    """The script's truth, its instants moved from the script's clock to the recording's."""
    if transport.origin_us is None:
        raise TwinError(
            "the simulated operator never began", "This is a fault of popsense: please report it."
        )
    shift_s = (transport.origin_us - evaluation.decoded.start_ticks_us) / 1e6
    return {
        name: value + shift_s if value is not None and name.endswith("_s") else value
        for name, value in transport.truth.as_dict().items()
    }


def as_json(attempt: SimulatedAttempt) -> dict[str, Any]:
    """One entry of `attempts[]` of `popsense demo --json`."""
    truth = {name: rounded(value) for name, value in attempt.truth.items()}
    return {"operator": attempt.operator, "seed": attempt.seed, **summary(attempt.evaluation), "truth": truth}
