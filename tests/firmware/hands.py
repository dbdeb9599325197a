"""Hands for the detector: forces and depths that a person would give, as the codes the detector gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.firmware.sources import constants

SETTINGS = constants("settings.py")
PERIOD_US = 1012
RATE_MHZ = 1_000_000_000 // PERIOD_US
FORCE_ZERO_CODE = (1 << 23) + 12_345  # the cell's zero balance: nothing may depend on it
DEPTH_ZERO_COUNTS = 1_650
COUNTS_PER_N = 1e9 / SETTINGS["FORCE_NANO_N_PER_COUNT"]
COUNTS_PER_MM = 1e9 / SETTINGS["DEPTH_NANO_MM_PER_COUNT"]
FLEX_MM_PER_N = 800e-6  # PROFILE["flex_nm_per_n"] of settings.py


@dataclass(frozen=True)
class Hand:
    """moves: (samples, force in N, tip beyond the inner face in mm), each gone to in a straight line."""

    moves: Sequence[tuple[int, float, float]]
    ticks: int = 5_000

    def argument(self) -> dict[str, Any]:
        """For scripts/vectors.py. The follower feels plug flex too."""
        return {
            "rate_mhz": RATE_MHZ,
            "period_us": PERIOD_US,
            "ticks": self.ticks,
            "from": [FORCE_ZERO_CODE, DEPTH_ZERO_COUNTS],
            "moves": [[count, *codes(force_n, depth_mm)] for count, force_n, depth_mm in self.moves],
        }

    def sample_at(self, move: int) -> int:
        """Index of the first sample of a move."""
        return sum(count for count, _, _ in self.moves[:move])


def codes(force_n: float, depth_mm: float) -> list[int]:
    """Force code and depth counts."""
    flexed_mm = depth_mm + force_n * FLEX_MM_PER_N
    return [
        FORCE_ZERO_CODE + round(force_n * COUNTS_PER_N),
        DEPTH_ZERO_COUNTS + round(flexed_mm * COUNTS_PER_MM),
    ]


REST = (150, 0.0, 0.0)
PUSH = (200, 30.0, 0.0)
LEAN = (300, 30.0, 0.0)
BREAK = (40, 5.0, 2.0)
INSIDE = (300, 5.0, 2.0)
