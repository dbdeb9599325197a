"""The runs' figures, all of them together."""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from tests.benchmarks.firmware.runs import SECONDS, Run
from tests.benchmarks.report import Figure

INTERRUPT_BAR_US = 110
BUSY_BAR_PERCENT = 20
CUE_BAR_MS = 0.2
POP_BAR_MS = 3
USUAL_PERCENT = 99  # of the interrupts: events are rarer


def figures(runs: Sequence[Run]) -> list[Figure]:
    """Measured from outside, by the emulator's clock; see tests/emulated/gauges.py."""
    reading, deaf = [run for run in runs if not run.deaf], [run for run in runs if run.deaf]
    return [
        Figure(f"runs of {SECONDS:g} simulated s, host reads", len(reading), "runs"),
        Figure("runs with a host that does not read", len(deaf), "runs"),
        Figure("samples", sum(run.samples for run in runs), "samples"),
        _at_most("overruns, all runs", sum(run.overruns for run in runs), "samples", 0),
        _at_most("missed conversions, all runs", sum(run.missed for run in runs), "conversions", 0),
        Figure("kinds of events", len(set(chain.from_iterable(run.events for run in runs))), "kinds"),
        Figure("stalls of the emulator, repeated", sum(run.stalls for run in runs), "stalls"),
        *_interrupts(runs),
        Figure("pops, host reads", sum(len(run.pop_written_ms) for run in reading), "pops", 1),
        Figure("pops, host does not read", sum(len(run.pop_written_ms) for run in deaf), "pops", 1),
        _at_most(
            "pops without the cue of their profile", sum(run.pops_without_cue for run in runs), "pops", 0
        ),
        *_processor(reading),
        *_most(
            "pop's EVENT at the host behind its sample",
            _all(run.pop_written_ms for run in reading),
            POP_BAR_MS,
        ),
        *_most("cue pin behind its sample", _all(run.cue_ms for run in reading), CUE_BAR_MS),
        *_most("cue pin, host does not read", _all(run.cue_ms for run in deaf), CUE_BAR_MS),
        Figure("emulated board: heap free at START", min(run.heap_free_bytes for run in runs), "B"),
    ]


def _interrupts(runs: Sequence[Run]) -> list[Figure]:
    lengths = np.array(_all(run.interrupt_us for run in runs))
    return [
        Figure("interrupt, entry to return, mean", float(lengths.mean()), "us"),
        _at_most(
            f"interrupt, entry to return, {USUAL_PERCENT} % of them",
            float(np.percentile(lengths, USUAL_PERCENT)),
            "us",
            INTERRUPT_BAR_US,
        ),
        Figure("interrupt, entry to return, longest", float(lengths.max()), "us"),
        Figure("data-ready edge to entry, longest", max(_all(run.latency_us for run in runs)), "us"),
    ]


def _processor(runs: Sequence[Run]) -> list[Figure]:
    busy = max(run.busy_percent for run in runs)
    interrupt, usb = (
        max(run.interrupt_percent for run in runs),
        max(run.usb_percent for run in runs),
    )
    return [
        _at_most("processor not asleep while sampling", busy, "%", BUSY_BAR_PERCENT),
        Figure("of it the data-ready interrupt", interrupt, "%"),
        Figure("of it USB interrupts", usb, "%"),
        Figure("of it main loop and the rest", busy - interrupt - usb, "%"),
    ]


def _most(name: str, values: Sequence[float], bar: float) -> list[Figure]:
    """The worst of them; no figure where nothing was measured."""
    return [_at_most(f"{name}, worst of {len(values)}", max(values), "ms", bar)] if values else []


def _at_most(name: str, value: float, unit: str, bar: float) -> Figure:
    return Figure(name, value, unit, bar, higher_is_better=False)


def _all(parts: Iterable[Sequence[float]]) -> list[float]:
    return list(chain.from_iterable(parts))
