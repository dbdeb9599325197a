"""What the board says where the needle stands in a hole that was there before: no pop is due there."""

from collections.abc import Sequence
from dataclasses import dataclass

from .readings import Reading

TOLD = ("used_hole", "pop", "uncertain_pop")


@dataclass(frozen=True)
class UsedHoles:
    """told: kind -> attempts with such an event, anywhere; an attempt with two kinds is in both."""

    attempts: int
    told: dict[str, int]
    nothing: int


def used_holes(readings: Sequence[Reading]) -> dict[str, UsedHoles]:
    """Device -> what was told, over the attempts in used holes."""
    own = [reading for reading in readings if reading.kind == "attempt" and reading.verdict.used_hole]
    return {
        device: _of_device([reading for reading in own if reading.device == device])
        for device in sorted({reading.device for reading in own})
    }


def _of_device(readings: Sequence[Reading]) -> UsedHoles:
    kinds = [{event.kind for event in reading.events} for reading in readings]
    return UsedHoles(
        attempts=len(readings),
        told={kind: sum(kind in own for own in kinds) for kind in TOLD},
        nothing=sum(own.isdisjoint(TOLD) for own in kinds),
    )
