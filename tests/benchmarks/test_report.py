"""What a benchmark leaves behind."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.report import Figure, write_bench

MET = Figure("speed of the twin", 61.0, "s/s", bar=50.0)
OPEN = Figure("start", 0.4, "s")
MISSED = Figure("time to demo", 16.0, "s", bar=15.0, higher_is_better=False)


def test_figures_become_json(tmp_path: Path):
    path = write_bench("twin", [MET, OPEN], tmp_path)
    assert path == tmp_path / "twin.json"
    assert json.loads(path.read_text(encoding="utf-8")) == [
        {"name": "speed of the twin", "value": 61.0, "unit": "s/s", "bar": 50.0, "met": True},
        {"name": "start", "value": 0.4, "unit": "s", "bar": None, "met": None},
    ]


def test_a_missed_bar_ends_with_1_and_is_still_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="1"):
        write_bench("twin", [MET, MISSED], tmp_path)
    assert json.loads((tmp_path / "twin.json").read_text(encoding="utf-8"))[1]["met"] is False
    assert "MISSED" in capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(("value", "met"), [(49.9, False), (50.0, True)])
def test_a_bar_that_is_just_reached_is_met(value: float, met: bool):
    assert Figure("x", value, "s/s", bar=50.0).met is met
    assert Figure("x", -value, "s", bar=-50.0, higher_is_better=False).met is met
