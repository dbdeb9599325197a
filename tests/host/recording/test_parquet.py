"""Parquet of a closed recording: every integer comes back, and no damage passes for content."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from popsense.errors import RecordingError
from popsense.recording import parquet
from popsense.recording.parquet import COLUMNS, content_sha256, parquet_bytes, read_parquet
from popsense.recording.recording import Recording
from popsense.recording.stored import NO_STAMP, StoredAttempt
from popsense_protocol.layouts import SAMPLE_DTYPE
from tests.host.recording.journals import HEADER, differences

HERE = Path("a.parquet")
counts = st.integers(0, 2**40)
words = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(words.filter(lambda name: name != "channels"), json_values, max_size=4)


@st.composite
def stored_attempts(draw: Any, most: int = 60) -> StoredAttempt:
    """Any integers that the types can hold, however unlikely."""
    n = draw(st.integers(0, most))
    steps = draw(arrays.arrays(np.int64, n, elements=st.integers(1, 2**33)))
    return StoredAttempt(
        samples=draw(arrays.arrays(np.uint8, n * 8)).view(SAMPLE_DTYPE),
        sample_index=np.cumsum(steps, dtype=np.int64),
        stamp_us=draw(arrays.arrays(np.int64, n, elements=st.integers(NO_STAMP, 2**30 - 1))),
        resent=draw(arrays.arrays(np.bool_, n)),
        taken=draw(st.none() | counts),
        at_least=draw(counts),
        events=tuple(draw(st.lists(st.dictionaries(words, words | counts, max_size=4), max_size=3))),
        events_found=draw(st.none() | counts),
        resent_events=draw(counts),
        missed_conversions=draw(counts),
        bad_frames=draw(counts),
        faults=tuple(draw(st.lists(st.dictionaries(words, words | counts, max_size=4), max_size=3))),
        faults_seen=draw(counts),
    )


recordings = st.builds(
    Recording,
    path=st.just(HERE),
    form=st.just("parquet"),
    header=st.just(HEADER) | objects,
    outcome=st.none() | objects,
    notes=st.lists(objects, max_size=3).map(tuple),
    stored=stored_attempts(),
    truncated_bytes=counts,
    damaged_bytes=counts,
)


def attempt(n: int) -> Recording:
    """A plain one of n samples, 20 a block."""
    samples = np.zeros(n, SAMPLE_DTYPE)
    samples["force_and_flags"] = (1 << 23) - 100 + np.arange(n)
    samples["depth"] = 8000 + np.arange(n) % 7
    index = np.arange(n, dtype=np.int64)
    stored = StoredAttempt(
        samples=samples,
        sample_index=index,
        stamp_us=np.where(index % 20 == 0, index * 1012, NO_STAMP),
        resent=(index // 20) % 3 == 0,
        taken=n,
        at_least=n,
        events=({"kind": "pop", "number": 0},),
        events_found=1,
        resent_events=0,
        missed_conversions=2,
        bad_frames=0,
    )
    return Recording(HERE, HEADER, {"outcome": "removed"}, ({"at_s": 1.5},), stored, 0, 0, "parquet")


@given(recordings)
def test_every_attempt_comes_back_as_it_went_in(recording: Recording):
    found = read_parquet(HERE, parquet_bytes(recording))
    assert differences(found, recording) == []
    assert (found.path, found.form) == (HERE, "parquet")


@pytest.mark.slow
@given(recordings, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_a_damaged_byte_is_noticed_or_changes_nothing(recording: Recording, rng: Any):
    data = parquet_bytes(recording)
    for _ in range(20):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        assert_damage_is_noticed(recording, bytes(damaged))


@pytest.mark.slow
@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_byte_of_one_file_may_be_damaged(flip: int):
    """0x01 makes other digits of the metadata's digits, which no checksum of Parquet covers."""
    recording = attempt(60)
    data = parquet_bytes(recording)
    for at in range(len(data)):
        assert_damage_is_noticed(recording, data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])


def test_cut_off_anywhere_it_is_refused():
    data = parquet_bytes(attempt(60))
    for length in range(4, len(data), 7):
        with pytest.raises(RecordingError, match=r"a.parquet is damaged"):
            read_parquet(HERE, data[:length])


@given(st.binary(max_size=300))
def test_any_bytes_behind_the_magic_are_refused(noise: bytes):
    with pytest.raises(RecordingError):
        read_parquet(HERE, b"PAR1" + noise + b"PAR1")


def assert_damage_is_noticed(recording: Recording, damaged: bytes) -> None:
    try:
        found = read_parquet(HERE, damaged)
    except RecordingError:
        return
    assert differences(found, recording) == []


