"""Runs scripts/NAME.py with the firmware on its path: in MicroPython, or in CPython with the shim.

A script reads one JSON value a line from standard input and prints one a line: its heap is that of a Pico.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from popsense.twin.interpreter import find_interpreter

ROOT = Path(__file__).parents[2]
# Relative: MicroPython dies of a path of more than 255 bytes.
SCRIPTS = "tests/firmware/scripts"
FOLDERS = ("firmware", SCRIPTS, "host/popsense/twin/board")
SHIM = "host/popsense/twin/board/cpython"
INTERPRETERS = ("micropython", "cpython")


class ScriptProcess:
    """scripts/NAME.py, asked line by line; a process starts once for many questions."""

    def __init__(self, name: str, interpreter: str) -> None:
        self._process = subprocess.Popen(
            [*_command(interpreter), f"{SCRIPTS}/{name}.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"MICROPYPATH": _path(*FOLDERS), "PYTHONPATH": _path(SHIM, *FOLDERS[:2])},
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout

    def ask(self, value: Any, behind: str = "") -> Any:
        """What the script prints for one value. A script that fails leaves its traceback on standard error.

        behind: text on its standard input after the value's line.
        """
        self._in.write(f"{json.dumps(value)}\n{behind}")
        self._in.flush()
        answer = self._out.readline()
        assert answer, f"the script stopped at {value}"
        return json.loads(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._in, self._out):
            with suppress(BrokenPipeError):  # a script that died: its error stands on standard error
                stream.close()


def run_script(name: str, interpreter: str, *values: Any) -> list[Any]:
    """What a fresh process of scripts/NAME.py prints, value for value."""
    script = ScriptProcess(name, interpreter)
    try:
        return [script.ask(value) for value in values]
    finally:
        script.close()


def _command(interpreter: str) -> tuple[str, ...]:
    if interpreter == "micropython":
        return find_interpreter(interpreter).command
    return sys.executable, "-B", "-u"


def _path(*folders: str) -> str:
    return os.pathsep.join(folders)
