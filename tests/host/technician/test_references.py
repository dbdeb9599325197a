"""What a sensor is calibrated against, as it is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.errors import UsageError
from popsense.technician.references import DEFAULTS, parse_references, parse_uncertainty, prompt


def values(sensor: str, text: str, **more: float) -> list[float]:
    return [one.value for one in parse_references(sensor, text, **more)]  # type: ignore[arg-type]


def test_masses_press_by_local_gravity():
    assert values("force", "0,1,5 kg") == pytest.approx([0, 9.80665, 49.03325])
    assert values("force", "0, 500, 1000 g", gravity=9.78) == pytest.approx([0, 4.89, 9.78])
    assert values("force", "0,10 N", gravity=9.78) == [0, 10]


def test_other_units_become_those_of_the_sensor():
    assert values("depth", "0,500,1e3 um") == pytest.approx([0, 0.5, 1.0])
    assert values("pressure", "-50,0,100 mmHg") == pytest.approx([-6.6661, 0, 13.3322])


@pytest.mark.parametrize("sensor", DEFAULTS)
def test_what_is_suggested_can_be_meant(sensor: str):
    assert len(values(sensor, DEFAULTS[sensor])) >= 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("sensor", "text", "told"),
    [
        ("force", "0,5,2 kg", "2 kg follows 5 kg"),
        ("force", "0,5,5 kg", "5 kg is there twice"),
        ("force", "0 kg", "1 reference$"),
        ("force", "0,1,2", "the unit is missing"),
        ("force", "kg", "no force references"),
        ("force", "", "no force references"),
        ("force", "0,1 lb", "no unit of force"),
        ("force", "0,1 mm", "no unit of force"),
        ("force", "0,,1 kg", "is no number"),
        ("force", "0,1..2 kg", "is no number"),
        ("force", "1,2 kg", "the first mass is 1 kg"),
        ("force", "-1,0 kg", "the first mass is -1 kg"),
        ("force", "0,1000 kg", "beyond what the force sensor bears"),
        ("force", "0,1e400 kg", "is no number"),
        ("force", "0,1e-9 kg", "1e-09 kg is too near to 0 kg"),
        ("pressure", "10,50 kPa", "no reference is 0"),
        ("pressure", "-600,0,50 kPa", "^-600 kPa is below vacuum"),
        ("pressure", "-200,0 kPa", "^-200 kPa is below vacuum"),
        ("pressure", "-50,0,600 kPa", "^600 kPa is beyond"),
        ("depth", "-600,0,50 mm", "^-600 mm is beyond"),
        ("depth", ",".join(map(str, range(17))) + " mm", "17 references"),
    ],
)
def test_references_that_cannot_be_meant_are_refused_with_what_to_do(sensor: str, text: str, told: str):
    with pytest.raises(UsageError, match=told) as caught:
        parse_references(sensor, text)  # type: ignore[arg-type]
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("sensor", "text", "first"),
    [
        ("force", "0,1 KG", "0 kg"),
        ("force", "0,1 n", "0 N"),
        ("pressure", "0,50 kpa", "0 kPa"),
        ("depth", "0,500 \N{MICRO SIGN}m", "0 um"),
        ("depth", "0,500 \N{GREEK SMALL LETTER MU}m", "0 um"),
    ],
)
def test_a_unit_may_be_written_as_people_write_it(sensor: str, text: str, first: str):
    found = parse_references(sensor, text)  # type: ignore[arg-type]
    assert found[0].text == first


def test_masses_are_told_from_forces():
    assert [one.is_mass for one in parse_references("force", "0,500 g")] == [True, True]
    assert [one.is_mass for one in parse_references("force", "0,5 N")] == [False, False]


def test_pressure_has_a_point_between_its_ends_by_default():
    assert len(values("pressure", DEFAULTS["pressure"])) >= 3  # two alone tell no residual


@given(st.text(max_size=12))
def test_any_text_is_references_or_our_error(text: str):
    try:
        found = parse_references("depth", text)
    except UsageError:
        return
    assert len(found) >= 2


@pytest.mark.parametrize("gravity", [0.0, 1.62, 32.2, float("nan")])
def test_the_gravity_of_no_place_on_earth_is_refused(gravity: float):
    with pytest.raises(UsageError, match="no place on Earth"):
        parse_references("force", "0,1 kg", gravity)


def test_the_uncertainty_of_the_references_has_its_own_unit():
    assert parse_uncertainty("force", "0.5 g") == pytest.approx(0.004903, rel=1e-3)
    assert parse_uncertainty("depth", "2 um") == pytest.approx(0.002)
    for text in ("-1 g", "1,2 g", "g", "1"):
        with pytest.raises(UsageError):
            parse_uncertainty("force", text)


def test_the_technician_is_told_what_to_put_where():
    empty, mass = parse_references("force", "0,2.5 kg")
    assert prompt("force", empty) == "Take everything off the cap"
    assert prompt("force", mass) == "Put 2.5 kg on the cap"
