"""Where a recording goes: names that are typed, names that are taken, and what a crash has left there."""

import os
from pathlib import Path
from typing import Any

import pytest

from popsense.cli import paths
from popsense.errors import RecordingError, UsageError
from popsense.recording.durability import make_durable
from popsense.recording.journal import JournalWriter, NameTakenError
from popsense.recording.reader import read_recording
from tests.host.attempts.boards import address, journal_bytes
from tests.host.cli.programs import CommandLine, Done
from tests.host.recording.journals import HEADER, died

UNCALIBRATED = "Uncalibrated: no calibration of force, depth and pressure. The score will say so.\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> str:
    """All recordings get the same default name."""

    class Noon:
        def astimezone(self) -> "Noon":
            return self

        def __format__(self, form: str) -> str:
            return "noon"

    class Clock:
        now = Noon

    monkeypatch.setattr(paths, "datetime", Clock)
    return "noon-adult-proximal-tibia"


def recorded(run: CommandLine, *options: str) -> Done:
    done = run("record", address(), *options)
    assert (done.code, done.err) == (0, "")
    return done


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- names ---------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_attempts_in_the_same_second_get_names_of_their_own(run: CommandLine, one_second: str):
    for _ in range(3):
        recorded(run)
    assert names(Path("recordings")) == [f"{one_second}{n}.parquet" for n in ("-2", "-3", "")]


def test_a_name_that_another_program_takes_first_is_left_to_it(
    run: CommandLine, one_second: str, monkeypatch: pytest.MonkeyPatch
):
    """Between the look and the beginning of the journal."""
    monkeypatch.setattr(paths, "_is_taken", lambda journal: False)
    Path("recordings").mkdir()
    other = JournalWriter(Path("recordings") / f"{one_second}.journal", HEADER)
    recorded(run)
    assert names(Path("recordings")) == [f"{one_second}-2.parquet", f"{one_second}.journal"]
    died(other)


def test_a_name_of_the_users_own_is_never_replaced_by_another(run: CommandLine):
    recorded(run, "--out", "a")
    done = run("record", address(), "--out", "a.parquet")
    assert (done.code, "a.parquet exists. Choose another name" in done.err) == (2, True)
    assert names(Path()) == ["a.parquet"]


def test_other_errors_do_not_lead_to_another_name():
    tried: list[Path] = []

    def fail(path: Path) -> Any:
        tried.append(path)
        raise RecordingError("the disk is full")

    with pytest.raises(RecordingError, match="full"):
        paths.into_a_free_one([Path("a"), Path("b")], fail)
    assert tried == [Path("a")]


def test_the_last_name_that_is_taken_is_told():
    def taken(path: Path) -> Any:
        raise NameTakenError(f"{path} exists")

    with pytest.raises(NameTakenError, match="a exists"):
        paths.into_a_free_one([Path("a")], taken)


@pytest.mark.slow
@pytest.mark.parametrize("folder", [".", "there", "there/", "there/.."])
def test_a_folder_gets_a_recording_of_the_default_name(run: CommandLine, one_second: str, folder: str):
    Path("there").mkdir()
    recorded(run, "--out", folder)
    assert (Path(folder) / f"{one_second}.parquet").is_file()
    assert not Path("recordings").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "a.parquet", "a.journal", "a.PARQUET", "a.Journal"])
