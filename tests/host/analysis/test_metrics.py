"""Metrics against what the synthetic hand was told to do."""

import pytest

from popsense.analysis import CATALOGUE, analyse
from popsense.analysis.stopping import deepest_overshoot_mm
from tests.host.traces import EARLY_STOPPER, EXPERT, GEOMETRY, NOVICE, Hand, build_trace


def measure(name: str, hand: Hand = EXPERT) -> float | None:
    return analyse(build_trace(hand), (), GEOMETRY).metric(name).value


def test_every_metric_carries_its_unit_in_its_name():
    endings = {"s": "_s", "N": "_n", "mm": "_mm", "kPa": "_kpa", "ms": "_ms"}
    assert all(metric.name.endswith(endings.get(metric.unit, "")) for metric in CATALOGUE)


def test_names_are_unique():
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def test_tremor_makes_unsteady():
    assert measure("steadiness_percent", NOVICE) > 2 * measure("steadiness_percent", EXPERT)


def test_building_up_and_tapering_are_not_unsteady():
    assert measure("steadiness_percent", Hand(tremor_n=0.0)) < 4.0


def test_taper_is_the_last_force_over_the_peak():
    assert measure("taper_ratio", Hand(peak_n=60, exit_n=30, tremor_n=0.0)) == pytest.approx(0.58, abs=0.05)
    assert measure("taper_ratio", Hand(peak_n=60, exit_n=60, tremor_n=0.0)) > 0.95


def test_penetration_lasts_from_contact_to_pop():
    assert measure("penetration_time_s") == pytest.approx(2.56, abs=0.05)


def test_loss_of_resistance_is_the_fall_at_the_exit_not_the_taper():
    assert measure("loss_of_resistance_percent", Hand(exit_n=20.0)) == pytest.approx(80, abs=8)


def test_aspiration_and_flush():
    assert measure("aspiration_drop_kpa") == pytest.approx(10, abs=0.3)
    assert measure("flush_rise_kpa") == pytest.approx(25, rel=0.1)
    assert measure("flush_decay_s") == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("resting_kpa", [-3.0, 4.0, 11.0])
def test_only_the_change_of_pressure_counts(resting_kpa: float):
    trace = build_trace()
    trace.pressure_kpa[:] += resting_kpa
    analysis = analyse(trace, (), GEOMETRY)
    assert analysis.metric("aspiration_drop_kpa").value == pytest.approx(10, abs=0.3)


def test_nothing_confirmed_is_said_in_words():
    analysis = analyse(build_trace(Hand(aspiration_kpa=0.0, flush_kpa=0.0)), (), GEOMETRY)
    assert analysis.metric("confirmation_found").value == 0
    assert analysis.metric("aspiration_drop_kpa").note == "no aspiration seen in the pressure"
    assert analysis.metric("flush_decay_s").note == "no flush seen in the pressure"


def test_removal_takes_as_long_as_the_pull():
    assert measure("removal_time_s", NOVICE) == pytest.approx(0.6, abs=0.08)


def test_a_needle_left_in_is_not_removed():
    analysis = analyse(build_trace(Hand(removal_s=None)), (), GEOMETRY)
    assert analysis.metric("removal_time_s").note == "the needle was still in at the end of the trace"


def test_stray_force_is_small_on_a_needle_left_alone():
    assert measure("stray_force_n") < 0.2


def test_no_figure_without_a_note_in_words():
    analysis = analyse(build_trace(EARLY_STOPPER), (), GEOMETRY)
    assert all((metric.value is None) == bool(metric.note) for metric in analysis.metrics)


def test_overshoot_is_never_negative():
    protrusion = build_trace(Hand(overshoot_mm=-1.0)).protrusion_mm
    assert deepest_overshoot_mm(protrusion, protrusion.size - 1, 2.0) == 0.0
