"""Which interpreter runs the firmware off the board: a real MicroPython, else CPython with a shim."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from popsense.errors import UsageError

BOARD = Path(__file__).parent / "board"
HEAP = "384k"  # a Pico has 240; here every object is twice the size, and the source is compiled in it


@dataclass(frozen=True)
class Interpreter:
    """Command line up to the script, and folders (relative to the child's) that go first on its path."""

    command: tuple[str, ...]
    shims: tuple[str, ...] = ()


def find_interpreter(name: str = "auto") -> Interpreter:
    """`micropython`, `cpython`, or `auto`: MicroPython where it is installed. UsageError for another name."""
    micropython = _micropython()
    if name in ("auto", "micropython") and micropython:
        return Interpreter((micropython, "-X", f"heapsize={HEAP}"))
    if name in ("auto", "cpython"):
        return Interpreter((sys.executable, "-B", "-E"), ("board/cpython",))
    if name == "micropython":
        raise UsageError(
            "no MicroPython for this computer is installed",
            "Use interpreter=cpython, or install micropython.",
        )
    raise UsageError(f"unknown interpreter {name!r}", "Use interpreter=auto, micropython or cpython.")


def _micropython() -> str | None:
    beside = Path(sys.executable).parent / "micropython"
    return str(beside) if beside.is_file() else shutil.which("micropython")
