"""The journal and its disk: when bytes are kept, who holds the file, and what a failing disk is told as."""

import errno
import os
import subprocess
from pathlib import Path
from shutil import disk_usage
from typing import Any

import pytest

from popsense.errors import RecordingError
from popsense.recording import durability, journal
from popsense.recording.durability import is_held
from popsense.recording.journal import JournalWriter, check_room
from popsense.recording.reader import read_journal
from tests.host.recording.journals import HEADER, OUTCOME, died


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.journal"


def fail_to_sync(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """From now on the disk refuses."""

    def refuse(file: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(journal, "make_durable", refuse)


def kept(path: Path) -> bytes:
    """What a reader finds in the file now: as after kill -9, without what the writer has in memory."""
    return read_journal(path).wire


def test_what_came_is_on_the_medium_within_a_second(path: Path):
    promised: list[bytes] = []
    writer = JournalWriter(path, HEADER, lambda: promised.append(kept(path)))
    sent = b""
    for eighth in range(40):
        sent += b"%02d" % eighth
        writer.wire(5 + eighth / 8, b"%02d" % eighth)
        assert len(sent) - len(kept(path)) <= 2 * 8  # of a second
    assert len(promised) == 4  # at 6, 7, 8 and 9 s
    assert all(sent.startswith(part) for part in promised)
    writer.close(10.0, OUTCOME)
    assert promised[-1] == sent


def test_a_tick_keeps_what_came_even_when_nothing_follows(path: Path):
    writer = JournalWriter(path, HEADER)
    writer.wire(5.0, b"last words")
    writer.tick(5.5)
    assert kept(path) == b""
    writer.tick(6.0)
    assert kept(path) == b"last words"
    died(writer)


def test_ticks_without_anything_new_do_not_touch_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch):
    writer = JournalWriter(path, HEADER)
    fail_to_sync(monkeypatch, errno.EIO)
    for second in range(5):
        writer.tick(second)
        writer.sync(second)
    died(writer)


def test_sync_keeps_everything_at_once(path: Path):
    told: list[int] = []
    writer = JournalWriter(path, HEADER, lambda: told.append(1))
    writer.wire(5.0, b"pop")
    writer.note(5.0, {"what": "hole"})
    writer.sync(5.0)
    assert (kept(path), len(read_journal(path).notes), told) == (b"pop", 1, [1])
    died(writer)


def test_nothing_is_called_durable_that_was_not_synced(path: Path, monkeypatch: pytest.MonkeyPatch):
    """After one failure a later sync may succeed on Linux although the bytes are gone."""
    told: list[int] = []
    writer = JournalWriter(path, HEADER, lambda: told.append(1))
    with monkeypatch.context() as failing:
        fail_to_sync(failing, errno.EIO)
        writer.wire(5.0, b"x")
        with pytest.raises(RecordingError, match="cannot write"):
            writer.sync(5.0)
    for attempt in (lambda: writer.wire(7.0, b"y"), lambda: writer.note(7.0, {}), lambda: writer.sync(7.0)):
        with pytest.raises(RecordingError, match="takes nothing since its disk failed"):
            attempt()
    writer.close(8.0, OUTCOME)
    assert told == []
    assert read_journal(path).outcome is None


REMEDIES = {
    errno.ENOSPC: "Free some space",
    errno.EIO: "check it",
    errno.ENODEV: "Plug the medium in again",
    errno.EROFS: "read-only",
    errno.EACCES: "a folder you may write to",
}


@pytest.mark.parametrize("number", REMEDIES)
@pytest.mark.parametrize("moment", ["wire", "tick", "sync", "close"])
def test_a_disk_that_fails_is_one_clear_error(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, moment: str
):
    writer = JournalWriter(path, HEADER)
    writer.wire(0.0, b"kept")
    writer.sync(0.0)
    writer.wire(0.0, b"not kept")
    fail_to_sync(monkeypatch, number)
    late: dict[str, Any] = {
        "wire": lambda: writer.wire(2.0, b"y"),
        "tick": lambda: writer.tick(2.0),
        "sync": lambda: writer.sync(2.0),
        "close": lambda: writer.close(2.0, OUTCOME),
    }
    with pytest.raises(RecordingError, match=r"cannot write .*a.journal: .*; what was kept .*") as caught:
        late[moment]()
    assert os.strerror(number) in str(caught.value)
    assert REMEDIES[number] in caught.value.remedy
    assert f"Then `popsense salvage {path.parent}` finishes the recording." in caught.value.remedy
    writer.close(3.0, OUTCOME)
    assert kept(path).startswith(b"kept")


def test_a_journal_that_cannot_begin_leaves_no_file(path: Path, monkeypatch: pytest.MonkeyPatch):
    fail_to_sync(monkeypatch, errno.ENOSPC)
    with pytest.raises(RecordingError, match="No space left") as caught:
        JournalWriter(path, HEADER)
    assert caught.value.remedy == "Free some space on the disk."  # there is nothing to salvage
    assert not path.exists()


def test_the_name_of_a_new_journal_is_made_durable_too(path: Path, monkeypatch: pytest.MonkeyPatch):
    folders: list[Path] = []
    monkeypatch.setattr(journal, "make_names_durable", folders.append)
    new = path.parent / "new" / "folder"
    died(JournalWriter(new / "a.journal", HEADER))
    assert set(folders) == {new, new.parent, new.parent.parent}


def test_a_folder_is_made_durable_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    durability.make_names_durable(tmp_path)
    with pytest.raises(FileNotFoundError):
        durability.make_names_durable(tmp_path / "none")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.EINVAL, "no")))
    durability.make_names_durable(tmp_path)  # a file system that cannot


