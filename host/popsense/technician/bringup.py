"""The first bring-up of a board: figures of its own and of the link to it, beside those of an emulated one.

The board leaves its firmware, runs firmware/bringup.py at MicroPython's prompt and starts its firmware again.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from popsense.errors import DeviceError, PopsenseError, UsageError
from popsense.link.hello import Hello
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense.technician.measured import Measured
from popsense.technician.rest_lines import jitter_us
from popsense.technician.sampled import Sampled, sample

SCRIPT = "bringup.py"
LINK_S = 5.0
FOLLOWER_S = 20
QUIET_S = 60.0  # longest silence: 40 s in which the follower is moved, and room
AGAIN = "Unplug the board, plug it in, and run popsense bringup again."

# Ours -> that of the emulated board which says the same.
EMULATED = {
    "heap_free_bytes": "emulated board: heap free at START",
    "interrupt_us": "interrupt, entry to return, mean",
    "interrupt_longest_us": "interrupt, entry to return, longest",
    "processor_percent": "of it the data-ready interrupt",
    "jitter_collecting_us": "data-ready edge to entry, longest",
    "missed_collecting": "missed conversions, all runs",
}
TITLES = {
    "link_rate_hz": "sample rate, by the stamps that came over the link",
    "link_jitter_us": "jitter of the stamps that came over the link, longest",
    "link_lost": "samples lost on the link",
    "round_trip_ms": "question and answer over the link, quickest",
    "heap_free_bytes": "free memory with everything built",
    "rate_quiet_hz": "sample rate",
    "jitter_quiet_us": "jitter of the data-ready interrupt, longest",
    "missed_quiet": "conversions missed in 6 s",
    "force_noise_counts": "noise of force, standard deviation",
    "depth_noise_counts": "noise of depth, standard deviation",
    "pressure_noise_counts": "noise of pressure, standard deviation",
    "gc_ms": "garbage collection, longest",
    "rate_collecting_hz": "sample rate through garbage collections",
    "jitter_collecting_us": "jitter through garbage collections, longest",
    "missed_collecting": "conversions missed through garbage collections",
    "interrupt_us": "interrupt, median",
    "interrupt_longest_us": "interrupt, longest",
    "processor_percent": "processor's share of the interrupt",
    "frame_us": "framing of a block, median",
    "stalled_write_ms": "longest write while the host does not read",
    "missed_stalled": "conversions missed meanwhile",
    "adc_step_512_lsb": "width of code 512 of the on-chip converter",
    "adc_step_1536_lsb": "width of code 1536",
    "adc_step_2560_lsb": "width of code 2560",
    "adc_step_3584_lsb": "width of code 3584",
}


class Prompt(Protocol):
    """A board at MicroPython's prompt. LinkLost where the way is gone, DeviceError where code fails there."""

    def run(self, code: str, hear: Callable[[bytes], None] = ..., quiet_s: float = ...) -> None:
        """Runs it there; what it prints goes to `hear` as it comes. quiet_s: the longest silence."""
        ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Figure:
    """value None: it cannot be had, and `reason` says why. emulated: the same of an emulated board."""

    name: str
    value: float | None
    unit: str
    reason: str = ""
    emulated: float | None = None

    @property
    def title(self) -> str:
        return TITLES.get(self.name, self.name)

    @property
    def ratio(self) -> float | None:
        """Real to emulated."""
        if self.value is None or not self.emulated:
            return None
        return self.value / self.emulated


@dataclass(frozen=True)
class BringUp:
    """The whole report. board: what HELLO says. measured: the emulated board's figures."""

    created: str
    board: Mapping[str, Any]
    figures: tuple[Figure, ...]
    measured: Measured = field(default_factory=Measured)

    def as_json(self) -> dict[str, Any]:
        """Layout in the help of `popsense bringup`."""
        emulated = asdict(self.measured) | {"figures": None}
        del emulated["figures"]
        return {
            "created": self.created,
            "popsense": version("popsense"),
            "board": dict(self.board),
            "figures": [asdict(one) | {"title": one.title, "ratio": one.ratio} for one in self.figures],
            "emulated": emulated,
        }


@dataclass(frozen=True)
class Helper:
    """tell: a line for the technician. wait: s on the wall clock, in which nobody reads."""

    tell: Callable[[str], None]
    wait: Callable[[float], None]


