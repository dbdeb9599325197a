"""The HX711's driver on the pins of the twin's fake board: bits, edges, power-down, nobody there."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Require
from tests.firmware.in_process import ROOT, load_bone
from tests.firmware.interpreters import run_script

BONE = load_bone("calibration", "hx711", "settings")
PERIOD_NS = 12_500_000
MS = 1_000_000
FAKES = ("machine", "world", "ads1220_model", "hx711_model")


def load_fakes() -> SimpleNamespace:
    folder = str(ROOT / "host/popsense/twin/board")
    sys.path.insert(0, folder)
    try:
        return SimpleNamespace(**{name: importlib.import_module(name) for name in FAKES})
    finally:
        sys.path.remove(folder)
        for name in FAKES:
            sys.modules.pop(name, None)


FAKE = load_fakes()


class Bench:
    """A fake board whose bridge says `code` (24 bits); `driver` is made by power_on."""

    def __init__(self, folder: Path, converter: str = "hx711") -> None:
        script = folder / "rest.u16"
        script.write_bytes(bytes(20))
        self.world: Any = FAKE.world.World(str(script), PERIOD_NS, 1)
        self.world._script.close()  # only its rest is played
        self.world.horizon_ns = 1 << 62
        FAKE.machine.install(self.world, None, b"", converter)
        self.dout = FAKE.machine.Pin(8, FAKE.machine.Pin.IN)
        self.sck = FAKE.machine.Pin(9, FAKE.machine.Pin.OUT)
        self.driver: Any = None

    def show(self, code: int) -> None:
        """Once converted: the rest that is looped."""
        self.world.codes[0], self.world.codes[1] = code & 0xFFFF, code >> 16

    def power_on(self) -> Any:
        self.driver = BONE.hx711.Hx711(self.dout, self.sck, self.world.sleep_ms)
        return self.driver


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path)
    found.power_on()
    return found


def run(bench: Bench, conversions: int) -> list[int]:
    """START, so many conversions, STOP: the codes that the interrupt saw."""
    seen: list[int] = []

    def handler(_pin: Any) -> None:
        bench.driver.read()
        seen.append(int.from_bytes(bench.driver.raw, "big"))

    bench.driver.start()
    bench.driver.ready_pin.irq(handler=handler, trigger=4, hard=True)
    bench.world.sleep_ns((conversions + 3) * PERIOD_NS + MS)
    bench.driver.ready_pin.irq(handler=None)
    bench.driver.stop()
    return seen


codes = st.one_of(
    st.integers(0, 0xFFFFFF), st.sampled_from([0, 1, 0x7FFFFF, 0x800000, 0x800001, 0xAAAAAA, 0xFFFFFF])
)


@given(st.lists(codes, min_size=1, max_size=5))
def test_any_24_bit_value_comes_through(tmp_path_factory: pytest.TempPathFactory, values: list[int]):
    bench = Bench(tmp_path_factory.mktemp("hx711"))
    bench.power_on()
    for value in values:
        bench.show(value)
        assert run(bench, 2) == [value, value]


@pytest.mark.parametrize("code", [0x000000, 0x555555, 0xAAAAAA, 0xFFFFFF])
def test_its_own_falling_edges_are_no_samples(bench: Bench, code: int):
    bench.show(code)
    assert len(run(bench, 20)) == 20


def test_without_the_check_of_the_level_such_edges_would_be_samples(bench: Bench):
    """The fake board latches edges while the interrupt reads, as the RP2040 does."""
    bench.show(0x555555)
    bench.driver.ready_pin = bench.dout
    assert len(run(bench, 20)) > 20


def test_it_takes_25_pulses_a_result(bench: Bench):
    rises = 0
    sck = bench.sck

    def counted(level: int) -> None:
        nonlocal rises
        rises += level
        sck(level)

    BONE.hx711.fetch(counted, bench.dout, bytearray(3))
    assert rises == 25


@pytest.mark.parametrize("pulses", [26, 27])
def test_more_pulses_would_lose_the_bridge(bench: Bench, pulses: int):
    bench.show(0x123456)
    bench.driver.start()
    bench.world.sleep_ns(4 * PERIOD_NS)
    for _ in range(pulses):
        bench.sck(1)
        bench.sck(0)
    bench.world.sleep_ns(PERIOD_NS)
    bench.driver.read()
    assert bytes(bench.driver.raw) != b"\x12\x34\x56"


def test_it_is_found_and_sleeps_until_start(bench: Bench):
    assert bench.driver.fitted
    assert FAKE.machine._hx711.is_down()
    assert bench.dout() == 1
    bench.world.sleep_ns(100 * PERIOD_NS)
    assert bench.dout() == 1


def test_after_start_the_first_result_has_settled(bench: Bench):
    began_ns = bench.world.now_ns
    bench.driver.start()
    while bench.dout():
        bench.world.sleep_ms(1)
    assert bench.world.now_ns - began_ns == pytest.approx(4 * PERIOD_NS, abs=MS)


def test_stop_powers_it_down_and_start_right_behind_it_finds_the_bridge_again(bench: Bench):
    bench.show(0x654321)
    for _ in range(3):
        assert run(bench, 1) == [0x654321]
        assert FAKE.machine._hx711.is_down()


def test_nothing_connected_costs_a_few_milliseconds(tmp_path: Path):
    bench = Bench(tmp_path, converter="none")
    assert not bench.power_on().fitted
    assert not bench.driver.answers()
    assert bench.world.now_ns <= 20 * MS


@pytest.mark.parametrize(("level", "most_ms"), [(0, 20), (1, 520)])
def test_a_shorted_line_is_no_converter(tmp_path: Path, level: int, most_ms: int):
    bench = Bench(tmp_path)

    class Line:
        IN, PULL_UP, PULL_DOWN = 0, 1, 2

        def init(self, *_: int) -> None:
            pass

        def __call__(self) -> int:
            return level

    driver = BONE.hx711.Hx711(Line(), bench.sck, bench.world.sleep_ms)
    assert not driver.fitted
    assert bench.world.now_ns <= most_ms * MS


def test_it_answers_between_runs_and_sleeps_on(bench: Bench):
    assert bench.driver.answers()
    assert FAKE.machine._hx711.is_down()


def test_500_newtons_are_full_scale_times_the_cells_sensitivity():
    """Full scale +-0.5 AVDD / 128; the cell gives 2 mV for each volt of AVDD at 500 N."""
    counts_at_500_n = 2e-3 / (0.5 / 128) * 2**23
    assert pytest.approx(500e9 / counts_at_500_n, abs=0.5) == BONE.settings.HX711_FORCE_NANO_N_PER_COUNT
    assert BONE.hx711.Hx711.nano_n_per_count == BONE.settings.HX711_FORCE_NANO_N_PER_COUNT


@pytest.mark.slow
def test_the_interrupt_asks_for_no_memory(require: Require):
    require("micropython")
    for code in (0, 0x5A5A5A, 0xFFFFFF):
        assert run_script("hx711_heap", "micropython", code) == [[code, 25, False]]


@given(st.integers(0, 450_000))
def test_thresholds_are_in_counts_of_this_build(millinewton: int):
    nano = BONE.settings.HX711_FORCE_NANO_N_PER_COUNT
    scales = BONE.calibration.Calibrations("nowhere", nano).scales()
    assert scales.force_counts(millinewton) == millinewton * 1_000_000 // nano
    assert scales.force_mn(scales.force_counts(millinewton)) == pytest.approx(millinewton, abs=2)
