"""Tidies a folder of recordings at start-up: closes what a crash left open or what was never made Parquet."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from popsense.errors import RecordingError
from popsense.recording.closing import close_recording, partial_path
from popsense.recording.disk_errors import NotNowError, reading
from popsense.recording.durability import is_held
from popsense.recording.reader import EmptyJournalError

Done = Literal["closed", "left", "unreadable", "empty", "in use", "removed"]


@dataclass(frozen=True)
class Salvaged:
    """One file and what was done with it.

    closed: `path` is the Parquet that came of `found`. removed: an unfinished file of ours, whose journal is
    still there or closed. With all others nothing was done, and `reason` says why. left: it can be finished
    later. unreadable: not by this program. empty: nothing is in it. in use: a program is writing it.
    """

    found: Path
    done: Done
    path: Path
    reason: str = ""


def salvage(folder: Path) -> list[Salvaged]:
    """What was done, by name. Journals that a program alive holds are not touched.

    Safe to call at any time and by several programs; a second call finds nothing more to do, and tells again
    what had to be left. A folder that is not there has nothing in it; RecordingError where it cannot be read.
    """
    if _is_absent(folder):
        return []
    found = [_treated(journal) for journal in sorted(folder.glob("*.journal")) if journal.is_file()]
    return [*found, *_without_partials(folder)]


def _is_absent(folder: Path) -> bool:
    with reading(folder):
        try:
            next(folder.iterdir(), None)
        except (FileNotFoundError, NotADirectoryError):
            return True
    return False


def _treated(journal: Path) -> Salvaged:
    if _is_alive(journal):
        return Salvaged(journal, "in use", journal, f"{journal} is being written by a program.")
    return _closed(journal)


def _closed(journal: Path) -> Salvaged:
    try:
        path = close_recording(journal)
    except EmptyJournalError:
        return _empty(journal)
    except RecordingError as error:
        done = "left" if isinstance(error, NotNowError) else "unreadable"
        return Salvaged(journal, done, journal, f"{error}. {error.remedy}".strip())
    return _empty(journal) if path == journal else Salvaged(journal, "closed", path)


def _empty(journal: Path) -> Salvaged:
    return Salvaged(journal, "empty", journal, f"{journal} holds no samples: it may be deleted.")


def _without_partials(folder: Path) -> Iterator[Salvaged]:
    """Partial files are of crashes: whoever is at work on one holds its journal."""
    for partial in sorted(folder.glob(partial_path(Path("*.journal")).name)):
        journal = partial.with_name(partial.name.removeprefix(".").removesuffix(".partial"))
        if not _is_alive(journal) and _is_removed(partial):
            yield Salvaged(partial, "removed", partial)


def _is_alive(journal: Path) -> bool:
    try:
        return journal.is_file() and is_held(journal)
    except OSError:  # gone, or not to be opened: reading it says which
        return False


def _is_removed(partial: Path) -> bool:
    try:
        partial.unlink()
    except OSError:  # read-only folder: the next start tries again
        return False
    return True
