"""The commands: what they print, what they write, how they end."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from typer import Typer

from popsense.attempts.evaluate import evaluate
from popsense.attempts.simulated import DEMO_OPERATORS
from popsense.cli.main import app
from popsense.errors import LinkLost
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_journal, read_recording
from popsense.scoring import score_table, sum_text
from tests.host.attempts.boards import address, journal_bytes, raiser, spoiled
from tests.host.cli.programs import CommandLine, Done, popsense

OPTIONS = {
    "demo": {"--once", "--json", "--seeds", "--out", "--jobs"},
    "record": {"--site", "--mode", "--device", "--operator", "--out", "--uncalibrated", "--progress"},
    "salvage": set(),
    "devices": {"--json"},
    "doctor": {"--json"},
    "check": {"--port", "--quick", "--mass", "--json"},
    "bringup": {"--port", "--out"},
    "calibrate force": {
        "--port", "--references", "--gravity", "--uncertainty", "--cycles", "--days", "--by",
        "--traceability", "--temperature", "--out", "--yes", "--accept",
    },
    "calibrate depth": {
        "--port", "--references", "--uncertainty", "--cycles", "--days", "--by", "--traceability",
        "--temperature", "--out", "--yes", "--accept",
    },
    "calibrate pressure": {
        "--port", "--references", "--uncertainty", "--cycles", "--days", "--by", "--traceability",
        "--temperature", "--out", "--yes", "--accept",
    },
    "calibrate show": {"--port"},
    "calibrate tare": {"--port"},
    "flash": {"--port", "--source", "--check", "--rollback", "--yes", "--json"},
    "score": {"--rubric", "--json"},
    "report": {"--out", "--rubric"},
    "detect": {"--time", "--force", "--depth", "--scale", "--zero", "--site", "--device", "--plot", "--json"},
    "twin cohort": {"--out", "--attempts", "--negatives", "--seed", "--plan", "--rate", "--jobs", "--json"},
    "twin show": {
        "--site", "--operator", "--device", "--seed", "--plan", "--kind", "--number", "--rate", "--out",
    },
}  # fmt: skip


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "expert.journal"
    path.write_bytes(journal_bytes())
    return path


def well(done: Done) -> str:
    assert done.code == 0, done.err
    assert done.err == ""
    return done.out


def test_help_names_every_command(run: CommandLine):
    assert set(commands_of(app)) == OPTIONS.keys()
    for name in OPTIONS:
        *group, last = name.split()
        assert last in well(run(*group, "--help"))


def commands_of(group: Typer, before: str = "") -> Iterator[str]:
    """Every command with the names of the groups that it is in."""
    for command in group.registered_commands:
        yield before + command.callback.__name__
    for inner in group.registered_groups:
        yield from commands_of(
            inner.typer_instance, f"{before}{inner.name or inner.typer_instance.info.name} "
        )


@pytest.mark.parametrize("command", OPTIONS)
def test_help_of_a_command_lists_its_options(run: CommandLine, command: str):
    listed = set(re.findall(r"(?<![\w-])--[a-z]+", well(run(*command.split(), "--help"))))
    assert listed == OPTIONS[command] | {"--help"}


def test_record_score_report(run: CommandLine, tmp_path: Path):
    path = tmp_path / "a.parquet"
    said = well(run("record", address(), "--mode", "assessment", "--out", path))
    assert f"recorded: {path}" in said
    assert "sum: " in said
    before = path.read_bytes()
    assert "sum: " in well(run("score", path))
    result = json.loads(well(run("score", path, "--json")))
    assert (result["outcome"], result["mode"], result["integrity"]) == ("removed", "assessment", "complete")
    page = tmp_path / "there" / "a.html"
    assert well(run("report", path, "--out", page)).strip() == str(page)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert path.read_bytes() == before


def test_a_report_goes_beside_the_recording_and_may_be_made_again(run: CommandLine, journal: Path):
    for _ in range(2):
        well(run("report", journal))
    assert "<svg" in journal.with_suffix(".html").read_text(encoding="utf-8")


def test_a_recording_without_a_name_goes_into_the_recordings_folder(run: CommandLine, tmp_path: Path):
    well(run("record", address()))
    (path,) = (tmp_path / "recordings").iterdir()
    assert path.name.endswith("-adult-proximal-tibia.parquet")


@pytest.mark.parametrize("said_again", [(), ("--device", "powered", "--operator", "expert")])
def test_the_header_tells_who_really_held_which_device(
    run: CommandLine, tmp_path: Path, said_again: tuple[str, ...]
):
    path = tmp_path / "a.parquet"
    well(run("record", "sim://adult-proximal-tibia?seed=2", *said_again, "--out", path))
    header = read_recording(path).header
    assert (header["operator"], header["device"]) == ("expert", "powered")


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["x[/y].parquet", "x[bold]y.parquet", "x:bug:y.parquet", "x[link=1.parquet", "x\udcff.parquet"]
)
def test_a_path_is_no_markup(run: CommandLine, tmp_path: Path, name: str):
    path = tmp_path / Path(name)
    shown = name.encode(errors="backslashreplace").decode()
    said = well(run("record", address(), "--out", path))
    assert said.count(shown.rpartition("/")[2]) == 3  # recorded, above the table, page
    assert f"recorded: {tmp_path}/{shown}" in said
    assert shown.rpartition("/")[2] in well(run("score", path))
    page = path.with_suffix(".html")
    well(run("report", path, "--out", page))
    assert page.is_file()


def test_a_folder_is_no_markup(run: CommandLine):
    assert "report: a[/b]/index.html" in well(
        run("demo", "--once", "--seeds", "3", "--out", "a[/b]", "--jobs", "1")
    )


# ---- how it ended --------------------------------------------------------------------------------------


def ended(outcome: dict[str, str] | None, folder: Path) -> Path:
    """The expert's recording with another end; None = with none."""
    (folder / "whole.journal").write_bytes(journal_bytes())
    whole = read_recording(folder / "whole.journal")
    path = folder / "other.journal"
    writer = JournalWriter(path, whole.header)
    writer.wire(0.0, read_journal(folder / "whole.journal").wire)
    if outcome is None:
        writer.close(1.0, {})
        path.write_bytes(path.read_bytes()[:-5])
    else:
        writer.close(1.0, outcome)
    return path


