"""A recording laid out for being played as a device: who it was, and what it sent when. Pure.

Times are the recorded device's own clock, us without the wrap at 2^30. What the recording does not hold is
not made up: a hole is a jump in the index, and lasts as long as it did, while the device's count runs on; the
time of one before the first sample is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from popsense.calibration.record import SENSORS, empty_fields, record_of_json
from popsense.errors import RecordingError
from popsense.model import IntArray
from popsense.recording.attempt import decoded
from popsense.recording.recording import Recording
from popsense.recording.stored import NO_STAMP, StoredAttempt
from popsense.recording.timeline import near
from popsense_protocol.codec import Packet, PacketError, decode, encode, schema_hash
from popsense_protocol.counters import TICKS_MODULUS
from popsense_protocol.layouts import BLOCK_HEADER_DTYPE, SAMPLE_DTYPE
from popsense_protocol.packets import FLAG_AFTER_GAP, PROTOCOL_VERSION, Sensor

MOST_IN_A_BLOCK = (1024 - BLOCK_HEADER_DTYPE.itemsize) // SAMPLE_DTYPE.itemsize  # what a payload can carry
# Of a recording that does not hold its HELLO: what no header tells and every board of ours has.
RING_SAMPLES = 8192
EVENT_CAPACITY = 64
BITS = {"force": 24, "depth": 14, "pressure": 14}


@dataclass(frozen=True)
class Step:
    """What is sent at one moment: samples [first, end) by their place in the recording, or one event by its.

    due_us: on the recorded device's clock. end: the last step; nothing is sent, what is known ends here.
    """

    due_us: int
    first: int
    end: int
    kind: Literal["samples", "event", "end"] = "samples"


@dataclass(frozen=True)
class Playback:
    """Everything that a replay needs of its recording.

    hello: fields of HELLO. run: number of the recorded START. ticks_us, missed: device clock and conversions
    missed so far, at every sample; shape (n,), n > 0. numbers: of the events. taken, events_found and
    missed_conversions: what the device told at the end, or where it did not (is_cut_off), how far it is known
    to have got. steps: in order. calibrations: by number of the sensor, fields of the packets' record.
    """

    hello: Mapping[str, Any]
    run: int
    samples: npt.NDArray[Any]
    sample_index: IntArray
    ticks_us: IntArray
    missed: IntArray
    events: tuple[Mapping[str, int | str], ...]
    numbers: IntArray
    taken: int
    events_found: int
    missed_conversions: int
    is_cut_off: bool
    steps: tuple[Step, ...]
    calibrations: Mapping[int, Mapping[str, Any]]

    def next_sample(self, sent: int, clock_us: int) -> int:
        """The index that the device's next sample gets, when so many are sent: in a hole it runs with time.

        Where none is missing, that of the next sample to be sent.
        """
        if not sent:
            return int(self.sample_index[0])
        before, since_us = int(self.sample_index[sent - 1]), clock_us - int(self.ticks_us[sent - 1])
        if sent < len(self.sample_index):
            end, lasts_us = int(self.sample_index[sent]), int(self.ticks_us[sent] - self.ticks_us[sent - 1])
        else:
            end, lasts_us = self.taken, self.steps[-1].due_us - int(self.ticks_us[-1])
        passed = since_us * (end - before) // max(1, lasts_us)
        return max(before + 1, min(end, before + 1 + passed))


def playback(recording: Recording) -> Playback:
    """RecordingError for a recording without a sample, or one that does not tell which board it is of."""
    stored, hello = recording.stored, _hello(recording)
    if not len(stored.samples):
        raise RecordingError(f"{recording.path} holds no sample", "Choose a recording of an attempt.")
    found = decoded(stored, hello["sample_rate_mhz"] / 1000)
    ticks_us = np.rint(found.raw.time_s * 1e6).astype(np.int64) + found.start_ticks_us
    stamped = stored.stamp_us != NO_STAMP
    ticks_us[stamped] = near(stored.stamp_us[stamped], ticks_us[stamped], TICKS_MODULUS)
    event_us = [found.start_ticks_us + round(found.time_s_of(event) * 1e6) for event in found.events]
    numbers = np.array([event.number for event in found.events], dtype=np.int64)
    behind_us = (stored.known_samples - 1 - int(stored.sample_index[-1])) * 1e9 / hello["sample_rate_mhz"]
    return Playback(
        hello=hello,
        run=_run(recording, hello),
        samples=stored.samples,
        sample_index=stored.sample_index,
        ticks_us=ticks_us,
        missed=_missed(stored),
        events=stored.events,
        numbers=numbers,
        taken=stored.known_samples,
        events_found=stored.known_events,
        missed_conversions=stored.missed_conversions,
        is_cut_off=stored.taken is None,
        steps=_steps(stored, ticks_us, event_us, int(ticks_us[-1]) + round(behind_us)),
        calibrations=_calibrations(recording),
    )


def _steps(stored: StoredAttempt, ticks_us: IntArray, event_us: list[int], end_us: int) -> tuple[Step, ...]:
    """A block is due with its last sample, an event when it was found, but behind its sample's block.

    The end is due with the last sample that is known of, here or missing.
    """
    bounds = [*_block_starts(stored).tolist(), len(ticks_us)]
    block_us = np.maximum.accumulate(ticks_us[np.array(bounds[1:]) - 1])
    blocks = [
        Step(due, first, end) for due, first, end in zip(block_us.tolist(), bounds, bounds[1:], strict=False)
    ]
    events: list[Step] = []
    due_us = int(ticks_us[0])  # nothing is due before the first sample
    for k, event in enumerate(stored.events):
        due_us = max(due_us, event_us[k], _sent_us(stored, bounds, block_us, int(event["sample_index"])))
        events.append(Step(due_us, k, k + 1, "event"))
    steps = sorted([*blocks, *events], key=lambda step: (step.due_us, step.kind == "event"))
    return (*steps, Step(max(end_us, steps[-1].due_us), len(ticks_us), len(ticks_us), "end"))


def _sent_us(stored: StoredAttempt, bounds: list[int], block_us: IntArray, sample_index: int) -> int:
    """When the block with this sample is due; of a sample that is missing 0."""
    at = int(np.searchsorted(stored.sample_index, sample_index))
    if at == len(stored.sample_index) or stored.sample_index[at] != sample_index:
        return 0
    return int(block_us[np.searchsorted(bounds, at, side="right") - 1])


def _block_starts(stored: StoredAttempt) -> IntArray:
    """Where a block began, or the index jumps; and wherever a block would be too long for a frame."""
    begins = (stored.stamp_us != NO_STAMP) | (np.diff(stored.sample_index, prepend=-2) != 1)
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(begins))
    pieces: list[IntArray] = [
        np.arange(first, first + count, MOST_IN_A_BLOCK)
        for first, count in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]
    return np.concatenate(pieces)


def _missed(stored: StoredAttempt) -> IntArray:
    """Conversions missed up to each sample: one for each mark of a gap, at the last mark all of them."""
    gaps = np.cumsum(((stored.samples["force_and_flags"] >> 24) & FLAG_AFTER_GAP) > 0)
    is_last = (gaps == gaps[-1]) & (gaps > 0)
    return np.where(is_last, stored.missed_conversions, np.minimum(gaps, stored.missed_conversions))


def _run(recording: Recording, hello: Mapping[str, Any]) -> int:
    started = [note["run"] for note in recording.notes if note.get("what") == "started" and "run" in note]
    return started[-1] if started else hello["boot_id"] & 0xFFFF


def _hello(recording: Recording) -> Mapping[str, Any]:
    """HELLO as it was recorded, else as the header tells it, in the protocol of this program."""
    header = recording.header
    try:
        fields = _recorded_hello(header) or _described_hello(header)
        hello = {**fields, "protocol_version": PROTOCOL_VERSION, "schema_hash": schema_hash()}
        encode("HELLO", **hello)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RecordingError(
            f"{recording.path} does not tell which board it was recorded from", "Choose another recording."
        ) from error
    if not hello["sample_rate_mhz"]:
        raise RecordingError(f"{recording.path} does not tell its sample rate", "Choose another recording.")
    return hello


def _calibrations(recording: Recording) -> dict[int, dict[str, Any]]:
    """What READ_CALIBRATION is answered; empty records where the header tells of none. RecordingError."""
    stored: Mapping[str, Any] = recording.header.get("calibration") or {}
    try:
        records = {name: record_of_json(name, stored.get(name)) for name in SENSORS}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"{recording.path} holds a calibration that cannot be read", "Choose another recording."
        ) from error
    return {
        int(Sensor.encmapping[name]): empty_fields() if record is None else record.to_fields()
        for name, record in records.items()
    }


def _recorded_hello(header: Mapping[str, Any]) -> dict[str, Any] | None:
    """None where there is none, or one of a protocol that had another layout."""
    try:
        packet = decode(bytes.fromhex(header["hello"]))
    except (KeyError, PacketError):
        return None
    return _fields(packet) if packet.name == "HELLO" else None


def _fields(packet: Packet) -> dict[str, Any]:
    return dict(cast(Mapping[str, Any], packet.fields))


def _described_hello(header: Mapping[str, Any]) -> dict[str, Any]:
    board, versions = header["board"], header["versions"]
    boot_id = board["boot_id"]
    return {
        "reset_cause": "unknown",
        "firmware_version": [int(part) for part in versions["firmware"].split(".")],
        "options": board["options"],
        "detector_version": versions["detector"],
        "event_capacity": EVENT_CAPACITY,
        "board_id": bytes.fromhex(board["board_id"]),
        "boot_id": boot_id if isinstance(boot_id, int) else int(boot_id, 16),
        "calibration_id": header["calibration_id"],
        "sample_rate_mhz": round(board["sample_rate_hz"] * 1000),
        "ring_samples": RING_SAMPLES,
        **{name: _channel(header["channels"][name], bits) for name, bits in BITS.items()},
        "interpreter": board.get("interpreter", "")[:32],
    }


def _channel(channel: Mapping[str, Any], bits: int) -> dict[str, Any]:
    return {
        "unit": channel["unit"],
        "bits": bits,
        "fitted": int(channel["fitted"]),
        "settle_samples": channel.get("settle_samples", 0),
        "zero_counts": channel["zero_counts"],
        "nano_units_per_count": round(channel["units_per_count"] * 1e9),
    }