def test_the_suffix_may_be_written_as_one_likes(run: CommandLine, name: str):
    recorded(run, "--out", name)
    assert names(Path()) == ["a.parquet"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("record", address(), "--out", ""),
        ("record", address(), "--out", "absent/.."),
        ("report", ""),
        ("report", "."),
        ("report", "/"),
        ("score", ""),
        ("salvage", ""),
        ("demo", "--once", "--out", ""),
    ],
    ids=" ".join,
)
def test_what_names_no_file_is_refused_in_one_line(run: CommandLine, arguments: tuple[str, ...]):
    done = run(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("popsense: ")
    assert names(Path()) == []


def test_an_empty_name_says_so():
    with pytest.raises(UsageError, match="empty name"):
        paths.path("")


def test_a_name_that_is_too_long_is_told_as_that(run: CommandLine):
    done = run("record", address(), "--out", "a" * 300)
    assert done.code == 2
    assert "File name too long. Choose a shorter name." in done.err


@pytest.mark.parametrize("command", ["score", "report"])
def test_no_right_to_read_is_told_with_its_own_remedy(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, command: str
):
    """Without a box of typer's: the tests may be root, who may read everything."""
    Path("a.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    done = run(command, "a.parquet")
    assert done.code == 2
    said = "popsense: cannot read a.parquet: Permission denied. Ask its owner for the right to read it.\n"
    assert done.err == said


# ---- what crashes left ---------------------------------------------------------------------------------


def crashed(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(journal_bytes()[:-5])
    return path


def test_the_next_attempt_finishes_what_a_crash_left_in_either_folder(run: CommandLine):
    crashed(Path("recordings/k.journal"))
    crashed(Path("else/l.journal"))
    said = recorded(run, "--out", "else/new").out
    assert "salvaged: recordings/k.parquet\n" in said
    assert "salvaged: else/l.parquet\n" in said
    assert names(Path("else")) == ["l.parquet", "new.parquet"]
    assert read_recording(Path("recordings/k.parquet")).outcome is None


def test_one_folder_under_two_names_is_told_once(run: CommandLine, tmp_path: Path):
    crashed(Path("recordings/k.journal"))
    Path("recordings/k.parquet").write_bytes(b"of somebody else")
    assert recorded(run, "--out", str(tmp_path / "recordings" / "new")).out.count("left as it is") == 1


def test_a_name_that_a_crash_left_is_told_with_its_remedy(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("popsense.cli.record.salvage", lambda folder: [])
    crashed(Path("else/k.journal"))
    done = run("record", address(), "--out", "else/k.parquet")
    assert done.code == 2
    assert "else/k.journal was left by a crash. `popsense salvage else` finishes it" in done.err


def test_a_folder_that_cannot_be_tidied_does_not_stop_an_attempt(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    def refuse(folder: Path) -> Any:
        raise RecordingError(f"cannot read {folder}", "Ask.")

    monkeypatch.setattr("popsense.cli.record.salvage", refuse)
    assert "nothing salvaged: cannot read recordings. Ask.\n" in recorded(run, "--out", "a").out


def test_record_does_not_nag_about_what_nobody_can_finish(run: CommandLine):
    Path("recordings").mkdir()
    Path("recordings/diary.journal").write_bytes(b"dear diary")
    Path("recordings/empty.journal").write_bytes(b"")
    assert recorded(run).out.startswith(f"{UNCALIBRATED}Ready.")


# ---- popsense salvage ----------------------------------------------------------------------------------


def test_salvage_tells_each_kind_and_what_is_left_decides_its_exit_code(run: CommandLine):
    crashed(Path("here/k.journal"))
    Path("here/cut.journal").write_bytes(journal_bytes()[:30])
    Path("here/diary.journal").write_bytes(b"dear diary")
    live = JournalWriter(Path("here/live.journal"), HEADER)
    done = run("salvage", "here")
    assert (done.code, done.err) == (0, "")
    assert sorted(done.out.splitlines()) == [
        "in use: here/live.journal is being written by a program.",
        "left as it is: here/cut.journal holds no samples: it may be deleted.",
        "left as it is: here/diary.journal is no popsense recording. Name a file that popsense recorded "
        "(*.journal or *.parquet).",
        "salvaged: here/k.parquet",
    ]
    died(live)


def test_what_can_be_finished_later_is_exit_code_1_until_it_is(run: CommandLine):
    journal = crashed(Path("here/k.journal"))
    Path("here/k.parquet").write_bytes(b"of somebody else")
    done = run("salvage", "here")
    assert (done.code, done.err) == (1, "")
    assert "Then `popsense salvage here` finishes the recording." in done.out
    Path("here/k.parquet").rename("here/other")
    assert run("salvage", "here").code == 0
    assert not journal.exists()


def test_nothing_to_do_names_what_is_being_written(run: CommandLine):
    Path("here").mkdir()
    assert run("salvage", "here").out == "nothing to do in here\n"
    live = JournalWriter(Path("here/live.journal"), HEADER)
    said = run("salvage", "here").out
    assert said.splitlines() == [
        "in use: here/live.journal is being written by a program.",
        "nothing to do in here",
    ]
    died(live)


def test_a_folder_that_is_not_there(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POPSENSE_RECORDINGS", "stick")
    assert run("salvage") == Done(0, "nothing to do: there is no folder stick\n", "")
    assert "absent is no folder" in run("salvage", "absent").err
    assert recorded(run).out.startswith(f"{UNCALIBRATED}Ready.")


def test_a_full_disk_is_told_with_what_finishes_the_recording(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    """In mid-attempt, when something is kept already."""
    monkeypatch.setattr("popsense.recording.journal.make_durable", after(3, OSError(28, os.strerror(28))))
    done = run("record", address(), "--out", "else/k")
    assert done.code == 2
    assert "Free some space on the disk. Then `popsense salvage else` finishes the recording." in done.err
    monkeypatch.setattr("popsense.recording.journal.make_durable", make_durable)
    assert run("salvage", "else").out == "salvaged: else/k.parquet\n"


def after(calls: int, error: OSError) -> Any:
    """Does nothing so many times, then fails."""
    left = iter(range(calls))

    def fail(file: Any) -> None:
        if next(left, None) is None:
            raise error
        file.flush()

    return fail
