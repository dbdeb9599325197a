"""All that was measured, for machines: every group with its intervals, every setting of every rule."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any, cast

from .drilling import Comparison
from .summary import Summary
from .trade_off import Point


def write_details(
    path: Path,
    groups: Mapping[str, Mapping[str, Summary]],
    ours: Point,
    points: Sequence[Point],
    drilling: Sequence[Comparison],
) -> None:
    """groups: title -> name -> summary. What is no number is null."""
    content = {
        "groups": {
            title: {name: asdict(own) for name, own in named.items()} for title, named in groups.items()
        },
        "rules": {"ours": asdict(ours), "settings": [asdict(point) for point in points]},
        "drilling": [asdict(row) | {"met": row.is_inside} for row in drilling],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_finite(content)) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in cast(dict[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in cast(list[Any], value)]
    return None if isinstance(value, float) and not isfinite(value) else value
