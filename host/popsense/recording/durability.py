"""Makes written bytes survive a crash of the machine. The one place that knows which call the system has."""

import os
from typing import IO

_sync = getattr(os, "fdatasync", os.fsync)  # Windows and macOS have fsync only


def make_durable(file: IO[bytes]) -> None:
    """Everything written to `file` so far is on the medium when this returns. OSError where it cannot be."""
    file.flush()
    _sync(file.fileno())
