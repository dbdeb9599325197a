"""What to copy, in which order, and what to do after an interruption. Pure.

    bone.new    is filled, checked by hash, and sealed with its manifest
    bone        -> bone.old,  bone.new -> bone,  main.py last

At every instant the former or the new firmware is whole in one of these folders, and whichever step was the
last, `recovery` says how to go on. Nothing here names /calibration.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from popsense.technician.flash.board import BoardFiles
from popsense.technician.flash.release import MAIN, MANIFEST, Manifest, Release

LIVE, STAGED, PREVIOUS = "bone", "bone.new", "bone.old"
STAGED_MAIN = "main.py.new"
CALIBRATION = "calibration"
PLACES = (LIVE, STAGED, PREVIOUS, MAIN, STAGED_MAIN, CALIBRATION)
BLOCK_BYTES = 4096  # of the Pico's littlefs; a small file may take less


@dataclass(frozen=True)
class Put:
    path: str
    data: bytes


@dataclass(frozen=True)
class Copy:
    source: str
    target: str


@dataclass(frozen=True)
class Rename:
    moves: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Remove:
    path: str


@dataclass(frozen=True)
class MakeFolder:
    path: str


Step = Put | Copy | Rename | Remove | MakeFolder
Steps = tuple[Step, ...]


def perform(step: Step, board: BoardFiles) -> None:
    match step:
        case Put(path, data):
            board.put(path, data)
        case Copy(source, target):
            board.copy(source, target)
        case Rename(moves):
            board.rename(*moves)
        case Remove(path):
            board.remove(path)
        case MakeFolder(path):
            board.make_folder(path)


@dataclass(frozen=True)
class Contents:
    """What is on a board. hashes: by path; manifests: by folder, those that can be read."""

    hashes: Mapping[str, str]
    manifests: Mapping[str, Manifest]

    def within(self, folder: str) -> dict[str, str]:
        """Hashes of a folder's files, by name."""
        start = f"{folder}/"
        return {
            path.removeprefix(start): digest for path, digest in self.hashes.items() if path.startswith(start)
        }

    def is_whole(self, folder: str) -> bool:
        """It holds what its manifest says, no more and no less."""
        manifest = self.manifests.get(folder)
        held = self.within(folder)
        held.pop(MANIFEST, None)
        return manifest is not None and held == manifest.hashes

    def is_in_place(self, release: Release) -> bool:
        """Exactly this release runs after a reset."""
        return self.within(LIVE) == release.hashes and self.hashes.get(MAIN) == release.hashes[MAIN]


def recovery(contents: Contents) -> Steps:
    """Puts a firmware back in place after an interruption; nothing to do where one is there."""
    if not contents.within(LIVE):
        whole = [folder for folder in (STAGED, PREVIOUS) if contents.is_whole(folder)]
        return _in_place(contents, whole[0], (whole[0], LIVE)) if whole else ()
    own_main = contents.within(LIVE).get(MAIN)
    if contents.is_whole(LIVE) and own_main and contents.hashes.get(MAIN) != own_main:
        return _in_place(contents, LIVE)
    return ()


def seal(contents: Contents, version: str) -> Steps:
    """Makes what is in place a whole release of its own, so that it can be put back; version: its own.

    Files that were copied by hand, a foreign main.py alone included, are kept as they are.
    """
    if contents.is_whole(LIVE) or not (contents.within(LIVE) or MAIN in contents.hashes):
        return ()
    kept = {name: digest for name, digest in contents.within(LIVE).items() if name not in (MAIN, MANIFEST)}
    main: Steps = ()
    if MAIN in contents.hashes:
        kept[MAIN] = contents.hashes[MAIN]
        main = (Copy(MAIN, f"{LIVE}/{MAIN}"),)
    elif MAIN in contents.within(LIVE):
        main = (Remove(f"{LIVE}/{MAIN}"),)
    manifest = Put(f"{LIVE}/{MANIFEST}", Manifest(version, kept).as_bytes())
    return (MakeFolder(LIVE), Remove(f"{LIVE}/{MANIFEST}"), *main, manifest)


def staging(release: Release) -> Steps:
    """Fills STAGED, which is empty: all but the manifest, which waits until the hashes were compared."""
    puts = (Put(f"{STAGED}/{name}", data) for name, data in release.files.items() if name != MANIFEST)
    return (MakeFolder(STAGED), *puts)


def sealing(release: Release) -> Steps:
    """The manifest of what was staged and found right."""
    return (Put(f"{STAGED}/{MANIFEST}", release.files[MANIFEST]),)


def swap(has_live: bool) -> Steps:
    """STAGED becomes LIVE, which becomes PREVIOUS where `has_live`."""
    if not has_live:
        return _with_main(STAGED, (STAGED, LIVE))
    return (Remove(PREVIOUS), *_with_main(STAGED, (LIVE, PREVIOUS), (STAGED, LIVE)))


def rollback(contents: Contents) -> Steps:
    """PREVIOUS and LIVE change places."""
    moves = ((LIVE, STAGED), (PREVIOUS, LIVE), (STAGED, PREVIOUS))
    return (Remove(STAGED), *_in_place(contents, PREVIOUS, *moves))


def needed_bytes(release: Release) -> int:
    """Upper bound of what staging takes: whole blocks, two for each folder, one for main.py."""
    blocks = sum(-(-len(data) // BLOCK_BYTES) for data in release.files.values())
    return (blocks + 4) * BLOCK_BYTES


def _in_place(contents: Contents, main_of: str, *moves: tuple[str, str]) -> Steps:
    """These moves, and main.py of that folder if it has one."""
    return _with_main(main_of, *moves) if MAIN in contents.within(main_of) else (Rename(moves),)


def _with_main(main_of: str, *moves: tuple[str, str]) -> Steps:
    """These moves with main.py behind them; renamed, since littlefs replaces a file in one step."""
    return (Copy(f"{main_of}/{MAIN}", STAGED_MAIN), Rename((*moves, (STAGED_MAIN, MAIN))))
