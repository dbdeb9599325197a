"""`popsense detect`: what it finds in other people's traces, and how it says so."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.foreign.trace import ForeignTrace
from popsense.model import FloatArray
from popsense.procedure.detector_profile import FAR_STAYS_PER_CONTACT
from popsense.procedure.sites import SITES
from popsense.twin.detector_child import DetectorChild
from popsense.twin.interpreter import find_interpreter
from tests.conftest import Require
from tests.firmware.sources import constants
from tests.host.cli.foreign_files import push_and_pop, write_csv
from tests.host.cli.programs import CommandLine

FORCE = ("--time-column", "t", "--force-column", "f")
DEPTH = (*FORCE, "--depth-column", "d")
VOLTS = ("--time-column", "t", "--force-column", "v", "--depth-column", "d", "--scale", "relative")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(monkeypatch, capfd)


def found(run: CommandLine, path: Path, *options: str) -> Any:
    done = run("detect", path, *options, "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def of_kind(result: Any, kind: str) -> Any:
    (event,) = [event for event in result["events"] if event["kind"] == kind]
    return event


@pytest.mark.parametrize("rate_hz", [20.0, 80.0, 320.0, 1_000.0, 5_000.0])
def test_contact_and_pop_at_any_rate(run: CommandLine, tmp_path: Path, rate_hz: float):
    *_, exit_s = push_and_pop(rate_hz)
    result = found(run, write_csv(tmp_path / "a.csv", rate_hz), *DEPTH)
    assert result["rate_hz"] == pytest.approx(rate_hz, rel=1e-3)
    kinds = [event["kind"] for event in result["events"]]
    assert kinds[:2] == ["contact", "pop"]
    pop = of_kind(result, "pop")
    assert 0.0 < pop["time_s"] - exit_s < 0.05 + 6 / rate_hz
    assert pop["peak_n"] == pytest.approx(45.0, abs=2.5)
    assert (
        25.0 <= pop["drop_percent"] <= (75.0 if rate_hz > 100.0 else 90.0)
    )  # two slow samples are all of it
    assert 0.25 <= pop["advance_mm"] <= 1.5
    assert 0.0 < of_kind(result, "contact")["force_n"] < 45.0


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [80.0, 320.0, 1_000.0, 5_000.0])
def test_volts_give_the_same_pop(run: CommandLine, tmp_path: Path, rate_hz: float):
    path = write_csv(tmp_path / "a.csv", rate_hz)
    newtons, volts = of_kind(found(run, path, *DEPTH), "pop"), of_kind(found(run, path, *VOLTS), "pop")
    assert volts["time_s"] == pytest.approx(newtons["time_s"], abs=3 / min(rate_hz, 1_500.0))
    assert volts["drop_percent"] == pytest.approx(newtons["drop_percent"], abs=3.0)  # two samples of the fall
    assert volts["peak_percent"] == pytest.approx(100.0, abs=6.0)


@pytest.mark.parametrize(("rate_hz", "sway_hz"), [(1_000.0, 0.0), (80.0, 5.0)], ids=["noise", "sway"])
def test_what_moves_before_a_push_is_not_blown_up_to_one(
    run: CommandLine, tmp_path: Path, rate_hz: float, sway_hz: float
):
    time_s = np.arange(0.0, 20.0, 1.0 / rate_hz)
    noise = np.random.default_rng(2).standard_normal(len(time_s))
    force = np.sin(2.0 * np.pi * sway_hz * time_s) if sway_hz else noise
    path = tmp_path / "a.csv"
    np.savetxt(path, np.c_[time_s, force], delimiter=",", header="t,f", comments="", fmt="%.6f")
    assert found(run, path, *FORCE, "--scale", "relative")["events"] == []


def test_the_json_says_all_that_is_needed_to_trust_it(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv")
    result = found(run, path, *DEPTH)
    assert result["file"] == str(path)
    assert result["samples"] == len(push_and_pop(1_000.0)[0])
    assert (result["scale"], result["depth"], result["notes"]) == ("newton", True, [])
    assert result["detector_version"] == constants("settings.py")["DETECTOR_VERSION"]
    assert result["interpreter"].split()[0] in ("micropython", "cpython")
    units = {"time_s", "force_n", "peak_n", "drop_percent", "advance_mm", "duration_ms"}
    assert set(result["events"][1]) == units | {"kind", "sample_index", "detector_version", "by_depth"}
    assert (result["site"], result["device"]) == ("adult-proximal-tibia", "powered")


def test_both_interpreters_find_the_same(
    run: CommandLine, tmp_path: Path, require: Require, monkeypatch: pytest.MonkeyPatch
):
    require("micropython")
    path = write_csv(tmp_path / "a.csv", 320.0)
    real = found(run, path, *DEPTH)
    monkeypatch.setattr("popsense.twin.interpreter._micropython", lambda: None)
    shim = found(run, path, *DEPTH)
    assert (real["interpreter"].split()[0], shim["interpreter"].split()[0]) == ("micropython", "cpython")
    assert real["events"] == shim["events"]


def test_the_table_fits_a_narrow_terminal(run: CommandLine, tmp_path: Path):
    out = run("detect", write_csv(tmp_path / "a.csv"), *DEPTH).out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert "loss of resistance" in out
    version = constants("settings.py")["DETECTOR_VERSION"]
    (pop,) = [line.split() for line in out.splitlines() if " pop " in line]
    assert pop[-1] == str(version)
    assert "less sure" not in out


def test_force_alone_is_said_to_be_less_sure(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv")
    assert "Force only: less sure" in run("detect", path, *FORCE).out
    result = found(run, path, *FORCE)
    assert any("less sure" in note for note in result["notes"])
    assert [event["advance_mm"] for event in result["events"]] == [None] * len(result["events"])
    kinds = [event["kind"] for event in result["events"]]
    assert kinds[:2] == ["contact", "pop"]  # so quick a fall that stays is one
    assert not any(event["by_depth"] for event in result["events"])


def test_a_trace_without_events_says_what_may_be_wrong(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv")
    out = run("detect", path, "--time-column", "t", "--force-column", "v", "--depth-column", "d").out
    assert "No bone contact was found" in out
    assert "--scale relative" in out


def test_depth_may_have_any_origin_and_be_deeper_than_the_sensor(run: CommandLine, tmp_path: Path):
    depth_mm = push_and_pop(1_000.0)[2]
    path = write_csv(tmp_path / "a.csv", far=depth_mm - 412.5, deep=20.0 * depth_mm)
    plain = found(run, path, *DEPTH)
    far = found(run, path, *FORCE, "--depth-column", "far")
    assert [event["kind"] for event in far["events"]] == [event["kind"] for event in plain["events"]]
    assert far["notes"] == []
    assert "was cut off" in found(run, path, *FORCE, "--depth-column", "deep")["notes"][0]


# ---- files as they come --------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(run: CommandLine, tmp_path: Path, separator: str):
    plain = found(run, write_csv(tmp_path / "a.csv"), *DEPTH)["events"]
    assert found(run, write_csv(tmp_path / "b.csv", separator=separator), *DEPTH)["events"] == plain


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(",", ";").replace(".", ","),
        lambda text: text.replace(",", " , "),
        lambda text: "\n".join(
            ",".join(f'"{field}"' for field in line.split(",")) for line in text.splitlines()
        ),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("t,f,d,v", "t,f,d,note", 1),
    ],
    ids=["BOM", "CRLF", "empty lines", "decimal comma", "spaces", "quotes", "no last newline", "other name"],
)
def test_ways_to_write_the_same(run: CommandLine, tmp_path: Path, change: Any):
    path = write_csv(tmp_path / "a.csv", 320.0)
    plain = found(run, path, *DEPTH)["events"]
    path.write_bytes(change(path.read_text(encoding="utf-8")).encode())
    assert found(run, path, *DEPTH)["events"] == plain


def test_a_column_that_is_not_asked_for_may_hold_anything(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv", 320.0)
    plain = found(run, path, *DEPTH)["events"]
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text(
        "\n".join([f"{lines[0]},x,x", *(line + ",§,nan" for line in lines[1:])]), encoding="utf-8"
    )
    assert found(run, path, *DEPTH)["events"] == plain


def test_milliseconds(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv", ms=1000.0 * push_and_pop(1_000.0)[0] + 7e6)
    plain = found(run, path, *DEPTH)["events"]
    options = ("--time-column", "ms", *DEPTH[2:], "--time-unit", "ms")
    in_ms = found(run, path, *options)["events"]
    assert [event["sample_index"] for event in in_ms] == [event["sample_index"] for event in plain]
    assert in_ms[1]["time_s"] == pytest.approx(plain[1]["time_s"] + 7e3)


def test_a_trace_that_begins_under_load_with_its_reading_at_rest(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv")
    pop = of_kind(found(run, path, *DEPTH), "pop")
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, *rows[900:]]), encoding="utf-8")
    done = run("detect", path, *DEPTH)
    assert done.code == 2
    assert "--zero" in done.err
    later = of_kind(found(run, path, *DEPTH, "--zero", "0"), "pop")
    assert later["time_s"] == pytest.approx(pop["time_s"], abs=0.003)
    assert later["sample_index"] == pytest.approx(pop["sample_index"] - 900, abs=3)


def level_of_contact(child: DetectorChild, rate_hz: float, at_rest: int) -> int:
    """Force counts above the zero that the detector took, where so many samples were at rest."""
    codes = np.full(at_rest + 200, 1 << 23)
    codes[at_rest:] += 200_000
    ticks_us = (np.arange(codes.size) * 1e6 / rate_hz).astype(np.int64)
    (event,) = [
        e for e in child.run(codes, None, ticks_us, round(1000 * rate_hz)) if e.fields.kind == "contact"
    ]
    return event.fields.level_counts


@pytest.mark.parametrize(
    ("rate_hz", "tare"), [(20.0, 8), (35.6, 16), (71.0, 16), (71.2, 32), (142.2, 32), (142.3, 64), (2e3, 64)]
)
def test_the_tare_is_as_long_as_the_detectors_own(rate_hz: float, tare: int):
    assert trace_of(np.zeros(3), rate_hz).tare_samples == tare
    with DetectorChild(find_interpreter()) as child:
        short, enough, more = (level_of_contact(child, rate_hz, tare + extra) for extra in (-1, 0, 1))
    assert short < enough == more


# ---- faster than the detector --------------------------------------------------------------------------


def trace_of(force: FloatArray, rate_hz: float) -> ForeignTrace:
    return ForeignTrace(Path("a.csv"), np.arange(len(force)) / rate_hz, force, 2.0 * force, rate_hz)


@given(st.floats(20.0, 102_000.0), st.integers(300, 2_000))
def test_blocks_of_a_fast_trace_are_averaged(rate_hz: float, count: int):
    trace = trace_of(np.arange(float(count)), rate_hz)
    seen, block = trace.averaged(), trace.block_samples
    assert seen.rate_hz == pytest.approx(rate_hz / block)
    assert seen.rate_hz <= 2_000.0 * 1.02
    assert block == 1 or rate_hz / (block - 1) > 2_000.0
    assert len(seen.force) == len(seen.time_s) == count // block
    middle = np.arange(count // block) * block + (block - 1) / 2.0
    assert seen.force == pytest.approx(middle)
    assert seen.time_s == pytest.approx(middle / rate_hz)
    assert seen.depth_mm == pytest.approx(2.0 * middle)


def test_what_was_averaged_is_told_and_dated_in_the_file(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv", 5_000.0)
    result = found(run, path, *DEPTH)
    assert "Each 3 samples were averaged: the detector saw 1,667 a second." in result["notes"]
    assert result["detector_rate_hz"] == pytest.approx(5_000.0 / 3.0, rel=1e-3)
    for event in result["events"]:
        assert event["time_s"] == pytest.approx(event["sample_index"] / 5_000.0, abs=1e-6)


# ---- site and device -----------------------------------------------------------------------------------


def test_the_profile_is_told_and_moves_the_contact(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv")
    assert "profile: adult proximal tibia, powered" in run("detect", path, *DEPTH).out
    newborn = ("--site", "newborn-proximal-tibia", "--device", "manual")
    assert "profile: newborn's proximal tibia, manual" in run("detect", path, *DEPTH, *newborn).out
    adult, child = (of_kind(found(run, path, *DEPTH, *options), "contact") for options in ((), newborn))
    assert child["force_n"] < 0.5 * adult["force_n"]


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("device", FAR_STAYS_PER_CONTACT)
def test_a_share_of_the_peak_means_the_same_at_every_site(
    run: CommandLine, tmp_path: Path, site: str, device: str
):
    path = write_csv(tmp_path / "a.csv", 320.0)
    contact = of_kind(found(run, path, *VOLTS, "--site", site, "--device", device), "contact")
    assert 25.0 <= contact["force_percent"] <= 100.0


@pytest.mark.parametrize(
    ("option", "said"),
    [(("--site", "femur"), "unknown site 'femur'"), (("--device", "hammer"), "the device 'hammer'")],
)
def test_no_such_profile(run: CommandLine, tmp_path: Path, option: tuple[str, str], said: str):
    done = run("detect", write_csv(tmp_path / "a.csv"), *DEPTH, *option)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


# ---- picture -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("options", [DEPTH, FORCE, VOLTS])
def test_a_plot_is_a_png_and_may_be_drawn_again(run: CommandLine, tmp_path: Path, options: tuple[str, ...]):
    path, plot = write_csv(tmp_path / "a$x$中\udcff.csv", 320.0), tmp_path / "there" / "a.png"
    for _ in range(2):
        assert f"plot: {plot}" in run("detect", path, *options, "--plot", plot).out.replace("\n", "")
    assert plot.read_bytes().startswith(b"\x89PNG\r\n")


def test_a_plot_replaces_nothing_but_a_plot(run: CommandLine, tmp_path: Path):
    path = write_csv(tmp_path / "a.csv", 320.0)
    before = path.read_bytes()
    done = run("detect", path, *DEPTH, "--plot", path)
    assert (done.code, done.out) == (2, "")
    assert "exists and is no PNG" in done.err
    assert path.read_bytes() == before
    assert "cannot write" in run("detect", path, *DEPTH, "--plot", tmp_path).err


def test_without_matplotlib_the_line_that_installs_it(
    run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    done = run("detect", write_csv(tmp_path / "a.csv"), *DEPTH, "--plot", "a.png")
    assert done.code == 2
    assert "pip install 'popsense[plots]'" in done.err