def link_figures(transport: Transport) -> tuple[Hello, list[Figure]]:
    """What the running firmware and the link to it give, in LINK_S of samples."""
    session = Session(transport, patience_s=0)
    hello = session.connect()
    if not hello.sample_rate_hz:
        why = "the force converter gives no samples"
        return hello, [Figure("link_rate_hz", None, "samples/s", why)]
    sampled = sample(session, LINK_S)
    trips = [trip.received_s - trip.sent_s for trip in session.clock.trips]
    return hello, list(_of_link(sampled, trips))


def _of_link(sampled: Sampled, trips_s: list[float]) -> Iterator[Figure]:
    few = "too few samples came"
    counts, steps_s = np.diff(sampled.stamp_index), np.diff(sampled.stamp_s)
    rate = float(np.median(counts / steps_s)) if counts.size else None
    jitter = jitter_us(sampled)
    yield Figure("link_rate_hz", rate, "samples/s", "" if rate else few)
    yield Figure(
        "link_jitter_us", None if np.isnan(jitter) else jitter, "us", few if np.isnan(jitter) else ""
    )
    yield Figure("link_lost", float(sum(hole.count for hole in sampled.raw.holes)), "samples")
    quickest = min(trips_s, default=None)
    yield Figure("round_trip_ms", quickest and 1000 * quickest, "ms", "" if quickest else "no answer came")


def board_figures(
    prompt: Prompt, firmware: Path, helper: Helper, follower_s: int = FOLLOWER_S
) -> list[Figure]:
    """Runs the script on the board. A figure that did not come is there too, with the reason.

    DeviceError where not even one came.
    """
    lines = Lines(helper)
    problem = ""
    try:
        script = (firmware / SCRIPT).read_text(encoding="utf-8")
        # The ring before everything else, while the heap is in one piece.
        prompt.run("from bone.sample_ring import SampleRing\nring = SampleRing()")
        prompt.run(script)
        prompt.run(f"run(ring, {follower_s})", lines.hear, QUIET_S + follower_s)
    except OSError as error:
        raise UsageError(
            f"{firmware / SCRIPT} cannot be read: {error.strerror}", "Reinstall popsense."
        ) from error
    except PopsenseError as error:
        if not lines.figures:
            raise DeviceError(f"the script does not run on the board: {error}", AGAIN) from error
        problem = str(error)
    return complete(lines.figures, problem or ("" if lines.done else "the script ended before"))


def complete(figures: Mapping[str, Figure], problem: str) -> list[Figure]:
    """In the order of TITLES, those of the link apart; what the script did not tell is null."""
    wanted = [name for name in TITLES if not name.startswith(("link_", "round_"))]
    missing = {name: Figure(name, None, "", problem or "the script did not tell it") for name in wanted}
    return list((missing | dict(figures)).values())


class Lines:
    """What the script prints, piece by piece as it comes. Lines that are none of ours mean nothing."""

    def __init__(self, helper: Helper) -> None:
        self.figures: dict[str, Figure] = {}
        self.done = False
        self._helper = helper
        self._rest = b""

    def hear(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.strip())

    def _take(self, line: bytes) -> None:
        try:
            said: Any = json.loads(line) if line.startswith(b"{") else None
        except ValueError:
            return  # it was cut while nobody read
        if isinstance(said, dict):
            self._act(cast(dict[str, Any], said))

    def _act(self, said: dict[str, Any]) -> None:
        if isinstance(name := said.get("figure"), str):
            value = said.get("value")
            known = float(value) if isinstance(value, int | float) else None
            self.figures[name] = Figure(name, known, str(said.get("unit", "")), str(said.get("reason", "")))
        elif "ask" in said:
            self._helper.tell(str(said["ask"]))
        elif isinstance(seconds := said.get("stall"), int | float):
            self._helper.wait(float(seconds))
        self.done = self.done or "done" in said


def report(hello: Hello, figures: list[Figure], measured: Measured) -> BringUp:
    """Everything beside the emulated board's figures."""
    known = {
        ours: measured.figures[theirs][0] for ours, theirs in EMULATED.items() if theirs in measured.figures
    }
    beside = (Figure(one.name, one.value, one.unit, one.reason, known.get(one.name)) for one in figures)
    board = {
        "board_id": hello.board_id,
        "firmware_version": hello.firmware_version,
        "interpreter": hello.interpreter,
        "sample_rate_hz": hello.sample_rate_hz,
    }
    return BringUp(datetime.now(UTC).isoformat(timespec="seconds"), board, tuple(beside), measured)
