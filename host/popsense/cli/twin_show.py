"""`popsense twin show`: one simulated attempt, as figures in the terminal and as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from popsense.cli import paths
from popsense.cli.output import terminal
from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA, SITES, SiteProfile
from popsense.twin.cohort import Case, draw_case, load_plan
from popsense.twin.insertion import CONTROL_HZ, Insertion, Setup, simulate
from popsense.twin.script import NOMINAL_RATE_HZ, REFERENCE_SENSORS, draw_period_ns
from popsense.twin.sensors import digitise
from popsense.twin.transport import parse_address, parse_seed

LOWEST_HZ, HIGHEST_HZ = 80.0, 1000.0  # what the board starts with; its converter has rates to 1000, SBAS501
SPEED_S = 0.001  # half of the time over which the speed in the table is taken
KINDS = ("attempt", "negative")


def show(
    url: Annotated[
        str | None, typer.Argument(help="sim://SITE?operator=NAME&device=NAME&seed=N, or use the options.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Default: adult-proximal-tibia.")] = None,
    operator: Annotated[str | None, typer.Option(help="Default: expert.")] = None,
    device: Annotated[str | None, typer.Option(help="powered (default), manual or spring_loaded.")] = None,
    seed: Annotated[
        str | None, typer.Option(help="A whole number; default: 0, with --plan that of the plan.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(parser=paths.path, help="A cohort's TOML file: show one of its cases.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="With --plan: attempt (default) or negative.")] = None,
    number: Annotated[int | None, typer.Option(help="With --plan: which one, from 0.")] = None,
    rate: Annotated[float, typer.Option(help="Samples a second, 80 to 1000.")] = NOMINAL_RATE_HZ,
    out: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Draw it into this PNG (needs matplotlib).")
    ] = None,
) -> None:
    """Shows what really happens in one simulated attempt, and draws it beside what the sensors say."""
    one_at_all = {"--site": site, "--operator": operator, "--device": device}
    of_plan = {"--kind": kind, "--number": number}
    if plan is not None:
        _refuse(one_at_all | {"an address": url}, "--plan")
        case = _case_of_plan(plan, kind or "attempt", number or 0, seed)
    else:
        _refuse(of_plan, "no plan", "Name the cohort's TOML file with --plan.")
        if url is not None:
            _refuse(one_at_all | {"--seed": seed}, "an address")
        case = _case_of_address(url) if url is not None else _case_of_options(site, operator, device, seed)
    rate_hz = checked_rate(rate)
    if out is not None:
        _prepare_picture()
    insertion = simulate(case.setup)
    if out is not None:
        _draw(out, case, insertion, rate_hz)
    _print(terminal(), case, insertion, out)


def checked_rate(rate_hz: float) -> float:
    """The rate; UsageError for one that the board's converter does not have."""
    if LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        return rate_hz
    raise UsageError(
        f"{rate_hz:g} samples a second are not possible",
        f"Use --rate from {LOWEST_HZ:g} to {HIGHEST_HZ:g}.",
    )


def _refuse(given: Mapping[str, object], beside: str, remedy: str = "Leave one of them out.") -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} and {beside} do not go together", remedy)


def _case_of_plan(path: Path, kind: str, number: int, seed: str | None) -> Case:
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", f"Use --kind with one of: {', '.join(KINDS)}.")
    if number < 0:
        raise UsageError(f"--number {number} is negative", "Give 0 or more.")
    plan = load_plan(path)
    if seed is not None:
        plan = plan.model_copy(update={"seed": parse_seed(seed)})
    return draw_case(plan, kind, number)


def _case_of_address(url: str) -> Case:
    address = parse_address(url)
    return _plain(Setup(address.site, address.operator, address.device, address.seed))


def _case_of_options(site: str | None, operator: str | None, device: str | None, seed: str | None) -> Case:
    return _plain(
        Setup(_site(site), operator or "expert", device or "powered", 0 if seed is None else parse_seed(seed))
    )


def _plain(setup: Setup) -> Case:
    return Case("attempt", 0, setup, REFERENCE_SENSORS)


def _site(name: str | None) -> SiteProfile:
    if name is None:
        return ADULT_PROXIMAL_TIBIA
    if name not in SITES:
        raise UsageError(f"unknown site {name!r}", f"Use --site with one of: {', '.join(sorted(SITES))}.")
    return SITES[name]


def _prepare_picture() -> None:
    """Refuses early."""
    from popsense.reports.png import figure_class

    figure_class("--out")


def _draw(path: Path, case: Case, insertion: Insertion, rate_hz: float) -> None:
    from popsense.reports.twin_picture import write_picture
    from popsense.twin.readings import read_script

    seed = case.setup.seed
    script = digitise(insertion, seed, case.sensors, draw_period_ns(seed, rate_hz))
    write_picture(path, insertion, read_script(script, case.sensors), title(case))


def title(case: Case) -> str:
    """One line: who, with what, where, on what."""
    setup, condition = case.setup, case.setup.condition
    said = [setup.site.title, setup.operator.replace("_", " "), setup.device.replace("_", " ")]
    said += [f"seed {setup.seed}", condition.material]
    said += [
        f"{word} {part:.0%}" for word, part in (("worn", condition.worn), ("blunt", condition.blunt)) if part
    ]
    return ", ".join(said + ["used hole"] * condition.used_hole)


def _print(console: Console, case: Case, insertion: Insertion, out: Path | None) -> None:
    truth = insertion.truth
    console.print(f"\n{title(case)}", style="bold")
    console.print(_table(insertion))
    console.print(
        f"greatest force {insertion.force_n.max():.1f} N, deepest protrusion "
        f"{truth.deepest_protrusion_mm:.2f} mm, duration {insertion.time_s[-1]:.1f} s"
    )
    if truth.exit_half_s is None:
        console.print("No half of the resistance was lost beyond the inner face: no pop is due.")
    if out is not None:
        console.print(f"picture: {out}", soft_wrap=True)


def _table(insertion: Insertion) -> Table:
    """Every instant of the truth with what was so then."""
    from popsense.reports.twin_picture import instants

    table = Table(box=HORIZONTALS, padding=(0, 1, 0, 0))
    table.add_column("instant", no_wrap=True)
    for head in ("time\ns", "force\nN", "tip\nmm", "speed\nmm/s", "follower\nmm", "pressure\nkPa"):
        table.add_column(head, justify="right", no_wrap=True)
    for word, at_s, _ in instants(insertion.truth):
        table.add_row(word, *_cells(insertion, at_s))
    return table


def _cells(insertion: Insertion, at_s: float) -> list[str]:
    last = len(insertion.time_s) - 1
    at = min(last, round(at_s * CONTROL_HZ))
    ends = np.array([max(0, at - round(SPEED_S * CONTROL_HZ)), min(last, at + round(SPEED_S * CONTROL_HZ))])
    speed = float(np.diff(insertion.tip_mm[ends])[0] / np.diff(insertion.time_s[ends])[0])
    return [
        f"{at_s:.3f}",
        f"{insertion.force_n[at]:.2f}",
        f"{insertion.tip_mm[at]:.2f}",
        f"{speed:.1f}",
        f"{insertion.protrusion_mm[at]:.2f}",
        f"{insertion.pressure_kpa[at]:.2f}",
    ]
