"""`popsense detect FILE.csv`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from popsense.cli import paths
from popsense.cli.output import terminal
from popsense.errors import UsageError
from popsense.foreign import Detection, FoundEvent, Profile, detect_events, read_trace
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA, SITES, SiteProfile
from popsense.reports.wording import event_name

NONE = "–"  # no such evidence with this event


def detect(
    file: Annotated[Path, typer.Argument(parser=paths.path, help="A CSV file with a line of column names.")],
    time_column: Annotated[str, typer.Option(help="Column of the times.")],
    force_column: Annotated[str, typer.Option(help="Column of the axial force; pushing is positive.")],
    depth_column: Annotated[
        str | None, typer.Option(help="Column of the tip's depth in mm; deeper is larger.")
    ] = None,
    scale: Annotated[
        str, typer.Option(help="newton, or relative: any unit, taken as a share of its running peak.")
    ] = "newton",
    time_unit: Annotated[str, typer.Option(help="Unit of the times: s or ms.")] = "s",
    zero: Annotated[
        float | None, typer.Option(help="The force's reading at rest, for a trace that begins under load.")
    ] = None,
    site: Annotated[str, typer.Option(help="Whose figures to go by.")] = ADULT_PROXIMAL_TIBIA.name,
    device: Annotated[str, typer.Option(help="powered, manual or spring_loaded.")] = "powered",
    plot: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Draw the trace with its events into this PNG.")
    ] = None,
    as_one_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Runs the device's detector over a force trace of your own, 20 to 100,000 samples a second.

    The first 450 ms must be at rest (8 to 64 samples): the detector takes its zero from them. Faster traces
    than 2,000 a second are averaged down to that. Its thresholds are uncalibrated.
    """
    profile = Profile(_site(site), device)
    if plot is not None:
        _prepare_plot()
    detection = detect_events(
        read_trace(file, time_column, force_column, depth_column, time_unit), scale, zero, profile
    )
    if plot is not None:
        _draw(plot, detection)
    if as_one_json:
        typer.echo(json.dumps(detection.as_json(), indent=2))
    else:
        _print(terminal(), detection, plot)


def _site(name: str) -> SiteProfile:
    if name not in SITES:
        raise UsageError(f"unknown site {name!r}", f"Use --site with one of: {', '.join(SITES)}.")
    return SITES[name]


def _prepare_plot() -> None:
    """Refuses early: a large file takes its time."""
    from popsense.foreign.plot import figure_class

    figure_class()


def _draw(path: Path, detection: Detection) -> None:
    from popsense.foreign.plot import write_plot

    write_plot(path, detection)


def _print(console: Console, detection: Detection, plot: Path | None) -> None:
    trace, build = detection.trace, detection.build
    console.print(f"\n{trace.path.name}", style="bold")
    console.print(
        f"{len(trace.time_s):,} samples, {trace.rate_hz:,.1f} a second, {detection.scale} scale, "
        f"detector {build.detector_version} in {build.interpreter}"
    )
    console.print(f"profile: {detection.profile.site.title.lower()}, {detection.profile.device}")
    if detection.events:
        console.print(_table(detection))
    for note in detection.notes:
        console.print(note)
    if plot is not None:
        console.print(f"plot: {plot}", soft_wrap=True)


def _table(detection: Detection) -> Table:
    unit = detection.force_unit
    table = Table(box=HORIZONTALS, padding=(0, 1, 0, 0))
    evidence = (
        f"force\n{unit}",
        f"peak\n{unit}",
        "drop\n%",
        "advance\nmm",
        "duration\nms",
        "detector\nversion",
    )
    table.add_column("time\ns", justify="right", no_wrap=True)
    table.add_column("event", no_wrap=True)
    for title in evidence:
        table.add_column(title, justify="right", no_wrap=True)
    for event in detection.events:
        table.add_row(*_cells(event))
    return table


def _cells(event: FoundEvent) -> list[str]:
    return [
        f"{event.time_s:.4f}",
        event_name(event.kind),
        f"{event.force:.1f}",
        f"{event.peak:.1f}",
        _figure(event.drop_percent, 0),
        _figure(event.advance_mm, 2),
        _figure(event.duration_ms, 1),
        str(event.detector_version),
    ]


def _figure(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
