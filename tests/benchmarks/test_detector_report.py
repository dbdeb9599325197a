"""What the benchmark of detectors adds up, prints, draws and writes."""

import json
from dataclasses import replace
from io import StringIO
from math import inf
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from popsense.procedure.sites import SITES
from popsense.twin.cohort import Case
from popsense.twin.detector_child import DetectorBuild
from popsense.twin.insertion import Setup, simulate
from popsense.twin.sensors import SensorSpec, digitise
from tests.benchmarks.bench_detector import read_arguments
from tests.benchmarks.detectors import bars, drilling, tables
from tests.benchmarks.detectors.cases import Played, cut
from tests.benchmarks.detectors.deepest import deepest, deepest_groups
from tests.benchmarks.detectors.details import add_told, write_details
from tests.benchmarks.detectors.drilling import Comparison
from tests.benchmarks.detectors.host import HostReading, host_reading
from tests.benchmarks.detectors.plots import draw_trade_off
from tests.benchmarks.detectors.readings import Reading
from tests.benchmarks.detectors.scoring import Found, Verdict
from tests.benchmarks.detectors.statistics import Estimate
from tests.benchmarks.detectors.summary import grouped, summarise
from tests.benchmarks.detectors.sweep import settings
from tests.benchmarks.detectors.trade_off import Point
from tests.benchmarks.detectors.used_holes import used_holes
from tests.benchmarks.detectors.worst import worst_table
from tests.benchmarks.report import write_bench

NOT_DUE = Verdict(0, None, False, None, {}, {}, 0, 0, False, False, 0, inf)
MISSED = replace(NOT_DUE, due=True)


def found(late_ms: float) -> Verdict:
    return replace(MISSED, detected_s=2.0, late_ms={"half": late_ms}, late_mm={"half": late_ms / 100})


def reading(verdict: Verdict, kind: str = "attempt", number: int = 0, site: str = "sternum") -> Reading:
    assert kind in ("attempt", "negative")
    return Reading(kind, number, 988.0, site, "manual", "expert", True, verdict, ())


FALSE = replace(NOT_DUE, false_pops=2, false_s=1.25)
FAR = replace(found(9.0), far_due=True, far_met=False, far_false=1)
READINGS = [
    reading(found(10.0)),
    reading(found(-4.0), number=1),
    reading(MISSED, number=2, site="adult-humerus"),
    reading(FAR, number=3),
    reading(replace(NOT_DUE, used_hole_pops=1, uncertain_pops=1), number=4),
    reading(FALSE, "negative"),
    reading(found(500.0), "negative", 1),  # through after all: no attempt, so neither recall nor latency
]
SUMMARY = summarise(READINGS)
CALIBRATED = DetectorBuild("micropython", 2, 232831, 2289377, 1638)


def test_recall_and_latency_are_of_attempts_and_false_pops_of_both_sets():
    assert (SUMMARY.attempts, SUMMARY.negatives, SUMMARY.due, SUMMARY.missed) == (5, 2, 4, 1)
    assert SUMMARY.recall_percent.value == 75.0
    assert (SUMMARY.false_in_attempts, SUMMARY.false_in_negatives) == (0, 2)
    assert (SUMMARY.used_hole_pops, SUMMARY.uncertain_in_attempts) == (1, 1)
    assert (SUMMARY.far_due, SUMMARY.far_missed, SUMMARY.far_false) == (1, 1, 1)
    assert SUMMARY.late_ms["half"]["p50"].value == 9.0
    assert np.isnan(SUMMARY.late_ms["end"]["p50"].value)


def test_a_tip_that_is_in_between_two_samples_is_told_apart():
    shot, pushed = (replace(FAR, far_room_s=room_s) for room_s in (0.001, 0.00102))
    summary = summarise([reading(shot), reading(pushed), reading(replace(FAR, far_met=True))])
    assert (summary.far_due, summary.far_missed, summary.far_sampled_due) == (3, 2, 2)
    assert summary.far_sampled_percent.value == 50.0


def test_groups_are_by_site_device_or_operator():
    groups = grouped(READINGS, "site")
    assert {name: own.due for name, own in groups.items()} == {"adult-humerus": 1, "sternum": 3}
    assert list(grouped(READINGS, "device")) == ["manual"]


