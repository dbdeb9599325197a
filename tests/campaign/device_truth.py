"""What the device took, from the script and from what the board itself says on a clean port."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from popsense.model import IntArray
from popsense.twin.sensors import SensorScript
from popsense.twin.sim_board import SimBoard
from popsense_protocol import packets
from popsense_protocol.bulk import WirePackets, read_packets
from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from tests.campaign.faulty_transport import OPEN

ANALOG_LIMIT = 16380
FORCE_LIMIT = 1 << 23


class Overheard:
    """All that the board wrote while somebody read, intact, in its order."""

    def __init__(self, wire: bytes) -> None:
        self._read: WirePackets = read_packets([wire])

    def packets(self, name: str, run: int) -> list[Any]:
        return [
            other.packet.fields
            for other in self._read.others
            if other.packet.name == name and other.packet.fields.run == run
        ]

    def events(self, run: int) -> dict[int, Any]:
        return {event.number: event for event in self.packets("EVENT", run)}

    def first_kept(self, run: int) -> set[int]:
        """What the board told, each time it was asked for samples it no longer had."""
        return {nak.first_kept for nak in self.packets("NAK", run) if str(nak.reason) == "not_kept"}

    def jumps(self, run: int) -> set[int]:
        """Where the live samples went on after the ring had overwritten some of them unsent."""
        blocks = self._read.blocks
        ours = blocks[blocks["run"] == run]
        first, ends = ours["first_sample"].astype(np.int64), np.zeros(len(ours) + 1, dtype=np.int64)
        ends[1:] = np.maximum.accumulate(first + ours["count"])
        return set(first[first > ends[:-1]].tolist())

    def counts(self, run: int, name: str) -> list[int]:
        reports = self.packets("ACK", run) + self.packets("STATUS", run)
        return [report[name] for report in reports]

    def stamp(self, run: int) -> tuple[int, int] | None:
        """Index and device clock (us) of some sample."""
        blocks = self._read.blocks
        ours = blocks[(blocks["run"] == run) & (blocks["count"] > 0)]
        return None if not len(ours) else (int(ours["first_sample"][0]), int(ours["first_ticks_us"][0]))


def ask(board: SimBoard, run: int) -> bytes:
    """What the board answers on a clean port; with the run's counts, and its events once more."""
    said = board.run(700_000, b"\0\0", OPEN)  # it ends a write that nobody read
    said += board.run(300_000, _frame("IDENTIFY"), OPEN)
    said += board.run(300_000, _frame("CLOCK", request=60_001), OPEN)
    count = max(Overheard(said).counts(run, "next_event"), default=0)
    if count:
        events = _frame("RESEND", request=60_002, what="events", run=run, first=0, count=count)
        said += board.run(300_000, events, OPEN)
    return said


def _frame(name: str, **fields: object) -> bytes:
    return b"\0" + encode_frame(encode(name, **fields))


@dataclass(frozen=True)
class Rows:
    """The script as samples, shape (n,) each; `read` = those that the board read, not missed."""

    script: SensorScript

    @cached_property
    def read(self) -> IntArray:
        """Rows that got an index, ascending."""
        return np.setdiff1d(np.arange(len(self.script.force_counts)), self.script.missed)

    @cached_property
    def values(self) -> IntArray:
        """Force, depth, pressure, flags of each row; shape (n, 4)."""
        force = self.script.force_counts.astype(np.int64)
        depth, pressure = (
            codes.astype(np.int64).sum(axis=1)
            for codes in (self.script.depth_codes, self.script.pressure_codes)
        )
        flags = packets.FLAG_FORCE_SATURATED * ((force <= -FORCE_LIMIT) | (force >= FORCE_LIMIT - 1))
        flags = flags + packets.FLAG_DEPTH_SATURATED * ((depth == 0) | (depth == ANALOG_LIMIT))
        flags = flags + packets.FLAG_PRESSURE_SATURATED * ((pressure == 0) | (pressure == ANALOG_LIMIT))
        behind_gap = np.isin(np.arange(len(force)) - 1, self.script.missed)
        return np.column_stack([force, depth, pressure, flags + packets.FLAG_AFTER_GAP * behind_gap])

    @property
    def rest(self) -> IntArray:
        return self.values[: self.script.rest_samples]


@dataclass(frozen=True)
class TrueRun:
    """One run's samples by index. at_origin: index that the script's first row got; None = never played."""

    rows: Rows
    period_us: float
    stamp: tuple[int, int]
    origin_us: int | None

    @cached_property
    def at_origin(self) -> int | None:
        """The origin's conversions are never missed, and before it there is nothing but rest."""
        if self.origin_us is None:
            return None
        index, ticks_us = self.stamp
        since = round((ticks_us - self.origin_us) / self.period_us)  # rows from the origin to the stamp
        before = int(np.searchsorted(self.rows.script.missed, max(0, since)))
        return index - since + before

    def values(self, index: IntArray) -> IntArray:
        """Force, depth, pressure, flags at each index, shape (n, 4); of the rest before the origin, -1."""
        row = self._row(index)
        played = len(self.rows.script.force_counts)
        found = np.full((len(index), 4), -1, dtype=np.int64)
        script = (row >= 0) & (row < played)
        found[script] = self.rows.values[row[script]]
        after = row >= played
        found[after] = self.rows.rest[(row[after] - played) % len(self.rows.rest)]
        return found

    def rest_index(self, index: IntArray) -> IntArray:
        """Which of the indices lie before the origin."""
        return index if self.at_origin is None else index[index < self.at_origin]

    def ticks_us(self, index: IntArray) -> np.ndarray:
        """The device's clock at each index, us without the wrap."""
        if self.origin_us is None:
            return self.stamp[1] + (index - self.stamp[0]) * self.period_us
        return self.origin_us + self._row(index) * self.period_us

    def _row(self, index: IntArray) -> IntArray:
        """Row of the script, without an end; below 0 before the origin."""
        if self.at_origin is None:
            return np.full(len(index), -1)
        since = index - self.at_origin
        read = self.rows.read
        row = since.copy()
        inside = (since >= 0) & (since < len(read))
        row[inside] = read[since[inside]]
        behind = since >= len(read)
        row[behind] = since[behind] - len(read) + len(self.rows.script.force_counts)
        return row

    def taken_until(self, us: int) -> int:
        """How many samples the run had taken when the device's clock stood there."""
        last = int(self.stamp[0] + (us - self.stamp[1]) / self.period_us) + len(self.rows.script.missed) + 2
        index = np.arange(last + 1)
        return int(np.searchsorted(self.ticks_us(index), us + 1))


def rest_phase(rest: IntArray, index: IntArray, values: IntArray) -> int | None:
    """Where in the looped rest index 0 lay, so that all these samples are of it; None where nowhere.

    values: shape (n, 4).
    """
    length = len(rest)
    for first in np.flatnonzero((rest == values[0]).all(axis=1)):
        phase = (int(first) - int(index[0])) % length
        if (rest[(index + phase) % length] == values).all():
            return phase
    return None


def idle_counts(said: Sequence[Any]) -> list[int]:
    """How many samples the run has, where the board is idle."""
    return [ack.next_sample for ack in said if str(ack.state) == "idle"]
