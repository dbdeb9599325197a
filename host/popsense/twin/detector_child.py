"""The device's detector over arrays: the firmware's own files, without board, clock and link.

For detector benchmarks and foreign traces. The records are those of board/run_detector.py.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from popsense.twin.board import run_detector as records
from popsense.twin.child_process import ChildProcess
from popsense.twin.firmware_files import firmware_root
from popsense.twin.interpreter import Interpreter
from popsense.twin.sensors import SensorScript
from popsense_protocol.codec import Packet, decode
from popsense_protocol.packets import FORCE_MASK, FORCE_OFFSET_COUNTS

TICKS_MASK = (1 << 30) - 1  # ticks_us of the board wraps there
RUN_RECORD = struct.Struct(records.RUN_RECORD)
CHUNK_RECORD = struct.Struct(records.CHUNK_RECORD)
LENGTH = struct.Struct(records.DATA_RECORD.replace("B", "", 1))  # behind the byte that tells it is data
NO_PROFILE: Mapping[str, int] = {}

Counts = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class DetectorBuild:
    """What runs in the child, with the nominal scales of its build (firmware/bone/settings.py)."""

    interpreter: str
    detector_version: int
    force_nano_n_per_count: int
    depth_nano_mm_per_count: int
    depth_zero_counts: int


class DetectorChild(ChildProcess):
    """A process that lives for many runs; `build` says what it is. Close it, or use it in `with`."""

    def __init__(self, interpreter: Interpreter) -> None:
        super().__init__(interpreter, "board/run_detector.py", {}, firmware_root(), "the detector's process")
        try:
            (what_it_is,) = self._answer()
        except BaseException:
            self.close()
            raise
        self.build = DetectorBuild(**json.loads(what_it_is))

    def run(
        self,
        force_codes: Counts,
        depth_counts: Counts | None,
        ticks_us: Counts,
        rate_mhz: int,
        profile: Mapping[str, int] | None = None,
    ) -> list[Packet]:
        """EVENT packets of one attempt, from START on; the detector begins anew. Shape (n,) each.

        force_codes: offset binary, 0 to 2^24 - 1. depth_counts: four reads summed; None = not fitted (the
        profile's depth_fitted is then 0). ticks_us: the device's clock, masked here to its 30 bits.
        rate_mhz: as the device measures it, thousandths of a sample a second. profile: overrides settings.
        ValueError for a code, depth or shape that no board can give; TwinError if the child dies.
        """
        payloads = self.payloads(force_codes, depth_counts, ticks_us, rate_mhz, profile)
        return [decode(payload) for payload in payloads]

    def payloads(
        self,
        force_codes: Counts,
        depth_counts: Counts | None,
        ticks_us: Counts,
        rate_mhz: int,
        profile: Mapping[str, int] | None = None,
    ) -> list[bytes]:
        """As `run`, the packets as the device would send them."""
        samples = _samples(force_codes, depth_counts, ticks_us)
        chosen = {**(profile or NO_PROFILE), "depth_fitted": int(depth_counts is not None)}
        try:
            answers = [self._ask(record) for record in _records(samples, rate_mhz, chosen)]
        except BaseException:
            self.close()  # torn from its turn, the child could not be asked again
            raise
        return [payload for answer in answers for payload in answer]

    def _ask(self, record: bytes) -> list[bytes]:
        self.write(record)
        return self._answer()

    def _answer(self) -> list[bytes]:
        answer: list[bytes] = []
        while (kind := self.read(1)[0]) == records.DATA:
            (count,) = LENGTH.unpack(self.read(LENGTH.size))
            answer.append(self.read(count))
        if kind != records.END:
            raise self.broken()
        return answer


def readings_of(script: SensorScript) -> tuple[Counts, Counts, Counts]:
    """(force codes, depth counts, ticks in us) that the firmware would read of a script, from tick 0.

    Missed conversions are not among them, so a sample_index counts what was read; ticks_us is the true time.
    On the whole board the script begins only when the operator does, some samples after START: sample_index
    and ticks of its events are larger by as much, and its baseline is the rest part's own.
    """
    read = np.delete(np.arange(len(script.force_counts), dtype=np.int64), script.missed)
    codes = script.force_counts[read].astype(np.int64) + FORCE_OFFSET_COUNTS
    depth_counts = script.depth_codes[read].sum(axis=1, dtype=np.int64)
    return codes, depth_counts, read * script.sample_period_ns // 1000


def _samples(force_codes: Counts, depth_counts: Counts | None, ticks_us: Counts) -> npt.NDArray[np.uint32]:
    """Shape (n, 3): force code, depth counts, ticks."""
    depth = np.zeros(len(force_codes), np.uint16) if depth_counts is None else depth_counts
    if not len(force_codes) == len(depth) == len(ticks_us):
        raise ValueError(f"{len(force_codes)} force codes, {len(depth)} depths, {len(ticks_us)} ticks")
    _refuse_outside("force code", force_codes, FORCE_MASK)
    _refuse_outside("depth", depth, 0xFFFF)
    samples = np.empty((len(force_codes), 3), "<u4")
    samples[:, 0], samples[:, 1], samples[:, 2] = force_codes, depth, ticks_us & TICKS_MASK
    return samples


def _refuse_outside(name: str, counts: Counts, most: int) -> None:
    if len(counts) and (counts.min() < 0 or counts.max() > most):
        raise ValueError(f"a {name} of {counts.min()} to {counts.max()} is not within 0 to {most}")


def _records(samples: npt.NDArray[np.uint32], rate_mhz: int, profile: Mapping[str, int]) -> Iterator[bytes]:
    text = json.dumps(profile).encode()
    yield RUN_RECORD.pack(records.RUN, rate_mhz, len(text)) + text
    for first in range(0, len(samples), records.CHUNK_SAMPLES):
        chunk = samples[first : first + records.CHUNK_SAMPLES]
        yield CHUNK_RECORD.pack(records.CHUNK, 0, len(chunk)) + chunk.tobytes()
