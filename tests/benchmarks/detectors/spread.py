"""Work over many cases, with a bar that says how long it will still take."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from popsense.attempts.workers import in_order

from .cases import Item

Result = TypeVar("Result")
LOOKS_BACK_S = 120.0  # the time left is reckoned from the speed of this long


def spread(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int, progress: bool = True
) -> Iterator[Result]:
    """work(item) of each, in the order of the items; the bar is on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not progress, speed_estimate_period=LOOKS_BACK_S) as bar:
        yield from bar.track(in_order(work, items, jobs), total=len(items), description="cases")
