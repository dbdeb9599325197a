"""What the system refuses when a recording is written, as our error with the remedy for it."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from popsense.errors import RecordingError

MAY_NOT = "Choose a folder you may write to."
GONE = "Plug the medium in again, or choose another folder."
REMEDIES = {
    "ENOSPC": "Free some space on the disk.",
    "EDQUOT": "Free some space: your share of the disk is used up.",
    "EFBIG": "Choose a disk that takes larger files.",
    "EROFS": "The disk is read-only: choose a folder on another one.",
    "EIO": "The disk fails or was taken out: check it, and choose a folder on another one.",
    "ENODEV": GONE,
    "ENXIO": GONE,
    "ENOENT": GONE,
    "ESTALE": GONE,
}


@contextmanager
def writing(path: Path, then: str = "") -> Generator[None]:
    """OSError becomes RecordingError. then: what the message adds, such as what is kept all the same."""
    try:
        yield
    except OSError as error:
        told = f"cannot write {path}: {error.strerror or error}"
        remedy = REMEDIES.get(errno.errorcode.get(error.errno or 0, ""), MAY_NOT)
        raise RecordingError(f"{told}; {then}" if then else told, remedy) from error
