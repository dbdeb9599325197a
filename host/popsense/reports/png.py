"""Pictures as PNG: matplotlib, which is no part of a plain installation."""

import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from popsense.errors import UsageError

PNG = b"\x89PNG"
CLOSE_SHARE = 0.12  # of the picture's width: labels nearer to each other go one below the other
LANES = 4


class Mark(NamedTuple):
    """An instant to be marked with a word."""

    time_s: float
    word: str
    colour: str


def figure_class(option: str) -> Any:
    """matplotlib's Figure; UsageError with the line that installs it, where it is missing.

    option: what the user asked for with, such as --plot.
    """
    try:
        return importlib.import_module("matplotlib.figure").Figure
    except ImportError as error:
        raise UsageError(
            f"{option} needs matplotlib, which is not installed",
            "Install it: pip install 'popsense[plots]'.",
        ) from error


def write_png(path: Path, figure: Any, option: str) -> None:
    """Another kind of file is not replaced: UsageError, as where the file cannot be written."""
    try:
        if path.is_file() and not _holds_png(path):
            raise UsageError(f"{path} exists and is no PNG", f"Choose another place with {option}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a file's name may hold letters of no font here
            figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", f"Choose another place with {option}."
        ) from error


def _holds_png(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PNG)) == PNG


def draw_marks(rows: Sequence[Any], marks: Sequence[Mark], width_s: float, lanes: int = LANES) -> None:
    """Lines through all rows (axes), words above the first; those of close marks one below the other.

    marks: by time. width_s: what the picture shows.
    """
    for row in rows:
        for mark in marks:
            row.axvline(mark.time_s, color=mark.colour, linewidth=1.0, linestyle="--")
    used = _lanes(marks, width_s, lanes)
    highest = max(used, default=0)
    for mark, lane in zip(marks, used, strict=True):
        rows[0].annotate(
            mark.word,
            (mark.time_s, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 3 + 11 * (highest - lane)),
            textcoords="offset points",
            fontsize=8,
            color=mark.colour,
        )


def _lanes(marks: Sequence[Mark], width_s: float, lanes: int) -> list[int]:
    lane, last_s = 0, float("-inf")
    used: list[int] = []
    for mark in marks:
        lane = (lane + 1) % lanes if mark.time_s - last_s < CLOSE_SHARE * width_s else 0
        used.append(lane)
        last_s = mark.time_s
    return used
