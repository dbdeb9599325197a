"""What a campaign found: one small result a run, spread over processes, and the table of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from popsense.attempts.workers import in_order
from tests.campaign.checks import broken_rules
from tests.campaign.plan import LONGEST_REPAIRED_S, PHASES, SEVERAL, WEIGHTS
from tests.campaign.run import NO_ATTEMPT, conduct

VERDICTS = ("complete", "repaired", "holes", "cut off")
COLUMNS = (*VERDICTS, NO_ATTEMPT)


@dataclass(frozen=True)
class Result:
    """One run. begun: kinds and phases of the faults that came. outage_s: the longest one with power.

    lost, repaired: samples. broken: a sentence for each rule that it has broken.
    """

    number: int
    kind: str
    phase: str
    verdict: str
    begun: tuple[tuple[str, str], ...]
    outage_s: float
    lost: int
    repaired: int
    broken: tuple[str, ...]

    @property
    def is_unrepaired(self) -> bool:
        """An attempt with an outage that the ring outlasts, and nothing else, has a hole all the same."""
        short = 0.0 < self.outage_s <= LONGEST_REPAIRED_S + 1e-3
        alone = self.kind in ("stall to 7 s", "port closed to 7 s")
        return short and alone and self.verdict in ("holes", "cut off")


def result(seed: int, number: int) -> Result:
    """Of one run, conducted here."""
    faulty = conduct(number, seed)
    raw = faulty.attempt.raw if faulty.attempt is not None else None
    return Result(
        number=number,
        kind=faulty.plan.kind,
        phase=faulty.plan.phase,
        verdict=faulty.verdict,
        begun=tuple((fault.kind, fault.phase) for fault, _ in faulty.begun),
        outage_s=max((end - begin for begin, end in faulty.outages_s), default=0.0),
        lost=sum(hole.count for hole in raw.holes) if raw else 0,
        repaired=sum(stretch.count for stretch in raw.repaired) if raw else 0,
        broken=tuple(broken_rules(faulty)),
    )


def campaign(numbers: Sequence[int], seed: int, jobs: int) -> Iterator[Result]:
    """Results in the order of the numbers, `jobs` processes at a time."""
    return in_order(partial(result, seed), numbers, jobs)


def counts(results: Sequence[Result]) -> Counter[str]:
    return Counter(one.verdict for one in results)


def complaints(results: Sequence[Result]) -> list[str]:
    """Every broken rule, with what it takes to see it again."""
    return [f"run {one.number} ({one.kind}, {one.phase}): {rule}" for one in results for rule in one.broken]


def unmet(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Kinds of fault that came at a phase in no run."""
    met = {pair for one in results for pair in one.begun}
    return [
        (kind, phase) for kind in WEIGHTS if kind != SEVERAL for phase in PHASES if (kind, phase) not in met
    ]


def table(results: Sequence[Result]) -> str:
    """Faults x verdicts, with the samples that came at the second asking and those that are lost."""
    heads = (*COLUMNS, "runs", "repaired samples", "lost samples", "rules broken")
    lines = [f"{'fault':<24}" + "".join(f"{head:>18}" for head in heads)]
    for name in [*WEIGHTS, "all"]:
        ours = [one for one in results if name in (one.kind, "all")]
        by = counts(ours)
        figures = [
            *(by[verdict] for verdict in COLUMNS),
            len(ours),
            sum(one.repaired for one in ours),
            sum(one.lost for one in ours),
            sum(len(one.broken) for one in ours),
        ]
        lines.append(f"{name:<24}" + "".join(f"{figure:>18}" for figure in figures))
    return "\n".join(lines)
