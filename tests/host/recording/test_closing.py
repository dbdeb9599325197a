"""A journal becomes Parquet, and whatever goes wrong on the way, one whole recording is left."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import disk_usage
from typing import Any

import pytest

from popsense.errors import RecordingError
from popsense.recording import closing, durability
from popsense.recording.closing import close_recording, partial_path
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_recording
from tests.host.recording.journals import HEADER, OUTCOME, differences, write_journal
from tests.host.recording.wires import Attempt

WIRE = Attempt(205, events=3).wire()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write_journal(tmp_path / "a.journal", [WIRE], [{"what": "started", "run": 7}])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("crashed", [False, True])
def test_the_parquet_takes_the_journals_place(tmp_path: Path, crashed: bool):
    journal = write_journal(tmp_path / "a.journal", [WIRE], outcome=None if crashed else OUTCOME)
    before = read_recording(journal)
    assert close_recording(journal) == tmp_path / "a.parquet"
    assert names(tmp_path) == ["a.parquet"]
    assert differences(read_recording(tmp_path / "a.parquet"), before) == []


def test_damage_of_the_journal_is_told_by_the_parquet_too(journal: Path):
    data = bytearray(journal.read_bytes())
    data[-400] ^= 1
    journal.write_bytes(data + b"half a record")
    before = read_recording(journal)
    after = read_recording(close_recording(journal))
    assert before.damaged_bytes > 0
    assert (after.damaged_bytes, after.truncated_bytes) == (before.damaged_bytes, 13)


def test_an_attempt_without_samples_keeps_its_journal(tmp_path: Path):
    journal = write_journal(tmp_path / "a.journal", [])
    assert close_recording(journal) == journal
    assert names(tmp_path) == ["a.journal"]


def refuse(number: int) -> Callable[..., Any]:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


STEPS = ["parquet_bytes", "make_durable", "rename_to_new", "make_names_durable"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("step", STEPS)
def test_a_failure_at_any_step_leaves_the_journal(
    journal: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
):
    before = journal.read_bytes()
    where = "popsense.recording.parquet" if step == "parquet_bytes" else "popsense.recording.closing"
    with monkeypatch.context() as failing:
        failing.setattr(f"{where}.{step}", refuse(number))
        with pytest.raises(RecordingError, match="the journal stays as it is") as caught:
            close_recording(journal)
    assert os.strerror(number) in str(caught.value)
    assert f"Then `popsense salvage {journal.parent}` finishes" in caught.value.remedy
    assert journal.read_bytes() == before
    assert not partial_path(journal).exists()
    assert close_recording(journal).name == "a.parquet"  # the next try goes through
    assert names(journal.parent) == ["a.parquet"]


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_at_any_step_leaves_the_journal(journal: Path, monkeypatch: pytest.MonkeyPatch, step: str):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    where = "popsense.recording.parquet" if step == "parquet_bytes" else "popsense.recording.closing"
    monkeypatch.setattr(f"{where}.{step}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        close_recording(journal)
    assert journal.exists()
    assert not partial_path(journal).exists()


def test_the_journal_stays_where_the_disk_gives_back_something_else(
    journal: Path, monkeypatch: pytest.MonkeyPatch
):
    def of_another_disk(path: Path) -> Any:
        found = read_recording(path)
        return replace(found, truncated_bytes=1) if path != journal else found

    monkeypatch.setattr(closing, "read_recording", of_another_disk)
    with pytest.raises(RecordingError, match="does not read as it was written; the journal stays") as caught:
        close_recording(journal)
    assert "Check the disk" in caught.value.remedy
    assert names(journal.parent) == ["a.journal"]


def test_the_journal_stays_where_the_parquet_cannot_be_read_back(
    journal: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("popsense.recording.parquet.parquet_bytes", lambda recording: b"PAR1 rotten")
    with pytest.raises(RecordingError, match="does not read as it was written"):
        close_recording(journal)
    assert names(journal.parent) == ["a.journal"]


def test_a_journal_goes_only_after_its_parquet_has_its_name_on_the_medium(
    journal: Path, monkeypatch: pytest.MonkeyPatch
):
    order: list[tuple[str, bool]] = []
    for step in STEPS[1:]:
        real = getattr(closing, step)

        def noted(*arguments: Any, real: Any = real, step: str = step) -> None:
            order.append((step, journal.exists()))
            real(*arguments)

        monkeypatch.setattr(closing, step, noted)
    close_recording(journal)
    assert order == [("make_durable", True), ("rename_to_new", True), ("make_names_durable", True)]


def test_another_recording_of_that_name_is_never_touched(journal: Path):
    other = write_journal(journal.parent / "b.journal", [Attempt(40).wire()])
    close_recording(other).rename(journal.parent / "a.parquet")
    kept = (journal.parent / "a.parquet").read_bytes()
    with pytest.raises(RecordingError, match=r"a.parquet exists and holds something else") as caught:
        close_recording(journal)
    assert "Rename" in caught.value.remedy
    assert (journal.parent / "a.parquet").read_bytes() == kept
    assert names(journal.parent) == ["a.journal", "a.parquet"]


def test_a_name_taken_at_the_last_moment_is_not_taken_away(journal: Path, monkeypatch: pytest.MonkeyPatch):
    target = journal.with_suffix(".parquet")
    real = closing.rename_to_new

    def late(source: Path, to: Path) -> None:
        target.write_bytes(b"of somebody else")
        real(source, to)

    monkeypatch.setattr(closing, "rename_to_new", late)
    with pytest.raises(RecordingError, match=r"a.parquet exists"):
        close_recording(journal)
    assert target.read_bytes() == b"of somebody else"
    assert names(journal.parent) == ["a.journal", "a.parquet"]


def test_a_crash_before_the_journal_was_removed_is_made_good(journal: Path):
    content = journal.read_bytes()
    closed = close_recording(journal).read_bytes()
    journal.write_bytes(content)
    assert close_recording(journal) == journal.with_suffix(".parquet")
    assert names(journal.parent) == ["a.parquet"]
    assert journal.with_suffix(".parquet").read_bytes() == closed


def test_what_a_crash_left_half_written_is_written_again(journal: Path):
    partial_path(journal).write_bytes(b"half")
    close_recording(journal)
    assert names(journal.parent) == ["a.parquet"]


def test_a_journal_that_is_being_written_is_not_closed(tmp_path: Path):
    writer = JournalWriter(tmp_path / "a.journal", HEADER)
    writer.wire(1.0, WIRE)
    writer.sync(1.0)
    with pytest.raises(RecordingError, match=r"a.journal is in use by another program"):
        close_recording(tmp_path / "a.journal")
    writer.close(2.0, OUTCOME)
    assert close_recording(tmp_path / "a.journal").name == "a.parquet"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "a.journal")
    with pytest.raises(RecordingError, match="is a pipe or a device"):
        close_recording(tmp_path / "a.journal")


@pytest.mark.parametrize("name", ["none.journal", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str):
    with pytest.raises(RecordingError, match="cannot read"):
        close_recording(tmp_path / name)


def test_a_closed_recording_is_not_closed_again(journal: Path):
    closed = close_recording(journal)
    with pytest.raises(RecordingError, match="is closed already"):
        close_recording(closed)
    assert names(journal.parent) == ["a.parquet"]


def test_without_second_names_the_file_is_renamed_and_nothing_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As on memory sticks (FAT)."""
    monkeypatch.setattr(Path, "hardlink_to", refuse(errno.EPERM))
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    durability.rename_to_new(one, other)
    assert (names(tmp_path), other.read_bytes()) == (["other"], b"1")
    one.write_bytes(b"2")
    with pytest.raises(FileExistsError):
        durability.rename_to_new(one, other)
    assert (one.read_bytes(), other.read_bytes()) == (b"2", b"1")


def test_a_disk_that_is_really_full_leaves_the_journal(small_disk: Path):
    journal = write_journal(small_disk / "a.journal", [WIRE])
    (small_disk / "filling").write_bytes(bytes(disk_usage(small_disk).free - 4096))
    before = journal.read_bytes()
    with pytest.raises(RecordingError, match="No space left") as caught:
        close_recording(journal)
    assert "Free some space" in caught.value.remedy
    assert (journal.read_bytes(), names(small_disk)) == (before, ["a.journal", "filling"])
    (small_disk / "filling").unlink()
    assert close_recording(journal) == small_disk / "a.parquet"
