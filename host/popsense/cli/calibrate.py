"""`popsense calibrate force|depth|pressure|show|tare`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from popsense.calibration.record import SENSORS, UNITS, VALID_DAYS, CalibrationRecord, listed, state_text
from popsense.calibration.uncertainty import STANDARD_GRAVITY
from popsense.cli import paths
from popsense.cli.calibrating import Asked, run_calibration, session_with
from popsense.cli.output import terminal
from popsense.link.calibration import Records, missing_calibrations, read_calibration
from popsense.link.hello import Hello
from popsense.link.service import Service
from popsense.technician.references import DEFAULTS, parse_references, parse_uncertainty

MOST_DAYS = 36_500
MOST_CYCLES = 10

calibrate = typer.Typer(
    name="calibrate",
    help="Calibrates a sensor against masses, gauge blocks or a gauge; shows what a board holds.",
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
YesOption = Annotated[
    bool, typer.Option("--yes", help="Write it to the board without asking, unless it is in doubt.")
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept",
        help="With --yes: write it although it is in doubt: bent, hysteresis, or far off the nominal scale.",
    ),
]


@calibrate.command()
def force(
    port: PortOption = None,
    references: Annotated[str, typer.Option(help="Masses or forces in rising order: kg, g or N.")] = DEFAULTS[
        "force"
    ],
    gravity: Annotated[
        float | None,
        typer.Option(
            help=f"Gravity of the place in m/s2, for masses; default: the standard {STANDARD_GRAVITY:g}, "
            "which is off by up to 0.43 %."
        ),
    ] = None,
    uncertainty: UncertaintyOption = None,
    cycles: CyclesOption = 1,
    valid_days: ValidDaysOption = VALID_DAYS,
    by: ByOption = "",
    traceability: TraceabilityOption = "",
    temperature: TemperatureOption = "",
    out: OutOption = None,
    yes: YesOption = False,
    accept: AcceptOption = False,
) -> None:
    """The load cell, with known masses on the cap, up and down again.

    Every reading is the mean of 2 s; an unsteady one is refused and asked for again. Nothing is written
    until the end; Ctrl-C leaves the board's old calibration.

    Exit code: 0 where it is on the board and its certificate is written, 2 for an error, 3 where it was not
    written to the board (Ctrl-C, no, or in doubt).
    """
    pull = STANDARD_GRAVITY if gravity is None else gravity
    found = parse_references("force", references, pull)
    stated = None if uncertainty is None else parse_uncertainty("force", uncertainty, pull)
    run_calibration(
        Asked(
            "force", found, port, by, uncertainty or "", stated, traceability, temperature, gravity, cycles,
            valid_days, out, yes, accept,
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
    accept: AcceptOption = False,
) -> None:
    """The follower behind the plug, with gauge blocks, in and out again.

    Readings, what is written and when: as for force.

    Exit code: 0 where it is on the board and its certificate is written, 2 for an error, 3 where it was not
    written to the board (Ctrl-C, no, or in doubt).
    """
    found = parse_references("depth", references)
    stated = None if uncertainty is None else parse_uncertainty("depth", uncertainty)
    run_calibration(
        Asked(
            "depth", found, port, by, uncertainty or "", stated, traceability, temperature, None, cycles,
            valid_days, out, yes, accept,
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
    accept: AcceptOption = False,
) -> None:
    """The marrow chamber, against a reference gauge, up and down again.

    Readings, what is written and when: as for force.

    Exit code: 0 where it is on the board and its certificate is written, 2 for an error, 3 where it was not
    written to the board (Ctrl-C, no, or in doubt).
    """
    found = parse_references("pressure", references)
    stated = None if uncertainty is None else parse_uncertainty("pressure", uncertainty)
    run_calibration(
        Asked(
            "pressure", found, port, by, uncertainty or "", stated, traceability, temperature, None, cycles,
            valid_days, out, yes, accept,
        )
    )  # fmt: skip


@calibrate.command()
def show(port: PortOption = None) -> None:
    """What the board holds: state, day, points and residual of every sensor."""
    console = terminal()
    with session_with(port, "calibrate show") as (session, hello):
        records = read_calibration(session)
    today = datetime.now(UTC).date()
    console.print(f"board {hello.board_id}, calibration {_whole(hello, records)}")
    for sensor in SENSORS:
        fitted = bool(hello.fields[sensor].fitted)
        console.print(f"{sensor}: {state_text(records[sensor], today) if fitted else 'not fitted'}")
        for line in _details(records[sensor]):
            console.print(f"  {line}")


@calibrate.command()
def tare(port: PortOption = None) -> None:
    """Measures the unloaded cell (zero, noise), and refuses over 20 N or 0.3 N of noise (uncalibrated).

    Nothing is stored: scores tare themselves on the rest before each attempt.
    """
    console = terminal()
    with session_with(port, "calibrate tare", writes=True) as (session, hello):
        health = Service(session).tare()
        newton = hello.fields.force.nano_units_per_count * 1e-9
    noise = health.force_noise_counts
    console.print(
        f"tared: zero at {health.force_zero_counts:,} counts, noise {noise:,} counts "
        f"({noise * newton:.3f} N by the nominal scale); nothing is stored"
    )


def _whole(hello: Hello, records: Records) -> str:
    """As in "none" or "incomplete: pressure missing"; the id of all where none is missing."""
    missing = missing_calibrations(hello, records)
    if missing and any(records.values()):
        return f"incomplete: {listed(missing)} missing"
    return str(hello.calibration_id or "none")


def _details(record: CalibrationRecord | None) -> Iterator[str]:
    if record is None:
        return
    unit = UNITS[record.sensor]
    yield f"id {record.id}, made {record.day}, residual {record.residual_text}"
    for point in record.points:
        yield f"{point.milliunits / 1000:>10.3f} {unit}  {point.counts:>10,} counts"
