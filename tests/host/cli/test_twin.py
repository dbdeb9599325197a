"""`popsense twin cohort` and `popsense twin show`."""

import json
import sys
from pathlib import Path

import pytest

from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.cohort import EVERYDAY, draw_case, load_plan
from popsense.twin.insertion import Setup, simulate
from popsense.twin.readings import read_script
from popsense.twin.sensors import SensorSpec, digitise
from tests.host.cli.programs import CommandLine

COHORT = ("twin", "cohort", "--out", "out", "--jobs", "1")
SHOW = ("twin", "show")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


def refused(run: CommandLine, *arguments: str | Path) -> str:
    """One line, exit code 2, nothing written."""
    before = sorted(Path.cwd().rglob("*"))
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("popsense: ")
    assert sorted(Path.cwd().rglob("*")) == before
    return line


# ---- cohort --------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_cohort_as_json(run: CommandLine):
    done = run(*COHORT, "--attempts", "1", "--negatives", "1", "--seed", "9", "--json")
    assert (done.code, done.err) == (0, "")
    result = json.loads(done.out)
    assert (result["seed"], result["rate_hz"], result["plan"]) == (9, 988.0, "everyday")
    assert result["recordings"]["attempt"]["recorded"] == result["recordings"]["negative"]["recorded"] == 1
    truth = json.loads(Path(result["truth"]).read_text(encoding="utf-8"))
    assert truth["seed"] == 9
    plan = load_plan(EVERYDAY).model_copy(update={"seed": 9})
    assert truth["attempts"][0]["seed"] == draw_case(plan, "attempt", 0).setup.seed


def test_a_cohort_tells_what_was_written_and_where(run: CommandLine):
    done = run(*COHORT, "--attempts", "1")
    assert (done.code, done.err) == (0, "")
    assert "truth: out/truth.json" in done.out
    assert "plan everyday, seed 1, 988 samples a second" in done.out
    assert sorted(path.name for path in Path("out").iterdir()) == ["attempt-00000.parquet", "truth.json"]
    assert "out is not empty" in run(*COHORT, "--attempts", "1").err


def test_ctrl_c_ends_a_cohort_with_130(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("popsense.attempts.cohort.record_case", pressed)
    done = run(*COHORT, "--attempts", "1")
    assert (done.code, done.err) == (130, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--attempts", "-1"), "--attempts -1 is negative"),
        (("--attempts", "1", "--negatives", "-3"), "--negatives -3 is negative"),
        (("--attempts", "0"), "0 recordings are no cohort"),
        (("--attempts", "100001"), "100,001 recordings are no cohort"),
        (("--attempts", "1", "--seed", "seven"), "seed 'seven' is no whole number"),
        (("--attempts", "1", "--seed", "-1"), "seed '-1' is no whole number"),
        (("--attempts", "1", "--plan", "missing.toml"), "missing.toml cannot be read"),
        (("--attempts", "1", "--rate", "79"), "79 samples a second are not possible"),
        (("--attempts", "1", "--rate", "nan"), "nan samples a second are not possible"),
        (("--attempts", "1", "--rate", "2000"), "2000 samples a second are not possible"),
    ],
)
def test_a_cohort_that_cannot_be(run: CommandLine, options: tuple[str, ...], said: str):
    assert said in refused(run, *COHORT, *options)


def test_out_is_a_file(run: CommandLine):
    Path("out").write_text("mine")
    assert "out is a file" in refused(run, *COHORT, "--attempts", "1")
    assert Path("out").read_text() == "mine"


def test_a_mistake_in_a_plan_is_one_line(run: CommandLine):
    Path("my.toml").write_text(EVERYDAY.read_text().replace("novice = 5", "surgeon = 5"))
    assert "unknown 'surgeon'" in refused(run, *COHORT, "--attempts", "1", "--plan", "my.toml")


