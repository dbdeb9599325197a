"""What the firmware's source says, read with ast: nothing of it is imported or run."""

import ast
from pathlib import Path
from typing import Any

BONE = Path(__file__).parents[2] / "firmware" / "bone"


def constants(name: str) -> dict[str, Any]:
    """NAME = literal and NAME = const(literal) of one file in firmware/bone, by name."""
    tree = ast.parse((BONE / name).read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _literal(node.value)
            if value is not None:
                found[node.targets[0].id] = value
    return found


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
        node = node.args[0]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
