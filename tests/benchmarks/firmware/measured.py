"""firmware/measured.json: what the emulated Pico gave, for which firmware; and whether that is this one.

As a program (`make quick`) it prints a warning where the firmware has changed since, and never fails.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from popsense.technician.measured import COMMAND, HEADING, NAME
from popsense.technician.measured import firmware_sha256 as firmware_hash

__all__ = ["COMMAND", "FIRMWARE", "HEADING", "NAME", "firmware_hash", "stale_warning", "write_measured"]

FIRMWARE = Path(__file__).parents[3] / "firmware"


def write_measured(facts: Mapping[str, Any], firmware_sha256: str, firmware: Path = FIRMWARE) -> Path:
    """facts: image, emulator, date, figures; firmware_sha256: of the files that were measured."""
    content = {"heading": HEADING, "firmware_sha256": firmware_sha256, **facts}
    path = firmware / NAME
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def stale_warning(firmware: Path = FIRMWARE) -> str:
    """Why the figures do not hold for this firmware, and the command; "" where they do."""
    try:
        measured = json.loads((firmware / NAME).read_text(encoding="utf-8"))
        known = measured["firmware_sha256"]
    except FileNotFoundError:
        return f"firmware/{NAME} is missing: {COMMAND}"
    except (ValueError, KeyError, TypeError, OSError) as error:
        return f"firmware/{NAME} cannot be read ({error}): {COMMAND}"
    if known == firmware_hash(firmware):
        return ""
    return f"firmware/{NAME} is stale: the firmware has changed since it was measured: {COMMAND}"


def main(firmware: Path = FIRMWARE) -> None:
    if warning := stale_warning(firmware):
        print(f"warning: {warning}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
