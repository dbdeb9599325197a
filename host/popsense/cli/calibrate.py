"""`popsense calibrate force|depth|pressure|show|tare`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from popsense.calibration.record import SENSORS, UNITS, VALID_DAYS, CalibrationRecord, state_text
from popsense.cli import paths
from popsense.cli.calibrating import Asked, run_calibration, session_with
from popsense.cli.output import terminal
from popsense.link.calibration import read_calibration
from popsense.link.service import Service
from popsense.technician.references import (
    DEFAULTS,
    STANDARD_GRAVITY,
    parse_references,
    parse_uncertainty,
)

MOST_DAYS = 36_500
MOST_CYCLES = 10

calibrate = typer.Typer(
    name="calibrate",
    help="Calibrates a sensor against masses, gauge blocks or a gauge; shows what a board holds; tares.",
    no_args_is_help=True,
)

PortOption = Annotated[
    str | None,
    typer.Option(
        "--port", help="Port or address of the board; default: the only one. sim:// gives its rest value."
    ),
]
UncertaintyOption = Annotated[
    str | None,
    typer.Option(
        "--uncertainty", help="Standard uncertainty of the references, as in '0.5 g', '2 um', '0.1 kPa'."
    ),
]
CyclesOption = Annotated[
    int, typer.Option(min=1, max=MOST_CYCLES, help="Times up and down; from 2 on, repeatability is known.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who calibrates, for the certificate.")]
TraceabilityOption = Annotated[
    str, typer.Option(help="What the references are traced to, in your words; default: none is claimed.")
]
TemperatureOption = Annotated[str, typer.Option(help="Of the room, for the certificate, as in '21 degC'.")]
ValidDaysOption = Annotated[
    int, typer.Option("--days", min=1, max=MOST_DAYS, help="How long it may be relied on, in days.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        parser=paths.path, help="Certificate to write (NAME.html); default: a new one beside the recordings."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Write it to the board without asking.")]


@calibrate.command()
def force(
    port: PortOption = None,
    references: Annotated[str, typer.Option(help="Masses or forces in rising order: kg, g or N.")] = DEFAULTS[
        "force"
    ],
    gravity: Annotated[
        float, typer.Option(help="Local gravity in m/s2; the standard one is off by up to 0.4 %.")
    ] = STANDARD_GRAVITY,
    uncertainty: UncertaintyOption = None,
    cycles: CyclesOption = 1,
    valid_days: ValidDaysOption = VALID_DAYS,
    by: ByOption = "",
    traceability: TraceabilityOption = "",
    temperature: TemperatureOption = "",
    out: OutOption = None,
    yes: YesOption = False,
) -> None:
    """The load cell, with known masses on the cap, up and down again.

    Every reading is the mean of 2 s; an unsteady one is refused and asked for again. Nothing is written
    until the end; Ctrl-C leaves the board's old calibration. Exit code 3 where it was not written.
    """
    found = parse_references("force", references, gravity)
    stated = None if uncertainty is None else parse_uncertainty("force", uncertainty, gravity)
    run_calibration(
        Asked(
            "force", found, port, by, uncertainty or "", stated, traceability, temperature, gravity, cycles,
            valid_days, out, yes,
        )
    )  # fmt: skip


@calibrate.command()
def depth(
    port: PortOption = None,
    references: Annotated[str, typer.Option(help="Gauge blocks in rising order: mm or um.")] = DEFAULTS[
        "depth"
    ],
    uncertainty: UncertaintyOption = None,
    cycles: CyclesOption = 1,
    valid_days: ValidDaysOption = VALID_DAYS,
    by: ByOption = "",
    traceability: TraceabilityOption = "",
    temperature: TemperatureOption = "",
    out: OutOption = None,
    yes: YesOption = False,
) -> None:
    """The follower behind the plug, with gauge blocks, in and out again. All else as for force."""
    found = parse_references("depth", references)
    stated = None if uncertainty is None else parse_uncertainty("depth", uncertainty)
    run_calibration(
        Asked(
            "depth", found, port, by, uncertainty or "", stated, traceability, temperature, None, cycles,
            valid_days, out, yes,
        )
    )  # fmt: skip


@calibrate.command()
def pressure(
    port: PortOption = None,
    references: Annotated[
        str, typer.Option(help="Pressures against the air, in rising order, 0 among them: kPa, Pa or mmHg.")
    ] = DEFAULTS["pressure"],
    uncertainty: UncertaintyOption = None,
    cycles: CyclesOption = 1,
    valid_days: ValidDaysOption = VALID_DAYS,
    by: ByOption = "",
    traceability: TraceabilityOption = "",
    temperature: TemperatureOption = "",
    out: OutOption = None,
    yes: YesOption = False,
) -> None:
    """The marrow chamber, against a reference gauge, up and down again. All else as for force."""
    found = parse_references("pressure", references)
    stated = None if uncertainty is None else parse_uncertainty("pressure", uncertainty)
    run_calibration(
        Asked(
            "pressure", found, port, by, uncertainty or "", stated, traceability, temperature, None, cycles,
            valid_days, out, yes,
        )
    )  # fmt: skip


@calibrate.command()
def show(port: PortOption = None) -> None:
    """What the board holds: state, day, points and residual of every sensor."""
    console = terminal()
    with session_with(port) as (session, hello):
        records = read_calibration(session)
    today = datetime.now(UTC).date()
    console.print(f"board {hello.board_id}, calibration {hello.calibration_id or 'none'}")
    for sensor in SENSORS:
        fitted = bool(hello.fields[sensor].fitted)
        console.print(f"{sensor}: {state_text(records[sensor], today) if fitted else 'not fitted'}")
        for line in _details(records[sensor]):
            console.print(f"  {line}")


@calibrate.command()
def tare(port: PortOption = None) -> None:
    """Takes the reading of the unloaded cell as its zero. Refused where it is loaded or not at rest."""
    console = terminal()
    with session_with(port) as (session, hello):
        health = Service(session).tare()
        newton = hello.fields.force.nano_units_per_count * 1e-9
    noise = health.force_noise_counts
    console.print(
        f"tared: zero at {health.force_zero_counts:,} counts, noise {noise:,} counts "
        f"({noise * newton:.3f} N by the nominal scale)"
    )


def _details(record: CalibrationRecord | None) -> Iterator[str]:
    if record is None:
        return
    unit = UNITS[record.sensor]
    yield f"id {record.id}, made {record.day}, residual {record.residual:.4f} {unit}"
    for point in record.points:
        yield f"{point.milliunits / 1000:>10.3f} {unit}  {point.counts:>10,} counts"
