"""The whole firmware on a board with an HX711, at 80 and at 10 samples/s, and on one with no converter."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from popsense.twin.child import FirmwareChild
from popsense.twin.converters import HX711
from popsense.twin.insertion import Truth
from popsense.twin.interpreter import find_interpreter
from popsense.twin.script import SensorScript
from popsense_protocol.packets import FLAG_AFTER_GAP, OPTION_HX711
from tests.conftest import Require
from tests.firmware.bench import Bench
from tests.firmware.hands import COUNTS_PER_MM, COUNTS_PER_N
from tests.firmware.interpreters import INTERPRETERS

PERIOD_NS = 12_500_000
SLOW_PERIOD_NS = 100_000_000
COUNTS_AGAINST_ADS1220 = 2  # for the same force: half of the full scale


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest, require: Require) -> str:
    if request.param == "micropython":
        require("micropython")
    return request.param


def push_and_pop(period_ns: int = PERIOD_NS) -> SensorScript:
    """1.5 s of rest, 30 N for 2 s, then 5 N with the tip 2.5 mm out; a step of the force takes 4 samples."""
    n = round(1e9 / period_ns)
    force_n = np.concatenate([np.zeros(n + n // 2), np.full(2 * n, 30.0), np.full(2 * n, 5.0)])
    settled_n = np.convolve(force_n, np.full(4, 0.25))[: len(force_n)]
    depth_mm = np.concatenate([np.zeros(3 * n + n // 2), np.full(2 * n, 2.5)])
    codes = ((1638 + depth_mm * COUNTS_PER_MM) // 4).astype(np.uint16)
    depth = np.repeat(codes[:, np.newaxis], 4, axis=1)
    force = (settled_n * COUNTS_PER_N * COUNTS_AGAINST_ADS1220).astype(np.int32)
    force += np.arange(len(force), dtype=np.int32) % 7  # a converter whose code never moves is a fault
    rest = len(force) // 8
    truth = cast(Truth, None)
    return SensorScript(period_ns, rest, force, depth, np.full_like(depth, 1500), truth, chip=HX711.chip)


@contextmanager
def powered(script: SensorScript, interpreter: str = "auto", boot_ms: int = 400) -> Iterator[Bench]:
    child = FirmwareChild(script, find_interpreter(interpreter), seed=3)
    try:
        bench = Bench(child)
        bench.run(boot_ms)
        yield bench
    finally:
        child.close()


def hello(bench: Bench) -> Any:
    return next(packet.fields for packet in bench.packets if packet.name == "HELLO")


def kinds(bench: Bench) -> list[str]:
    return [str(packet.fields.kind) for packet in bench.packets if packet.name == "EVENT"]


@pytest.mark.slow
def test_hello_declares_rate_settling_scale_and_build(interpreter: str):
    with powered(push_and_pop(), interpreter) as bench:
        said = hello(bench)
    assert said.sample_rate_mhz == pytest.approx(80_000, rel=1e-3)
    assert said.options & OPTION_HX711
    assert (said.force.fitted, said.force.settle_samples, said.force.bits) == (1, 4, 24)
    assert said.force.nano_units_per_count == 116_415


@pytest.mark.slow
def test_ten_a_second_are_declared_too():
    with powered(push_and_pop(SLOW_PERIOD_NS), boot_ms=2500) as bench:
        assert hello(bench).sample_rate_mhz == pytest.approx(10_000, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("period_ns", "expected"),
    # At 10/s the tip is out for longer than OUT_MS before the smeared force has fallen.
    [(PERIOD_NS, ["contact", "pop"]), (SLOW_PERIOD_NS, ["contact", "uncertain_pop", "pop"])],
)
def test_an_attempt_is_found_at_its_rate(interpreter: str, period_ns: int, expected: list[str]):
    with powered(push_and_pop(period_ns), interpreter, boot_ms=2500) as bench:
        bench.begin()
        bench.run(6500)
        found = kinds(bench)
    assert found[: len(expected)] == expected
    assert "overload" not in found


@pytest.mark.slow
def test_blocks_close_after_20_ms_and_carry_every_sample(interpreter: str):
    with powered(push_and_pop(), interpreter) as bench:
        bench.begin()
        bench.run(3000)
        blocks = bench.blocks()
    assert {block.count for block in blocks} <= {1, 2}
    expected = 0
    for block in blocks:
        assert block.first_sample == expected
        expected += block.count
    assert expected == pytest.approx((3.0 - 0.05) * 80, abs=4)
    assert blocks[-1].missed == 0


@pytest.mark.slow
def test_missed_conversions_are_counted_at_80_a_second(interpreter: str):
    missed = [100, 200, 201, 300]
    with powered(replace(push_and_pop(), missed=np.array(missed)), interpreter) as bench:
        bench.begin()
        bench.run(6500)
        flags = [s.force_and_flags >> 24 for block in bench.blocks() for s in block.samples]
        last = bench.blocks()[-1]
    assert last.missed == len(missed)
    assert sum(1 for flag in flags if flag & FLAG_AFTER_GAP) == 3


@pytest.mark.slow
def test_no_fault_is_told_of_a_whole_board(interpreter: str):
    with powered(push_and_pop(), interpreter) as bench:
        bench.begin()
        bench.run(6500)
        told = [packet.fields for packet in bench.packets if packet.name == "FAULT"]
    assert [str(fault.code) for fault in told if fault.raised and "force" in str(fault.code)] == []
    assert [str(fault.code) for fault in told if "data_ready" in str(fault.code)] == []


@pytest.mark.slow
def test_a_board_without_any_converter_says_so_as_soon(interpreter: str):
    with powered(replace(push_and_pop(), chip="none"), interpreter, boot_ms=100) as bench:
        said = hello(bench)
        answer = bench.ask("IDENTIFY"), bench.ask("START", mode="guided", request=1)
    assert (said.sample_rate_mhz, said.force.fitted, said.options & OPTION_HX711) == (0, 0, 0)
    assert str(answer[1].fields.reason) == "sensor_fault"
