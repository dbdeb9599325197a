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
from popsense.recording.journal import CRC, MAGIC, RECORD, JournalWriter, NameTakenError, journal_path
from popsense.recording.reader import Journal, read_journal
from tests.host.recording.journals import HEADER, OUTCOME

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


def read_bytes(folder: Path, data: bytes) -> Journal:
    path = folder / "cut.journal"
    path.write_bytes(data)
    return read_journal(path)


def test_what_was_written_is_read(tmp_path: Path):
    write(tmp_path / "new" / "folder" / "a.journal", CHUNKS)
    found = read_journal(tmp_path / "new" / "folder" / "a.journal")
    assert found.wire == b"".join(CHUNKS)
    assert found.header == {"format": 2, **HEADER}
    assert (found.outcome, found.truncated_bytes) == (OUTCOME, 0)


def test_the_file_is_as_its_description_says(tmp_path: Path):
    data = write(tmp_path / "a.journal", [b"abc"])
    head = record(b"H", json.dumps({"format": 2, **HEADER}, sort_keys=True).encode())
    assert data.startswith(b"popsense journal 2\n" + head)
    wire = b"W" + b"\0\0\0\0\0\0\x24\x40" + b"\x03\0\0\0" + b"abc"  # 10.0 as float64, length, body
    assert wire + zlib.crc32(wire).to_bytes(4, "little") in data


def test_a_recording_without_exit_has_no_outcome(tmp_path: Path):
    write(tmp_path / "a.journal", CHUNKS, closed=False)
    found = read_journal(tmp_path / "a.journal")
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
    assert found.header == {"format": 2, **HEADER}
    assert found.outcome in (None, OUTCOME)
    assert found.truncated_bytes + found.damaged_bytes > 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Folders, data: bytes):
    folder = tmp_path_factory.mktemp("any")
    for start in (b"", MAGIC, MAGIC + record(b"H", b'{"format": 2}')):
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


@pytest.mark.parametrize("header", [b'{"format": 3}', b"{}", b'{"format": "2"}'])
def test_another_format_says_which(tmp_path: Path, header: bytes):
    with pytest.raises(RecordingError, match=r"has recording format .* this program reads 2") as caught:
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
            read_journal(path)


def test_a_recording_is_never_overwritten(tmp_path: Path):
    before = write(tmp_path / "a.journal", CHUNKS)
    with pytest.raises(NameTakenError, match=r"a.journal was left by a crash") as caught:
        JournalWriter(tmp_path / "a.journal", HEADER)
    assert f"`popsense salvage {tmp_path}` finishes it" in caught.value.remedy
    assert "never overwritten" in caught.value.remedy
    assert (tmp_path / "a.journal").read_bytes() == before


def test_a_journal_of_a_program_alive_was_left_by_no_crash(tmp_path: Path):
    writer = JournalWriter(tmp_path / "a.journal", HEADER)
    with pytest.raises(NameTakenError, match=r"a.journal exists"):
        JournalWriter(tmp_path / "a.journal", HEADER)
    writer.close(1.0, OUTCOME)


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "a.journal")
    with pytest.raises(NameTakenError, match=r"a.journal exists"):
        JournalWriter(tmp_path / "a.journal", HEADER)


@pytest.mark.parametrize("name", ["a", "a.parquet", "a.journal", "a.PARQUET", "a.JOURNAL"])
def test_the_journal_of_a_recording_lies_beside_it(name: str):
    assert journal_path(Path("there") / name) == Path("there/a.journal")


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/.."])
def test_what_names_no_file_has_no_journal(name: str):
    with pytest.raises(RecordingError, match="names no file"):
        journal_path(Path(name))


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


def test_notes_come_back_with_their_times_and_begin_connections(tmp_path: Path):
    writer = JournalWriter(tmp_path / "a.journal", HEADER)
    writer.note(1.0, {"what": "connection"})  # the first of all begins nothing new
    writer.wire(1.5, b"abc")
    writer.note(2.0, {"what": "started", "run": 7, "boot_id": 3})
    writer.wire(2.5, b"de")
    writer.note(3.0, {"what": "connection"})
    writer.wire(3.5, b"f")
    writer.close(4.0, OUTCOME)
    found = read_journal(tmp_path / "a.journal")
    assert found.connections == (b"abcde", b"f")
    assert found.notes == (
        {"at_s": 1.0, "what": "connection"},
        {"at_s": 2.0, "what": "started", "run": 7, "boot_id": 3},
        {"at_s": 3.0, "what": "connection"},
    )


def test_wire_bytes_of_any_length_come_back(tmp_path: Path):
    chunk = bytes(range(256)) * (3 * journal.MAX_BODY_BYTES // 256) + b"end"
    write(tmp_path / "a.journal", [chunk])
    found = read_journal(tmp_path / "a.journal")
    assert found.wire == chunk
    assert (found.truncated_bytes, found.damaged_bytes) == (0, 0)


@pytest.mark.parametrize("kind", [b"H", b"N", b"E"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff"])
def test_a_record_that_is_no_json_object_is_refused(tmp_path: Path, kind: bytes, body: bytes):
    head = b"" if kind == b"H" else record(b"H", b'{"format": 2}')
    with pytest.raises(RecordingError, match="has a record that is no JSON"):
        read_bytes(tmp_path, MAGIC + head + record(kind, body))


@pytest.mark.parametrize(("version", "remedy"), [(1, "never released"), (3, "Update popsense")])
def test_an_earlier_and_a_later_format_are_told_apart(tmp_path: Path, version: int, remedy: str):
    with pytest.raises(RecordingError, match=f"has recording format {version}, .* reads 2") as caught:
        read_bytes(tmp_path, b"popsense journal %d\n" % version + record(b"H", b"{}"))
    assert remedy in caught.value.remedy
