"""The JSON of `popsense demo --once --json`, made once per run: 5 seeds, all 20 with POPSENSE_FULL=1."""

import json
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.host.cli.programs import popsense

SEEDS = range(20 if os.environ.get("POPSENSE_FULL") == "1" else 5)


@cache
def demo_json() -> str:
    """Of the program itself, run in an empty folder."""
    with TemporaryDirectory() as folder:
        done = popsense(
            "demo", "--once", "--json", "--seeds", f"0..{SEEDS[-1]}", cwd=Path(folder), timeout=600
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert list(Path(folder).iterdir()) == []
        return done.stdout


def attempts(operator: str | None = None) -> list[dict[str, Any]]:
    """Those of one operator, or all."""
    every = json.loads(demo_json())["attempts"]
    return [attempt for attempt in every if operator in (None, attempt["operator"])]


def without_creation(text: str) -> str:
    """The JSON again, without what depends on the clock on the wall."""
    result = json.loads(text)
    for attempt in result["attempts"]:
        del attempt["created"]
    return json.dumps(result)