def test_the_worst_come_first():
    lines = worst_table(READINGS, 3).splitlines()
    assert "7 readings: 2 false pops, 1 missed of 5" in lines[0]
    assert "2 false, first at 1.250 s" in lines[2]
    assert "missed" in lines[3]
    assert "far cortex missed" in lines[4]


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, set[str]()),
        ({"false_in_attempts": 2}, {"false pops, attempts, all rates"}),
        ({"false_in_negatives": 2}, {"false pops, hard negatives, all rates"}),
        ({"crashes": 1}, {"crashes of the detector"}),
        ({"missed": 18}, {"missed, 988/s, of 4800"}),
        ({"recall_percent": Estimate(97.9, 97, 99)}, {"recall, 988/s", "recall, 80/s"}),
        ({"far_percent": Estimate(98.9, 98, 99)}, {"far cortex in time, 988/s, of 90"}),
        (
            {"far_sampled_percent": Estimate(98.9, 98, 99)},
            {"far cortex where sampled, 988/s, of 80", "far cortex where sampled, 80/s, of 80"},
        ),
    ],
)
def test_a_missed_bar_is_a_missed_bar(change: dict[str, object], missed: set[str]):
    good = replace(
        summarise([reading(found(15.0))]), due=4800, missed=17, far_due=90, far_percent=Estimate(99, 98, 100),
        false_in_attempts=1, false_in_negatives=1,
        far_sampled_due=80, far_sampled_percent=Estimate(99, 98, 100),
    )  # fmt: skip
    summary = replace(good, **change)
    figures = list(bars.our_bars(summary, {988.0: summary, 80.0: summary}, attempts=5000))
    assert {figure.name for figure in figures if figure.met is False} == missed


@pytest.mark.parametrize(("rate_hz", "latest_ms"), [(988.0, 15.0), (320.0, 21.25), (80.0, 40.0)])
def test_slow_converters_get_two_periods_more(rate_hz: float, latest_ms: float):
    rates = {988.0: SUMMARY, rate_hz: SUMMARY}
    figures = {figure.name: figure for figure in bars.our_bars(SUMMARY, rates, attempts=200)}
    assert figures[f"p95 after exit_half, {rate_hz:.0f}/s"].bar == latest_ms


@pytest.mark.parametrize(("attempts", "most"), [(200, 0), (4999, 16), (5000, 17), (20_000, 17)])
def test_never_more_than_17_missed(attempts: int, most: int):
    figures = list(bars.our_bars(SUMMARY, {988.0: SUMMARY}, attempts))
    assert [figure.bar for figure in figures if figure.name.startswith("missed")] == [most]


HOST = HostReading("sternum", "manual", "expert", True, 0.1, True, 0, 3.0, ())
HOSTS = [
    HOST,
    replace(HOST, device="powered", deepest_error_mm=-0.4),
    replace(HOST, deepest_error_mm=None),
    replace(HOST, has_exit=False, deepest_error_mm=None, due=False, late_ms=None),
]


def test_the_deepest_protrusion_has_a_bar_at_every_rate_and_counts_what_was_not_measured():
    found = deepest(HOSTS)
    assert (found.exits, found.unmeasured) == (3, 1)
    assert found.error_mm["p50"].value == pytest.approx(0.25)
    figures = {figure.name: figure for figure in bars.host_figures({988.0: HOSTS, 80.0: HOSTS}, 988.0)}
    for at in ("988/s", "80/s"):
        p95 = figures[f"deepest protrusion, error p95, host, {at}"]
        assert (p95.bar, p95.met) == (0.3, False)
        assert figures[f"deepest protrusion, error p99, host, {at}"].bar is None
        assert figures[f"deepest protrusion not measured, host, {at}, of 3 exits"].value == 1


def test_the_deepest_protrusion_is_told_by_site_device_and_operator():
    groups = deepest_groups({988.0: HOSTS})
    assert list(groups["988/s"]) == [
        "all", "site: sternum", "device: manual", "device: powered", "operator: expert",
    ]  # fmt: skip
    assert groups["988/s"]["device: powered"].error_mm["p95"].value == pytest.approx(0.4)
    text = StringIO()
    tables.print_deepest(Console(file=text, width=160), groups)
    assert "0.40 [0.40..0.40]" in text.getvalue()


def test_used_holes_are_told_by_device():
    hole = reading(replace(NOT_DUE, used_hole=True))
    both = replace(hole, events=(Found(1.0, "used_hole"), Found(2.0, "pop")))
    told = used_holes([hole, both, replace(both, device="powered"), reading(NOT_DUE)])
    assert list(told) == ["manual", "powered"]
    assert (told["manual"].attempts, told["manual"].nothing) == (2, 1)
    assert told["manual"].told == {"used_hole": 1, "pop": 1, "uncertain_pop": 0}
    text = StringIO()
    tables.print_used_holes(Console(file=text, width=160), {"988/s": told})
    assert "uncertain_pop" in text.getvalue()