@pytest.mark.parametrize(
    ("outcome", "line", "decision"),
    [
        ({"outcome": "timed_out", "detail": ""}, "ended: timed out", "(timed out)"),
        ({"outcome": "cancelled", "detail": "by you"}, "ended: cancelled (by you)", "(cancelled)"),
        ({"outcome": "link_lost", "detail": "gone [/x]"}, "ended: link lost (gone [/x])", "(link lost)"),
        (None, "ended: cut off", "(cut off)"),
    ],
)
def test_a_score_tells_how_the_attempt_ended(
    run: CommandLine, tmp_path: Path, outcome: dict[str, str] | None, line: str, decision: str
):
    said = well(run("score", ended(outcome, tmp_path)))
    assert line in said.splitlines()
    assert decision in said.splitlines()[-2]


def test_a_needle_that_was_removed_needs_no_word(run: CommandLine, journal: Path):
    said = well(run("score", journal))
    assert "ended: " not in said
    assert said.splitlines()[-2].startswith("pass, uncalibrated   recording:")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["guided", "blind"])
@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (KeyboardInterrupt(), 3, "ended: cancelled (ended by the user)"),
        (LinkLost("it is gone"), 3, "ended: link lost (it is gone; it did not come back within 30 s"),
        (None, 0, "ended: timed out"),
    ],
)
def test_the_exit_code_of_record_tells_whether_it_was_a_whole_attempt(
    run: CommandLine,
    tmp_path: Path,
    monkeypatch,
    fault: BaseException | None,
    code: int,
    said: str,
    mode: str,
):
    act = (lambda: None) if fault is None else raiser(fault)
    monkeypatch.setenv("POPSENSE_CONTACT_TIMEOUT_S", "2")
    with spoiled(act, at=15, operator_begins=fault is not None) as board:
        monkeypatch.setattr("popsense.cli.record.open_url", lambda _: board)
        done = run("record", address(), "--mode", mode, "--out", tmp_path / "a.parquet")
    assert (done.code, done.err) == (code, "")
    assert said in done.out
    assert (tmp_path / "a.parquet").is_file()


def test_the_help_of_record_tells_the_exit_codes(run: CommandLine):
    said = " ".join(well(run("record", "--help")).split())
    assert "Exit code: 0 where it was recorded to its end" in said


