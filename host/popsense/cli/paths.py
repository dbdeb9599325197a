"""Names of files and folders: as they are typed, and those that a new recording may get."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

from popsense.errors import UsageError
from popsense.recording.disk_errors import writing
from popsense.recording.journal import NameTakenError, journal_path, parquet_path

T = TypeVar("T")


def path(text: str) -> Path:
    """What typer makes of such an argument; whether it can be read or written is told by whoever does."""
    if not text:
        raise UsageError("an empty name is that of no file and no folder", "Name one.")
    return Path(text)


def journals(out: Path | None, recordings: Path, site: str) -> tuple[Path, Iterable[Path]]:
    """The folder, and the names to try in it: more than one only where the user chose none."""
    folder = recordings if out is None else out
    with writing(folder):
        if out is not None and not out.is_dir():
            path = journal_path(out)
            return path.parent, [path]
    return folder, _new_names(folder, f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{site}")


def _new_names(folder: Path, name: str) -> Iterator[Path]:
    """NAME.journal, NAME-2.journal and so on, without those that are seen to be taken."""
    names = (journal_path(folder / (name if number == 1 else f"{name}-{number}")) for number in count(1))
    return (path for path in names if not _is_taken(path))


def _is_taken(journal: Path) -> bool:
    with writing(journal):
        return journal.exists() or parquet_path(journal).exists()


def into_a_free_one(journals: Iterable[Path], conduct: Callable[[Path], T]) -> T:
    """Another program may take a name before us: then the next. Nothing has begun on the board by then."""
    taken: NameTakenError | None = None
    for path in journals:
        try:
            return conduct(path)
        except NameTakenError as error:
            taken = error
    raise taken or UsageError("no name for the recording", "Name one with --out.")
