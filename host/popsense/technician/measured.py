"""firmware/measured.json: what an emulated Pico gave, and whether that was this firmware.

Written by `make bench-firmware`; read here without trust, since it may be of another release.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

NAME = "measured.json"
HEADING = "emulated, no flash-cache misses; expect 1.5 to 2 times"
COMMAND = "make bench-firmware"


@dataclass(frozen=True)
class Measured:
    """figures: name -> (value, unit). about: all else that it says. problem: why there is nothing, or "".

    stale: it belongs to another firmware than the one beside it.
    """

    figures: Mapping[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: str = ""
    stale: bool = False


def read_measured(firmware: Path) -> Measured:
    """firmware: the folder beside whose files it lies."""
    try:
        content: Any = json.loads((firmware / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Measured(problem=f"there are no figures of an emulated board: {COMMAND} makes them")
    except (OSError, ValueError) as error:
        return Measured(problem=f"{NAME} cannot be read: {error}")
    if not isinstance(content, dict):
        return Measured(problem=f"{NAME} is no object")
    told = cast(dict[str, Any], content)
    about = {name: str(value) for name, value in told.items() if isinstance(value, str | int | float)}
    stale = about.get("firmware_sha256") != firmware_sha256(firmware)
    return Measured(_figures(told.get("figures")), about, stale=stale)


def firmware_sha256(firmware: Path) -> str:
    """Over path, length and content of every file of the firmware but measured.json."""
    total = hashlib.sha256()
    for path in sorted(path for path in firmware.rglob("*") if _counts(path)):
        content = path.read_bytes()
        total.update(f"{path.relative_to(firmware).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _counts(path: Path) -> bool:
    return path.is_file() and path.name != NAME and path.parent.name != "__pycache__"


def _figures(listed: Any) -> dict[str, tuple[float, str]]:
    """What has a name and a number; the rest is passed over."""
    figures: dict[str, tuple[float, str]] = {}
    for one in cast(list[Any], listed) if isinstance(listed, list) else []:
        if not isinstance(one, dict):
            continue
        entry = cast(dict[str, Any], one)
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, str) and isinstance(value, int | float):
            figures[name] = (float(value), str(entry.get("unit", "")))
    return figures
