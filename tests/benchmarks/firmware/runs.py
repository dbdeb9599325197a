"""Runs of five simulated seconds on the emulated Pico: interrupt, processor, events, cues; by its clock."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from popsense.attempts.workers import in_order
from popsense.errors import LinkLost
from popsense.link.session import Session
from popsense.procedure.detector_profile import detector_profile
from tests.benchmarks.firmware.hands import BenchHand, bench_hand
from tests.emulated.bone import EmulatedBone, emulated_bone
from tests.emulated.pico import Edge, Stalled
from tests.emulated.transports import PicoTransport
from tests.emulated.wire import Timed, last, packets
from tests.firmware.sources import constants

RUNS = int(os.environ.get("RUNS", "10"))
SECONDS = float(os.environ.get("RUN_S", "5"))
JOBS = int(os.environ.get("JOBS", "2"))
DEAF_RUN = 1
TRIES = 3  # of a run, where the emulator stalls
REST_S = 0.3
BOOT_S = 1.0
DEAF_FROM_S, DEAF_UNTIL_S = 2.3, 3.9  # since START; the pop lies between, at about 3 s
POPS = ("pop",)
THROUGH = (
    "pop",
    "uncertain_pop",
    "used_hole",
    "loss_of_resistance",
)  # the first of them gives the cue, cues.py
Files = Mapping[str, bytes]
Cues = Sequence[Sequence[Edge]]  # of each pin
CUE_GPIOS = ("CUE_LED_GPIO", "CUE_BUZZER_GPIO")


@dataclass(frozen=True)
class Run:
    """One run's figures; times in us but where the name says otherwise. stalls: tries that came to nothing.

    pop_written_ms, cue_ms: from the last bit of the pop's sample to its EVENT at the host, and to the first
    change of a cue's pin. pops_without_cue: though the profile asks for one.
    """

    name: str
    deaf: bool
    samples: int
    overruns: int
    missed: int
    events: Sequence[str]
    latency_us: Sequence[float]
    interrupt_us: Sequence[float]
    busy_percent: float
    interrupt_percent: float
    usb_percent: float
    heap_free_bytes: int
    pop_written_ms: Sequence[float] = field(default_factory=tuple)
    cue_ms: Sequence[float] = field(default_factory=tuple)
    pops_without_cue: int = 0
    stalls: int = 0


def all_runs(files: Files) -> list[Run]:
    """RUNS of them with a host that reads, and one with a host that does not read around the pop.

    files: what lies on the board.
    """
    which = [*((number, False) for number in range(RUNS)), (DEAF_RUN, True)]
    done: list[Run] = []
    for one in in_order(partial(run, files), which, JOBS):
        reads = "does not read" if one.deaf else "reads"
        print(
            f"run {len(done) + 1} of {len(which)}: {one.name}; host {reads}; stalls {one.stalls}", flush=True
        )
        done.append(one)
    return done


def run(files: Files, which: tuple[int, bool]) -> Run:
    """Tried again where the emulator stalls; Stalled after the last try."""
    number, deaf = which
    for stalls in range(TRIES):
        try:
            return _measure(files, bench_hand(number), deaf, stalls)
        except (Stalled, LinkLost):
            continue
    raise Stalled(f"run {number} stalled {TRIES} times")


def _measure(files: Files, hand: BenchHand, deaf: bool, stalls: int) -> Run:
    bone = emulated_bone(files, hand.script)
    gpios = constants("board.py")
    cues = [bone.pico.watch(gpios[name]) for name in CUE_GPIOS if name in gpios]
    bone.pico.boot()
    bone.pico.run(BOOT_S, lambda: bone.pico.usb.arrivals)
    transport = PicoTransport(bone.pico, bone.hand.begin)
    session = Session(transport)
    session.connect()
    profile = detector_profile(hand.site, hand.device)
    session.set_profile(profile)
    session.start("guided", uncalibrated=True)
    _sample(bone, session, transport, deaf)
    samples, _ = session.stop()
    return _read_off(bone, hand.name, deaf, samples, stalls, cues if profile["cue"] else None)


def _sample(bone: EmulatedBone, session: Session, transport: PicoTransport, deaf: bool) -> None:
    began_s = transport.now()
    bone.interrupts.clear()
    bone.processor.running = True
    _receive(session, transport, began_s + REST_S)
    transport.operator_may_begin()
    if deaf:
        _receive(session, transport, began_s + DEAF_FROM_S)
        bone.pico.usb.stop_reading()
        transport.wait(DEAF_UNTIL_S - DEAF_FROM_S)
        bone.pico.usb.read_again()
    _receive(session, transport, began_s + SECONDS)
    bone.processor.running = False


def _receive(session: Session, transport: PicoTransport, until_s: float) -> None:
    while transport.now() < until_s:
        for _ in session.receive():
            pass


def _read_off(
    bone: EmulatedBone,
    name: str,
    deaf: bool,
    samples: int,
    stalls: int,
    cues: Cues | None,
) -> Run:
    came = packets(bone.pico.usb.arrivals)
    status = last(came, "STATUS").fields
    events = [packet for packet in came if packet.name == "EVENT"]
    pops = _first_of_each([event for event in events if str(event.fields.kind) in POPS])
    read_ns = [bone.chip.read_ns[pop.fields.sample_index] for pop in pops]
    causes = _giving_a_cue(_first_of_each(events)) if cues is not None else []
    cue_ms = [_cue_ms(bone.chip.read_ns[event.fields.sample_index], cues or ()) for event in causes]
    return Run(
        name=name,
        deaf=deaf,
        samples=samples,
        overruns=status.overruns,
        missed=status.missed,
        events=sorted({str(event.fields.kind) for event in events}),
        latency_us=bone.interrupts.latency_us,
        interrupt_us=bone.interrupts.length_us,
        busy_percent=bone.processor.busy_share,
        interrupt_percent=bone.processor.interrupt_share,
        usb_percent=bone.processor.usb_share,
        heap_free_bytes=status.heap_free_bytes,
        pop_written_ms=[(pop.at_ns - at_ns) / 1e6 for pop, at_ns in zip(pops, read_ns, strict=True)],
        cue_ms=[cue for cue in cue_ms if cue is not None],
        pops_without_cue=cue_ms.count(None),
        stalls=stalls,
    )


def _first_of_each(events: Sequence[Timed]) -> list[Timed]:
    """Without those sent again."""
    found: dict[Any, Timed] = {}
    for event in events:
        found.setdefault(event.fields.number, event)
    return list(found.values())


def _giving_a_cue(events: Sequence[Timed]) -> list[Timed]:
    """The event by which the tip is through, once for each puncture."""
    found: list[Timed] = []
    inside = False
    for event in sorted(events, key=lambda event: event.fields.number):
        kind = str(event.fields.kind)
        if kind in THROUGH and not inside:
            found.append(event)
        inside = (inside or kind in THROUGH) and kind != "withdrawal"
    return found


def _cue_ms(read_ns: float, cues: Cues) -> float | None:
    """To the first change of any cue's pin; None where none comes."""
    after = [edge.at_ns for edges in cues for edge in edges if edge.at_ns >= read_ns]
    return (min(after) - read_ns) / 1e6 if after else None
