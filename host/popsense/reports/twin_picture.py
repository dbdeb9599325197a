"""A simulated attempt drawn: what really happened in colour, what the sensors say of it in grey.

Left the whole attempt, right what there is round the exit (or, without one, round the operator's stop).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from popsense.model import FloatArray
from popsense.reports import png
from popsense.twin.insertion import Insertion
from popsense.twin.readings import Readings
from popsense.twin.truth import Truth

INSTANTS = {
    "contact_s": ("contact", "#3465a4"),
    "exit_start_s": ("exit start", "#c4420a"),
    "exit_half_s": ("exit half", "#c4420a"),
    "exit_end_s": ("exit end", "#c4420a"),
    "stop_s": ("stop", "#4e9a06"),
    "far_cortex_contact_s": ("far cortex", "#a40000"),
    "far_cortex_in_s": ("1 mm in it", "#a40000"),
    "aspiration_s": ("aspiration", "#75507b"),
    "flush_s": ("flush", "#75507b"),
    "removal_s": ("removal", "#555753"),
}
SENSOR, TRUE, FOLLOWER = "#b0b0b0", "#204a87", "#ce5c00"
BEFORE_S, AFTER_S = 0.25, 0.25  # of the exit


def instants(truth: Truth) -> list[tuple[str, float, str]]:
    """(word, time in s, colour) of every instant that there is, by time."""
    happened = truth.as_dict()
    found = [(word, happened[name], colour) for name, (word, colour) in INSTANTS.items()]
    return sorted(
        ((word, at, colour) for word, at, colour in found if at is not None), key=lambda one: one[1]
    )


def write_picture(path: Path, insertion: Insertion, readings: Readings, title: str) -> None:
    """PNG at `path`; UsageError as of png.write_png. title: one line."""
    figure = png.figure_class("--out")(figsize=(15, 9), layout="constrained")
    columns = figure.subplots(3, 2, sharex="col", width_ratios=(3, 2))
    marks = [png.Mark(at, word, colour) for word, at, colour in instants(insertion.truth)]
    windows = [(0.0, float(insertion.time_s[-1])), _exit_window(insertion)]
    for column, window in zip(range(2), windows, strict=True):
        _column(columns[:, column], insertion, readings, window)
        seen = [mark for mark in marks if window[0] <= mark.time_s <= window[1]]
        png.draw_marks(columns[:, column], seen, window[1] - window[0], lanes=len(INSTANTS))
    for row, label in enumerate(("axial force (N)", "beyond the inner face (mm)", "marrow pressure (kPa)")):
        columns[row, 0].set_ylabel(label)
    columns[1, 0].legend(loc="upper left", fontsize=8)
    figure.suptitle(title, fontsize=10)
    png.write_png(path, figure, "--out")


def _column(
    rows: Sequence[Any], insertion: Insertion, readings: Readings, window: tuple[float, float]
) -> None:
    true_s, read_s = insertion.time_s, readings.time_s
    _line(rows[0], read_s, readings.force_n, window, SENSOR, "sensor")
    _line(rows[0], true_s, insertion.force_n, window, TRUE, "true")
    _line(rows[1], read_s, readings.protrusion_mm, window, SENSOR, "depth sensor")
    _line(rows[1], true_s, insertion.tip_mm, window, TRUE, "tip")
    _line(rows[1], true_s, insertion.protrusion_mm, window, FOLLOWER, "follower")
    _line(rows[2], read_s, readings.pressure_kpa, window, SENSOR, "sensor")
    _line(rows[2], true_s, insertion.pressure_kpa, window, TRUE, "true")
    for row in rows:
        row.spines[["top", "right"]].set_visible(False)
        row.axhline(0.0, color="#d3d7cf", linewidth=0.6)
        row.set_xlim(*window)
    rows[-1].set_xlabel("time (s)")


def _line(
    row: Any, time_s: FloatArray, values: FloatArray, window: tuple[float, float], colour: str, word: str
) -> None:
    """What lies in the window only: the axis takes its height from it."""
    inside = (time_s >= window[0]) & (time_s <= window[1])
    row.plot(time_s[inside], values[inside], color=colour, linewidth=0.9, label=word)


def _exit_window(insertion: Insertion) -> tuple[float, float]:
    truth, end_s = insertion.truth, float(insertion.time_s[-1])
    stop_s = end_s if truth.stop_s is None else truth.stop_s
    begin_s = stop_s if truth.exit_start_s is None else min(truth.exit_start_s, stop_s)
    return max(0.0, begin_s - BEFORE_S), min(end_s, max(stop_s, begin_s) + AFTER_S)
