"""Both forms of a recording are read alike; what cannot be decoded says why."""

import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from popsense.errors import RecordingError
from popsense.recording.disk_errors import NotNowError
from popsense.recording.parquet import parquet_bytes
from popsense.recording.reader import EmptyJournalError, read_journal, read_recording
from tests.host.recording.journals import HEADER, OUTCOME, differences, write_journal
from tests.host.recording.wires import Attempt

WHOLE = Attempt(205, events=3)
STARTED = {"what": "started", "run": WHOLE.run, "boot_id": 1}


def test_a_journal_is_decoded(tmp_path: Path):
    found = read_recording(write_journal(tmp_path / "a.journal", [WHOLE.wire()], [STARTED]))
    assert (found.form, found.path) == ("journal", tmp_path / "a.journal")
    assert found.header == {"format": 2, **HEADER}
    assert (found.outcome, found.truncated_bytes, found.damaged_bytes) == (OUTCOME, 0, 0)
    assert found.notes == ({"at_s": 5.0, **STARTED},)
    assert found.stored.sample_index.tolist() == list(range(205))
    assert (found.stored.taken, found.stored.events_found, len(found.stored.events)) == (205, 3, 3)


@pytest.mark.parametrize("outcome", [OUTCOME, None])
def test_both_forms_tell_the_same(tmp_path: Path, outcome: Mapping[str, Any] | None):
    journal = read_recording(write_journal(tmp_path / "a.journal", [WHOLE.wire()], [STARTED], outcome))
    (tmp_path / "a.parquet").write_bytes(parquet_bytes(journal))
    parquet = read_recording(tmp_path / "a.parquet")
    assert differences(journal, parquet) == []
    assert (parquet.form, parquet.path) == ("parquet", tmp_path / "a.parquet")


def test_forms_are_told_apart_by_content_and_not_by_name(tmp_path: Path):
    journal = write_journal(tmp_path / "a.journal", [WHOLE.wire()])
    (tmp_path / "b.journal").write_bytes(parquet_bytes(read_recording(journal)))
    journal.rename(tmp_path / "a.parquet")
    assert read_recording(tmp_path / "a.parquet").form == "journal"
    assert read_recording(tmp_path / "b.journal").form == "parquet"


def test_a_frame_never_spans_two_connections(tmp_path: Path):
    """The second half of a frame behind a reconnection belongs to nobody, though it would fit."""
    wire = WHOLE.wire()
    for cut in range(300, 340):
        path = tmp_path / f"{cut}.journal"
        found = read_recording(write_journal(path, [wire[:cut], wire[cut:]], [STARTED]))
        missing = set(range(205)) - set(found.stored.sample_index.tolist())
        assert missing <= set(range(20, 60))
        assert read_journal(path).connections == (wire[:cut], wire[cut:])


def test_the_run_is_that_of_the_last_start(tmp_path: Path):
    """A START that was refused or superseded leaves bytes of another run in front."""
    first, second = Attempt(60, run=8), Attempt(100, run=9)
    wire = first.wire(stopped=False) + second.wire()
    notes = [{"what": "started", "run": 8}, {"what": "started", "run": 9}, {"what": "link", "state": "ok"}]
    found = read_recording(write_journal(tmp_path / "a.journal", [wire], notes))
    assert (len(found.stored.samples), found.stored.taken) == (100, 100)
    alone = read_recording(write_journal(tmp_path / "b.journal", [wire], []))
    assert (len(alone.stored.samples), alone.stored.taken) == (60, None)


@pytest.mark.parametrize("protocol", [1, 2, 5, None, "3"])
def test_wire_bytes_of_another_protocol_are_not_decoded(tmp_path: Path, protocol: object):
    header = {**HEADER, "versions": {"protocol": protocol}}
    path = write_journal(tmp_path / "a.journal", [WHOLE.wire()], header=header)
    with pytest.raises(
        RecordingError, match=f"protocol version {protocol}, this program decodes 3"
    ) as caught:
        read_recording(path)
    assert "Update popsense" in caught.value.remedy
    assert read_journal(path).connections == (WHOLE.wire(),)  # the bytes can still be had


def test_parquet_needs_no_protocol_since_it_is_decoded(tmp_path: Path):
    journal = read_recording(write_journal(tmp_path / "a.journal", [WHOLE.wire()]))
    later = replace(journal, header={**HEADER, "versions": {"protocol": 9}})
    (tmp_path / "a.parquet").write_bytes(parquet_bytes(later))
    assert differences(read_recording(tmp_path / "a.parquet"), later) == []


@pytest.mark.parametrize("versions", [{}, {"versions": None}, {"versions": "3"}])
def test_a_journal_without_versions_is_refused(tmp_path: Path, versions: Mapping[str, Any]):
    header = {name: value for name, value in HEADER.items() if name != "versions"} | versions
    path = write_journal(tmp_path / "a.journal", [WHOLE.wire()], header=header)
    with pytest.raises(RecordingError, match=r"a.journal does not tell its versions"):
        read_recording(path)


def test_a_journal_without_samples_is_read(tmp_path: Path):
    found = read_recording(write_journal(tmp_path / "a.journal", []))
    assert (len(found.stored.samples), found.stored.taken, found.outcome) == (0, None, OUTCOME)


@pytest.mark.parametrize("content", [b"", b"popsense jour"])
def test_a_file_of_nothing_is_told_apart(tmp_path: Path, content: bytes):
    (tmp_path / "a.journal").write_bytes(content)
    with pytest.raises(EmptyJournalError, match="is no popsense recording"):
        read_recording(tmp_path / "a.journal")


@pytest.mark.parametrize("name", ["/dev/full", "/dev/zero", "pipe"])
def test_what_would_never_end_is_not_read(tmp_path: Path, name: str):
    os.mkfifo(tmp_path / "pipe")
    for read in (read_recording, read_journal):
        with pytest.raises(RecordingError, match="is a pipe or a device and no file"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EACCES, "Ask its owner"), (errno.ENOENT, "Check the file's name"), (errno.EIO, "The disk fails")],
)
def test_what_cannot_be_read_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
):
    def refuse(path: Path) -> bytes:
        raise OSError(number, os.strerror(number))

    (tmp_path / "a.journal").write_bytes(b"")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(NotNowError, match="cannot read") as caught:
        read_recording(tmp_path / "a.journal")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"PAR", b"popsense", b"time,force\n0,1\n"])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(RecordingError, match=r"a.parquet is no popsense recording"):
        read_recording(tmp_path / "a.parquet")
