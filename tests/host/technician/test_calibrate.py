"""The guided calibration: asked in order, unsteady readings refused, a record that says what was measured."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from popsense.calibration.record import Point
from popsense.calibration.uncertainty import Masses
from popsense.errors import UsageError
from popsense.model import FloatArray
from popsense.technician.calibrate import MOST_TRIES, Calibrating, calibrate, record_of
from popsense.technician.certificate import Certificate, certificate_page, certificate_text, two_figures
from popsense.technician.measuring import UnsteadyError
from popsense.technician.references import parse_references
from tests.host.technician.benches import Bench

NOMINAL_N = 232.831e-6
PLAN = Calibrating("force", parse_references("force", "0,1,2 kg"), NOMINAL_N)
UP_AND_DOWN = (0, 1, 2, 1, 0)


def at(*kilograms: int, counts: float = 42_000) -> Bench:
    return Bench(lambda place: 1_000 + counts * kilograms[place])


def test_it_asks_for_each_reference_on_the_way_up_and_down():
    bench = at(*UP_AND_DOWN)
    came = calibrate(PLAN, bench, bench.desk)
    assert [text.split(",")[0] for text in bench.asked] == [
        "Take everything off the cap",
        "Put 1 kg on the cap",
        "Put 2 kg on the cap",
        "Put 1 kg on the cap",
        "Take everything off the cap",
    ]
    assert [point.milliunits for point in came.fit.points] == [0, 9_807, 19_613]
    assert [point.counts for point in came.fit.points] == pytest.approx([1_000, 43_000, 85_000], abs=1)
    assert came.fit.hysteresis == pytest.approx(0, abs=1e-4)


def test_cycles_are_gone_through_one_after_the_other():
    bench = at(*UP_AND_DOWN, *UP_AND_DOWN[1:])  # between them the cap is empty already
    came = calibrate(replace(PLAN, cycles=2), bench, bench.desk)
    assert len(came.readings) == 9
    assert all(before != after for before, after in pairwise(bench.asked))
    assert came.fit.repeatability == pytest.approx(0, abs=1e-4)


def test_an_unsteady_reading_is_refused_and_taken_again():
    bench = replace(at(*UP_AND_DOWN), bad=(1, 2))
    came = calibrate(PLAN, bench, bench.desk)
    refused = [text for text in bench.asked if text.startswith("Not taken")]
    assert len(refused) == 2
    assert "drifts" in refused[0]
    assert "uncalibrated" in refused[0]
    assert came.fit.points[1].counts == pytest.approx(43_000, abs=1)


def test_noise_is_refused_too():
    bench = replace(at(*UP_AND_DOWN), noise=5_000.0)
    with pytest.raises(UnsteadyError, match="limit"):
        calibrate(PLAN, bench, bench.desk)
    assert len(bench.asked) == MOST_TRIES


def test_a_sensor_out_of_its_range_gives_no_point():
    bench = replace(at(*UP_AND_DOWN), saturated=tuple(range(2, 2 + MOST_TRIES)))
    with pytest.raises(UnsteadyError, match="out of its range"):
        calibrate(PLAN, bench, bench.desk)


def test_a_cell_that_is_mounted_upside_down_is_told_at_the_first_mass():
    bench = at(*UP_AND_DOWN, counts=-42_000)
    with pytest.raises(UsageError, match="readings fall") as caught:
        calibrate(PLAN, bench, bench.desk)
    assert "upside down" in caught.value.remedy
    assert len(bench.asked) == 2


def test_a_mass_that_was_never_put_on_is_told_by_its_place():
    bench = at(0, 0, 2, 1, 0)
    with pytest.raises(UsageError, match=r"at 9\.80665 N is not above that at 0 N"):
        calibrate(PLAN, bench, bench.desk)


def test_ctrl_c_in_the_midst_is_passed_on():
    def interrupt(counts: FloatArray) -> FloatArray:
        raise KeyboardInterrupt

    bench = replace(at(*UP_AND_DOWN), bad=(2,), spoil=interrupt)
    with pytest.raises(KeyboardInterrupt):
        calibrate(PLAN, bench, bench.desk)


def certificate(**changed: object) -> Certificate:
    bench = at(*UP_AND_DOWN)
    came = calibrate(PLAN, bench, bench.desk)
    record = record_of(came.fit, 7, date(2026, 3, 1), 365)
    texts = [one.text for one in PLAN.references]
    fields = {"versions": ("popsense 0.1.0",), "masses": PLAN.masses, **changed}
    return Certificate(record, came.fit, came.budget, came.readings, texts, "e660583883", **fields)  # type: ignore[arg-type]


def test_a_record_keeps_the_residual_in_whole_microunits():
    found = certificate().record
    assert found.residual * 1e6 == pytest.approx(round(found.residual * 1e6), abs=1e-6)
    assert (found.id, found.last_day, found.points[0].milliunits) == (7, date(2027, 3, 1), 0)
    assert isinstance(found.points[0], Point)


@pytest.mark.parametrize("form", ["text", "page"])
def test_a_certificate_claims_no_more_than_it_was_told(form: str):
    plain = certificate()
    text = "\n".join(certificate_text(plain)) if form == "text" else certificate_page(plain)
    for words in ("e660583883", "2026-03-01", "2027-03-01", "not stated", "none claimed", "9.807 N"):
        assert words in text
    assert "Nobody has validated" in text
    assert "without: references" in text
    stated = certificate(traceability="PTB 12345 <b>", technician="A. Nurse", temperature="21 degC")
    told = "\n".join(certificate_text(stated)) if form == "text" else certificate_page(stated)
    assert "A. Nurse" in told
    assert "21 degC" in told
    assert ("PTB 12345 <b>" if form == "text" else "PTB 12345 &lt;b&gt;") in told


def told(found: Certificate) -> str:
    return "\n".join(certificate_text(found))


def test_gravity_that_was_assumed_is_told_and_a_force_needs_none():
    assert "Gravity: 9.80665 m/s2 (standard, assumed)" in told(certificate())
    assert "Gravity: 9.81 m/s2\n" in told(certificate(masses=Masses(9.81)))
    assert "Gravity" not in told(certificate(masses=None))
    assert Calibrating("force", parse_references("force", "0,5 N"), NOMINAL_N).masses is None


def test_a_certificate_says_where_it_holds():
    assert "Range: 0.000 to 19.613 N; beyond the first and the last reference not known" in told(
        certificate()
    )


def test_what_is_in_doubt_stands_on_the_certificate():
    bench = at(*UP_AND_DOWN, counts=30_000)
    came = calibrate(PLAN, bench, bench.desk)
    assert "nominal scale" in came.doubts[0]
    assert "In doubt: it is bent" in told(certificate(doubts=("it is bent",)))
    assert "In doubt" not in told(certificate())


def test_the_readings_of_the_page_stand_above_what_is_said_of_them():
    page = certificate_page(certificate())
    assert page.index("Mean, counts") < page.index("from the readings above")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.012"), (0.0996, "0.10"), (9.96, "10"), (1234.0, "1,200"), (0.0, "0"), (4e-16, "0")],
)
def test_a_standard_deviation_has_two_figures(value: float, text: str):
    assert two_figures(value) == text


def test_what_the_readings_cannot_tell_is_not_known():
    assert "Repeatability (standard deviation): not known" in "\n".join(certificate_text(certificate()))
