"""What a slow converter costs, in words and in metrics that are not assessed."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.analysis import CATALOGUE, METRIC_NAMES, Geometry, analyse
from popsense.analysis.sampling_cost import ERRORS, FLAGS, NARROWEST_BAND, SamplingCost, cost_of
from popsense.model import Metric
from popsense.scoring import packaged_rubric, packaged_sites
from tests.host.traces import EXPERT, build_trace

GEOMETRY = Geometry(bevel_mm=2.0, cavity_mm=20.0)
REFERENCE = SamplingCost(988.0, 1)
HX711 = SamplingCost(80.0, 4)
HX711_SLOW = SamplingCost(10.0, 4)


def test_the_reference_build_costs_nothing_and_says_nothing():
    assert not REFERENCE.is_slow
    assert (REFERENCE.sentences, REFERENCE.lost, REFERENCE.errors) == ((), (), ())


def test_80_a_second_lose_the_reaction_time_alone():
    assert HX711.lost == ("reaction_time_s",)


def test_10_a_second_lose_what_is_scored_by_time_and_force():
    assert set(HX711_SLOW.lost) == {
        "penetration_time_s",
        "steadiness_percent",
        "taper_ratio",
        "reaction_time_s",
        "overshoot_percent_of_cavity",
        "flush_rise_kpa",
    }


def test_the_words_carry_the_figures():
    text = " ".join(HX711.sentences)
    for figure in ("every 12.5 ms", "after 50 ms", "+-6.2 ms", "25 ms late", "1.2 mm at 100 mm/s", "64 %"):
        assert figure in text
    assert "uncalibrated" in text


def test_a_force_that_lags_behind_the_tip_is_told():
    assert "far cortex that was not there" in " ".join(HX711_SLOW.sentences)
    assert "far cortex" not in " ".join(HX711.sentences)


def test_nothing_is_said_of_a_board_without_a_force_sensor():
    assert cost_of(0.0, 4) is None
    assert cost_of(float("nan")) is None


def test_a_board_that_does_not_tell_its_settling_has_a_settled_converter():
    assert cost_of(80.0, 0) == cost_of(80.0, 1)


@given(st.floats(2.0, 2000.0), st.floats(2.0, 2000.0), st.integers(1, 8))
def test_a_faster_converter_is_never_worse(one_hz: float, other_hz: float, settle: int):
    slow, fast = SamplingCost(min(one_hz, other_hz), settle), SamplingCost(max(one_hz, other_hz), settle)
    for metric in METRIC_NAMES:
        assert 0.0 <= fast.error(metric) <= slow.error(metric)
        assert slow.is_lost(metric) or not fast.is_lost(metric)


@pytest.mark.parametrize("metric", NARROWEST_BAND)
def test_a_metric_is_lost_just_where_its_error_is_wider_than_half_its_band(metric: str):
    for rate_hz in (5.0, 10.0, 20.0, 40.0, 80.0, 144.0, 320.0, 988.0):
        cost = SamplingCost(rate_hz, 4)
        assert cost.is_lost(metric) == (2.0 * cost.error(metric) > NARROWEST_BAND[metric])


def test_the_bands_are_those_of_the_rubrics():
    """The narrowest of all sites: from 0 to the first limit, and from limit to limit."""
    narrowest: dict[str, float] = {}
    for site in packaged_sites():
        for item in packaged_rubric(site).item:
            limits = [0.0, *(band.up_to for band in item.bands if band.up_to is not None)]
            widths = [upper - lower for lower, upper in pairwise(limits)]
            if widths:
                narrowest[item.metric] = min(narrowest.get(item.metric, float("inf")), *widths)
    assert pytest.approx(narrowest) == NARROWEST_BAND


def test_every_metric_that_is_named_exists():
    assert {*ERRORS, *NARROWEST_BAND, *FLAGS} <= METRIC_NAMES
    assert {*NARROWEST_BAND, *FLAGS} <= {*ERRORS}


# ---- in the analysis ---------------------------------------------------------------------------------


def metrics(rate_hz: float, settle_samples: int) -> dict[str, Metric]:
    trace = replace(build_trace(EXPERT, rate_hz=rate_hz), settle_samples=settle_samples)
    return {metric.name: metric for metric in analyse(trace, (), GEOMETRY).metrics}


def test_what_is_too_slow_is_lost_and_the_rest_is_there():
    found = metrics(80.0, 4)
    assert (found["reaction_time_s"].value, found["reaction_time_s"].lost) == (None, True)
    assert "80 samples/s are too few" in found["reaction_time_s"].note
    assert [name for name, metric in found.items() if metric.lost] == ["reaction_time_s"]


def test_the_reference_rate_loses_nothing():
    assert not any(metric.lost for metric in metrics(988.0, 1).values())


def test_what_shows_itself_stands_at_any_rate():
    shown = {definition.name for definition in CATALOGUE if definition.shows_itself}
    found = metrics(10.0, 4)
    assert all(found[name].value for name in shown & set(HX711_SLOW.lost))


def test_an_attempt_that_was_never_begun_is_an_omission_at_any_rate():
    trace = build_trace(EXPERT, rate_hz=80.0)
    idle = replace(
        trace, force_n=0.0 * trace.force_n, protrusion_mm=0.0 * trace.protrusion_mm, settle_samples=4
    )
    reaction = analyse(idle, (), GEOMETRY).metric("reaction_time_s")
    assert (reaction.value, reaction.lost) == (None, False)
