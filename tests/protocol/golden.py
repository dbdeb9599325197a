"""The golden frames: protocol/golden/NAME.hex (one whole frame) and NAME.json (its fields).

There is no program that writes them: they are what other clients were built against. A change of theirs is a
change of the protocol.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "protocol" / "golden"
AS_HEX = ("board_id", "magic")  # bytes are hex text in the JSON


def frame(name: str) -> bytes:
    return bytes.fromhex((FOLDER / f"{name}.hex").read_text(encoding="ascii"))


def json_fields(name: str) -> dict[str, Any]:
    """As in the file, for the firmware's scripts."""
    fields: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    return fields


def packet_fields(name: str) -> dict[str, Any]:
    """As `decode` gives them."""
    return {key: bytes.fromhex(value) if key in AS_HEX else value for key, value in json_fields(name).items()}
