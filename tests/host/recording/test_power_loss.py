"""What a power loss of the laptop costs: nothing that a sync has covered.

First against a model of any file system: behind the last synced byte anything may stand. Then against ext4
itself: its device is copied while the journal is written, and the copies are mounted as after the cut.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.recording import closing, journal
from popsense.recording.closing import close_recording
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_journal, read_recording
from popsense.recording.salvage import salvage
from tests.conftest import Require
from tests.host.recording.journals import HEADER, OUTCOME, died
from tests.host.recording.wires import Attempt

SECTOR_BYTES = 512
WIRE = Attempt(1200, events=3).wire()
PIECE = 97


def tail(kind: str, unsynced: bytes, noise: bytes, sectors: int) -> bytes:
    """What the medium may hold of bytes that no sync has covered."""
    if kind == "cut":
        return unsynced[: sectors * 37]
    if kind == "zeros":  # the length was there before the content
        return bytes(len(unsynced))
    if kind == "old":  # sectors of a file that was deleted
        return (noise * (len(unsynced) // max(1, len(noise)) + 1))[: len(unsynced)]
    parts = [unsynced[at : at + SECTOR_BYTES] for at in range(0, len(unsynced), SECTOR_BYTES)]
    return b"".join(part if sectors >> k & 1 else bytes(len(part)) for k, part in enumerate(parts))


@given(
    st.integers(1, 200),
    st.lists(st.integers(0, 199), max_size=6),
    st.sampled_from(["cut", "zeros", "old", "some sectors"]),
    st.binary(max_size=600),
    st.integers(0, 2**16),
)
def test_what_was_synced_is_read_whatever_stands_behind_it(
    tmp_path_factory: pytest.TempPathFactory,
    turns: int,
    syncs: list[int],
    kind: str,
    noise: bytes,
    sectors: int,
):
    path = tmp_path_factory.mktemp("cut") / "a.journal"
    writer = JournalWriter(path, HEADER)
    synced = (path.stat().st_size, 0)  # bytes of the file, bytes of the wire
    for turn in range(turns):
        writer.wire(0.0, WIRE[turn * PIECE : (turn + 1) * PIECE])
        if turn in syncs:
            writer.sync(0.0)
            synced = (path.stat().st_size, (turn + 1) * PIECE)
    died(writer)
    data = path.read_bytes()
    path.write_bytes(data[: synced[0]] + tail(kind, data[synced[0] :], noise, sectors))
    wire = read_journal(path).wire
    assert wire.startswith(WIRE[: synced[1]])
    assert is_made_of_pieces(wire[synced[1] :], WIRE[synced[1] :])


def is_made_of_pieces(found: bytes, written: bytes) -> bool:
    """Whole records in their order, some perhaps missing; nothing else."""
    pieces = iter(written[at : at + PIECE] for at in range(0, len(written), PIECE))
    while found:
        piece = next((piece for piece in pieces if found.startswith(piece)), b"")
        if not piece:
            return False
        found = found[len(piece) :]
    return True


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    folder = image.with_suffix(".mounted")
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Require) -> Path:
    """A file with an ext4 in it, on which recordings begin although it is small."""
    require("mount")
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    monkeypatch.setattr(journal, "LEAST_FREE_BYTES", 0)
    return image


def cut(device: Path, number: int) -> Path:
    """The device as the power loss finds it now."""
    return Path(shutil.copyfile(device, device.with_name(f"cut-{number}.img")))


def record_with_cuts(device: Path) -> list[tuple[Path, int]]:
    """One attempt on the device; copies of it at syncs and between them, each with the bytes promised."""
    cuts: list[tuple[Path, int]] = []
    promised = 0
    with mounted(device) as folder:
        writer = JournalWriter(folder / "recordings" / "a.journal", HEADER)
        for turn in range(60):
            writer.wire(0.0, WIRE[turn * PIECE : (turn + 1) * PIECE])
            if turn % 20 == 10:
                writer.sync(0.0)
                promised = (turn + 1) * PIECE
            if turn % 10 == 0:
                cuts.append((cut(device, turn), promised))
        writer.close(1.0, OUTCOME)
    return cuts


def kept_on(image: Path) -> bytes:
    with mounted(image) as folder:
        return read_journal(folder / "recordings" / "a.journal").wire


@pytest.mark.slow
def test_on_ext4_everything_promised_is_there_after_the_cut(device: Path):
    cuts = record_with_cuts(device)
    assert [promised for _, promised in cuts] == [PIECE * k for k in (0, 11, 11, 31, 31, 51)]
    for image, promised in cuts:
        assert kept_on(image).startswith(WIRE[:promised])


@pytest.mark.slow
def test_without_syncs_the_same_cuts_lose_it(device: Path, monkeypatch: pytest.MonkeyPatch):
    """So the test above can fail: the copies do tell what is on the device from what is in memory."""
    real = journal.make_durable
    monkeypatch.setattr(
        journal, "make_durable", lambda file: file.flush() if file.tell() > 1200 else real(file)
    )
    lost = [image for image, promised in record_with_cuts(device) if len(kept_on(image)) < promised]
    assert lost


@pytest.mark.slow
def test_on_ext4_a_cut_in_mid_closing_leaves_one_whole_recording(
    device: Path, monkeypatch: pytest.MonkeyPatch
):
    cuts: list[Path] = []

    def with_cuts(name: str) -> None:
        real = getattr(closing, name)

        def done(*arguments: Any) -> None:
            cuts.append(cut(device, 2 * len(cuts)))
            real(*arguments)
            cuts.append(cut(device, 2 * len(cuts)))

        monkeypatch.setattr(closing, name, done)

    for name in ("make_durable", "rename_to_new", "make_names_durable"):
        with_cuts(name)
    with mounted(device) as folder:
        writer = JournalWriter(folder / "a.journal", HEADER)
        writer.wire(0.0, WIRE)
        writer.close(1.0, OUTCOME)
        whole = read_recording(folder / "a.journal").stored.samples.tobytes()
        close_recording(folder / "a.journal")
        cuts.append(cut(device, 99))
    assert len(cuts) == 7
    for image in cuts:
        with mounted(image) as folder:
            salvage(folder)
            assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["a.parquet"]
            assert read_recording(folder / "a.parquet").stored.samples.tobytes() == whole
