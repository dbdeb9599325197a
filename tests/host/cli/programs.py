"""The command line, run in this process (quick) or as the program that it is."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from popsense.cli.main import run


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs `popsense ARGUMENTS` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *arguments: str | Path) -> Done:
        self._capfd.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["popsense", *map(str, arguments)])
        try:
            run()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        said = self._capfd.readouterr()
        return Done(code, said.out, said.err)


def popsense(
    *arguments: str | Path, cwd: Path, timeout: float = 100, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The installed program, as typed in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "popsense.cli.main", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