# ---- show ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chosen",
    [
        ("sim://adult-humerus?operator=plunger&device=powered&seed=7",),
        ("--site", "adult-humerus", "--operator", "plunger", "--device", "powered", "--seed", "7"),
    ],
)
def test_one_attempt_in_the_terminal(run: CommandLine, chosen: tuple[str, ...]):
    done = run(*SHOW, *chosen)
    assert (done.code, done.err) == (0, "")
    assert "humerus, plunger, powered, seed 7, plug" in done.out
    words = ["contact", "exit start", "exit half", "exit end", "far cortex", "stop", "aspiration", "removal"]
    assert all(word in done.out for word in words)
    assert all(unit in done.out for unit in ("mm/s", "kPa", " N", " s "))
    assert list(Path.cwd().iterdir()) == []


def test_a_case_of_a_plan(run: CommandLine):
    setup = draw_case(load_plan(EVERYDAY), "negative", 3).setup
    done = run(*SHOW, "--plan", EVERYDAY, "--kind", "negative", "--number", "3")
    assert f"{setup.operator}, powered, seed {setup.seed}" in done.out
    assert "no pop is due" in done.out or "exit half" in done.out
    other = run(*SHOW, "--plan", EVERYDAY, "--kind", "negative", "--number", "3", "--seed", "2")
    assert other.out != done.out


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [("--operator", "expert"), ("--operator", "withdrawer", "--rate", "80")])
def test_a_picture_is_a_png_and_may_be_drawn_again(run: CommandLine, chosen: tuple[str, ...]):
    for _ in range(2):
        done = run(*SHOW, *chosen, "--out", "there/a.png")
        assert (done.code, done.err) == (0, "")
        assert "picture: there/a.png" in done.out
    assert Path("there/a.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_a_picture_replaces_nothing_but_a_picture(run: CommandLine):
    Path("mine.txt").write_text("mine")
    assert "mine.txt exists and is no PNG" in refused(run, *SHOW, "--out", "mine.txt")
    assert Path("mine.txt").read_text() == "mine"


def test_without_matplotlib_the_line_that_installs_it(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    said = refused(run, *SHOW, "--out", "a.png")
    assert "--out needs matplotlib" in said
    assert "pip install 'popsense[plots]'" in said
    assert run(*SHOW).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--operator", "surgeon"), "'surgeon'"),
        (("--device", "hammer"), "'hammer'"),
        (("--site", "femur"), "unknown site 'femur'"),
        (("--seed", "seven"), "'seven' is no whole number"),
        (("sim://femur",), "unknown site 'femur'"),
        (("sim://adult-humerus", "--operator", "expert"), "--operator and an address do not go together"),
        (("sim://adult-humerus", "--seed", "3"), "--seed and an address do not go together"),
        (("--number", "3"), "--number and no plan do not go together"),
        (("--plan", EVERYDAY, "--site", "sternum"), "--site and --plan do not go together"),
        (("--plan", EVERYDAY, "--kind", "maybe"), "unknown kind 'maybe'"),
        (("--plan", EVERYDAY, "--number", "-1"), "--number -1 is negative"),
        (("--plan", "missing.toml"), "missing.toml cannot be read"),
        (("--rate", "0", "--out", "a.png"), "0 samples a second are not possible"),
    ],
)
def test_what_cannot_be_shown(run: CommandLine, options: tuple[str | Path, ...], said: str):
    assert said in refused(run, *SHOW, *options)


def test_readings_lie_on_what_happened():
    """The drawn grey line: the chips' counts come back as N, mm and kPa within the sensors' errors."""
    insertion = simulate(Setup(ADULT_PROXIMAL_TIBIA, seed=7))
    spec = SensorSpec(force_noise_n=0.0, hum_n=0.0, drift_n_per_s=0.0, adc_noise_lsb=0.0, adc_step_lsb=0.0)
    readings = read_script(digitise(insertion, 7, spec), spec)
    assert readings.time_s == pytest.approx(insertion.time_s)
    assert readings.protrusion_mm == pytest.approx(insertion.protrusion_mm, abs=0.03)
    assert readings.pressure_kpa == pytest.approx(insertion.pressure_kpa, abs=0.1)
    slow = insertion.time_s < (insertion.truth.exit_start_s or 0.0)
    assert readings.force_n[slow] == pytest.approx(insertion.force_n[slow], abs=3.0)
    assert readings.force_n[slow].mean() == pytest.approx(insertion.force_n[slow].mean(), abs=0.05)