def test_a_miss_in_drilling_is_written_and_sets_no_exit_code(tmp_path: Path):
    path, low = write_bench("detector", [], tmp_path), drilling.BANDS[0].low
    add_told(path, list(bars.drilling_figures([Comparison(drilling.BANDS[0], low - 1.0, 1.0, 2)])))
    records = json.loads(path.read_text(encoding="utf-8"))
    assert [(record["bar"], record["met"]) for record in records] == [(5.0, False), (6.4, True)]
    assert set(records[0]) == {"name", "value", "unit", "bar", "met"}


def test_the_worst_cases_are_those_for_tuning_unless_asked_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PLAN", raising=False)
    assert read_arguments([]).plan == "heldback"
    assert read_arguments(["--worst"]).plan == "tune"
    asked = ["--worst", "--plan", "heldback"]
    with pytest.raises(SystemExit):
        read_arguments(asked)
    assert read_arguments([*asked, "--yes-this-is-not-tuning"]).plan == "heldback"
    monkeypatch.setenv("PLAN", "heldback")
    with pytest.raises(SystemExit):
        read_arguments(["--worst"])


def test_the_host_sees_depth_exit_and_agreement():
    insertion = cut(simulate(Setup(SITES["adult-proximal-tibia"], seed=4)))
    truth, case = (
        insertion.truth,
        Case("attempt", 4, Setup(SITES["adult-proximal-tibia"], seed=4), SensorSpec()),
    )
    played = Played(case, insertion, digitise(insertion, 4, period_ns=1_012_146), 988.0)
    assert truth.exit_half_s is not None
    silent = host_reading(played, (), CALIBRATED)
    assert silent.deepest_error_mm == pytest.approx(0.0, abs=0.3)
    assert silent.late_ms == pytest.approx(0.0, abs=10.0)
    assert (silent.site, silent.has_exit, silent.unmeasured) == ("adult-proximal-tibia", True, False)
    assert (silent.due, silent.missed, silent.false_exits) == (True, False, 0)
    assert "exit_missed" in silent.disagreements
    told = host_reading(played, (Found(truth.exit_half_s, "pop"),), CALIBRATED)
    assert "exit_missed" not in told.disagreements


def test_drilling_is_compared_by_means_and_a_miss_has_its_explanation():
    rows = drilling.compare_drilling(seeds=2)
    assert [row.n for row in rows] == [2] * 9
    by_name = {(row.band.quantity, row.band.operator): row for row in rows}
    expert, novice = (by_name["overshoot", operator].mean for operator in ("expert", "novice"))
    assert 0.0 < expert < novice
    assert rows[-1].mean == pytest.approx(expert / novice)
    assert all(row.is_inside or row.band.explanation for row in rows)
    console = Console(file=StringIO(), width=160)
    tables.print_drilling(console, rows)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert text.count("MISS") == sum(not row.is_inside for row in rows) > 0


@pytest.fixture
def points() -> list[Point]:
    random = np.random.default_rng(2)
    return [
        Point(
            setting, float(random.uniform(0, 100)), int(random.integers(500)), float(random.uniform(0, 200))
        )
        for setting in settings()
    ]


def test_the_picture_is_drawn(points: list[Point], tmp_path: Path):
    path = tmp_path / "new" / "detector.png"
    draw_trade_off(points, Point(None, 100.0, 0, 7.0), 400, "a cohort", path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert path.stat().st_size > 20_000


def test_details_are_json_without_nan(points: list[Point], tmp_path: Path):
    path, band = tmp_path / "details.json", drilling.BANDS[0]
    rows = [Comparison(band, 3.0, 1.0, 2)]
    write_details(path, {"rate": {"988/s": SUMMARY}}, Point(None, 100.0, 0, float("nan")), points, rows,
        deepest_groups({988.0: [replace(HOST, has_exit=False, deepest_error_mm=None)]}), {},
    )  # fmt: skip
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert content["rules"]["ours"]["p95_ms"] is None
    assert len(content["rules"]["settings"]) == len(settings())
    assert content["groups"]["rate"]["988/s"]["recall_percent"]["value"] == 75.0
    assert content["deepest_protrusion_host"]["988/s"]["all"]["error_mm"]["p95"]["value"] is None
    assert content["drilling"][0]["met"] is False
