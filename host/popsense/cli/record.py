"""`popsense record URL`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.life_cycle import State
from popsense.attempts.record import AttemptPlan
from popsense.backends import open_url
from popsense.cli.tables import print_score
from popsense.errors import UsageError
from popsense.model import Mode
from popsense.procedure.sites import SITES, SiteProfile
from popsense.settings import load_settings
from popsense.twin.transport import parse_address

WORDS: dict[State, str] = {
    "armed": "Ready. Insert the needle.",
    "running": "Bone contact.",
    "confirming": "In the marrow. Confirm, then remove the needle.",
    "removed": "Needle out.",
    "timed_out": "Time is up.",
    "cancelled": "Ended by you.",
    "link_lost": "The link to the board was lost; what came is kept.",
}
# In assessment nothing may cue the trainee, and in blind mode nothing at all is shown.
CUELESS: frozenset[State] = frozenset({"running", "confirming"})


def record(
    url: Annotated[
        str, typer.Argument(help="serial:///dev/ttyACM0, serial://COM5 or sim://SITE?operator=NAME&seed=N")
    ],
    site: Annotated[str | None, typer.Option(help="Site of the cartridge; default: that of sim://.")] = None,
    mode: Annotated[str, typer.Option(help="guided, assessment or blind.")] = "guided",
    device: Annotated[str, typer.Option(help="Needle device: powered or manual.")] = "powered",
    operator: Annotated[str, typer.Option(help="Who holds the needle (a code, no name).")] = "trainee",
    out: Annotated[
        Path | None, typer.Option(help="Journal to write; default: a new one in the recordings folder.")
    ] = None,
) -> None:
    """Records one attempt, then prints its score."""
    console = Console()
    settings = load_settings()
    plan = _plan(url, site, mode, device, operator)
    path = (
        out or settings.recordings / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{plan.site.name}.journal"
    )
    transport = open_url(url)
    try:
        recorded, evaluation = conduct_attempt(
            transport, plan, path, settings, lambda state: _tell(console, plan.mode, state)
        )
    finally:
        transport.close()
    console.print(f"recorded: {recorded.path}", soft_wrap=True)
    if plan.mode != "blind":
        print_score(console, path.name, evaluation)


def _plan(url: str, site: str | None, mode: str, device: str, operator: str) -> AttemptPlan:
    if url.startswith("sim://"):  # the address says who holds which device, whatever the options say
        address = parse_address(url)
        return AttemptPlan(_site(site or address.site.name), _mode(mode), address.device, address.operator)
    return AttemptPlan(_site(site), _mode(mode), device, operator)


def _site(name: str | None) -> SiteProfile:
    if name not in SITES:
        problem = "no site given" if name is None else f"unknown site {name!r}"
        raise UsageError(problem, f"Use --site with one of: {', '.join(sorted(SITES))}.")
    return SITES[name]


def _mode(name: str) -> Mode:
    for mode in ("guided", "assessment", "blind"):
        if name == mode:
            return mode
    raise UsageError(f"unknown mode {name!r}", "Use guided, assessment or blind.")


def _tell(console: Console, mode: Mode, state: State) -> None:
    if state in WORDS and (mode == "guided" or state not in CUELESS):
        console.print(WORDS[state])
