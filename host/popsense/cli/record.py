"""`popsense record URL`."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.evaluate import Evaluation
from popsense.attempts.life_cycle import State
from popsense.attempts.record import AttemptPlan, LinkState, Listeners, Recorded
from popsense.backends import Attempted, attempted, open_url
from popsense.cli import paths
from popsense.cli.output import AnswerRefusedError, terminal
from popsense.cli.salvage import tell_salvaged
from popsense.cli.tables import print_ending, print_score
from popsense.errors import RecordingError, UsageError
from popsense.model import Mode
from popsense.procedure.sites import SITES, SiteProfile
from popsense.recording.salvage import salvage
from popsense.scoring import packaged_rubric, packaged_sites
from popsense.settings import load_settings

WORDS: dict[State, str] = {
    "armed": "Ready. Insert the needle.",
    "running": "Bone contact.",
    "confirming": "In the marrow. Confirm, then remove the needle.",
    "removed": "Needle out.",
    "timed_out": "Time is up.",
    "cancelled": "Ended by you.",
    "link_lost": "The link to the board was lost; what came is kept.",
}
LINK_WORDS: dict[LinkState, str] = {
    "lost": "The board does not answer. Looking for it: go on, it remembers the last 8 s.",
    "back": "The board is back.",
}
# In assessment nothing may cue the trainee, and in blind mode nothing at all is shown.
CUELESS: frozenset[State] = frozenset({"running", "confirming"})

TO_ITS_END: frozenset[State] = frozenset({"removed", "timed_out"})
T = TypeVar("T")
ENDED_BEFORE = 3  # exit code: there is a recording, but not of a whole attempt


def record(
    url: Annotated[
        str,
        typer.Argument(
            help="serial:///dev/ttyACM0, serial://COM5, sim://SITE?operator=NAME&seed=N "
            "or replay://FILE?speed=4 (or max)."
        ),
    ],
    site: Annotated[
        str | None, typer.Option(help="Site of the cartridge; default: that of sim:// or replay://.")
    ] = None,
    mode: Annotated[str, typer.Option(help="guided, assessment or blind.")] = "guided",
    device: Annotated[
        str | None,
        typer.Option(
            help="Needle device: powered or manual; default: powered, or as sim:// or replay:// says."
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            help="Who holds the needle (a code, no name); default: trainee, or as sim:// or replay:// says."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=paths.path,
            help="Recording to write (NAME.parquet), or a folder to make a new one in; default: the "
            "recordings folder.",
        ),
    ] = None,
    uncalibrated: Annotated[
        bool,
        typer.Option(
            "--uncalibrated",
            help="Begin although the board has no calibration; sim:// and replay:// need none. "
            "An expired one needs no leave: the score says so.",
        ),
    ] = False,
    progress: Annotated[
        bool,
        typer.Option("--progress", help="Print, once a second, below which sample all is kept on the disk."),
    ] = False,
) -> None:
    """Records one attempt, then prints its score.

    While it is recorded it is a journal, NAME.journal, which a crash does not harm; the next start, or
    `popsense salvage`, finishes what a crash has left in its folder.

    Exit code: 0 where it was recorded to its end (needle out, or time is up), 2 for an error, 3 where it
    ended before (cancelled by Ctrl-C, link lost); what came until then is kept and scored.
    """
    console = terminal()
    settings = load_settings()
    known = attempted(url)
    plan = _plan(known, site, mode, device, operator)
    plan = replace(plan, uncalibrated=uncalibrated or known is not None)
    folder, journals = paths.journals(out, settings.recordings, plan.site.name)
    _tidy(console, settings.recordings, folder)
    listeners = _listeners(console, plan.mode, progress)
    transport = open_url(url)
    try:
        recorded, evaluation = paths.into_a_free_one(
            journals, lambda path: conduct_attempt(transport, plan, path, settings, listeners)
        )
    finally:
        transport.close()
    try:
        _print(console, plan.mode, recorded, evaluation)
    except AnswerRefusedError as error:
        error.remedy = f"The attempt is recorded: {recorded.path}"
        raise
    if recorded.outcome not in TO_ITS_END:
        raise typer.Exit(ENDED_BEFORE)


def _tidy(console: Console, *folders: Path) -> None:
    """Finishes what crashes have left in them; what stands against it is told, and the attempt goes on."""
    for folder in {folder.absolute(): folder for folder in folders}.values():
        with suppress(AnswerRefusedError):
            try:
                tell_salvaged(console, salvage(folder))
            except RecordingError as error:
                console.print(f"nothing salvaged: {error}. {error.remedy}", soft_wrap=True)


def _print(console: Console, mode: Mode, recorded: Recorded, evaluation: Evaluation) -> None:
    console.print(f"recorded: {recorded.path}", soft_wrap=True)
    if recorded.not_closed:
        console.print(f"not closed: {recorded.not_closed}", soft_wrap=True)
    if mode == "blind":
        print_ending(console, evaluation)
        console.print(f"score: popsense score {recorded.path}", soft_wrap=True)
    else:
        print_score(console, recorded.path.name, evaluation)
    console.print(f"page: popsense report {recorded.path}", soft_wrap=True)


def _plan(
    known: Attempted | None, site: str | None, mode: str, device: str | None, operator: str | None
) -> AttemptPlan:
    if known is None:
        where = _site(site)
        return AttemptPlan(where, _mode(mode), _device(device or "powered", where), operator or "trainee")
    where = _site(known.site if site is None else site)
    _device(known.device if device is None else device, where)
    _refuse_contradiction("--site", site, known.site)
    _refuse_contradiction("--device", device, known.device)
    _refuse_contradiction("--operator", operator, known.operator)
    return AttemptPlan(where, _mode(mode), known.device, known.operator)


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


def _listeners(console: Console, mode: Mode, progress: bool) -> Listeners:
    """Who cannot be told is not told: the attempt goes on."""
    return Listeners(
        state=_unheard(lambda state: _tell(console, mode, state)),
        link=_unheard(lambda state: console.print(LINK_WORDS[state])),
        durable_through=_unheard(_print_durable) if progress else lambda index: None,
        calibration=_unheard(lambda doubt: _tell_calibration(console, doubt)),
        sampling=_unheard(lambda costs: _tell_sampling(console, costs)),
        faults=_unheard(lambda notice: _tell_faults(console, notice)),
    )


def _tell_sampling(console: Console, costs: Sequence[str]) -> None:
    for sentence in costs:
        console.print(sentence, soft_wrap=True)


def _tell_faults(console: Console, notice: str) -> None:
    for fault in notice.splitlines():
        console.print(f"Fault: {fault}", soft_wrap=True)


def _tell_calibration(console: Console, doubt: str) -> None:
    if doubt:
        console.print(f"Uncalibrated: {doubt}. The score will say so.", soft_wrap=True)


def _unheard(tell: Callable[[T], None]) -> Callable[[T], None]:
    def told(what: T) -> None:
        with suppress(AnswerRefusedError):
            tell(what)

    return told


def _print_durable(index: int) -> None:
    """At once, even into a pipe: who reads it wants to know it after a crash."""
    typer.echo(f"durable_through {index}")
    sys.stdout.flush()


def _tell(console: Console, mode: Mode, state: State) -> None:
    if state in WORDS and (mode == "guided" or state not in CUELESS):
        console.print(WORDS[state])
