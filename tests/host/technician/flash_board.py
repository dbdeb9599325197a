"""A board's file system in memory, which loses its power, or its host, after so many steps."""

from collections.abc import Mapping

from popsense.errors import LinkLost
from popsense.technician.flash.board import About
from popsense.technician.flash.plan import CALIBRATION, LIVE, MAIN
from popsense.technician.flash.release import MANIFEST, Manifest, Release, sha256

ARMV6M_MPY = 6 | 3 << 8 | 4 << 10
PICO_ABOUT = About((1, 28, 0), ARMV6M_MPY, "Raspberry Pi Pico with RP2040", False, "0.0.9")
CALIBRATED = {f"{CALIBRATION}/force.bin": b"\1\2\3", f"{CALIBRATION}/depth.bin": b"\4"}
BY_HAND = {f"{LIVE}/app.py": b"old app", f"{LIVE}/settings.py": b"old settings", MAIN: b"old main"}


def small_release(version: str = "0.1.0", **modules: bytes) -> Release:
    """main.py and a few modules, two of them if none are given."""
    given = {f"{name}.mpy": data for name, data in modules.items()}
    files = {MAIN: f"main of {version}".encode()} | (
        given or {"app.mpy": b"M\6\0app", "wire.mpy": b"M\6\0wire"}
    )
    manifest = Manifest(version, {name: sha256(data) for name, data in files.items()})
    return Release(version, files | {MANIFEST: manifest.as_bytes()})


def copied(release: Release) -> dict[str, bytes]:
    """Files of a board on which it is in place."""
    return {f"{LIVE}/{name}": data for name, data in release.files.items()} | {MAIN: release.files[MAIN]}


class MemoryBoard:
    """See board.BoardFiles. Renames as littlefs does it: a file replaces a file, a folder an empty one.

    steps_left: changes until the power goes, in the middle of the next one; None: it stays.
    """

    def __init__(self, files: Mapping[str, bytes], steps_left: int | None = None) -> None:
        self.files = dict(files)
        self.folders = {path.rpartition("/")[0] for path in files} - {""}
        self.steps_left = steps_left
        self.told = PICO_ABOUT
        self.free = 1_000_000
        self.damages: set[str] = set()
        self.resets = 0

    def about(self) -> About:
        return self.told

    def hashes(self) -> Mapping[str, str]:
        return {path: sha256(data) for path, data in self.files.items()}

    def free_bytes(self) -> int:
        return self.free

    def read(self, path: str) -> bytes:
        return self.files[path]

    def make_folder(self, path: str) -> None:
        self._step(path)
        self.folders.add(path)

    def put(self, path: str, data: bytes) -> None:
        assert not path.rpartition("/")[0] or path.rpartition("/")[0] in self.folders
        self.files[path] = data[: len(data) // 2]
        self._step(path)
        self.files[path] = data + b"!" * (path in self.damages)

    def copy(self, source: str, target: str) -> None:
        self.put(target, self.files[source])

    def rename(self, *moves: tuple[str, str]) -> None:
        for old, new in moves:
            self._step(old, new)
            self._rename(old, new)

    def _rename(self, old: str, new: str) -> None:
        if old in self.files:
            self.files[new] = self.files.pop(old)
            return
        assert old in self.folders, f"{old} is not there"
        assert not self._within(new), f"{new} is not empty"
        for path in self._within(old):
            self.files[new + path.removeprefix(old)] = self.files.pop(path)
        self.folders = self.folders - {old} | {new}

    def remove(self, path: str) -> None:
        """A folder one file after another."""
        for inside in self._within(path):
            self._step(inside)
            del self.files[inside]
        self._step(path)
        self.files.pop(path, None)
        self.folders.discard(path)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None: ...

    def _within(self, folder: str) -> list[str]:
        return [path for path in self.files if path.startswith(f"{folder}/")]

    def _step(self, *paths: str) -> None:
        assert not any(path.split("/")[0] == CALIBRATION for path in paths), "the calibration is not ours"
        if self.steps_left == 0:
            raise LinkLost("the power went", "Plug it in.")
        if self.steps_left is not None:
            self.steps_left -= 1
