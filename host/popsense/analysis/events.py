"""The host's own events, found from the whole trace, beside those that the device sent while it ran."""

from collections.abc import Mapping, Sequence

from popsense.analysis.breakthrough import Exit
from popsense.analysis.landmarks import Landmarks
from popsense.analysis.signals import Signals
from popsense.model import Event, EventKind

HOST_DETECTOR_VERSION = 2
POP_DROP_PERCENT = 50.0  # instrument rule of the epidural analogue, CompuFlo studies 2019 (A)


def _event(signals: Signals, kind: EventKind, index: int, evidence: Mapping[str, float]) -> Event:
    return Event(
        kind=kind,
        sample_index=int(signals.sample_index[index]),
        time_s=float(signals.time_s[index]),
        evidence=evidence,
        source="host",
        detector_version=HOST_DETECTOR_VERSION,
    )


def _exit_event(signals: Signals, found: Exit) -> Event:
    """A pop, or a mere loss of resistance where the force fell by less than a half."""
    kind: EventKind = "pop" if found.drop_percent >= POP_DROP_PERCENT else "loss_of_resistance"
    evidence = {
        "peak_n": found.peak_n,
        "drop_percent": found.drop_percent,
        "protrusion_mm": float(signals.protrusion_mm[found.pop]),
    }
    return _event(signals, kind, found.pop, evidence)


def host_events(signals: Signals, marks: Landmarks) -> list[Event]:
    """One event for each landmark that was found, in no particular order."""
    dated: list[tuple[EventKind, int | None]] = [
        ("contact", marks.contact),
        ("released", marks.release),
        ("far_cortex_contact", marks.far_cortex),
        ("withdrawal", marks.out),
    ]
    events = [
        _event(signals, kind, index, {"force_n": float(signals.force_n[index])})
        for kind, index in dated
        if index is not None
    ]
    return events if marks.exit is None else [*events, _exit_event(signals, marks.exit)]


def merge_events(*sources: Sequence[Event]) -> tuple[Event, ...]:
    """Events of all sources in order of time."""
    return tuple(sorted((event for source in sources for event in source), key=lambda event: event.time_s))
