"""What goes wrong in which run: every kind of fault at every phase of an attempt, drawn by the run's number.

Runs go through the phases one by one, and through KINDS by their weight: 1,000 runs meet each kind at each
phase exactly as often as its weight says.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Phase = Literal[
    "connecting", "profile", "start", "armed", "cortex", "pop", "inside", "removed", "stop", "fetching"
]
PHASES: tuple[Phase, ...] = (
    "connecting",
    "profile",
    "start",
    "armed",
    "cortex",
    "pop",
    "inside",
    "removed",
    "stop",
    "fetching",
)
COMMAND_OF: dict[Phase, str] = {"profile": "PROFILE", "start": "START", "stop": "STOP", "fetching": "STOP"}

BYTE_KINDS = ("flipped bytes", "dropped bytes", "duplicated bytes", "inserted bytes")
SHORT_KINDS = ("stall to 7 s", "port closed to 7 s")
LONG_KINDS = ("stall of 20 s", "port closed 20 s")
POWER_KINDS = ("power lost", "power gone for good", "reboot")
SECOND_KINDS = ("second host listens", "second host identifies", "second host stops", "second host starts")
SEVERAL = "several"
# Runs of each kind at each phase, in 100 runs at that phase. Long outages and power losses are more than
# their share in a skills lab: each verdict is to come about 100 times in 1,000.
WEIGHTS: dict[str, int] = {
    **dict.fromkeys(BYTE_KINDS, 6),
    "stall to 7 s": 8,
    "port closed to 7 s": 8,
    "stall of 20 s": 9,
    "port closed 20 s": 9,
    "power lost": 7,
    "power gone for good": 4,
    "reboot": 7,
    "second host listens": 3,
    "second host identifies": 3,
    "second host stops": 3,
    "second host starts": 6,
    SEVERAL: 9,
}
KINDS_AND_PHASES = {(kind, phase) for kind in WEIGHTS for phase in PHASES}
LONGEST_REPAIRED_S = 7.0
LONG_S = 20.0
BURST_S = 1.0  # nothing goes to the board for seconds: a burst of bytes would hit one command after another
CLOSING = ("port closed to 7 s", "port closed 20 s")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. What does not belong to its kind stays at its default.

    at: where in its phase, 0 to 1. answered: at a command, whether the board still gets it and part of the
    answer comes. lasts_s: of a stall, a closed port, a board without power, a steady rate of damage.
    way: of damaged bytes. count: of them; 0 = each with probability `rate`.
    same_pipe: the port stays open: commands of the second host come over ours; a board behind a bridge.
    """

    kind: str
    phase: Phase
    at: float
    answered: bool = False
    lasts_s: float = 0.0
    way: Literal["to host", "to board"] = "to host"
    count: int = 0
    rate: float = 0.0
    same_pipe: bool = False
    renamed: bool = False
    stale_bytes: int = 0


@dataclass(frozen=True)
class CampaignRun:
    """One run of the plan; `kind` is its row in the table."""

    number: int
    seed: int
    kind: str
    phase: Phase
    script: int
    quantum_us: int
    faults: tuple[Fault, ...]


SCRIPTS = 6  # different attempts; simulating a hand takes longer than recording it


def plan_run(number: int, seed: int) -> CampaignRun:
    """Run `number` of the campaign with this seed."""
    rng = random.Random(f"{seed}/{number}")
    phase = PHASES[number % len(PHASES)]
    kind = _kinds(seed)[number // len(PHASES) % 100]
    faults = _several(rng, phase) if kind == SEVERAL else (_draw(kind, phase, rng),)
    if phase == "fetching":  # else nothing would be missing when the attempt ends
        faults = (_what_is_fetched(rng), *faults)
    return CampaignRun(
        number, seed, kind, phase, rng.randrange(SCRIPTS), rng.choice((20_000, 50_000, 100_000)), faults
    )


def spread(runs: int, of: int = 1000) -> list[int]:
    """Numbers of `runs` runs of the plan, at changing phases and kinds."""
    return [k * of // runs + k * 7 % min(len(PHASES), of // runs) for k in range(runs)]


def _kinds(seed: int) -> Sequence[str]:
    kinds = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
    random.Random(seed).shuffle(kinds)
    return kinds


def _draw(kind: str, phase: Phase, rng: random.Random) -> Fault:
    fault = Fault(kind, phase, rng.random(), answered=rng.random() < 0.5)
    if kind in BYTE_KINDS:
        return _damage(fault, rng)
    return replace(
        fault,
        lasts_s=_lasts_s(kind, rng),
        same_pipe=kind not in (*SHORT_KINDS, *LONG_KINDS) and rng.random() < 0.5,
        renamed=rng.random() < 0.3,
        stale_bytes=rng.choice((0, 0, 1, 30, 700)),
    )


def _damage(fault: Fault, rng: random.Random) -> Fault:
    way = rng.choice(("to host", "to host", "to board"))
    extent = rng.choice(("single", "burst", "steady"))
    if extent == "single":
        return replace(fault, way=way, count=1)
    if extent == "burst":
        return replace(fault, way=way, count=round(2 * 10 ** rng.uniform(0.0, 3.0)), lasts_s=BURST_S)
    # One byte in a thousand damages a sixth of all full blocks.
    return replace(fault, way=way, rate=10 ** rng.uniform(-5.0, -3.0), lasts_s=10 ** rng.uniform(0.0, 2.0))


def _lasts_s(kind: str, rng: random.Random) -> float:
    if kind in LONG_KINDS:
        return LONG_S
    if kind in SHORT_KINDS:
        return rng.choice((LONGEST_REPAIRED_S, 0.1 * 70 ** rng.random()))
    if kind == "reboot":
        return 0.001
    if kind == "power gone for good":
        return float("inf")
    return rng.uniform(0.5, 6.0)


def _several(rng: random.Random, phase: Phase) -> tuple[Fault, ...]:
    """Two or three, one of them at the phase; all but the last leave something to go on with."""
    lasting = [*BYTE_KINDS, *SHORT_KINDS, "second host listens", "second host identifies"]
    anything = [kind for kind in WEIGHTS if kind != SEVERAL]
    before = [_draw(rng.choice(lasting), rng.choice(PHASES), rng) for _ in range(rng.choice((1, 1, 2)))]
    return (*before, _draw(rng.choice(anything), phase, rng))


def _what_is_fetched(rng: random.Random) -> Fault:
    """The port closes before the needle comes out and opens after it: not all is sent again before STOP."""
    return Fault("port closed to 7 s", "inside", 0.97, lasts_s=rng.uniform(2.5, 5.0))
