"""Standard output that refuses: an attempt goes on and is kept, and every command ends with one line."""

import errno
import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from popsense.cli.output import Answer, AnswerRefusedError, answering, terminal
from popsense.recording.reader import read_recording
from tests.host.attempts.boards import address, journal_bytes

pytestmark = pytest.mark.slow  # programs of their own

FULL = "/dev/full"
NO_SPACE = "popsense: cannot write the answer: No space left on device. "


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "popsense.cli.main", *arguments]


# As most people have it: what a program has printed may still wait in its memory when it ends.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def into_a_full_disk(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error."""
    with Path(FULL).open("wb") as full:
        done = subprocess.run(
            command(*arguments),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=BUFFERED,
            check=False,
        )
    return done.returncode, done.stderr


def into_a_closed_pipe(folder: Path, *arguments: str) -> tuple[int, str]:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command(*arguments),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=BUFFERED,
            check=False,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr


class Refusing(BytesIO):
    """Takes so many writes, then none."""

    def __init__(self, number: int, takes: int = 0) -> None:
        super().__init__()
        self.number, self.takes, self.tries = number, takes, 0

    def write(self, data: object) -> int:
        self.tries += 1
        if self.tries > self.takes:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(data)  # type: ignore[arg-type]


def full_answer(number: int, takes: int = 0) -> tuple[Answer, Refusing]:
    raw = Refusing(number, takes)
    return Answer(TextIOWrapper(raw, write_through=True)), raw


@pytest.mark.parametrize(("number", "reader_left"), [(errno.ENOSPC, False), (errno.EPIPE, True)])
def test_a_refusal_is_our_error_and_is_not_tried_again(number: int, reader_left: bool):
    answer, raw = full_answer(number, takes=1)
    assert answer.write("heard\n") == 6
    for _ in range(3):
        with pytest.raises(AnswerRefusedError, match="cannot write the answer") as caught:
            answer.write("unheard\n")
        assert caught.value.reader_left == reader_left
    assert (raw.tries, raw.getvalue()) == (2, b"heard\n")


def test_a_console_passes_the_refusal_on(monkeypatch: pytest.MonkeyPatch):
    """Rich would end the program on a closed pipe."""
    answer, _ = full_answer(errno.EPIPE)
    monkeypatch.setattr(sys, "stdout", answer)
    with pytest.raises(AnswerRefusedError):
        terminal().print("unheard")


def test_standard_output_is_given_back(monkeypatch: pytest.MonkeyPatch):
    stream = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with answering():
        assert isinstance(sys.stdout, Answer)
        sys.stdout.write("\xe4")
    assert sys.stdout is stream
    stream.flush()
    assert stream.buffer.getvalue() == b"\\xe4"  # type: ignore[attr-defined]


@pytest.mark.parametrize("refused", [into_a_full_disk, into_a_closed_pipe])
def test_an_attempt_goes_on_where_nobody_can_be_told(tmp_path: Path, refused):
    (tmp_path / "before.journal").write_bytes(journal_bytes())
    code, said = refused(tmp_path, "record", address(), "--progress", "--out", "a.parquet")
    assert code == 2
    told = f"{NO_SPACE}The attempt is recorded: a.parquet\n"
    assert said == (told if refused is into_a_full_disk else "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "before.parquet"]
    outcome = read_recording(tmp_path / "a.parquet").outcome
    assert outcome is not None
    assert outcome["outcome"] == "removed"


def test_a_reader_that_leaves_in_mid_attempt_does_not_end_it(tmp_path: Path):
    with subprocess.Popen(
        command("record", address(), "--progress", "--out", "a"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=BUFFERED,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        complaint = program.stderr.read()
    assert (program.returncode, complaint) == (2, b"")
    outcome = read_recording(tmp_path / "a.parquet").outcome
    assert outcome is not None
    assert outcome["outcome"] == "removed"


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "expert.journal"),
        ("score", "expert.journal", "--json"),
        ("report", "expert.journal"),
        ("salvage", "."),
        ("devices", "--json"),
        ("--help",),
        ("--version",),
    ],
    ids=" ".join,
)
def test_every_command_ends_with_one_line(tmp_path: Path, arguments: tuple[str, ...]):
    (tmp_path / "expert.journal").write_bytes(journal_bytes())
    code, said = into_a_full_disk(tmp_path, *arguments)
    assert (code, said.startswith(NO_SPACE), said.count("\n")) == (2, True, 1)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("doctor",), ("demo", "--seeds", "3"), ("demo", "--once", "--json")])
def test_slow_commands_end_with_one_line_too(tmp_path: Path, arguments: tuple[str, ...]):
    """`demo` without --once would serve pages of which nobody knows the address."""
    code, said = into_a_full_disk(tmp_path, *arguments)
    assert (code, said.startswith(NO_SPACE), said.count("\n")) == (2, True, 1)


def test_where_nobody_can_be_told_at_all_the_exit_code_tells(tmp_path: Path):
    with Path(FULL).open("wb") as full:
        done = subprocess.run(
            command("--version"), stdout=full, stderr=full, cwd=tmp_path, env=BUFFERED, check=False
        )
    assert done.returncode == 2