CHANGES = {
    "header": lambda r: replace(r, header={**r.header, "operator": "expert"}),
    "outcome": lambda r: replace(r, outcome=None),
    "notes": lambda r: replace(r, notes=()),
    "truncated_bytes": lambda r: replace(r, truncated_bytes=1),
    "damaged_bytes": lambda r: replace(r, damaged_bytes=1),
    "taken": lambda r: with_stored(r, taken=None),
    "at_least": lambda r: with_stored(r, at_least=99),
    "events": lambda r: with_stored(r, events=()),
    "events_found": lambda r: with_stored(r, events_found=2),
    "resent_events": lambda r: with_stored(r, resent_events=1),
    "missed_conversions": lambda r: with_stored(r, missed_conversions=0),
    "bad_frames": lambda r: with_stored(r, bad_frames=5),
    "samples": lambda r: with_stored(r, samples=r.stored.samples[::-1].copy()),
    "sample_index": lambda r: with_stored(r, sample_index=r.stored.sample_index + 1),
    "stamp_us": lambda r: with_stored(r, stamp_us=r.stored.stamp_us[::-1].copy()),
    "resent": lambda r: with_stored(r, resent=~r.stored.resent),
}


def with_stored(recording: Recording, **changes: Any) -> Recording:
    return replace(recording, stored=replace(recording.stored, **changes))


@pytest.mark.parametrize("name", CHANGES)
def test_the_checksum_covers_everything_that_a_recording_tells(name: str):
    recording = attempt(60)
    changed = CHANGES[name](recording)
    assert differences(recording, changed) == [name]
    assert content_sha256(changed) != content_sha256(recording)


def test_the_checksum_does_not_depend_on_name_and_form():
    recording = attempt(60)
    assert content_sha256(replace(recording, path=Path("b"), form="journal")) == content_sha256(recording)


def test_columns_are_delta_packed_and_told_with_their_scale():
    with pq.ParquetFile(io.BytesIO(parquet_bytes(attempt(200)))) as file:
        chunks = [file.metadata.row_group(0).column(at) for at in range(len(COLUMNS))]
        fields = file.schema_arrow
    assert [chunk.path_in_schema for chunk in chunks] == list(COLUMNS)
    assert {chunk.compression for chunk in chunks} == {"ZSTD"}
    packed = [chunk.path_in_schema for chunk in chunks if "DELTA_BINARY_PACKED" in chunk.encodings]
    assert packed == [name for name in COLUMNS if name != "resent"]
    assert fields.field("depth_counts").metadata == {
        b"unit": b"counts",
        b"physical_unit": b"millimetre",
        b"units_per_count": b"0.001",
        b"zero_counts": b"120",
    }
    assert fields.field("stamp_us").metadata == {b"unit": b"us"}


def test_people_find_signed_force_and_nulls_where_no_block_began():
    table = pq.read_table(io.BytesIO(parquet_bytes(attempt(45))))
    assert table.column("force_counts").to_pylist()[:3] == [-100, -99, -98]
    assert [k for k, stamp in enumerate(table.column("stamp_us").to_pylist()) if stamp is not None] == [
        0,
        20,
        40,
    ]
    assert table.column("resent").to_pylist() == [True] * 20 + [False] * 25


def test_three_minutes_take_less_than_three_bytes_a_sample():
    rng = np.random.default_rng(1)
    n = 180_000
    samples = np.zeros(n, SAMPLE_DTYPE)
    samples["force_and_flags"] = (1 << 23) + rng.normal(0, 300, n).astype(int)
    samples["depth"] = 8000 + rng.normal(0, 3, n)
    samples["pressure"] = 4000 + rng.normal(0, 3, n)
    assert len(parquet_bytes(with_stored(attempt(n), samples=samples))) < 3 * n


def test_a_parquet_file_of_somebody_else_is_refused():
    sink = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(parquet_bytes(attempt(3)))).replace_schema_metadata({}), sink)
    with pytest.raises(RecordingError, match=r"a.parquet is no popsense recording"):
        read_parquet(HERE, sink.getvalue())


def test_a_later_version_says_which(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parquet, "PARQUET_VERSION", 3)
    data = parquet_bytes(attempt(3))
    monkeypatch.undo()
    with pytest.raises(RecordingError, match="has Parquet format 3, this program reads 2") as caught:
        read_parquet(HERE, data)
    assert caught.value.remedy == "Update popsense."


def test_light_commands_do_not_pay_for_pyarrow():
    program = (
        "import sys, popsense.recording.reader, popsense.recording.closing, popsense.recording.salvage;"
        "sys.exit('pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
