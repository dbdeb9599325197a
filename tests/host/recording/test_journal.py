"""The journal: what was written is read, what is damaged is left out, and nothing is ever altered."""

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.errors import RecordingError
from popsense.recording import journal
from popsense.recording.journal import CRC, MAGIC, RECORD, JournalWriter
from popsense.recording.reader import Recording, read_recording

HEADER = {"site": "adult-proximal-tibia", "mode": "guided"}
OUTCOME = {"outcome": "removed", "detail": ""}
Folders = pytest.TempPathFactory
CHUNKS = [b"first", b"", bytes(range(48)), b"\0last\0"]


def write(path: Path, chunks: list[bytes], closed: bool = True) -> bytes:
    """A journal with these chunks, 0.1 s apart; its bytes."""
    writer = JournalWriter(path, HEADER)
    for number, chunk in enumerate(chunks):
        writer.wire(10 + number / 10, chunk)
    writer.close(99.0, OUTCOME)
    data = path.read_bytes()
    if not closed:
        end = RECORD.size + len(json.dumps(OUTCOME, sort_keys=True)) + CRC.size
        path.write_bytes(data := data[:-end])
    return data


def record(kind: bytes, body: bytes) -> bytes:
    """One record by the book (the docstring of journal.py)."""
    head = RECORD.pack(kind, 0.0, len(body)) + body
    return head + zlib.crc32(head).to_bytes(4, "little")


def read_bytes(folder: Path, data: bytes) -> Recording:
    path = folder / "cut.journal"
    path.write_bytes(data)
    return read_recording(path)


def test_what_was_written_is_read(tmp_path: Path):
    write(tmp_path / "new" / "folder" / "a.journal", CHUNKS)
    found = read_recording(tmp_path / "new" / "folder" / "a.journal")
    assert found.wire == b"".join(CHUNKS)
    assert found.header == {"format": 1, **HEADER}
    assert (found.outcome, found.truncated_bytes) == (OUTCOME, 0)


def test_the_file_is_as_its_description_says(tmp_path: Path):
    data = write(tmp_path / "a.journal", [b"abc"])
    head = record(b"H", json.dumps({"format": 1, **HEADER}, sort_keys=True).encode())
    assert data.startswith(b"popsense journal 1\n" + head)
    wire = b"W" + b"\0\0\0\0\0\0\x24\x40" + b"\x03\0\0\0" + b"abc"  # 10.0 as float64, length, body
    assert wire + zlib.crc32(wire).to_bytes(4, "little") in data


def test_a_recording_without_exit_has_no_outcome(tmp_path: Path):
    write(tmp_path / "a.journal", CHUNKS, closed=False)
    found = read_recording(tmp_path / "a.journal")
    assert (found.outcome, found.wire, found.truncated_bytes) == (None, b"".join(CHUNKS), 0)


def test_cut_off_anywhere_it_yields_whole_records_or_one_error(tmp_path: Path):
    data = write(tmp_path / "a.journal", CHUNKS)
    whole = [b"".join(CHUNKS[:count]) for count in range(len(CHUNKS) + 1)]
    seen = set()
    for length in range(len(data)):
        try:
            found = read_bytes(tmp_path, data[:length])
        except RecordingError:
            assert length < data.index(b"W\0\0")
            continue
        assert found.wire in whole
        assert found.outcome is None
        assert 0 <= found.truncated_bytes < length
        seen.add(found.wire)
    assert seen == set(whole)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_flipped_byte_never_alters_what_is_read(tmp_path_factory: Folders, at: int, flip: int):
    folder = tmp_path_factory.mktemp("flip")
    data = bytearray(write(folder / "a.journal", CHUNKS))
    data[at % len(data)] ^= flip
    try:
        found = read_bytes(folder, bytes(data))
    except RecordingError:
        return
    one_less = [b"".join(CHUNKS[:gone] + CHUNKS[gone + 1 :]) for gone in range(len(CHUNKS))]
    assert found.wire in [b"".join(CHUNKS), *one_less]  # the record that was hit, and no other
    assert found.header == {"format": 1, **HEADER}
    assert found.outcome in (None, OUTCOME)
    assert found.truncated_bytes + found.damaged_bytes > 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Folders, data: bytes):
    folder = tmp_path_factory.mktemp("any")
    for start in (b"", MAGIC, MAGIC + record(b"H", b'{"format": 1}')):
        with suppress(RecordingError):
            read_bytes(folder, start + data)


