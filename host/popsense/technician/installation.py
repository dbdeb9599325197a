"""Does this installation work: Python, packages, firmware files, recordings folder, simulated board."""

import re
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from popsense.errors import PopsenseError
from popsense.link.session import Session
from popsense.technician.checks import Check, failed, ok
from popsense.technician.system import System
from popsense.twin.firmware_files import firmware_root
from popsense_protocol.codec import schema_hash

SIMULATED = "sim://adult-proximal-tibia?operator=expert&seed=1"
OLDEST_PYTHON = (3, 11)
FREE_BYTES = 100_000_000  # some 70 attempts of 3 minutes at 8 kB/s
REINSTALL = "Install popsense anew: python -m pip install --force-reinstall popsense."


def check_installation(recordings: Path, system: System) -> list[Check]:
    """recordings: the folder for new journals; it need not exist yet, and is not made."""
    return [
        check_python(),
        check_packages(),
        check_firmware_files(),
        check_recordings(recordings, system),
        check_twin(system),
    ]


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Version of the interpreter that runs this."""
    said = ".".join(str(part) for part in version)
    if version < OLDEST_PYTHON:
        return failed("Python", said, "Install popsense with Python 3.11 or newer.")
    return ok("Python", said)


def check_packages(
    requires: Callable[[str], list[str] | None] = metadata.requires,
    version: Callable[[str], str] = metadata.version,
) -> Check:
    """Every package that popsense cannot do without is there. Versions are pip's business."""
    try:
        said = version("popsense")
        needed = [_name(line) for line in requires("popsense") or [] if ";" not in line]
    except metadata.PackageNotFoundError:
        return failed("packages", "popsense is not installed", "python -m pip install popsense")
    missing = [name for name in needed if not _is_there(name, version)]
    if missing:
        return failed("packages", f"missing: {', '.join(missing)}", REINSTALL)
    return ok("packages", f"popsense {said} and the {len(needed)} packages that it needs")


def check_firmware_files(root: Callable[[], Path] = firmware_root) -> Check:
    """The firmware that doctor tells to copy speaks this program's protocol."""
    try:
        text = (root() / "bone/wire.py").read_text("utf-8")
    except (PopsenseError, OSError) as error:
        return failed("firmware files", str(error), REINSTALL)
    declared = re.search(r"(?m)^SCHEMA_HASH = (?:const\()?(\w+)", text)
    if declared is None or int(declared[1], 0) != schema_hash():
        return failed("firmware files", f"those in {root()} are of another release", REINSTALL)
    return ok("firmware files", str(root()))


def check_recordings(folder: Path, system: System) -> Check:
    """A file can be made there (or where the folder would be made), and there is space."""
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    choose = "Choose another folder: recordings in popsense.toml, or POPSENSE_RECORDINGS."
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"popsense")
        free = system.free_bytes(place)
    except OSError as error:
        return failed("recordings", f"{folder} cannot be written: {error.strerror}", choose)
    if free < FREE_BYTES:
        return failed(
            "recordings", f"{folder}: {free / 1e6:,.0f} MB free", f"Make room on its disk. {choose}"
        )
    return ok("recordings", f"{folder}: can be written, {free / 1e9:,.1f} GB free")


def check_twin(system: System) -> Check:
    """The simulated board starts and says HELLO."""
    try:
        transport = system.open_url(SIMULATED)
        try:
            hello = Session(transport).connect()
        finally:
            transport.close()
    except PopsenseError as error:
        return failed("simulated board", str(error), error.remedy or REINSTALL)
    return ok("simulated board", f"popsense {hello.firmware_version} on {hello.interpreter}")


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _is_there(name: str, version: Callable[[str], str]) -> bool:
    try:
        return bool(version(name))
    except metadata.PackageNotFoundError:
        return False
