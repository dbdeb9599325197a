"""A figure of a slow converter says its error where a band's edge lies within it."""

from dataclasses import replace

import pytest

from popsense.analysis import analyse
from popsense.analysis.sampling_cost import cost_of
from popsense.model import Analysis, Trace
from popsense.scoring import packaged_rubric, score
from tests.host.traces import EXPERT, GEOMETRY, build_trace, only

RUBRIC = packaged_rubric("adult-proximal-tibia")
EVERY = 12  # of about 1,000 samples/s
METRIC = "overshoot_percent_of_cavity"
(ITEM,) = [item for item in RUBRIC.item if item.metric == METRIC]
EDGE = ITEM.bands[0].up_to or 0.0


def analysed(value: float, error: float) -> Analysis:
    whole = analyse(build_trace(EXPERT), (), GEOMETRY)
    metrics = (
        replace(metric, value=value, error=error) if metric.name == METRIC else metric
        for metric in whole.metrics
    )
    return replace(whole, metrics=tuple(metrics))


def measured(value: float, error: float) -> str:
    lines = score(analysed(value, error), RUBRIC, "assessment").lines
    return next(line.measured for line in lines if line.item == ITEM.id)


@pytest.mark.parametrize("away", [-2.8, -0.1, 0.0, 2.8])
def test_an_edge_within_the_error_shows_the_error(away: float):
    assert measured(EDGE + away, 2.88).endswith(" +-2.9 %")


@pytest.mark.parametrize(("away", "error"), [(-2.9, 2.88), (2.9, 2.88), (0.0, 0.0)])
def test_an_edge_farther_away_shows_none(away: float, error: float):
    assert "+-" not in measured(EDGE + away, error)


def slowed(trace: Trace) -> Trace:
    return replace(only(trace, slice(0, None, EVERY)), settle_samples=4)


def test_only_a_slow_converter_gives_figures_an_error():
    trace = build_trace(EXPERT)
    assert {metric.error for metric in analyse(trace, (), GEOMETRY).metrics} == {0.0}
    slow = slowed(trace)
    cost = cost_of(slow.sample_rate_hz, slow.settle_samples)
    assert cost is not None
    found = analyse(slow, (), GEOMETRY).metrics
    assert all(metric.error == cost.error(metric.name) for metric in found if metric.value is not None)
    assert any(metric.error > 0 for metric in found)
    assert all(metric.error == 0 for metric in found if metric.value is None)