def test_a_length_beyond_the_file_is_the_end(tmp_path: Path):
    data = write(tmp_path / "a.journal", [b"abc"], closed=False)
    found = read_bytes(tmp_path, data + RECORD.pack(b"W", 1.0, 0xFFFFFFFF) + b"abc")
    assert (found.wire, found.truncated_bytes) == (b"abc", RECORD.size + 3)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", MAGIC[:-3], b"time,force\n0,1\n"])
def test_a_foreign_or_empty_file_is_refused(tmp_path: Path, content: bytes):
    with pytest.raises(RecordingError, match=r"cut.journal is no popsense recording") as caught:
        read_bytes(tmp_path, content)
    assert "*.journal" in caught.value.remedy


@pytest.mark.parametrize("header", [b'{"format": 2}', b"{}", b'{"format": "1"}'])
def test_another_format_says_which(tmp_path: Path, header: bytes):
    with pytest.raises(RecordingError, match=r"has recording format .* this program reads 1") as caught:
        read_bytes(tmp_path, MAGIC + record(b"H", header))
    assert caught.value.remedy == "Update popsense."


def test_a_damaged_header_is_named(tmp_path: Path):
    with pytest.raises(RecordingError, match=r"the header of .* is damaged"):
        read_bytes(tmp_path, MAGIC + record(b"W", b"abc"))


@pytest.mark.parametrize("records", [b"", record(b"H", b"{}")[:-1]])
def test_without_its_header_it_is_refused(tmp_path: Path, records: bytes):
    with pytest.raises(RecordingError, match="cut off before its header"):
        read_bytes(tmp_path, MAGIC + records)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path):
    for path in (tmp_path / "none.journal", tmp_path):
        with pytest.raises(RecordingError, match="cannot read"):
            read_recording(path)


def test_a_recording_is_never_overwritten(tmp_path: Path):
    before = write(tmp_path / "a.journal", CHUNKS)
    with pytest.raises(RecordingError, match=r"a.journal exists") as caught:
        JournalWriter(tmp_path / "a.journal", HEADER)
    assert "never overwritten" in caught.value.remedy
    assert (tmp_path / "a.journal").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"cannot write .*a.journal") as caught:
        JournalWriter(tmp_path / "file" / "a.journal", HEADER)
    assert caught.value.remedy


def test_closing_twice_writes_one_exit(tmp_path: Path):
    writer = JournalWriter(tmp_path / "a.journal", HEADER)
    writer.close(1.0, OUTCOME)
    size = (tmp_path / "a.journal").stat().st_size
    writer.close(2.0, {"outcome": "other"})
    assert (tmp_path / "a.journal").stat().st_size == size


def test_what_came_is_synced_once_a_second_and_then_survives_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    synced: list[int] = []

    def sync(file: object) -> None:
        synced.append(1)
        file.flush()  # type: ignore[attr-defined]

    monkeypatch.setattr(journal, "make_durable", sync)
    writer = JournalWriter(tmp_path / "a.journal", HEADER)
    for tenth in range(35):
        writer.wire(5 + tenth / 10, b"%02d" % tenth)
    assert len(synced) == 1 + 3  # the header, then after 1, 2 and 3 s
    kept = read_recording(tmp_path / "a.journal").wire  # as after kill -9: the buffer is not in the file
    assert kept == b"".join(b"%02d" % tenth for tenth in range(31))
    writer.close(9.0, OUTCOME)


@pytest.mark.parametrize("moment", ["wire", "close"])
def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str):
    writer = JournalWriter(tmp_path / "a.journal", HEADER)

    def full(file: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(journal, "make_durable", full)
    writer.wire(0.0, b"x")
    with pytest.raises(RecordingError, match=r"cannot write .*No space left") as caught:
        writer.wire(2.0, b"y") if moment == "wire" else writer.close(2.0, OUTCOME)
    assert "Free some space" in caught.value.remedy
    with suppress(RecordingError):
        writer.close(3.0, OUTCOME)
    assert read_recording(tmp_path / "a.journal").header["format"] == 1
