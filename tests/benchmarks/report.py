"""How a benchmark hands over its figures: a table for people, JSON for machines.

A benchmark is a program `bench_NAME.py` in this folder that ends with `write_bench("NAME", rows)`.
Run it with `make bench-NAME`.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

OUTPUT = Path(__file__).parents[2] / "build" / "bench"


@dataclass(frozen=True)
class Figure:
    """One measured figure. bar: the value asked for, or None; higher is better unless told."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    higher_is_better: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.higher_is_better else self.value <= self.bar


def write_bench(name: str, rows: Sequence[Figure], folder: Path = OUTPUT) -> Path:
    """Prints the table and writes folder/NAME.json, a list of {name, value, unit, bar, met}.

    Ends the program with code 1 where a bar is missed, after writing.
    """
    for row in rows:
        print(_line(row))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps([_record(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    if any(row.met is False for row in rows):
        sys.exit(1)
    return path


def _record(row: Figure) -> dict[str, object]:
    record = asdict(row)
    del record["higher_is_better"]
    return record | {"met": row.met}


def _line(row: Figure) -> str:
    bar = "" if row.bar is None else f"{'>=' if row.higher_is_better else '<='} {row.bar:g}"
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    return f"{row.name:<44} {row.value:>14.6g} {row.unit:<14} {bar:<12} {verdict}".rstrip()
