"""Tidies a folder of recordings at start-up: closes what a crash left open or what was never made Parquet."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from popsense.errors import RecordingError
from popsense.recording.closing import close_recording, partial_path
from popsense.recording.durability import is_held

Done = Literal["closed", "left", "removed"]


@dataclass(frozen=True)
class Salvaged:
    """One file and what was done with it.

    closed: `path` is the Parquet that came of `found`. left: nothing was done, `reason` says why. removed: an
    unfinished file of ours, whose journal is still there or closed.
    """

    found: Path
    done: Done
    path: Path
    reason: str = ""


def salvage(folder: Path) -> list[Salvaged]:
    """What was done, by name. Journals that a program alive holds are not touched and not listed.

    Safe to call at any time and by several programs; a second call finds nothing more to do, and tells again
    what had to be left.
    """
    found = [_closed(journal) for journal in sorted(folder.glob("*.journal")) if not _is_alive(journal)]
    return [*found, *_without_partials(folder)]


def _closed(journal: Path) -> Salvaged:
    try:
        path = close_recording(journal)
    except RecordingError as error:
        return Salvaged(journal, "left", journal, f"{error}. {error.remedy}".strip())
    if path == journal:
        return Salvaged(journal, "left", journal, f"{journal} holds no samples.")
    return Salvaged(journal, "closed", path)


def _without_partials(folder: Path) -> Iterator[Salvaged]:
    """Partial files are of crashes: whoever is at work on one holds its journal."""
    for partial in sorted(folder.glob(partial_path(Path("*.journal")).name)):
        journal = partial.with_name(partial.name.removeprefix(".").removesuffix(".partial"))
        if not _is_alive(journal) and _is_removed(partial):
            yield Salvaged(partial, "removed", partial)


def _is_alive(journal: Path) -> bool:
    try:
        return is_held(journal)
    except OSError:  # gone, or not to be opened: reading it says which
        return False


def _is_removed(partial: Path) -> bool:
    try:
        partial.unlink()
    except OSError:  # read-only folder: the next start tries again
        return False
    return True
