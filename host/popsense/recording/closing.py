"""A finished journal becomes Parquet; the journal goes only when that is on the medium and reads the same."""

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from popsense.errors import RecordingError
from popsense.recording.disk_errors import NotNowError, reading, refuse_device, salvage_finishes, writing
from popsense.recording.durability import hold, make_durable, make_names_durable, rename_to_new
from popsense.recording.journal import parquet_path
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording

PAUSES_S = (0.01, 0.05, 0.2, 0.0)  # a salvage holds a file for a moment only, to see whether another does
STAYS = "the journal stays as it is"


def close_recording(journal: Path) -> Path:
    """The path of the Parquet beside it, or the journal's own where it holds no samples and stays.

    Where another program has just closed it, that one's. A program that only looks at the file is waited for.

    RecordingError, and the journal stays: it cannot be read, another program has it, the disk refuses, the
    Parquet does not read the same, or its name is taken by another recording (nothing is ever replaced).
    Closing again after a crash goes on where it ended.
    """
    if not journal.exists() and parquet_path(journal).exists():
        return parquet_path(journal)  # a journal is not begun where the name is taken: this one is ours
    with _held(journal):
        recording = read_recording(journal)
        if recording.form != "journal":
            raise RecordingError(f"{journal} is closed already", "Nothing is left to do.")
        if not len(recording.stored.samples):
            return journal
        target = parquet_path(journal)
        _publish(recording, target)
    with suppress(OSError):  # both forms hold the same: the next salvage removes what cannot be removed now
        journal.unlink(missing_ok=True)
    return target


def partial_path(journal: Path) -> Path:
    """The name under which the Parquet of a journal is written until it is whole."""
    return journal.with_name(f".{journal.name}.partial")


def _publish(recording: Recording, target: Path) -> None:
    """The recording under its final name, on the medium, read back."""
    if target.exists():
        _refuse_another(recording, target)
        with writing(target, STAYS, salvage_finishes(target.parent)):
            make_names_durable(target.parent)  # the crash may have come before this
        return
    partial = partial_path(recording.path)
    try:
        with writing(partial, STAYS, salvage_finishes(target.parent)):
            _write(recording, partial)
            _compare(recording, partial)
            _name(partial, target)
            make_names_durable(target.parent)
    finally:
        with suppress(OSError):  # a disk that failed may refuse this too
            partial.unlink(missing_ok=True)


def _write(recording: Recording, partial: Path) -> None:
    from popsense.recording.parquet import parquet_bytes  # pyarrow takes 0.1 s to import

    data = parquet_bytes(recording)
    with partial.open("wb") as file:  # over what a crash has left: the lock on the journal makes it ours
        file.write(data)
        make_durable(file)


def _compare(recording: Recording, written: Path) -> None:
    if not _is_same(recording, written):
        raise NotNowError(
            f"{written} does not read as it was written; {STAYS}",
            "Check the disk: copy the journal onto another one.",
        )


def _name(partial: Path, target: Path) -> None:
    try:
        rename_to_new(partial, target)
    except FileExistsError:
        raise _name_is_taken(target) from None


def _refuse_another(recording: Recording, target: Path) -> None:
    """A crash between the last two steps leaves both forms; what else has the name is not ours to touch."""
    if not _is_same(recording, target):
        raise _name_is_taken(target)


def _name_is_taken(target: Path) -> NotNowError:
    told = f"{target} exists and holds something else; {STAYS}"
    return NotNowError(told, f"Rename one of the two. {salvage_finishes(target.parent)}")


def _is_same(recording: Recording, written: Path) -> bool:
    from popsense.recording.parquet import content_sha256

    try:
        return content_sha256(read_recording(written)) == content_sha256(recording)
    except RecordingError:
        return False


@contextmanager
def _held(journal: Path) -> Generator[None]:
    """The journal is ours meanwhile: no other program closes it, and nobody writes it."""
    with reading(journal):
        refuse_device(journal)
        file = journal.open("rb")
    with file:
        _hold(journal, file)
        yield


def _hold(journal: Path, file: IO[bytes]) -> None:
    for pause_s in PAUSES_S:
        try:
            hold(file)
            return
        except BlockingIOError:
            time.sleep(pause_s)
    raise NotNowError(f"{journal} is in use by another program", "Wait until that one has closed it.")
