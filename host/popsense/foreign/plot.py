"""A picture of a foreign trace with its events."""

from pathlib import Path
from typing import Any

from popsense.foreign.detect import Detection, FoundEvent
from popsense.reports import png
from popsense.reports.wording import event_name

COLOURS = {"contact": "#3465a4", "pop": "#c4420a", "far_cortex_contact": "#a40000"}
OTHER_COLOUR = "#555753"


def figure_class() -> Any:
    """matplotlib's Figure; UsageError with the line that installs it, where it is missing."""
    return png.figure_class("--plot")


def write_plot(path: Path, detection: Detection) -> None:
    """Force, depth where there is one, and every event, as PNG. Another kind of file is not replaced."""
    png.write_png(path, _figure(detection), "--plot")


def _figure(detection: Detection) -> Any:
    trace = detection.trace
    figure = figure_class()(figsize=(10, 6 if trace.depth_mm is not None else 4), layout="constrained")
    rows = figure.subplots(1 if trace.depth_mm is None else 2, 1, sharex=True, squeeze=False)[:, 0]
    force_unit = "N" if detection.scale == "newton" else "as in the file"
    rows[0].plot(trace.time_s, trace.force, color="black", linewidth=0.8)
    rows[0].set_ylabel(f"force ({force_unit})")
    if trace.depth_mm is not None:
        rows[1].plot(trace.time_s, trace.depth_mm, color="black", linewidth=0.8)
        rows[1].set_ylabel("depth (mm)")
    for row in rows:
        row.spines[["top", "right"]].set_visible(False)
        row.margins(x=0.01)
    rows[-1].set_xlabel("time (s)")
    marks = [png.Mark(event.time_s, event_name(event.kind), _colour(event)) for event in detection.events]
    png.draw_marks(rows, marks, float(trace.time_s[-1] - trace.time_s[0]))
    figure.suptitle(_title(detection), fontsize=10)
    return figure


def _title(detection: Detection) -> str:
    """Without what matplotlib takes for a formula or cannot draw at all."""
    name = detection.trace.path.name.encode(errors="replace").decode().replace("$", r"\$")
    return f"{name}: detector {detection.build.detector_version}, {detection.scale} scale"


def _colour(event: FoundEvent) -> str:
    return COLOURS.get(event.kind, OTHER_COLOUR)
