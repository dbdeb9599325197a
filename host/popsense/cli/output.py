"""What commands write: to the terminal, and into files."""

import errno
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console

from popsense.errors import UsageError


class AnswerRefusedError(UsageError):
    """Standard output takes no more. reader_left: it was a pipe, and whoever read it had enough."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write the answer: {error.strerror or error}", "Send it to another place.")
        self.reader_left = error.errno == errno.EPIPE


class Answer:
    """Standard output, which refuses as our error; once it did, it is not tried again."""

    def __init__(self, stream: TextIOWrapper) -> None:
        self._stream = stream
        self._refused: OSError | None = None

    def write(self, text: str) -> int:
        with self._or_refused():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._or_refused():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _or_refused(self) -> Generator[None]:
        if self._refused is not None:
            raise AnswerRefusedError(self._refused)
        try:
            yield
        except OSError as error:
            self._refused = error
            forget(self._stream)
            raise AnswerRefusedError(error) from error


def forget(stream: TextIO) -> None:
    """What is buffered goes nowhere: Python writes it when it ends, and would complain then."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def answering() -> Generator[None]:
    """Standard output is an Answer meanwhile, which shows a file's name even where the terminal cannot."""
    stream = cast(object, sys.stdout)
    if not isinstance(stream, TextIOWrapper):  # there is none
        yield
        return
    stream.reconfigure(errors="backslashreplace")
    sys.stdout = cast(TextIO, Answer(cast(TextIOWrapper, stream)))
    try:
        yield
    finally:
        sys.stdout = stream


def terminal() -> Console:
    """Prints text as it is: a path or a name may look like markup, a number or an :emoji: and is none."""
    return Console(markup=False, emoji=False, highlight=False)


def write_page(path: Path, page: str) -> None:
    """UsageError where the page cannot be written. A file that is no page (a recording, a rubric) stays."""
    with _place_of_a_page(path):
        path.write_text(page, encoding="utf-8")


def try_page(path: Path) -> None:
    """UsageError where `write_page` would refuse now. Leaves nothing but the folder."""
    with _place_of_a_page(path):
        place = Path(os.path.realpath(path))  # of a link that leads to nothing, what it leads to
        is_new = not place.exists()
        place.open("ab").close()
        if is_new:
            place.unlink()


@contextmanager
def _place_of_a_page(path: Path) -> Generator[None]:
    try:
        if path.is_file() and not _holds_a_page(path):
            raise UsageError(f"{path} exists and is no page", "Choose another place with --out.")
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", "Choose another place with --out."
        ) from error


def _holds_a_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(32).lower().startswith(b"<!doctype html")
