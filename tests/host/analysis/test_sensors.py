"""A sensor that is missing or dead is nobody's fault: what rests on it is lost, and says so."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.analysis import CATALOGUE, analyse
from popsense.model import Analysis, SensorName
from tests.host.traces import EXPERT, GEOMETRY, PLUNGER, Hand, build_trace

DEAD = "the sensor is dead"


def without(sensor: SensorName, hand: Hand = EXPERT) -> Analysis:
    """Noise and drift in place of that sensor's readings, and the fault on record."""
    trace = build_trace(hand)
    channel = {"force": trace.force_n, "depth": trace.protrusion_mm, "pressure": trace.pressure_kpa}[sensor]
    noise = np.random.default_rng(7).uniform(-1, 1, channel.size)
    channel[:] = np.linspace(-5, 50, channel.size) + noise
    return analyse(replace(trace, faults={sensor: DEAD}), (), GEOMETRY)


@pytest.mark.parametrize("sensor", ["force", "depth", "pressure"])
def test_every_metric_of_a_dead_sensor_is_lost_and_names_it(sensor: SensorName):
    analysis = without(sensor)
    for definition in CATALOGUE:
        metric = analysis.metric(definition.name)
        if sensor not in definition.sensors:
            assert not metric.lost, metric
        elif not (definition.shows_itself and metric.value):
            assert (metric.value, metric.note, metric.lost) == (None, DEAD, True), metric


def test_no_metric_rests_on_nothing():
    assert all(definition.sensors for definition in CATALOGUE)


def test_the_other_sensors_go_on():
    assert without("pressure").metric("overshoot_mm").value == pytest.approx(2.5, abs=0.1)
    assert without("force").metric("overshoot_mm").value == pytest.approx(2.5, abs=0.1)
    assert without("depth").metric("contact_found").value == 1
    assert without("force", PLUNGER).metric("breakthrough_found").value == 1


def test_a_dead_sensor_makes_no_event():
    assert {event.kind for event in without("depth").events} <= {"contact", "released"}
