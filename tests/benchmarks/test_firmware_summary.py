"""What `make bench-firmware` makes of its runs; the runs themselves are made up here."""

from dataclasses import replace

import pytest

from popsense.technician.bringup import EMULATED
from tests.benchmarks.firmware.hands import bench_hand
from tests.benchmarks.firmware.runs import Run
from tests.benchmarks.firmware.summary import figures
from tests.benchmarks.report import Figure

GOOD = Run(
    name="every event",
    deaf=False,
    samples=4940,
    overruns=0,
    missed=0,
    events=("contact", "pop"),
    latency_us=[0.5, 1.5],
    interrupt_us=[80.0] * 199 + [130.0],
    busy_percent=18.0,
    interrupt_percent=8.0,
    usb_percent=1.0,
    heap_free_bytes=60_000,
    pop_written_ms=[1.4],
    cue_ms=[0.05],
)
DEAF = replace(GOOD, deaf=True, pop_written_ms=[900.0])


def missed(*runs: Run) -> list[str]:
    return [figure.name for figure in figures(runs) if figure.met is False]


def named(name: str, *runs: Run) -> Figure:
    return next(figure for figure in figures(runs) if figure.name == name)


def test_good_runs_miss_no_bar():
    assert missed(GOOD, DEAF) == []


@pytest.mark.parametrize(
    ("change", "bar"),
    [
        ({"overruns": 1}, "overruns"),
        ({"missed": 1}, "missed conversions"),
        ({"interrupt_us": [111.0] * 100}, "99 %"),
        ({"busy_percent": 20.1}, "not asleep"),
        ({"pop_written_ms": [3.1]}, "EVENT"),
        ({"cue_ms": [0.21]}, "cue pin behind"),
        ({"pops_without_cue": 1, "cue_ms": []}, "without the cue"),
        ({"pop_written_ms": []}, "pops, host reads"),
    ],
)
def test_one_run_that_misses_a_bar_is_enough(change: dict[str, object], bar: str):
    found = missed(GOOD if bar != "pops, host reads" else DEAF, replace(GOOD, **change), DEAF)
    assert len(found) == 1
    assert bar in found[0]


def test_a_host_that_does_not_read_counts_for_the_cue_and_not_for_the_event():
    assert missed(GOOD, replace(DEAF, cue_ms=[0.3])) == ["cue pin, host does not read, worst of 1"]


def test_the_longest_is_shown_and_the_stalls_are_counted():
    assert named("interrupt, entry to return, longest", GOOD, DEAF).value == 130
    assert named("stalls of the emulator, repeated", GOOD, replace(DEAF, stalls=2)).value == 2


def test_bring_up_finds_the_figures_that_it_compares_with():
    assert set(EMULATED.values()) <= {figure.name for figure in figures([GOOD, DEAF])}


@pytest.mark.slow
def test_the_hands_differ_in_site_and_device_and_come_to_an_exit():
    hands = [bench_hand(number) for number in range(10)]
    assert len({hand.site.name for hand in hands}) == 7
    assert {hand.device for hand in hands} == {"powered", "manual", "spring_loaded"}
    assert all(hand.script.force_counts.max() > 1_000 for hand in hands)
