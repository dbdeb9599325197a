"""Makes written bytes survive a crash, and tells who is writing: the one place that knows the system's calls.

The lock is the system's own and ends with its program, however that ends: flock, and on Windows a locked byte
(untested there).
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_sync = getattr(os, "fdatasync", os.fsync)  # Windows and macOS have fsync only
LOCKED_BYTE = 0x7FFF_0000  # Windows locks bytes, and nobody may read them: one that no recording reaches
CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EISDIR)


def make_durable(file: IO[bytes]) -> None:
    """Everything written to `file` so far is on the medium when this returns. OSError where it cannot be."""
    file.flush()
    _sync(file.fileno())


def make_names_durable(folder: Path) -> None:
    """The names in `folder` are on the medium, where the system can do that (Windows cannot). OSError."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in CANNOT_SYNC_FOLDERS:
            raise


def hold(file: IO[bytes], wait: bool = False) -> None:
    """Marks an open file as this program's until it is closed. BlockingIOError where another has it.

    wait: until the other lets go. Where the file system knows no locks (some network shares) nothing is done.
    """
    try:
        _lock(file, wait)
    except BlockingIOError:
        raise
    except OSError:
        return


def is_held(path: Path) -> bool:
    """Whether a program alive holds this file. True too where the system cannot tell. OSError."""
    with path.open("rb") as file:
        try:
            _lock(file, wait=False)
        except OSError:
            return True
    return False


def rename_to_new(source: Path, target: Path) -> None:
    """`source` gets the name `target`. FileExistsError where that is taken: nothing is ever replaced."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:  # file systems of memory sticks have no second names
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)
    else:
        source.unlink()


def _lock(file: IO[bytes], wait: bool) -> None:
    if fcntl is not None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        _lock_byte(file, wait)


def _lock_byte(file: IO[bytes], wait: bool) -> None:
    import msvcrt

    windows: Any = msvcrt
    at = file.tell()
    file.seek(LOCKED_BYTE)
    try:
        windows.locking(file.fileno(), windows.LK_LOCK if wait else windows.LK_NBLCK, 1)
    except PermissionError as error:  # what Windows says of a byte that another has
        raise BlockingIOError(error.errno, "held by another program") from error
    finally:
        with suppress(OSError):
            file.seek(at)
