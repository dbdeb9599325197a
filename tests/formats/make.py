"""Writes the samples that are missing for the versions of now; what is there stays. See README.md.

The attempt is made here and encoded with popsense_protocol; the journal is written by the real writer.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from popsense.attempts.record import AttemptPlan, header
from popsense.link.hello import read_hello
from popsense.procedure.detector_profile import detector_profile
from popsense.procedure.sites import SITES
from popsense.recording.journal import FORMAT_VERSION, JournalWriter
from popsense.recording.parquet import PARQUET_VERSION, parquet_bytes
from popsense.recording.reader import read_recording
from popsense_protocol import packets
from popsense_protocol.codec import TYPE_OF_NAME, Packet, decode, encode, schema_hash
from popsense_protocol.framing import encode_frame

FOLDER = Path(__file__).parent
N, BLOCK, RUN, PERIOD_US = 988, 20, 7, 1012
FIRST_TICKS_US = 2**30 - 400_000  # the clock wraps in it
MISSED = {137: 1, 500: 2}  # sample -> conversions missed just before it
CUT, DAMAGED, HOLE = 300, 420, 440  # first samples of the blocks that something happens to
RESENT = (CUT, DAMAGED)
FAULTS = [["force_saturated", 1, 612, 8388607], ["force_saturated", 0, 640, 60_212]]
SEEN = 1 << 4 | 1 << 15  # force_saturated, and undervoltage, which nobody told
HEALTH_FIELDS = (
    *("faults", "supply_mv", "force_zero_counts", "force_noise_counts", "bridge_counts", "loop_us"),
    *("heap_free_bytes", "cut_writes"),
)
JOURNAL = FOLDER / f"journal-{FORMAT_VERSION}-protocol-{packets.PROTOCOL_VERSION}.journal"
PARQUET = FOLDER / f"parquet-{PARQUET_VERSION}.parquet"
COLUMNS = ("sample_index", "force_counts", "flags", "depth_counts", "pressure_counts", "stamp_us", "resent")


def main() -> None:
    if not JOURNAL.exists():
        write_journal(JOURNAL)
        pin(JOURNAL)
    if not PARQUET.exists():
        recording = read_recording(JOURNAL)
        PARQUET.write_bytes(parquet_bytes(replace(recording, path=PARQUET)))
        pin(PARQUET)


def truth() -> Mapping[str, np.ndarray[Any, Any]]:
    """A push, a pop and a rest: integers of every sample that the device took, shape (N,)."""
    rng = np.random.default_rng(2026)
    k = np.arange(N)
    push = np.where(k < 600, np.minimum(k, 400) * 1500, 60_000)
    force = push + rng.normal(0, 300, N).astype(np.int64)
    force[590:596] = packets.FORCE_MASK - packets.FORCE_OFFSET_COUNTS  # the converter's end
    missed = np.cumsum([MISSED.get(sample, 0) for sample in range(N)])
    flags = np.where(np.isin(k, list(MISSED)), packets.FLAG_AFTER_GAP, 0)
    flags[590:596] |= packets.FLAG_FORCE_SATURATED
    return {
        "sample_index": k,
        "force_counts": force,
        "flags": flags,
        "depth_counts": np.where(k < 600, 1200, np.minimum(1200 + (k - 600) * 40, 9000))
        + rng.integers(0, 4, N),
        "pressure_counts": 5400 + rng.integers(0, 6, N),
        "ticks_us": (FIRST_TICKS_US + (k + missed) * PERIOD_US) % 2**30,
        "missed": missed,
    }


def expected() -> Mapping[str, np.ndarray[Any, Any]]:
    """What a reader must find: COLUMNS without the hole, as int64."""
    taken = truth()
    here = (taken["sample_index"] < HOLE) | (taken["sample_index"] >= HOLE + BLOCK)
    index = taken["sample_index"]
    columns = {name: taken[name] for name in COLUMNS[:5]}
    columns["stamp_us"] = np.where(index % BLOCK == 0, taken["ticks_us"], -1)
    columns["resent"] = np.isin(index // BLOCK * BLOCK, RESENT)
    return {name: column[here].astype("<i8") for name, column in columns.items()}


def block(first: int) -> bytes:
    taken = truth()
    rows = range(first, min(first + BLOCK, N))
    code = taken["force_counts"] + packets.FORCE_OFFSET_COUNTS | taken["flags"] << 24
    samples = [
        {
            "force_and_flags": int(code[k]),
            "depth": int(taken["depth_counts"][k]),
            "pressure": int(taken["pressure_counts"][k]),
        }
        for k in rows
    ]
    told = {"missed": int(taken["missed"][rows[-1]]), "first_ticks_us": int(taken["ticks_us"][first])}
    return frame("SAMPLE_BLOCK", run=RUN, first_sample=first, samples=samples, **told)


def frame(name: str, **fields: Any) -> bytes:
    return b"\0" + encode_frame(encode(name, **fields))


def ack(
    command: str, request: int, state: str, next_sample: int, next_event: int, missed: int = 0, run: int = RUN
) -> bytes:
    now = (FIRST_TICKS_US + next_sample * PERIOD_US) % 2**30
    counts = {"next_sample": next_sample, "next_event": next_event, "missed": missed, "ticks_us": now}
    return frame("ACK", command=TYPE_OF_NAME[command], request=request, run=run, state=state, **counts)


def event(number: int, kind: str, sample: int) -> bytes:
    ticks = int(truth()["ticks_us"][sample])
    found = {"sample_index": sample, "ticks_us": ticks, "peak_counts": 601_000, "level_counts": -12 * number}
    rest = {"drop_permille": 0, "advance_counts": 40 - 30 * number, "duration_us": 52_000 * number}
    told = {"kind": kind, "detector_version": 2, "basis": packets.BASIS_FORCE | packets.BASIS_DEPTH}
    return frame("EVENT", number=number, run=RUN, **told, **found, **rest)


def fault(number: int, code: str, raised: int, sample: int, value: int, run: int = RUN) -> bytes:
    ticks = int(truth()["ticks_us"][sample])
    told = {"code": code, "raised": raised, "number": number, "value": value}
    return frame("FAULT", run=run, next_sample=sample, ticks_us=ticks, **told)


def health(bits: int) -> bytes:
    zero = dict.fromkeys(HEALTH_FIELDS, 0)
    return frame("HEALTH", **zero | {"state": "sampling", "run": RUN, "faults_of_run": bits})


def hello() -> Packet:
    channel = {
        "bits": 24,
        "fitted": 1,
        "settle_samples": 1,
        "zero_counts": 0,
        "nano_units_per_count": 31_700,
        "unit": "newton",
    }
    return decode(
        encode(
            "HELLO",
            reset_cause="power_on",
            protocol_version=packets.PROTOCOL_VERSION,
            schema_hash=schema_hash(),
            firmware_version=[0, 1, 0],
            options=packets.OPTION_DEPTH | packets.OPTION_PRESSURE,
            detector_version=2,
            event_capacity=64,
            board_id=bytes.fromhex("e66058388314a52b"),
            boot_id=0x5EED,
            calibration_id=0,
            sample_rate_mhz=988_142,
            ring_samples=8192,
            force=channel,
            depth={**channel, "bits": 14, "zero_counts": 1200, "nano_units_per_count": 2_000_000}
            | {"unit": "millimetre"},
            pressure={**channel, "bits": 14, "zero_counts": 5461, "nano_units_per_count": 9_155_000}
            | {"unit": "kilopascal"},
            interpreter="a sample, no interpreter",
        )
    )


def write_journal(path: Path) -> None:
    """The attempt as a session would have recorded it."""
    said = read_hello(hello().fields)
    site = SITES["adult-proximal-tibia"]
    plan = AttemptPlan(site, "assessment", "manual", "sample")
    writer = JournalWriter(path, header(plan, said, detector_profile(site, "manual", True), 100.0))
    writer.note(100.0, {"what": "clock", "sent_s": 99.9, "received_s": 99.902, "ticks_us": FIRST_TICKS_US})
    of_another = fault(6, "watchdog_reset", 1, 0, 0, run=RUN - 1)
    profile = ack("PROFILE", 1, "idle", 0, 0, run=RUN - 1)
    writer.wire(100.0, of_another + profile + ack("START", 2, "sampling", 0, 0))
    writer.note(100.0, {"what": "started", "run": RUN, "boot_id": said.boot_id})
    send(writer, range(0, CUT, BLOCK))
    writer.wire(100.3, event(0, "contact", 90) + block(CUT)[:50])
    writer.note(100.5, {"what": "link", "state": "lost", "detail": "the port closed"})
    writer.note(100.6, {"what": "connection", "name": "/dev/ttyACM1"})
    writer.wire(100.6, frame("HELLO", **hello().fields) + ack("IDENTIFY", 0, "sampling", 420, 1, 1))
    writer.note(100.6, {"what": "link", "state": "back", "away_s": 0.1})
    writer.wire(100.6, b"".join(map(block, range(CUT + BLOCK, DAMAGED, BLOCK))) + block(CUT))
    damaged = block(DAMAGED)
    writer.wire(100.6, damaged[:30] + bytes([damaged[30] ^ 0x40 or 1]) + damaged[31:])
    not_kept = {"command": TYPE_OF_NAME["RESEND"], "request": 4, "run": RUN, "first_kept": HOLE + BLOCK}
    writer.wire(100.6, frame("NAK", reason="not_kept", **not_kept))
    writer.note(100.6, {"what": "hole", "first_sample": HOLE, "count": BLOCK})
    send(writer, range(HOLE + BLOCK, 620, BLOCK))
    writer.wire(100.7, block(DAMAGED) + event(1, "pop", 612) + event(2, "withdrawal", 980))
    writer.wire(100.75, fault(7, *FAULTS[0]))
    send(writer, range(620, N, BLOCK))
    writer.wire(101.0, fault(7, *FAULTS[0]) + fault(8, *FAULTS[1]) + health(SEEN))
    writer.wire(101.1, ack("STOP", 5, "idle", N, 3, sum(MISSED.values())))
    clock = {"offset_s": 98.83, "drift_ppm": -12.0, "residual_s": 0.0002}
    writer.close(101.2, {"outcome": "removed", "detail": "", "clock": clock})


def send(writer: JournalWriter, firsts: range) -> None:
    for first in firsts:
        writer.wire(100.0 + first / N, block(first))


def pin(sample: Path) -> None:
    """What stands beside a sample, from the truth."""
    pinned = {
        "sha256_of_file": hashlib.sha256(sample.read_bytes()).hexdigest(),
        "samples": N - BLOCK,
        "taken": N,
        "events": [[0, "contact", 90], [1, "pop", 612], [2, "withdrawal", 980]],
        "faults": FAULTS,
        "faults_seen": SEEN,
        "missed_conversions": sum(MISSED.values()),
        "bad_frames": 1,
        "operator": "sample",
        "outcome": "removed",
        "notes": ["clock", "started", "link", "connection", "link", "hole"],
        "columns": {name: pinned_column(column) for name, column in expected().items()},
    }
    sample.with_suffix(".json").write_text(json.dumps(pinned, indent=1) + "\n", encoding="utf-8")


def pinned_column(column: np.ndarray[Any, Any]) -> Mapping[str, Any]:
    return {"sum": int(column.sum()), "sha256": hashlib.sha256(column.tobytes()).hexdigest()}


if __name__ == "__main__":
    main()
