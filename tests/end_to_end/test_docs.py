"""README and CONTRIBUTING cannot lie: commands, options, make targets, jq lines."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from popsense.twin.transport import TwinAddress
from tests.architecture.tree import ROOT
from tests.end_to_end.demo_json import SEEDS, demo_json
from tests.host.attempts.boards import journal_bytes
from tests.host.cli.foreign_files import push_and_pop, write_csv
from tests.host.cli.programs import CommandLine

PAGES = ("README.md", "CONTRIBUTING.md")
RUN_TOO = {"score", "report", "detect", "devices", "twin cohort", "twin show"}  # quick, with files at hand
# Slow, or of this machine: those of a technician fail where no board is attached.
TECHNICIAN = {
    "doctor",
    "flash",
    "bringup",
    "check",
    "calibrate force",
    "calibrate depth",
    "calibrate pressure",
}
SHOWN_ONLY = {"demo", "record"} | TECHNICIAN
GROUPS = {"twin", "calibrate"}  # commands of two words


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def block_lines(page: str) -> list[str]:
    """Lines of indented and of fenced code blocks, without the indentation."""
    prose_removed = re.sub(r"(?ms)^```\w*\n(.*?)^```$", lambda m: re.sub("(?m)^", "    ", m[1]), text(page))
    return [line[4:] for line in prose_removed.splitlines() if line.startswith("    ") and line.strip()]


def commands() -> list[str]:
    """Every `popsense ...` of the code blocks, without what it is piped or written to."""
    found = [
        re.split(r" [|>] ", match[1])[0].strip()
        for page in PAGES
        for line in block_lines(page)
        if (match := re.match(r"(?:\S*[/\\])?popsense(?:\.exe)? (.+)", line.strip()))
    ]
    return sorted(set(found))


def name_of(command: str) -> str:
    """As in "record" or "twin show"."""
    words = shlex.split(command)
    return " ".join(words[: 2 if words[0] in GROUPS else 1])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


def test_commands_were_found():
    assert {name_of(command) for command in commands()} == SHOWN_ONLY | RUN_TOO


@pytest.mark.parametrize("command", commands())
def test_a_command_has_the_options_it_is_shown_with(run: CommandLine, command: str):
    helped = run(*name_of(command).split(), "--help")
    assert helped.code == 0
    known = set(re.findall(r"(?<![\w-])--[a-z-]+", helped.out))
    arguments = shlex.split(command)
    assert {argument.split("=")[0] for argument in arguments if argument.startswith("--")} <= known


@pytest.mark.slow
@pytest.mark.parametrize("command", [one for one in commands() if name_of(one) in RUN_TOO])
def test_a_quick_command_runs(run: CommandLine, tmp_path: Path, command: str):
    (tmp_path / "attempt.parquet").write_bytes(journal_bytes())  # either form may be named
    write_example(tmp_path / "trace.csv")
    done = run(*shlex.split(command))
    assert (done.code, done.err) == (0, "")
    out = re.search(r"--out (\S+)", command)
    assert out is None or (tmp_path / out[1]).exists()


def write_example(path: Path) -> None:
    """With the column names that the README shows."""
    (names,) = [line for line in block_lines("README.md") if re.fullmatch(r"\w+(,\w+)+", line)]
    time_s, force_n, depth_mm, _ = push_and_pop(1_000.0)
    write_csv(path, **dict(zip(names.split(","), (time_s, force_n, depth_mm), strict=True)))


def test_both_kinds_of_trace_of_the_readme_have_a_pop(run: CommandLine, tmp_path: Path):
    write_example(tmp_path / "trace.csv")
    for command in [one for one in commands() if name_of(one) == "detect"]:
        assert re.search(r"\bpop\b", run(*shlex.split(command)).out)


def test_the_recording_of_the_readme_runs(run: CommandLine, tmp_path: Path):
    (command,) = [one for one in commands() if one.startswith("record") and "sim://" in one]
    assert run(*shlex.split(command)).code == 0
    assert (tmp_path / "attempt.parquet").is_file()


def make_targets() -> set[str]:
    return set(re.findall(r"(?m)^([A-Za-z][\w%-]*)\s*:(?!=)", text("Makefile")))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str):
    in_code = [*re.findall(r"`make ([a-zA-Z][\w-]*)", text(page))]
    in_code += [m[1] for line in block_lines(page) if (m := re.match(r"make ([a-z][\w-]*)", line))]
    assert in_code
    targets = make_targets()
    patterns = {target.replace("%", r"[\w-]+") for target in targets}
    unknown = [name for name in in_code if not any(re.fullmatch(pattern, name) for pattern in patterns)]
    assert unknown == []


def test_every_file_that_the_readme_names_exists():
    named = re.findall(r"`((?:host|firmware|protocol|tests|hardware|\.ci)/[\w./-]*)`", text("README.md"))
    assert [name for name in named if not (ROOT / name).exists()] == []
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text("README.md"))
    assert [name for name in pictures if not (ROOT / name).is_file()] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_jq_lines_are_true(tmp_path: Path, require):
    require("jq")
    require("micropython")  # one of the lines asks for it
    lines = [line for line in block_lines("CONTRIBUTING.md") if line.startswith("jq ")]
    assert len(lines) >= 6
    build = tmp_path / "build"
    build.mkdir()
    (build / "demo.json").write_text(demo_json(), encoding="utf-8")
    for line in lines:
        asked = shlex.split(line.replace(">= 19", f">= {len(SEEDS) - (len(SEEDS) == 20)}"))
        done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.stderr) == ("true", ""), line


def test_every_part_of_an_address_in_the_readme_is_one():
    named = set(re.findall(r"(?m)^\| `(\w+)=` \|", text("README.md")))
    assert named == set(TwinAddress.__dataclass_fields__) - {"site"}
