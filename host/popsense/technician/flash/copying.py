"""Copies a release, puts the former one back, compares: the plan carried out on a board at its prompt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from popsense.errors import DeviceError, UsageError
from popsense.technician.flash import plan
from popsense.technician.flash.board import About, BoardFiles
from popsense.technician.flash.plan import CALIBRATION, LIVE, PLACES, PREVIOUS, STAGED, Contents, Steps
from popsense.technician.flash.release import (
    MAIN,
    MANIFEST,
    OLDEST_MICROPYTHON,
    Release,
    read_manifest,
    runs_on,
)

Tell = Callable[[str], None]
FileState = Literal["same", "different", "missing", "extra"]
AGAIN = "Run popsense flash again: it finishes what was begun, or puts back what was there."
_NEWER = "Put MicroPython 1.24 or newer onto the board: https://micropython.org/download/RPI_PICO."


@dataclass(frozen=True)
class Compared:
    """One file on the board against what would be copied."""

    path: str
    state: FileState

    def as_json(self) -> dict[str, str]:
        return {"path": self.path, "state": self.state}


def check_board(about: About, release: Release | None = None) -> None:
    """DeviceError where flashing would not do; release: None where nothing is copied."""
    if about.watchdog_running:
        raise DeviceError(
            "a watchdog runs on the board: it would reset it in mid-copy",
            "Unplug the board, plug it in and run popsense flash again at once.",
        )
    if "RP2040" not in about.machine:
        raise DeviceError(
            f"the firmware is for a Raspberry Pi Pico (RP2040), this is {about.machine or 'another board'}",
            "Use a Raspberry Pi Pico.",
        )
    if about.version[:2] < OLDEST_MICROPYTHON:
        raise DeviceError(
            f"the board's MicroPython is {_dotted(about.version)}, the firmware needs 1.24", _NEWER
        )
    if release is not None and not runs_on(release.mpy_headers, about.mpy):
        raise DeviceError(
            f"MicroPython {_dotted(about.version)} on the board cannot load .mpy files of this mpy-cross",
            "Copy the sources: popsense flash --source; or put the MicroPython of 1.24 or newer onto it.",
        )


def copy_release(board: BoardFiles, release: Release, tell: Tell) -> Contents | None:
    """Puts this release in place; what is on the board then, None where it was there already.

    The former one is kept beside it. DeviceError where there is no room, or where something arrived damaged.
    """
    contents = recover(board, tell)
    if contents.is_in_place(release):
        return None
    calibration = contents.within(CALIBRATION)
    _perform(board, plan.seal(contents, board.about().firmware))
    if contents.within(STAGED) != release.hashes:
        _stage(board, release, tell)
    tell("putting it in place")
    _perform(board, plan.swap(bool(contents.within(LIVE)) or MAIN in contents.hashes))
    outcome = read_contents(board)
    _check_outcome(outcome, release, calibration)
    return outcome


def roll_back(board: BoardFiles, tell: Tell) -> str:
    """Puts the former firmware back and keeps the present one in its place; its version, "" if unknown.

    UsageError where there is none.
    """
    contents = recover(board, tell)
    if not contents.is_whole(PREVIOUS):
        raise UsageError(
            "the board holds no former firmware", "Copy this program's firmware: popsense flash."
        )
    _perform(board, plan.seal(contents, board.about().firmware))
    tell("putting the former firmware back")
    _perform(board, plan.rollback(read_contents(board)))
    if not read_contents(board).is_whole(LIVE):
        raise DeviceError("the former firmware is not as it was", AGAIN)
    return contents.manifests[PREVIOUS].version


def compare(contents: Contents, release: Release) -> list[Compared]:
    """Every file of either side, by path."""
    wanted = {f"{LIVE}/{name}": digest for name, digest in release.hashes.items()}
    wanted[MAIN] = release.hashes[MAIN]
    held = {path: digest for path, digest in contents.hashes.items() if path.startswith(f"{LIVE}/")}
    if MAIN in contents.hashes:
        held[MAIN] = contents.hashes[MAIN]
    return [Compared(path, _state(wanted.get(path), held.get(path))) for path in sorted(wanted | held)]


def read_contents(board: BoardFiles) -> Contents:
    hashes = {path: digest for path, digest in board.hashes().items() if path.split("/")[0] in PLACES}
    read = {
        folder: read_manifest(board.read(f"{folder}/{MANIFEST}"))
        for folder in (LIVE, STAGED, PREVIOUS)
        if f"{folder}/{MANIFEST}" in hashes
    }
    return Contents(hashes, {folder: manifest for folder, manifest in read.items() if manifest is not None})


def recover(board: BoardFiles, tell: Tell) -> Contents:
    """After an interrupted copy a firmware is in place again; what is on the board then."""
    contents = read_contents(board)
    steps = plan.recovery(contents)
    if not steps:
        return contents
    tell("an earlier copy was interrupted: putting a whole firmware in place first")
    _perform(board, steps)
    return read_contents(board)


def _stage(board: BoardFiles, release: Release, tell: Tell) -> None:
    board.remove(STAGED)
    needed, free = plan.needed_bytes(release), board.free_bytes()
    if free < needed:
        raise DeviceError(
            f"the board has {free / 1000:,.0f} kB free, the firmware needs up to {needed / 1000:,.0f} kB",
            "Remove files of your own from it: python -m mpremote fs ls, then fs rm.",
        )
    tell(f"copying {len(release.files)} files")
    _perform(board, plan.staging(release))
    held = read_contents(board).within(STAGED)
    if wrong := sorted(
        name for name, digest in release.hashes.items() if name != MANIFEST and held.get(name) != digest
    ):
        raise DeviceError(f"{', '.join(wrong)} did not arrive as sent", AGAIN)
    _perform(board, plan.sealing(release))


def _check_outcome(contents: Contents, release: Release, calibration: Mapping[str, str]) -> None:
    if not contents.is_in_place(release):
        raise DeviceError("the board does not hold what was copied", AGAIN)
    if contents.within(CALIBRATION) != calibration:
        raise DeviceError(
            "the board's calibration is not as it was", "Calibrate it again: popsense calibrate."
        )


def _perform(board: BoardFiles, steps: Steps) -> None:
    for step in steps:
        plan.perform(step, board)


def _state(wanted: str | None, held: str | None) -> FileState:
    if wanted is None:
        return "extra"
    if held is None:
        return "missing"
    return "same" if wanted == held else "different"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
