"""Bytes of every file of the firmware, as source and as it goes onto the board."""

from collections.abc import Mapping

from tests.benchmarks.report import Figure
from tests.emulated.image import compiled


def figures(sources: Mapping[str, bytes]) -> list[Figure]:
    on_board = compiled(sources)
    return [
        *(Figure(name, len(content), "B") for name, content in sorted((sources | on_board).items())),
        Figure("all files, .py", sum(map(len, sources.values())), "B"),
        Figure("all files, .mpy", sum(map(len, on_board.values())), "B"),
    ]
