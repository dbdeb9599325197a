"""All that was measured, for machines: every group with its intervals, every setting of every rule."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.report import Figure

from .deepest import Deepest
from .drilling import Comparison
from .summary import Summary
from .trade_off import Point
from .used_holes import UsedHoles


def write_details(
    path: Path,
    groups: Mapping[str, Mapping[str, Summary]],
    ours: Point,
    points: Sequence[Point],
    drilling: Sequence[Comparison],
    deepest: Mapping[str, Mapping[str, Deepest]],
    used_holes: Mapping[str, Mapping[str, UsedHoles]],
) -> None:
    """groups: title -> name -> summary; deepest, used_holes: rate -> name. What is no number is null."""
    content = {
        "groups": {
            title: {name: asdict(own) for name, own in named.items()} for title, named in groups.items()
        },
        "deepest_protrusion_host": {
            rate: {name: asdict(own) for name, own in named.items()} for rate, named in deepest.items()
        },
        "used_holes": {
            rate: {name: asdict(own) for name, own in named.items()} for rate, named in used_holes.items()
        },
        "rules": {"ours": asdict(ours), "settings": [asdict(point) for point in points]},
        "drilling": [asdict(row) | {"met": row.is_inside} for row in drilling],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_finite(content)) + "\n", encoding="utf-8")


def add_told(path: Path, figures: Sequence[Figure]) -> None:
    """Adds figures to what write_bench wrote, in its shape; a missed bar among them sets no exit code."""
    records: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    for figure in figures:
        bar = {"bar": figure.bar, "met": figure.met}
        records.append({"name": figure.name, "value": figure.value, "unit": figure.unit, **bar})
    path.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in cast(dict[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in cast(list[Any], value)]
    return None if isinstance(value, float) and not isfinite(value) else value
