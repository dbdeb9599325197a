"""`popsense record URL`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.life_cycle import State
from popsense.attempts.record import AttemptPlan
from popsense.backends import is_simulated, open_url
from popsense.cli.output import terminal
from popsense.cli.tables import print_ending, print_score
from popsense.errors import UsageError
from popsense.model import Mode
from popsense.procedure.sites import SITES, SiteProfile
from popsense.scoring import packaged_rubric, packaged_sites
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

TO_ITS_END: frozenset[State] = frozenset({"removed", "timed_out"})
ENDED_BEFORE = 3  # exit code: there is a recording, but not of a whole attempt


def record(
    url: Annotated[
        str, typer.Argument(help="serial:///dev/ttyACM0, serial://COM5 or sim://SITE?operator=NAME&seed=N")
    ],
    site: Annotated[str | None, typer.Option(help="Site of the cartridge; default: that of sim://.")] = None,
    mode: Annotated[str, typer.Option(help="guided, assessment or blind.")] = "guided",
    device: Annotated[
        str | None,
        typer.Option(help="Needle device: powered or manual; default: powered, or as sim:// says."),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(help="Who holds the needle (a code, no name); default: trainee, or as sim:// says."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Journal to write; default: a new one in the recordings folder.")
    ] = None,
) -> None:
    """Records one attempt, then prints its score.

    Exit code: 0 where it was recorded to its end (needle out, or time is up), 2 for an error, 3 where it
    ended before (cancelled by Ctrl-C, link lost); what came until then is kept and scored.
    """
    console = terminal()
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
    if plan.mode == "blind":
        print_ending(console, evaluation)
        console.print(f"score: popsense score {recorded.path}", soft_wrap=True)
    else:
        print_score(console, path.name, evaluation)
    console.print(f"page: popsense report {recorded.path}", soft_wrap=True)
    if recorded.outcome not in TO_ITS_END:
        raise typer.Exit(ENDED_BEFORE)


def _plan(url: str, site: str | None, mode: str, device: str | None, operator: str | None) -> AttemptPlan:
    if not is_simulated(url):
        where = _site(site)
        return AttemptPlan(where, _mode(mode), _device(device or "powered", where), operator or "trainee")
    address = parse_address(url)
    where = _site(address.site.name if site is None else site)
    _device(address.device if device is None else device, where)
    _refuse_contradiction("--site", site, address.site.name)
    _refuse_contradiction("--device", device, address.device)
    _refuse_contradiction("--operator", operator, address.operator)
    return AttemptPlan(where, _mode(mode), address.device, address.operator)


def _refuse_contradiction(option: str, given: str | None, addressed: str) -> None:
    if given is not None and given != addressed:
        raise UsageError(
            f"{option} {given!r} contradicts the address, which says {addressed!r}",
            f"Leave {option} out, or change the address.",
        )


def _device(name: str, site: SiteProfile) -> str:
    known = packaged_rubric(site.name).devices
    if name not in known:
        raise UsageError(
            f"no rubric of {site.name} is for the device {name!r}",
            f"Use --device with one of: {', '.join(known)}; in a sim:// address, device=.",
        )
    return name


def _site(name: str | None) -> SiteProfile:
    if name not in SITES:
        problem = "no site given" if name is None else f"unknown site {name!r}"
        raise UsageError(problem, f"Use --site with one that can be scored: {', '.join(packaged_sites())}.")
    return SITES[name]


def _mode(name: str) -> Mode:
    for mode in ("guided", "assessment", "blind"):
        if name == mode:
            return mode
    raise UsageError(f"unknown mode {name!r}", "Use guided, assessment or blind.")


def _tell(console: Console, mode: Mode, state: State) -> None:
    if state in WORDS and (mode == "guided" or state not in CUELESS):
        console.print(WORDS[state])
