"""After a crash the next start puts the folder in order, and leaves alone what others are at work on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from popsense.errors import RecordingError
from popsense.recording import closing
from popsense.recording.closing import partial_path
from popsense.recording.decode import decode_wire
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_journal, read_recording
from popsense.recording.salvage import Salvaged, salvage
from tests.host.recording.journals import HEADER, died, differences, write_journal
from tests.host.recording.wires import Attempt

WIRE = Attempt(205, events=3).wire()

# Records for ever, without a pause; prints how many bytes of the wire are kept.
CHILD = """
import json, sys, time
from pathlib import Path
from popsense.recording.journal import JournalWriter
path, header, wire = Path(sys.argv[1]), json.loads(sys.argv[2]), bytes.fromhex(sys.argv[3])
handed_over = 0
writer = JournalWriter(path, header, lambda: print(handed_over, flush=True))
for turn in range(10**9):
    piece = wire[turn * 97 : turn * 97 + 97]
    handed_over += len(piece)
    writer.wire(turn / 100, piece) if piece else time.sleep(1)
    if turn % 7 == 6:
        writer.sync(turn / 100)
"""


@contextmanager
def recording_child(path: Path, wire: bytes) -> Iterator[subprocess.Popen[str]]:
    arguments = [sys.executable, "-c", CHILD, str(path), json.dumps(HEADER), wire.hex()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        yield child
        child.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("promises", [1, 4, 9])
def test_what_a_killed_program_kept_is_salvaged(tmp_path: Path, promises: int):
    wire = Attempt(2000).wire()
    path = tmp_path / "a.journal"
    with recording_child(path, wire) as child:
        for _ in range(promises):
            promised = int(child.stdout.readline())  # type: ignore[union-attr]
        assert [entry.done for entry in salvage(tmp_path)] == ["in use"]
        child.kill()
        rest = child.stdout.read().split()  # type: ignore[union-attr]
    promised = int(rest[-1]) if rest else promised
    bytes_found = read_journal(path).wire
    assert len(bytes_found) >= promised
    assert wire.startswith(bytes_found)
    assert salvage(tmp_path) == [Salvaged(path, "closed", tmp_path / "a.parquet")]
    found = read_recording(tmp_path / "a.parquet")
    assert found.outcome is None
    assert len(found.stored.samples) >= len(decode_wire([wire[:promised]], None).samples) > 0
    assert found.stored.sample_index.tolist() == list(range(len(found.stored.samples)))
    assert salvage(tmp_path) == []


def test_a_folder_with_everything_in_it(tmp_path: Path):
    live = JournalWriter(tmp_path / "live.journal", HEADER)
    live.wire(1.0, WIRE)
    live.sync(1.0)
    crashed = write_journal(tmp_path / "crashed.journal", [WIRE], outcome=None)
    ended = write_journal(tmp_path / "ended.journal", [WIRE])
    empty = write_journal(tmp_path / "empty.journal", [])
    cut = tmp_path / "cut.journal"
    cut.write_bytes(ended.read_bytes()[:40])
    os.mkfifo(tmp_path / "pipe.journal")
    rotten = tmp_path / "rotten.journal"
    rotten.write_bytes(b"dear diary")
    closed = closing.close_recording(write_journal(tmp_path / "closed.journal", [WIRE]))
    stray = partial_path(tmp_path / "gone.journal")
    stray.write_bytes(b"half")
    at_work = partial_path(tmp_path / "live.journal")
    at_work.write_bytes(b"half")
    (tmp_path / "report.html").write_bytes(b"")
    before = {path: path.read_bytes() for path in (live.path, empty, cut, rotten, closed, at_work)}
    whole = read_recording(ended)

    found = salvage(tmp_path)
    assert [(entry.found.name, entry.done, entry.path.name) for entry in found] == [
        ("crashed.journal", "closed", "crashed.parquet"),
        ("cut.journal", "empty", "cut.journal"),
        ("empty.journal", "empty", "empty.journal"),
        ("ended.journal", "closed", "ended.parquet"),
        ("live.journal", "in use", "live.journal"),
        ("rotten.journal", "unreadable", "rotten.journal"),
        (".gone.journal.partial", "removed", ".gone.journal.partial"),
    ]
    assert [entry.reason for entry in found[1:3]] == [
        f"{path} holds no samples: it may be deleted." for path in (cut, empty)
    ]
    assert "is no popsense recording" in found[5].reason
    assert {path: path.read_bytes() for path in before} == before
    assert not crashed.exists()
    assert differences(read_recording(tmp_path / "ended.parquet"), whole) == []

    after = names(tmp_path)
    assert [entry.done for entry in salvage(tmp_path)] == ["empty", "empty", "in use", "unreadable"]
    assert names(tmp_path) == after
    died(live)
    assert "live.parquet" not in after
    assert [entry.path.name for entry in salvage(tmp_path) if entry.done == "closed"] == ["live.parquet"]
    assert not at_work.exists()


def test_no_folder_is_nothing_to_do(tmp_path: Path):
    assert salvage(tmp_path / "none") == []
    (tmp_path / "file").write_bytes(b"")
    assert salvage(tmp_path / "file") == []


def test_a_folder_that_may_not_be_read_is_not_called_tidy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(folder: Path) -> Iterator[Path]:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(RecordingError, match=r"cannot read .*: Permission denied") as caught:
        salvage(tmp_path)
    assert caught.value.remedy == "Ask its owner for the right to read it."


def test_a_name_that_is_taken_is_left_for_later(tmp_path: Path):
    journal = write_journal(tmp_path / "a.journal", [WIRE])
    (tmp_path / "a.parquet").write_bytes(b"other")
    (found,) = salvage(tmp_path)
    assert (found.done, found.path) == ("left", journal)
    assert "Rename one of the two. Then `popsense salvage" in found.reason


def test_a_journal_that_may_not_be_read_is_left_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    write_journal(tmp_path / "a.journal", [WIRE])
    monkeypatch.setattr(Path, "open", refuse)
    (found,) = salvage(tmp_path)
    assert found.done == "left"
    assert found.reason.endswith("Permission denied. Ask its owner for the right to read it.")


def test_one_journal_that_the_disk_refuses_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a", "b"):
        write_journal(tmp_path / f"{name}.journal", [WIRE])
    real = closing.make_durable
    refusals = iter([True, False])

    def once(file: object) -> None:
        if next(refusals):
            raise OSError(28, os.strerror(28))
        real(file)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "make_durable", once)
    found = salvage(tmp_path)
    assert [entry.done for entry in found] == ["left", "closed"]
    assert "Free some space on the disk. Then `popsense salvage" in found[0].reason
    assert names(tmp_path) == ["a.journal", "b.parquet"]


def test_a_crash_at_any_moment_of_closing_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each step done and nothing after it, not even the tidying up."""
    write_journal(tmp_path / "kept.journal", [WIRE])
    content = (tmp_path / "kept.journal").read_bytes()
    parquet = closing.close_recording(tmp_path / "kept.journal").read_bytes()
    leftovers = [
        {".a.journal.partial": b""},
        {".a.journal.partial": parquet[:1000]},
        {".a.journal.partial": parquet},
        {".a.journal.partial": parquet, "a.parquet": parquet},
        {"a.parquet": parquet},
    ]
    for number, left in enumerate(leftovers):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, data in {"a.journal": content, **left}.items():
            (folder / name).write_bytes(data)
        assert [entry.path.name for entry in salvage(folder) if entry.done == "closed"] == ["a.parquet"]
        assert names(folder) == ["a.parquet"]
        assert (folder / "a.parquet").read_bytes() == parquet


@pytest.mark.slow
def test_two_programs_may_salvage_at_once(tmp_path: Path):
    for number in range(12):
        write_journal(tmp_path / f"{number:02d}.journal", [WIRE], outcome=None)
    program = (
        "import sys; from pathlib import Path; from popsense.recording.salvage import salvage;"
        "salvage(Path(sys.argv[1]))"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [child.communicate()[1] for child in children] == [b"", b"", b""]
    assert names(tmp_path) == [f"{number:02d}.parquet" for number in range(12)]
