"""Channels that contradict each other, on the twin's cohort: sound attempts give no suspect, defects do."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.analysis.sensor_suspect import longest_run, suspects
from popsense.calibration.convert import Calibration, ChannelScale, to_trace
from popsense.model import IntArray, RawTrace, Trace
from popsense.twin.cohort import Kind, draw_case, load_plan
from popsense.twin.insertion import simulate
from popsense.twin.script import draw_period_ns
from popsense.twin.sensors import digitise

PLAN = load_plan(Path(__file__).parents[2] / "cohorts" / "tune.toml")
COMPLIANCE = 0.0008  # of every site's plug, mm/N
CALIBRATION = Calibration(
    force=ChannelScale(0, 232831e-9),
    depth=ChannelScale(1638, 2289377e-9),
    pressure=ChannelScale(6006, 11446886e-9),
    plug_compliance_mm_per_n=COMPLIANCE,
)
RATE_HZ = 988.0
WITH_A_POP, WITHOUT_ONE = ("attempt", 0), ("negative", 58)  # the second hand eases off quickly


@cache
def raw_trace(kind: Kind, number: int) -> RawTrace:
    """A case of the cohort as the chips give it."""
    case = draw_case(PLAN, kind, number)
    script = digitise(
        simulate(case.setup), case.setup.seed, case.sensors, draw_period_ns(case.setup.seed, RATE_HZ)
    )
    here = np.setdiff1d(np.arange(len(script.force_counts)), script.missed)
    return RawTrace(
        sample_index=np.arange(here.size),
        time_s=here * script.sample_period_ns * 1e-9,
        force_counts=script.force_counts[here].astype(np.int64),
        depth_counts=script.depth_codes.sum(1, dtype=np.int64)[here],
        pressure_counts=script.pressure_codes.sum(1, dtype=np.int64)[here],
        flags=np.zeros(here.size, np.int64),
    )


def found(raw: RawTrace) -> dict[str, str]:
    return {**suspects(to_trace(raw, CALIBRATION, {}), raw, COMPLIANCE)}


def at_rest(counts: IntArray) -> IntArray:
    """The channel as if it never left its rest: a dead sensor still has noise."""
    return np.random.default_rng(1).choice(counts[:400], counts.size)


def test_the_compliance_is_that_of_the_sites():
    assert draw_case(PLAN, "attempt", 0).setup.site.plug_compliance.value == COMPLIANCE


@pytest.mark.parametrize("case", [WITH_A_POP, WITHOUT_ONE])
def test_a_sound_attempt_gives_no_suspect(case: tuple[Kind, int]):
    assert found(raw_trace(*case)) == {}


@pytest.mark.slow
def test_no_case_of_a_hundred_gives_a_suspect_and_stuck_followers_with_a_pop_do():
    told, unseen = {}, []
    for kind, count in (("attempt", 40), ("negative", 60)):
        for number in range(count):
            raw = raw_trace(kind, number)
            if here := found(raw):
                told[kind, number] = here
            dead = to_trace(raw, CALIBRATION, {}).protrusion_mm.max() > 2.5
            if dead and "depth" not in found(replace(raw, depth_counts=at_rest(raw.depth_counts))):
                unseen.append((kind, number))
    assert told == {}
    assert len(unseen) <= 12  # slow exits: the force falls as it does when a hand eases off


@pytest.mark.parametrize("case", [WITH_A_POP, WITHOUT_ONE])
def test_a_fall_of_the_force_without_any_motion_of_the_follower_is_a_suspect(case: tuple[Kind, int]):
    raw = raw_trace(*case)
    said = found(replace(raw, depth_counts=at_rest(raw.depth_counts)))
    assert list(said) == ["depth"]
    assert said["depth"].startswith("sensor suspect (depth): the force fell as at a pop")


def test_a_tip_that_comes_out_without_any_force_is_a_suspect():
    raw = raw_trace(*WITH_A_POP)
    said = found(replace(raw, force_counts=at_rest(raw.force_counts)))
    assert list(said) == ["force"]
    assert "no force was felt" in said["force"]


@pytest.mark.parametrize(("channel", "samples"), [("force", 70), ("depth", 2100), ("pressure", 2100)])
def test_a_reading_that_stands_still_is_a_suspect(channel: str, samples: int):
    raw = raw_trace(*WITH_A_POP)
    counts = getattr(raw, f"{channel}_counts").copy()
    counts[300 : 300 + samples] = counts[300]
    assert channel in found(replace(raw, **{f"{channel}_counts": counts}))
    counts[300 : 300 + samples : 30] += 1
    assert "stood still" not in str(found(replace(raw, **{f"{channel}_counts": counts})))


@pytest.mark.parametrize("channel", ["depth", "pressure"])
def test_an_analog_reading_may_stand_still_for_a_second(channel: str):
    raw = raw_trace(*WITH_A_POP)
    counts = getattr(raw, f"{channel}_counts").copy()
    counts[300:1300] = counts[300]
    assert "stood still" not in str(found(replace(raw, **{f"{channel}_counts": counts})))


def test_a_sensor_that_is_known_to_be_at_fault_is_not_doubted_again():
    raw = raw_trace(*WITH_A_POP)
    dead = replace(raw, depth_counts=np.zeros_like(raw.depth_counts))
    trace = to_trace(dead, CALIBRATION, {"depth": "unplugged"})
    assert suspects(trace, dead, COMPLIANCE) == {}


def test_an_empty_recording_gives_no_suspect():
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    raw = RawTrace(none, nothing, none, none, none, none)
    assert suspects(Trace(none, nothing, nothing, nothing, nothing), raw, COMPLIANCE) == {}


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(1, 9)), min_size=1, max_size=20))
def test_the_longest_run_is_that_of_a_plain_count(stretches: list[tuple[int, int]]):
    values = [value for value, count in stretches for _ in range(count)]
    best = run = 0
    for k, value in enumerate(values):
        run = run + 1 if k and value == values[k - 1] else 1
        best = max(best, run)
    assert longest_run(np.array(values)) == best
