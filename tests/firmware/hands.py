"""Hands for the detector: forces and depths that a person would give, as the codes the detector gets.

Hands are written in milliseconds and played at one of three rates: the reference converter, a slow setting
of it, and the cheapest load-cell converter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from popsense_protocol.codec import decode
from tests.firmware.sources import constants

SETTINGS = constants("settings.py")
PROFILE: dict[str, int] = SETTINGS["PROFILE"]
PERIODS_US = {988: 1012, 320: 3125, 80: 12_500}  # samples a second -> sample period
RATES = tuple(PERIODS_US)
FORCE_ZERO_CODE = (1 << 23) + 12_345  # the cell's zero balance: nothing may depend on it
DEPTH_ZERO_COUNTS = 1_650
COUNTS_PER_N = 1e9 / SETTINGS["FORCE_NANO_N_PER_COUNT"]
COUNTS_PER_MM = 1e9 / SETTINGS["DEPTH_NANO_MM_PER_COUNT"]
FLEX_MM_PER_N = PROFILE["flex_nm_per_n"] * 1e-6

# (milliseconds, force in N, tip beyond the inner face in mm), gone to in a straight line.
Move = tuple[float, float, float]


@dataclass(frozen=True)
class Hand:
    """Moves at one rate. profile: fields of PROFILE that differ from the settings'.

    flex_mm_per_n: of the plug that the follower feels, whatever the profile says of it.
    """

    moves: Sequence[Move]
    rate: int = 988
    ticks: int = 5_000
    profile: Mapping[str, int] = field(default_factory=dict[str, int])
    flex_mm_per_n: float = FLEX_MM_PER_N

    @property
    def period_us(self) -> int:
        return PERIODS_US[self.rate]

    def argument(self) -> dict[str, Any]:
        """For scripts/vectors.py."""
        ends = [self.sample_at(k) for k in range(len(self.moves) + 1)]
        counts = [end - begin for begin, end in pairwise(ends)]
        return {
            "rate_mhz": 1_000_000_000 // self.period_us,
            "period_us": self.period_us,
            "ticks": self.ticks,
            "profile": dict(self.profile),
            "from": [FORCE_ZERO_CODE, DEPTH_ZERO_COUNTS],
            "moves": [[n, *self.codes(*move[1:])] for n, move in zip(counts, self.moves, strict=True)],
        }

    def codes(self, force_n: float, depth_mm: float) -> list[int]:
        """Force code and depth counts."""
        flexed_mm = depth_mm + force_n * self.flex_mm_per_n
        return [
            FORCE_ZERO_CODE + round(force_n * COUNTS_PER_N),
            DEPTH_ZERO_COUNTS + round(flexed_mm * COUNTS_PER_MM),
        ]

    def begins_ms(self, move: int) -> float:
        """When a move begins."""
        return sum(ms for ms, _, _ in self.moves[:move])

    def sample_at(self, move: int) -> int:
        """Index of the first sample of a move."""
        return round(self.begins_ms(move) * 1000 / self.period_us)

    def events(self, firmware: Any) -> list["Found"]:
        """What the detector makes of it; `firmware` is the fixture."""
        texts = firmware("detect", self.argument())
        return [Found(decode(bytes.fromhex(text)).fields, self.period_us) for text in texts]


@dataclass(frozen=True)
class Found:
    """One EVENT in a person's units."""

    fields: Any
    period_us: int

    @property
    def kind(self) -> str:
        return str(self.fields.kind)

    @property
    def at_ms(self) -> float:
        """Since the first sample."""
        return float(self.fields.sample_index * self.period_us / 1000)

    @property
    def peak_n(self) -> float:
        return float(self.fields.peak_counts / COUNTS_PER_N)

    @property
    def level_n(self) -> float:
        return float(self.fields.level_counts / COUNTS_PER_N)

    @property
    def advance_mm(self) -> float:
        return float(self.fields.advance_counts / COUNTS_PER_MM)

    @property
    def duration_ms(self) -> float:
        return float(self.fields.duration_us / 1000)


def kinds(found: Sequence[Found]) -> list[str]:
    return [event.kind for event in found]


CONTACT, POP, RELEASED, LOSS = "contact", "pop", "released", "loss_of_resistance"
FAR, WITHDRAWAL, UNCERTAIN = "far_cortex_contact", "withdrawal", "uncertain_pop"
RE_PUNCTURE, USED, OVERLOAD = "re_puncture", "used_hole", "overload"

REST = (SETTINGS["BASELINE_MS"], 0.0, 0.0)
PUSH = (200.0, 30.0, 0.0)
LEAN = (300.0, 30.0, 0.0)
BREAK = (40.0, 5.0, 2.0)
INSIDE = (300.0, 5.0, 2.0)
POPPED = (REST, PUSH, LEAN, BREAK, INSIDE)
OUT_MM = PROFILE["out_um"] / 1000
FAR_MM = PROFILE["far_advance_um"] / 1000
WITHDRAWN = ((100.0, 0.0, 0.0), (SETTINGS["WITHDRAWN_MS"] + 200.0, 0.0, 0.0))
