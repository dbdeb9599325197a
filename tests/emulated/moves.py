"""Hands of tests/firmware/hands.py for the emulated board's chips."""

import numpy as np

from popsense.twin.script import SensorScript
from popsense.twin.truth import Truth
from tests.firmware.hands import Hand, Move

NOTHING_TRUE = Truth(*(None,) * 5, 0.0, *(None,) * 5, used_hole=False)
READS = 4
PRESSURE_CODE = 1502  # 0 kPa
FORCE_NOISE_COUNTS = 258  # 60 mN rms, as the twin's sensors have by themselves
FORCE_LIMIT = 1 << 23


def _held(milliseconds: float, force_n: float, depth_mm: float) -> tuple[Move, ...]:
    """There in one millisecond, then held."""
    return (1, force_n, depth_mm), (milliseconds - 1, force_n, depth_mm)


# Leaning and letting go; in, without a fall at first, out on the far side, over the range of the cell;
# withdrawn, in again by the same hole, and once more without any force.
PUNCTURE: tuple[Move, ...] = (
    (300, 0, 0),
    *_held(100, 30, 0),
    *_held(300, 0, 0),
    *_held(100, 30, 0),
    *_held(100, 30, 4),
    *_held(200, 0, 4),
    *_held(50, 0, 18),
    *_held(60, 1900, 18),
    *_held(700, 0, 0),
    *_held(100, 30, 0),
    *_held(30, 0, 4),
    *_held(700, 0, 0),
    *_held(100, 0, 4),
)


def script_of(hand: Hand) -> SensorScript:
    """What the chips give; the first move is the rest."""
    described = hand.argument()
    at = described["from"]
    parts = []
    for count, *goal in described["moves"]:
        parts.append(np.linspace(at, goal, count, endpoint=False))
        at = goal
    force, depth = np.rint(np.concatenate(parts)).astype(np.int64).T
    # A cell that gives the same count for long is taken for a stuck one.
    force += np.rint(np.random.default_rng(1).normal(0, FORCE_NOISE_COUNTS, len(force))).astype(np.int64)
    reads = (depth[:, np.newaxis] + np.arange(READS)) // READS  # they sum up to the counts
    return SensorScript(
        hand.period_us * 1000,
        hand.sample_at(1),
        np.clip(force - FORCE_LIMIT, -FORCE_LIMIT, FORCE_LIMIT - 1).astype(np.int32),
        np.clip(reads, 0, 4095).astype(np.uint16),
        np.full((len(force), READS), PRESSURE_CODE, np.uint16),
        NOTHING_TRUE,
    )
