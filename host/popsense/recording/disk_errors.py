"""What the system refuses when a recording is written or read, as our error with the remedy for it."""

import errno
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from popsense.errors import RecordingError

MAY_NOT = "Choose a folder you may write to."
GONE = "Plug the medium in again, or choose another folder."
WRITING = {
    "ENOSPC": "Free some space on the disk.",
    "EDQUOT": "Free some space: your share of the disk is used up.",
    "EFBIG": "Choose a disk that takes larger files.",
    "EROFS": "The disk is read-only: choose a folder on another one.",
    "EIO": "The disk fails or was taken out: check it, and choose a folder on another one.",
    "ENAMETOOLONG": "Choose a shorter name.",
    "ENODEV": GONE,
    "ENXIO": GONE,
    "ENOENT": GONE,
    "ESTALE": GONE,
}
CHECK_THE_NAME = "Check the file's name."
NO_RIGHT = "Ask its owner for the right to read it."
UNPLUGGED = "Plug the medium in again."
READING = {
    "EACCES": NO_RIGHT,
    "EPERM": NO_RIGHT,
    "EISDIR": "Name a file in it.",
    "EIO": "The disk fails or was taken out: check it.",
    "ENODEV": UNPLUGGED,
    "ENXIO": UNPLUGGED,
    "ESTALE": UNPLUGGED,
}


class NotNowError(RecordingError):
    """The disk, a right, another file or program is in the way: what was wanted can be done later."""


@contextmanager
def writing(path: Path, then: str = "", afterwards: str = "") -> Generator[None]:
    """OSError becomes NotNowError.

    then: what the message adds, such as what is kept all the same. afterwards: what the remedy adds.
    """
    try:
        yield
    except OSError as error:
        told = f"cannot write {path}: {error.strerror or error}"
        remedy = f"{_remedy(WRITING, error, MAY_NOT)} {afterwards}".strip()
        raise NotNowError(f"{told}; {then}" if then else told, remedy) from error


@contextmanager
def reading(path: Path) -> Generator[None]:
    """OSError becomes NotNowError."""
    try:
        yield
    except OSError as error:
        told = f"cannot read {path}: {error.strerror or error}"
        raise NotNowError(told, _remedy(READING, error, CHECK_THE_NAME)) from error


def refuse_device(path: Path) -> None:
    """RecordingError for a pipe, a terminal and the like: to open or read one may take for ever. OSError."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise RecordingError(
            f"{path} is a pipe or a device and no file", "Name a file that popsense recorded."
        )


def salvage_finishes(folder: Path) -> str:
    """The sentence on what makes a journal in this folder a recording."""
    return f"Then `popsense salvage {folder}` finishes the recording."


def _remedy(remedies: dict[str, str], error: OSError, otherwise: str) -> str:
    return remedies.get(errno.errorcode.get(error.errno or 0, ""), otherwise)
