"""Modules of firmware/bone in this process, under CPython with the shim; of those without hardware."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[2]
PATHS = ("firmware", "host/popsense/twin/board/cpython")


def load_bone(*names: str) -> SimpleNamespace:
    """bone.NAME by name; nothing of it stays where other tests could import it by mistake."""
    before = set(sys.modules)
    sys.path[:0] = [str(ROOT / folder) for folder in PATHS]
    try:
        return SimpleNamespace(**{name: importlib.import_module(f"bone.{name}") for name in names})
    finally:
        del sys.path[: len(PATHS)]
        for name in set(sys.modules) - before:
            if name.split(".")[0] in ("bone", "micropython"):
                del sys.modules[name]
