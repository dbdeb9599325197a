"""Where the firmware's files are: the wheel's copy, or the checkout's."""

from pathlib import Path

from popsense.errors import TwinError

PACKAGE = Path(__file__).resolve().parents[1]


def firmware_root() -> Path:
    """Folder that holds main.py and bone/, as it is copied to the Pico."""
    packaged, checkout = PACKAGE / "_firmware", PACKAGE.parents[1] / "firmware"
    for root in (packaged, checkout):
        if (root / "main.py").is_file():
            return root
    raise TwinError("the firmware's files are missing from this installation", "Reinstall popsense.")
