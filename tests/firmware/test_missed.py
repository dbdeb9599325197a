"""Conversions that nobody serves: the firmware counts them, flags the next sample, and loses nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.twin.script import SensorScript
from popsense_protocol.packets import FLAG_AFTER_GAP, FORCE_OFFSET_COUNTS
from tests.conftest import Require
from tests.firmware.bench import PERIOD_NS, REST_SAMPLES, Bench, noise, powered
from tests.firmware.interpreters import INTERPRETERS

SAMPLES = 700
# One alone, three in a row, two with one served between them, the last but one of the script.
MISSED = [REST_SAMPLES + 20, 300, 301, 302, 500, 502, SAMPLES - 2]
SERVED = [k for k in range(REST_SAMPLES, SAMPLES) if k not in MISSED]


def script(period_ns: int = PERIOD_NS) -> SensorScript:
    return replace(noise(SAMPLES), missed=np.array(MISSED), sample_period_ns=period_ns)


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest, require: Require) -> str:
    if request.param == "micropython":
        require("micropython")
    return request.param


def played(bench: Bench) -> list[tuple[int, int]]:
    """(offset binary force, flags) of the samples of the script behind its rest, as they came."""
    samples = [
        (s.force_and_flags & 0xFFFFFF, s.force_and_flags >> 24) for b in bench.blocks() for s in b.samples
    ]
    begins = script().force_counts[REST_SAMPLES] + FORCE_OFFSET_COUNTS
    first = [force for force, _ in samples].index(begins)
    return samples[first : first + len(SERVED)]


@pytest.mark.parametrize("period_ns", [PERIOD_NS, 3_125_000])
def test_missed_conversions_are_counted_and_the_next_sample_says_so(interpreter: str, period_ns: int):
    with powered(script(period_ns), interpreter) as bench:
        bench.run(400)
        bench.begin()
        bench.run((SAMPLES + 2 * REST_SAMPLES) * period_ns // 1_000_000)
        samples, last = played(bench), bench.blocks()[-1]
    assert [force for force, _ in samples] == (script().force_counts[SERVED] + FORCE_OFFSET_COUNTS).tolist()
    flagged = [SERVED[k] for k, (_, flags) in enumerate(samples) if flags & FLAG_AFTER_GAP]
    assert flagged == [REST_SAMPLES + 21, 303, 501, 503, SAMPLES - 1]
    assert last.missed == len(MISSED)


def test_samples_and_missed_conversions_make_up_the_time(interpreter: str):
    with powered(script(), interpreter) as bench:
        bench.begin()
        bench.run(1000)
        blocks = bench.blocks()
    assert blocks[0].missed == 0
    assert blocks[-1].missed == blocks[-4].missed == len(MISSED)
    conversions = sum(block.count for block in blocks[:-1]) + blocks[-1].missed
    passed_us = (blocks[-1].first_ticks_us - blocks[0].first_ticks_us) % 2**30
    assert passed_us == pytest.approx(conversions * PERIOD_NS / 1000, abs=2)