# ---- the table -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "sources"), [(80, False), (120, True)])
def test_the_table_fits_and_shows_the_arithmetic(
    run: CommandLine, journal: Path, monkeypatch, columns: int, sources: bool
):
    monkeypatch.setenv("COLUMNS", str(columns))
    evaluation = evaluate(journal)
    said = well(run("score", journal))
    assert max(map(len, said.splitlines())) <= columns
    rows = score_table(evaluation.score)
    assert any("x 30)" in row.points for row in rows)
    for row in rows:
        assert row.points in said  # in one piece
    assert f"sum: {sum_text(evaluation.score)}" in said
    assert ("uncalibrated" in said.partition("sum:")[0]) == sources


def test_advice_is_given_for_what_lost_points(run: CommandLine, tmp_path: Path):
    path = tmp_path / "a.parquet"
    said = well(run("record", address("plunger"), "--out", path))
    rows = score_table(evaluate(path).score)
    assert [row.item for row in rows if f"advice: {row.item}: {row.advice}" in said] == [
        row.item for row in rows if row.advice
    ]


@pytest.mark.parametrize(("mode", "cued", "scored"), [
    ("guided", True, True), ("assessment", False, True), ("blind", False, False),
])  # fmt: skip
def test_what_a_mode_shows(run: CommandLine, tmp_path: Path, mode: str, cued: bool, scored: bool):
    said = well(run("record", address(), "--mode", mode, "--out", tmp_path / "a.parquet"))
    assert ("In the marrow" in said) == cued
    assert ("sum: " in said) == scored
    assert "Ready. Insert the needle." in said


def test_another_rubric_is_used(run: CommandLine, journal: Path, tmp_path: Path):
    from importlib import resources

    text = (resources.files("popsense.scoring") / "rubrics/adult-proximal-tibia.toml").read_text()
    rubric = tmp_path / "mine.toml"
    rubric.write_text(re.sub(r"(?m)^version = \d+", "version = 77", text, count=1), encoding="utf-8")
    assert json.loads(well(run("score", journal, "--rubric", rubric, "--json")))["versions"]["rubric"] == 77


# ---- demo ----------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.slow
def test_demo_json_is_one_object_and_leaves_nothing(run: CommandLine, tmp_path: Path):
    result = json.loads(well(run("demo", "--once", "--json", "--jobs", "1")))
    assert [attempt["operator"] for attempt in result["attempts"]] == list(DEMO_OPERATORS)
    assert {attempt["seed"] for attempt in result["attempts"]} == {1}
    assert result["attempts"][0].keys() >= {
        "operator", "seed", "score", "passed", "critical_errors", "metrics", "events", "truth", "samples",
        "lost_samples", "integrity", "firmware", "versions",
    }  # fmt: skip
    assert {attempt["mode"] for attempt in result["attempts"]} == {"assessment"}
    assert list(tmp_path.iterdir()) == []


def test_demo_writes_a_page_for_each_attempt_and_one_that_links_to_them(run: CommandLine, tmp_path: Path):
    said = well(run("demo", "--once", "--seeds", "3", "--out", "out", "--jobs", "1"))
    names = {f"{operator}-0003" for operator in DEMO_OPERATORS}
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {f"{name}.{kind}" for name in names for kind in ("html", "parquet")} | {"index.html"}
    index = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^"]+)"', index)) == {f"{name}.html" for name in names}
    for name in names:
        assert f"{name.removesuffix('-0003')}, seed 3" in said
    assert said.count("sum: ") == 4
    assert "report: out/index.html" in said
    assert "no evidence that its scores are valid" in said


@pytest.mark.slow
def test_it_is_the_installed_program(tmp_path: Path):
    done = popsense("demo", "--once", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["attempts"]) == 4


def test_the_version_is_printed(run: CommandLine):
    assert well(run("--version")) == f"popsense {version('popsense')}\n"


def test_a_serial_port_without_its_scheme_is_told_the_way(run: CommandLine):
    refused = run("record", "COM5")
    assert refused.code == 2
    assert "serial://COM5" in refused.err


def test_an_option_that_stands_twice_is_refused(run: CommandLine):
    refused = run("record", address() + "&operator=novice")
    assert refused.code == 2
    assert "stands twice" in refused.err
