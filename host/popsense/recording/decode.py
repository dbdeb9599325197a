"""Wire bytes -> the integers of one run of the device.

Each sample and each event is taken once, as it came first. What came late on the wire had been asked for
again: a sample behind a later one, and anything behind the ACK that told that the run had ended.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from popsense.model import IntArray
from popsense.recording.attempt import DeviceEvent, DeviceFault
from popsense.recording.stored import NO_STAMP, StoredAttempt
from popsense.recording.timeline import near
from popsense_protocol.bulk import OtherPacket, WirePackets, read_packets
from popsense_protocol.codec import TYPE_OF_NAME, Packet
from popsense_protocol.counters import INDEX_MODULUS

NO_RUN = -1
EVENT_LAG_BLOCKS = 4  # one live block, and resent ones between
START = TYPE_OF_NAME["START"]
REPORTS = ("ACK", "STATUS")
KEPT = ("EVENT", "FAULT", "HEALTH", *REPORTS)
EVENT_FIELDS = tuple(one.name for one in dataclasses.fields(DeviceEvent))
FAULT_FIELDS = tuple(one.name for one in dataclasses.fields(DeviceFault))


def decode_wire(connections: Sequence[bytes], run: int | None) -> StoredAttempt:
    """What the bytes of these connections, in their order, hold of one run of the device.

    run None: that of the first ACK of START. Empty where there is none.
    """
    arrived = read_packets(connections)
    of_run = _of_run(arrived, _first_run(arrived) if run is None else run)
    reports = list(_reports(of_run))
    ends = [report for report in reports if report.run_ended]
    samples, index, stamp_us, resent = _samples_once(of_run, ends[0].blocks_before if ends else None)
    events, resent_events = _events_once(of_run)
    return StoredAttempt(
        samples=samples,
        sample_index=index,
        stamp_us=stamp_us,
        resent=resent,
        taken=ends[-1].next_sample if ends else None,
        at_least=max([int(of_run.ends[-1]), *(report.next_sample for report in reports)]),
        events=events,
        events_found=ends[-1].next_event if ends else None,
        resent_events=resent_events,
        missed_conversions=max([*of_run.missed, *(report.missed for report in reports)], default=0),
        bad_frames=arrived.bad_frames,
        faults=_faults_once(of_run),
        faults_seen=_faults_seen(of_run),
    )


@dataclass(frozen=True)
class _Run:
    """What came of one run, in order of arrival.

    first: index of each block's first sample, without the wrap; samples: as in WirePackets; missed: the
    highest figure in a block, if there is one. others: those of KEPT.
    """

    first: IntArray
    counts: IntArray
    ticks_us: IntArray
    samples: npt.NDArray[Any]
    missed: list[int]
    others: tuple[OtherPacket, ...]

    @cached_property
    def ends(self) -> IntArray:
        """Index behind the last sample that had come: before each block, and, one more, after all of them."""
        return np.concatenate([[0], np.maximum.accumulate(self.first + self.counts)])


@dataclass(frozen=True)
class _Report:
    """What an ACK or a STATUS tells of the run; next_sample without the wrap."""

    blocks_before: int
    run_ended: bool
    next_sample: int
    next_event: int
    missed: int


def _first_run(arrived: WirePackets) -> int:
    started = (
        other.packet.fields.run
        for other in arrived.others
        if other.packet.name == "ACK" and other.packet.fields.command == START
    )
    return next(started, NO_RUN)  # samples without a START of ours may be another program's


def _of_run(arrived: WirePackets, run: int) -> _Run:
    blocks = arrived.blocks
    ours = (blocks["run"] == run) & (blocks["count"] > 0)
    first = np.full(len(blocks), -1, dtype=np.int64)
    first[ours] = _without_wrap(blocks["first_sample"][ours].astype(np.int64))
    ours &= first >= 0  # an index below that of the first block's turn is no sample's
    whole = bool(ours.all())
    blocks, before = blocks[ours], np.concatenate([[0], np.cumsum(ours)])
    return _Run(
        first=first[ours],
        counts=blocks["count"].astype(np.int64),
        ticks_us=blocks["first_ticks_us"].astype(np.int64),
        samples=arrived.samples if whole else arrived.samples[np.repeat(ours, arrived.blocks["count"])],
        missed=[int(blocks["missed"].max())] if len(blocks) else [],
        others=tuple(
            OtherPacket(int(before[other.blocks_before]), other.packet)
            for other in arrived.others
            if other.packet.name in KEPT and other.packet.fields.run == run
        ),
    )


def _without_wrap(first_sample: IntArray) -> IntArray:
    """Each within 2^31 of the one that came before; a block that was sent again is at most a ring behind."""
    steps = np.diff(first_sample)
    return np.cumsum(np.concatenate([first_sample[:1], near(steps, np.zeros_like(steps), INDEX_MODULUS)]))


def _reports(run: _Run) -> Iterator[_Report]:
    for other in run.others:
        name, fields = other.packet
        if name in REPORTS:
            yield _Report(
                blocks_before=other.blocks_before,
                run_ended=_run_ended(other.packet),
                next_sample=_whole_index(fields.next_sample, int(run.ends[other.blocks_before])),
                next_event=fields.next_event,
                missed=fields.missed,
            )


def _run_ended(packet: Packet) -> bool:
    # START gives the run its number, so an idle device that tells this number has stopped since.
    return packet.name == "ACK" and packet.fields.state == "idle"


def _whole_index(index: int, known: int) -> int:
    """The index without its wrap: as near to `known` as it gets, but not below 0."""
    return index + INDEX_MODULUS * max(0, round((known - index) / INDEX_MODULUS))


def _samples_once(
    run: _Run, blocks_before_end: int | None
) -> tuple[npt.NDArray[Any], IntArray, IntArray, npt.NDArray[np.bool_]]:
    """samples, sample_index, stamp_us and resent of StoredAttempt."""
    first, counts, samples = run.first, run.counts, run.samples
    begins = np.cumsum(counts) - counts
    index: IntArray = np.repeat(first - begins, counts) + np.arange(len(samples))
    resent = np.zeros(len(samples), dtype=np.bool_)
    goes_back = bool((first < run.ends[:-1]).any())
    if goes_back:
        resent = index < np.repeat(run.ends[:-1] - 1, counts)
    if blocks_before_end is not None:
        resent[counts[:blocks_before_end].sum() :] = True
    if goes_back:
        once = _first_of_each(index)
        samples, index, resent = samples[once], index[once], resent[once]
    # Also where a block began whose first samples had come with another one: its stamp holds all the same.
    # Backwards, so that of two blocks with the same beginning the first to come decides.
    stamp_us = np.full(len(index), NO_STAMP, dtype=np.int64)
    stamp_us[np.searchsorted(index, first[::-1])] = run.ticks_us[::-1]
    return samples, index, stamp_us, resent


def _first_of_each(values: IntArray) -> IntArray:
    """Where each value stands for the first time, in the order of the values."""
    order = np.argsort(values, kind="stable")
    return order[np.diff(values[order], prepend=-1) > 0]


def _events_once(run: _Run) -> tuple[tuple[Mapping[str, int | str], ...], int]:
    """events and resent_events of StoredAttempt."""
    found: dict[int, Mapping[str, int | str]] = {}
    resent, latest, ended = 0, -1, False
    for other in run.others:
        ended = ended or _run_ended(other.packet)
        fields = other.packet.fields
        if other.packet.name == "EVENT" and fields.number not in found:
            resent += ended or fields.number < latest or _is_late(other, run)
            latest = max(latest, fields.number)
            found[fields.number] = _event(fields, int(run.ends[other.blocks_before]))
    return tuple(found[number] for number in sorted(found)), resent


def _faults_once(run: _Run) -> tuple[Mapping[str, int | str], ...]:
    """faults of StoredAttempt. A write that was cut may have come all the same: the number tells."""
    found: dict[int, Mapping[str, int | str]] = {}
    for other in run.others:
        fields = other.packet.fields
        if other.packet.name == "FAULT" and fields.number not in found:
            values = {name: fields[name] for name in FAULT_FIELDS}
            whole = _whole_index(fields.next_sample, int(run.ends[other.blocks_before]))
            found[fields.number] = values | {"code": str(fields.code), "next_sample": whole}
    return tuple(found.values())


def _faults_seen(run: _Run) -> int:
    seen = 0
    for other in run.others:
        if other.packet.name == "HEALTH":
            seen |= other.packet.fields.faults_of_run
    return seen


def _is_late(event: OtherPacket, run: _Run) -> bool:
    """Live, an event comes before the block of its sample, or right behind it."""
    sample = _whole_index(event.packet.fields.sample_index, int(run.ends[event.blocks_before]))
    return sample < int(run.ends[max(0, event.blocks_before - EVENT_LAG_BLOCKS)])


def _event(fields: Any, known_index: int) -> Mapping[str, int | str]:
    values = {name: fields[name] for name in EVENT_FIELDS}
    whole = _whole_index(fields.sample_index, known_index)
    return values | {"kind": str(fields.kind), "sample_index": whole}