def test_too_little_space_is_refused_before_anything_is_written(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "LEAST_FREE_BYTES", disk_usage(path.parent).total + 1)
    with pytest.raises(RecordingError, match="MB free, a recording needs") as caught:
        JournalWriter(path.parent / "new" / "a.journal", HEADER)
    assert "Free some space" in caught.value.remedy
    assert list(path.parent.iterdir()) == []


def test_room_is_asked_of_the_folder_that_is_there(path: Path, monkeypatch: pytest.MonkeyPatch):
    check_room(path.parent / "not" / "there" / "yet")
    monkeypatch.chdir(path.parent)
    check_room(Path("relative"))


@pytest.mark.parametrize("step", ["mkdir", "open"])
def test_a_folder_that_may_not_be_written_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, step: str):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, step, refuse)
    with pytest.raises(RecordingError, match=r"cannot write .*a.journal: Permission denied") as caught:
        JournalWriter(path, HEADER)
    assert caught.value.remedy == "Choose a folder you may write to."


@pytest.mark.parametrize("name", ["a.parquet", "b.journal"])
def test_names_of_closed_recordings_are_not_taken(path: Path, name: str):
    (path.parent / "b.parquet").write_bytes(b"closed")
    with pytest.raises(RecordingError) as caught:
        JournalWriter(path.parent / name, HEADER)
    assert "Choose" in caught.value.remedy
    assert [found.name for found in path.parent.iterdir()] == ["b.parquet"]


def test_a_journal_is_held_as_long_as_it_is_written(path: Path):
    writer = JournalWriter(path, HEADER)
    assert is_held(path)
    writer.wire(1.0, b"x")
    assert is_held(path)
    writer.close(2.0, OUTCOME)
    assert not is_held(path)


@pytest.mark.parametrize("end", [died, JournalWriter.discard])
def test_whoever_ends_lets_go(path: Path, end: Any):
    writer = JournalWriter(path, HEADER)
    other = path.with_name("b.journal")
    other.write_bytes(b"")
    end(writer)
    assert not is_held(other)
    if path.exists():
        assert not is_held(path)


def test_where_nothing_can_be_told_a_file_counts_as_held(path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(file: object, wait: bool) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(durability, "_lock", no_locks)
    writer = JournalWriter(path, HEADER)  # records all the same
    assert is_held(path)
    writer.close(1.0, OUTCOME)


def test_a_disk_that_is_nearly_full_is_refused(small_disk: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "LEAST_FREE_BYTES", 300_000)
    with pytest.raises(RecordingError, match=r"has 0\.3 MB free"):
        JournalWriter(small_disk / "a.journal", HEADER)


def test_a_disk_that_is_full_in_mid_attempt_keeps_what_it_has(small_disk: Path):
    promised = [b""]
    writer = JournalWriter(
        small_disk / "a.journal", HEADER, lambda: promised.append(kept(small_disk / "a.journal"))
    )

    def fill() -> None:
        for second in range(100):
            writer.wire(float(second), b"%03d" % second * 3000)

    with pytest.raises(RecordingError, match="No space left"):
        fill()
    writer.close(200.0, OUTCOME)
    found = read_journal(small_disk / "a.journal")
    assert len(promised[-1]) > 200_000
    assert found.wire.startswith(promised[-1])
    assert found.outcome is None


def test_a_disk_for_reading_only_is_refused(small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RecordingError, match="Read-only file system") as caught:
        JournalWriter(small_disk / "new" / "a.journal", HEADER)
    assert caught.value.remedy == "The disk is read-only: choose a folder on another one."
