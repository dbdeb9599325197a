"""Every recording of a released format stays readable, integer by integer."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popsense.recording.journal import FORMAT_VERSION
from popsense.recording.parquet import PARQUET_VERSION
from popsense.recording.reader import READABLE_PROTOCOLS, read_recording
from popsense.recording.stored import StoredAttempt
from popsense_protocol.packets import FORCE_MASK, FORCE_OFFSET_COUNTS, PROTOCOL_VERSION

FOLDER = Path(__file__).parent
SAMPLES = sorted([*FOLDER.glob("*.journal"), *FOLDER.glob("*.parquet")])
MAX_BYTES = 30_000


def pinned(sample: Path) -> Mapping[str, Any]:
    return json.loads(sample.with_suffix(".json").read_text(encoding="utf-8"))


def columns(stored: StoredAttempt) -> Mapping[str, np.ndarray[Any, Any]]:
    packed = stored.samples["force_and_flags"].astype(np.int64)
    found = {
        "sample_index": stored.sample_index,
        "force_counts": (packed & FORCE_MASK) - FORCE_OFFSET_COUNTS,
        "flags": packed >> 24,
        "depth_counts": stored.samples["depth"],
        "pressure_counts": stored.samples["pressure"],
        "stamp_us": stored.stamp_us,
        "resent": stored.resent,
    }
    return {name: column.astype("<i8") for name, column in found.items()}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_of_each_format_reads_as_it_was_written(sample: Path):
    wanted, found = pinned(sample), read_recording(sample)
    stored = found.stored
    assert {name: int(column.sum()) for name, column in columns(stored).items()} == {
        name: column["sum"] for name, column in wanted["columns"].items()
    }
    assert {
        name: hashlib.sha256(column.tobytes()).hexdigest() for name, column in columns(stored).items()
    } == {name: column["sha256"] for name, column in wanted["columns"].items()}
    assert (len(stored.samples), stored.taken, stored.at_least) == (wanted["samples"], wanted["taken"], 988)
    events = [[event["number"], event["kind"], event["sample_index"]] for event in stored.events]
    assert (events, stored.events_found) == (wanted["events"], len(events))
    faults = [[fault[name] for name in ("code", "raised", "next_sample", "value")] for fault in stored.faults]
    assert (faults, stored.faults_seen) == (wanted.get("faults", []), wanted.get("faults_seen", 0))
    assert stored.missed_conversions == wanted["missed_conversions"]
    assert stored.bad_frames == wanted["bad_frames"]
    assert found.header["operator"] == wanted["operator"]
    assert (found.outcome or {})["outcome"] == wanted["outcome"]
    assert [note["what"] for note in found.notes] == wanted["notes"]
    assert (found.form, found.truncated_bytes, found.damaged_bytes) == (sample.suffix[1:], 0, 0)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_no_sample_was_ever_edited(sample: Path):
    data = sample.read_bytes()
    assert hashlib.sha256(data).hexdigest() == pinned(sample)["sha256_of_file"]
    assert len(data) < MAX_BYTES


def test_each_version_of_now_has_its_sample():
    names = {sample.name for sample in SAMPLES}
    journal = f"journal-{FORMAT_VERSION}-protocol-{PROTOCOL_VERSION}.journal"
    assert {journal, f"parquet-{PARQUET_VERSION}.parquet"} <= names
    told = [read_recording(sample).header["versions"]["protocol"] for sample in SAMPLES]
    assert set(READABLE_PROTOCOLS) <= set(told)


def test_each_sample_stands_in_the_list():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [sample.name for sample in SAMPLES if f"`{sample.name}`" not in text] == []
