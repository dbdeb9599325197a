"""The published rules are judged as ours is; sums, percentiles and intervals are right."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.twin.cohort import load_plan
from tests.benchmarks.baselines import alarms, armed_at
from tests.benchmarks.detectors.cases import Played, play
from tests.benchmarks.detectors.scoring import Found, judge
from tests.benchmarks.detectors.statistics import percentile, share_percent
from tests.benchmarks.detectors.sweep import SweepRow, settings, sweep
from tests.benchmarks.detectors.trade_off import Point, Tally, as_good, nearest

HELDBACK = Path(__file__).parents[1] / "cohorts" / "heldback.toml"


@cache
def played(kind: str, number: int) -> Played:
    plan = load_plan(HELDBACK).model_copy(update={"rates_hz": (988.0,)})
    assert kind in ("attempt", "negative")
    return next(iter(play(plan, kind, number)))


@pytest.mark.parametrize(("kind", "number"), [("attempt", 0), ("attempt", 3), ("negative", 2)])
def test_each_alarm_of_a_rule_is_judged_like_a_pop_of_ours(kind: str, number: int):
    case = played(kind, number)
    row = sweep(case)
    rules = {(rule.name, arming): rule for arming in (5.0, 20.0) for rule in armed_at(arming)}
    for index in range(0, len(settings()), 37):
        setting = settings()[index]
        rule = rules.get((setting.rule, setting.arming_n))
        if rule is None:
            continue
        rate_hz = case.rate_mhz / 1000.0
        found = alarms(rule.statistic(case.force_n, rate_hz), setting.threshold, rate_hz)
        pops = [Found(time_s, "pop") for time_s in case.time_s[found[:1] if setting.first_only else found]]
        verdict = judge(case.insertion.truth, pops, case.insertion.tip_mm)
        assert row.false_pops[index] == verdict.false_pops
        late_ms = verdict.late_ms["half"] if verdict.due and verdict.late_ms else np.nan
        assert row.late_ms[index] == pytest.approx(late_ms, nan_ok=True)


def test_the_rules_get_newtons_from_a_zero_at_rest():
    case = played("attempt", 0)
    rest = case.force_n[: case.script.rest_samples]
    assert abs(rest.mean()) < 0.1
    assert case.force_n.max() == pytest.approx(case.insertion.force_n.max(), rel=0.06, abs=2.0)


def test_every_rule_is_swept_from_always_to_never_with_every_arming():
    assert {setting.arming_n for setting in settings()} == {5.0, 10.0, 15.0, 20.0}
    for rule in {setting.rule for setting in settings()}:
        own = [setting for setting in settings() if setting.rule == rule and setting.first_only]
        assert sum(setting.published for setting in own) == 4
        assert len(own) >= 4 * 45


def rows(late_ms: list[float], false_pops: int = 0) -> list[SweepRow]:
    """Cases whose pop comes so late under every setting."""
    n = len(settings())
    return [
        SweepRow(True, np.full(n, false_pops, np.uint16), np.full(n, late, np.float32)) for late in late_ms
    ]


@given(st.lists(st.floats(-300.0, 300.0, width=32), min_size=1, max_size=60), st.integers(0, 5))
def test_recall_and_p95_are_those_of_the_pops_that_came(found_ms: list[float], missed: int):
    tally = Tally()
    for row in rows([*found_ms, *([float("nan")] * missed)]):
        tally.add(row, is_attempt=True)
    point = tally.points()[7]
    assert point.recall_percent == pytest.approx(100.0 * len(found_ms) / (len(found_ms) + missed))
    assert point.p95_ms == pytest.approx(np.percentile(found_ms, 95), abs=1e-3)


def test_false_pops_count_in_all_cases_but_only_attempts_are_recalled():
    tally = Tally()
    for is_attempt, row in zip((True, False), rows([3.0, 900.0], false_pops=2), strict=True):
        tally.add(row, is_attempt)
    point = tally.points()[0]
    assert (point.false_pops, point.recall_percent, point.p95_ms) == (4, 100.0, 3.0)


def test_what_finds_nothing_is_never_as_good():
    tally = Tally()
    for row in rows([float("nan")]):
        tally.add(row, is_attempt=True)
    point = tally.points()[0]
    assert np.isnan(point.p95_ms)
    assert not point.as_good_as(Point(None, 0.0, 10, 10.0))


def test_as_good_means_in_all_three():
    ours = Point(None, 99.0, 3, 10.0)
    same = Point(settings()[0], 99.0, 3, 10.0)
    worse = [
        replace(same, recall_percent=98.9),
        replace(same, false_pops=4),
        replace(same, p95_ms=10.1),
    ]
    rule = settings()[0].rule
    assert as_good([same, *worse], ours) == {rule: [same]}
    assert as_good(worse, ours) == {rule: []}


def test_the_nearest_settings_are_told_by_what_they_give_up():
    ours, setting = Point(None, 99.0, 3, 10.0), settings()[0]
    noisy, late, deaf = (
        Point(setting, *figures) for figures in ((99.5, 80, 9.0), (99.0, 40, 90.0), (20.0, 0, 5.0))
    )
    best = nearest([noisy, late, deaf], ours)
    assert best["fewest false pops, recall and p95 as ours"] == noisy
    assert best["fewest false pops, recall as ours"] == late
    assert best["best recall, false pops as ours"] == deaf


def test_exact_intervals_of_shares():
    """Clopper and Pearson's own: 0 of 10 up to 30.85 %, 8 of 10 from 44.39 to 97.48 %."""
    none, most = share_percent(0, 10), share_percent(8, 10)
    assert (none.value, none.low, none.high) == pytest.approx((0.0, 0.0, 30.85), abs=0.01)
    assert (most.value, most.low, most.high) == pytest.approx((80.0, 44.39, 97.48), abs=0.01)
    assert share_percent(10, 10).high == 100.0
    assert np.isnan(share_percent(0, 0).value)


def test_the_interval_of_a_percentile_holds_it_19_times_in_20():
    random = np.random.default_rng(5)
    samples = random.exponential(1.0, (400, 300))
    found = [percentile(sample, 95) for sample in samples]
    true = -np.log(0.05)
    inside = np.mean([estimate.low <= true <= estimate.high for estimate in found])
    assert 0.93 < inside < 0.99
    assert np.mean([estimate.value for estimate in found]) == pytest.approx(true, rel=0.02)
    assert np.isnan(percentile([], 95).value)
