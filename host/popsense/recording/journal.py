"""The append-only journal of one attempt: what came over the wire, byte for byte, with the host's time.

File: MAGIC, then records of kind (1 byte), host time (float64, s), length (uint32), body, CRC-32 of all that.
Little-endian. Kinds: H header (JSON), W bytes from the wire, N note (JSON with a "what"), E exit (JSON).
A note "connection" says that the wire bytes behind it came over another one; other notes are for the readers.

A record is kept once an fdatasync has covered it: once a second, and at every `sync`. A crash of the program
costs what was not kept, and damages at most the record that was being written.
"""

import json
import shutil
import struct
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from popsense.errors import RecordingError
from popsense.recording.disk_errors import salvage_finishes, writing
from popsense.recording.durability import hold, is_held, make_durable, make_names_durable

FORMAT_VERSION = 2
MAGIC = b"popsense journal %d\n" % FORMAT_VERSION
RECORD = struct.Struct("<cdI")
CRC = struct.Struct("<I")
HEADER, WIRE, NOTE, EXIT = b"H", b"W", b"N", b"E"
MAX_BODY_BYTES = 1 << 20  # a length beyond it is damage: the reader need not look further
SYNC_INTERVAL_S = 0.9  # kept within 1 s of its arrival: the rest is for the caller's turn and for the disk
# Ten attempts of 180 s at 9 KB/s, each twice while its Parquet is made, so a course ends between attempts.
LEAST_FREE_BYTES = 10 * 2 * 180 * 9_000
KEPT = "what was kept until then stays readable"


class NameTakenError(RecordingError):
    """A recording of that name is there, in either form."""


class JournalWriter:
    """Writes one recording; `wire` is the session's tap. Never overwrites a file.

    Every method raises RecordingError where the disk takes no more; from then on nothing is written.
    durable: called after each sync: all that was handed over before it is on the medium.
    """

    def __init__(
        self, path: Path, header: Mapping[str, Any], durable: Callable[[], None] = lambda: None
    ) -> None:
        self.path = path
        self._durable = durable
        self._synced_at: float | None = None
        self._unsynced = False
        self._failed = False
        self._afterwards = ""
        self._file = _create(path)
        try:
            self._begin(header)
        except BaseException:  # Ctrl-C too: a file without its header is nobody's
            self.discard()
            raise

    def wire(self, host_time_s: float, data: bytes) -> None:
        """Bytes as they came."""
        for start in range(0, len(data), MAX_BODY_BYTES):
            self._append(WIRE, host_time_s, data[start : start + MAX_BODY_BYTES])
        self.tick(host_time_s)

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        """What happened, under "what", with its particulars."""
        self._append(NOTE, host_time_s, _json(content))
        self.tick(host_time_s)

    def tick(self, host_time_s: float) -> None:
        """To be called often, also when nothing comes: syncs what has waited for its second."""
        if self._synced_at is None:
            self._synced_at = host_time_s
        if self._unsynced and host_time_s - self._synced_at >= SYNC_INTERVAL_S:
            self.sync(host_time_s)

    def sync(self, host_time_s: float) -> None:
        """All that was handed over is on the medium when this returns."""
        if self._unsynced:
            with self._disk():
                make_durable(self._file)
            self._unsynced = False
            self._durable()
        self._synced_at = host_time_s

    def close(self, host_time_s: float, outcome: Mapping[str, Any]) -> None:
        """The exit record, then everything on the medium. Safe to call twice, and after the disk failed."""
        if self._file.closed:
            return
        try:
            if not self._failed:
                self._append(EXIT, host_time_s, _json(outcome))
                self.sync(host_time_s)
        finally:
            self._let_go()

    def discard(self) -> None:
        """Closes and removes a journal that holds no attempt."""
        self._let_go()
        with suppress(OSError):  # on a disk that failed; what stays is told apart by its header
            self.path.unlink(missing_ok=True)

    def _begin(self, header: Mapping[str, Any]) -> None:
        with self._disk():
            hold(self._file, wait=True)  # for a salvage that looks at every file for a moment
            self._file.write(MAGIC)
        self._append(HEADER, 0.0, _json({"format": FORMAT_VERSION, **header}))
        with self._disk():
            make_durable(self._file)
            make_names_durable(self.path.parent)
        self._unsynced = False
        self._afterwards = salvage_finishes(self.path.parent)

    def _append(self, kind: bytes, host_time_s: float, body: bytes) -> None:
        if len(body) > MAX_BODY_BYTES:
            raise RecordingError(f"a record of {len(body)} bytes is too long for {self.path}")
        record = RECORD.pack(kind, host_time_s, len(body)) + body
        with self._disk():
            self._file.write(record + CRC.pack(zlib.crc32(record)))
        self._unsynced = True

    @contextmanager
    def _disk(self) -> Generator[None]:
        """After a failure nothing more: a later sync may succeed although earlier bytes are gone."""
        if self._failed:
            raise RecordingError(f"{self.path} takes nothing since its disk failed; {KEPT}", "Record again.")
        try:
            with writing(self.path, KEPT, self._afterwards):
                yield
        except RecordingError:
            self._failed = True
            raise

    def _let_go(self) -> None:
        with suppress(OSError):  # what could not be written was told when it was to be synced
            self._file.close()


def parquet_path(journal: Path) -> Path:
    """Where a journal's Parquet goes: beside it, under the same name."""
    return journal.with_suffix(".parquet")


def journal_path(recording: Path) -> Path:
    """Where the journal of a recording goes while it is made; NAME.parquet, NAME.journal or NAME is given.

    RecordingError for what names no file, such as `..`.
    """
    if recording.name in ("", ".."):
        raise RecordingError(f"{recording} names no file", "Name one, such as NAME.parquet.")
    if recording.suffix.lower() in (".parquet", ".journal"):
        return recording.with_suffix(".journal")
    return recording.with_name(f"{recording.name}.journal")


def check_room(folder: Path) -> None:
    """RecordingError where a recording in this folder would soon fill the disk; the folder may not exist."""
    with writing(folder):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        disk = shutil.disk_usage(there)
    if disk.total and disk.free < LEAST_FREE_BYTES:  # some network shares tell 0 of everything
        raise RecordingError(
            f"{folder} has {disk.free / 1e6:.1f} MB free, a recording needs {LEAST_FREE_BYTES / 1e6:.0f} MB",
            "Free some space on the disk, or choose a folder on another one.",
        )


def _create(path: Path) -> IO[bytes]:
    if path == parquet_path(path):
        raise RecordingError(
            f"{path} is the name of a closed recording", "Choose a name that ends in .journal."
        )
    check_room(path.parent)
    with writing(path):
        _make_folder(path.parent)
        if parquet_path(path).exists():
            raise _taken(parquet_path(path))
        try:
            return path.open("xb")
        except FileExistsError as error:
            if path.is_dir():
                raise RecordingError(f"{path} is a folder", "Name a file in it.") from error
            raise _taken(path) from error


def _make_folder(folder: Path) -> None:
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for part in missing:
        make_names_durable(part.parent)


def _taken(path: Path) -> NameTakenError:
    other = "hoose another name: recordings are never overwritten."
    if path != parquet_path(path) and path.is_file() and not _is_held(path):
        return NameTakenError(
            f"{path} was left by a crash", f"`popsense salvage {path.parent}` finishes it; or c{other}"
        )
    return NameTakenError(f"{path} exists", f"C{other}")


def _is_held(journal: Path) -> bool:
    try:
        return is_held(journal)
    except OSError:  # not ours to read: it is not told here whose it is
        return True


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
