"""Readings -> points with their errors; what makes no line is refused with what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.calibration.fit import Fit, Reading, doubts, fit
from popsense.calibration.record import Point
from popsense.calibration.uncertainty import Masses, budget
from popsense.errors import UsageError

MASSES_N = (0.0, 9.807, 19.613, 49.033, 98.067)


def line(references: tuple[float, ...] = MASSES_N, slope: float = 4000.0, bend: float = 0.0) -> list[Reading]:
    """A reading at each; bend: counts at the middle of the span beside the line."""
    top = references[-1]
    return [Reading(x, 500 + slope * x + 4 * bend * x * (top - x) / top**2) for x in references]


@given(st.floats(100, 8000), st.integers(2, 16))
def test_a_straight_line_has_no_error_but_that_of_whole_counts(slope: float, number: int):
    found = fit("force", line(tuple(10.0 * k for k in range(number)), slope))
    assert len(found.points) == number
    assert found.points[0] == Point(500, 0)
    if number == 2:
        assert (found.residual, found.nonlinearity) == (None, None)
    else:
        assert found.residual == pytest.approx(0, abs=1e-6)
        assert found.nonlinearity == pytest.approx(0, abs=1e-6)


def test_a_bent_line_shows_in_what_is_left_out():
    found = fit("force", line((0.0, 25.0, 50.0, 75.0, 100.0), bend=400.0))
    # A parabola over a step of 25 N lies 400 * (25 / 50)^2 = 100 counts above its chord: 0.025 N.
    assert found.residual == pytest.approx(0.025, rel=0.05)
    assert found.nonlinearity == pytest.approx(0.05, rel=0.2)


def test_up_against_down_is_hysteresis_and_the_points_lie_between():
    up = [Reading(x, 1000 * x) for x in (0.0, 10.0, 20.0)]
    down = [Reading(x, 1000 * x + 40, rising=False) for x in (10.0, 0.0)]
    found = fit("force", up + down)
    assert found.hysteresis == pytest.approx(0.04, rel=0.01)
    assert [point.counts for point in found.points] == [20, 10_020, 20_000]
    assert found.repeatability is None


def test_the_same_way_again_is_repeatability():
    cycles = [Reading(x, 1000 * x + d, cycle=cycle) for cycle, d in enumerate((-10, 10)) for x in (0.0, 10.0)]
    found = fit("force", cycles)
    assert found.repeatability == pytest.approx(0.01414, rel=0.01)
    assert found.hysteresis is None


@pytest.mark.parametrize(
    ("sensor", "word"), [("force", "upside down"), ("depth", "magnet"), ("pressure", "tubes")]
)
def test_a_sensor_that_is_mounted_the_wrong_way_is_told_so(sensor: str, word: str):
    with pytest.raises(UsageError, match="fall as") as caught:
        fit(sensor, line(slope=-4000.0))  # type: ignore[arg-type]
    assert word in caught.value.remedy


def test_the_same_mass_put_on_twice_is_told_by_its_place():
    readings = [Reading(0.0, 0), Reading(10.0, 10_000), Reading(20.0, 10_001), Reading(30.0, 30_000)]
    with pytest.raises(UsageError, match="at 20 N is not above that at 10 N") as caught:
        fit("force", readings)
    assert caught.value.remedy


@pytest.mark.parametrize("number", [0, 1, 17])
def test_too_few_and_too_many_references_are_refused(number: int):
    with pytest.raises(UsageError):
        fit("force", [Reading(float(k), 1000.0 * k) for k in range(number)])


def test_the_budget_is_the_root_of_the_sum_of_squares():
    found = fit("force", [Reading(0.0, 0, 40, 400), Reading(100.0, 400_000, 40, 400)])
    told = budget(found, 0.03, Masses(9.81))
    by_name = {term.name: term.standard for term in told.terms}
    assert by_name["references"] == 0.03
    assert by_name["noise of a mean"] == pytest.approx(40 / 20 / 4000)
    assert by_name["buoyancy of the masses"] == pytest.approx(0.015)
    stated = [value for value in by_name.values() if value is not None]
    assert told.expanded == pytest.approx(2 * sum(value**2 for value in stated) ** 0.5)
    assert told.not_stated == ("between the points", "hysteresis", "repeatability")


def test_references_of_unknown_uncertainty_are_told_as_missing():
    assert budget(fit("force", line()), None).not_stated[0] == "references"


def term_names(found: Fit, masses: Masses | None) -> set[str]:
    return {term.name for term in budget(found, None, masses).terms}


def test_gravity_that_nobody_gave_is_a_term_of_the_largest_mass():
    found = fit("force", line())
    (gravity,) = [term for term in budget(found, None, Masses()).terms if term.name == "gravity"]
    # From 9.764 m/s2, the farthest from the standard, to 9.80665: 0.0043 of 98.067 N, rectangular.
    assert gravity.standard == pytest.approx(98.067 * 0.0043 / 3**0.5, rel=0.02)
    assert "assumed" in gravity.source
    assert budget(found, None, Masses()).expanded > 4 * budget(found, None, Masses(9.81)).expanded


def test_gravity_and_buoyancy_are_of_masses_alone():
    found = fit("force", line())
    assert "gravity" not in term_names(found, Masses(9.81))
    assert "buoyancy of the masses" in term_names(found, Masses(9.81))
    assert not term_names(found, None) & {"gravity", "buoyancy of the masses"}


def test_a_sound_sensor_is_in_no_doubt():
    assert doubts(fit("force", line(bend=400.0)), 1 / 4000) == ()
    assert doubts(fit("force", line()), 1 / 4300) == ()
    assert doubts(fit("force", line()), 0.0) == ()  # a board that tells no nominal scale


def test_a_bent_line_hysteresis_and_a_foreign_slope_are_doubts():
    (bent,) = doubts(fit("force", line((0.0, 25.0, 50.0, 75.0, 100.0), bend=12_000.0)), 1 / 4000)
    assert bent.startswith("the non-linearity is ")
    up = [Reading(x, 4000 * x) for x in (0.0, 50.0, 100.0)]
    (loose,) = doubts(fit("force", [*up, Reading(50.0, 4000 * 51.5, rising=False)]), 1 / 4000)
    assert loose == "the hysteresis is 1.5 % of the span, limit 1 % (uncalibrated)"
    (steep,) = doubts(fit("force", line()), 1 / 4800)
    assert steep == "the slope is 20.0 % above the nominal scale, limit 10 % (uncalibrated)"
    assert "below" in doubts(fit("force", line()), 1 / 3000)[0]


def test_the_converters_code_steps_are_a_term_of_what_it_reads():
    terms = {term.name for term in budget(fit("depth", line((0.0, 10.0, 20.0), 437.0)), None).terms}
    assert "code steps of the converter" in terms
    assert "buoyancy of the masses" not in terms
