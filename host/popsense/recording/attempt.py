"""A stored attempt -> counts with times, events of the device, what is missing, and the verdict on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from popsense.model import FloatArray, IntegrityVerdict, RawTrace, SensorName
from popsense.recording.stored import NO_STAMP, StoredAttempt
from popsense.recording.timeline import (
    holes,
    marked,
    near,
    period_us,
    sample_times_us,
    unwrapped,
)
from popsense_protocol import packets
from popsense_protocol.counters import TICKS_MODULUS

# Bit of RawTrace.flags: that sensor was at an end of its range.
SATURATED: Mapping[SensorName, int] = {
    "force": packets.FLAG_FORCE_SATURATED,
    "depth": packets.FLAG_DEPTH_SATURATED,
    "pressure": packets.FLAG_PRESSURE_SATURATED,
}


@dataclass(frozen=True)
class DeviceEvent:
    """An EVENT as it came: its declared fields without the constant ones; sample_index without its wrap."""

    kind: str
    detector_version: int
    basis: int
    number: int
    sample_index: int
    ticks_us: int
    peak_counts: int
    level_counts: int
    drop_permille: int
    advance_counts: int
    duration_us: int
    run: int


@dataclass(frozen=True)
class DeviceFault:
    """A FAULT as it came: something began (raised 1) or was over (0); next_sample without its wrap."""

    code: str
    raised: int
    number: int
    next_sample: int
    ticks_us: int
    value: int


@dataclass(frozen=True)
class DecodedAttempt:
    """One attempt in counts with times, and what is known to be missing.

    start_ticks_us: device clock at sample 0. stopped: the device told how many samples it had taken.
    missing_events: of those that it is known to have found. resent_events: of `events`, those asked for
    again. faults_seen: names of those that were present at any time of the run, by code, with those whose
    FAULT never came or came before START.
    """

    raw: RawTrace
    events: tuple[DeviceEvent, ...]
    start_ticks_us: int
    stopped: bool
    bad_frames: int
    missing_events: int
    resent_events: int
    faults: tuple[DeviceFault, ...] = ()
    faults_seen: tuple[str, ...] = ()

    @property
    def lost_samples(self) -> int:
        return sum(hole.count for hole in self.raw.holes)

    @property
    def integrity(self) -> IntegrityVerdict:
        """Complete only if every sample and event that the device counted is here, as it was sent first.

        Cut off: the device's own count never came. The holes then end where it is known to have been (a
        STATUS may tell of samples behind the last one that came); what lies behind is open.
        """
        if not self.stopped:
            return "cut off"
        if self.raw.holes or self.missing_events:
            return "holes"
        return "repaired" if self.raw.repaired or self.resent_events else "complete"

    def time_s_of(self, event: DeviceEvent) -> float:
        """When the event was found, on the clock of raw.time_s; needs a sample.

        The board's clock turns every 18 minutes; the event's sample tells which turn it was.
        """
        sample_s = np.interp([event.sample_index], self.raw.sample_index, self.raw.time_s)
        since_us = np.array([event.ticks_us - self.start_ticks_us])
        return float(near(since_us, sample_s * 1e6, TICKS_MODULUS)[0]) / 1e6


def decoded(stored: StoredAttempt, declared_rate_hz: float) -> DecodedAttempt:
    """Counts with times. An attempt without any sample gives empty arrays.

    declared_rate_hz: what HELLO said; used only where a single stamp cannot tell the rate.
    """
    raw, start_ticks_us = _raw_trace(stored, stored.known_samples, 1e6 / declared_rate_hz)
    events = tuple(DeviceEvent(**cast(Mapping[str, Any], fields)) for fields in stored.events)
    return DecodedAttempt(
        raw=raw,
        events=events,
        start_ticks_us=start_ticks_us,
        stopped=stored.taken is not None,
        bad_frames=stored.bad_frames,
        missing_events=max(0, stored.known_events - len(events)),
        resent_events=stored.resent_events,
        faults=tuple(DeviceFault(**cast(Mapping[str, Any], fields)) for fields in stored.faults),
        faults_seen=_names(stored),
    )


def _names(stored: StoredAttempt) -> tuple[str, ...]:
    """Of all faults, by code; one of a newer device is "fault NUMBER"."""
    names: dict[int, str] = {int(code): str(name) for name, code in packets.Fault.encmapping.items()}
    told = {str(fault["code"]) for fault in stored.faults if fault["raised"]}
    seen = {names.get(bit, f"fault {bit}") for bit in range(32) if stored.faults_seen >> bit & 1}
    order = [*names.values(), *sorted(seen - set(names.values()))]
    return tuple(name for name in order if name in told | seen)


def _raw_trace(stored: StoredAttempt, end: int, declared_us: float) -> tuple[RawTrace, int]:
    """The trace, and the device clock at sample 0."""
    index, words = stored.sample_index, stored.samples["force_and_flags"]
    flags = (words >> 24).astype(np.int64)
    times_us, start_us = _times_us(stored, (flags & packets.FLAG_AFTER_GAP) > 0, declared_us)
    raw = RawTrace(
        sample_index=index,
        time_s=(times_us - start_us) / 1e6,
        force_counts=(words & packets.FORCE_MASK).astype(np.int64) - packets.FORCE_OFFSET_COUNTS,
        depth_counts=stored.samples["depth"].astype(np.int64),
        pressure_counts=stored.samples["pressure"].astype(np.int64),
        flags=flags,
        holes=holes(index, end),
        repaired=marked(index, stored.resent),
        missed_conversions=stored.missed_conversions,
    )
    return raw, int(start_us)


def _times_us(
    stored: StoredAttempt, after_gap: npt.NDArray[np.bool_], declared_us: float
) -> tuple[FloatArray, float]:
    """Device clock, without its wrap, at every sample and at sample 0."""
    if not stored.sample_index.size:
        return np.zeros(0), 0.0
    stamped = np.flatnonzero(stored.stamp_us != NO_STAMP)
    first, counts = stored.sample_index[stamped], np.diff(stamped, append=stored.sample_index.size)
    ticks_us = unwrapped(stored.stamp_us[stamped], first, declared_us)
    period = period_us(first, ticks_us, declared_us)
    times_us = sample_times_us(first, counts, ticks_us, after_gap, period)
    return times_us, float(times_us[0] - first[0] * period)
