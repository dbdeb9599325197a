"""What flashing asks of a board at MicroPython's prompt. `repl` is the real one; tests have one in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class About:
    """Which MicroPython runs there.

    mpy: sys.implementation._mpy, 0 where it loads no .mpy. machine: sys.implementation._machine.
    firmware: bone.settings.FIRMWARE_VERSION of what is on it, "" where there is none.
    """

    version: tuple[int, ...]
    mpy: int
    machine: str
    watchdog_running: bool
    firmware: str


class BoardFiles(Protocol):
    """Files of one board. Paths have no leading slash. LinkLost where the way is gone, DeviceError where the
    board itself refuses."""

    def about(self) -> About: ...

    def hashes(self) -> Mapping[str, str]:
        """SHA-256 in hex of every file that flashing knows of, by path: see plan.PLACES."""
        ...

    def free_bytes(self) -> int: ...

    def read(self, path: str) -> bytes: ...

    def make_folder(self, path: str) -> None:
        """Nothing where it is there."""
        ...

    def put(self, path: str, data: bytes) -> None: ...

    def copy(self, source: str, target: str) -> None: ...

    def rename(self, *moves: tuple[str, str]) -> None:
        """One after another, all in one breath of the board: only a loss of power comes between."""
        ...

    def remove(self, path: str) -> None:
        """A file, or a folder with what is in it; nothing where there is none."""
        ...

    def reset(self) -> None:
        """Hard; the firmware starts. The way is closed then; nothing where it is lost or closed already."""
        ...

    def close(self) -> None:
        """Safe to call twice."""
        ...
