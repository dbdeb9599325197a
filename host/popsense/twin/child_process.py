"""A script of `board/` in an interpreter of its own: its folder, its pipes, what is said when it breaks."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from popsense.errors import TwinError
from popsense.twin.interpreter import BOARD, Interpreter
from popsense.twin.interrupts import interrupts_deferred


class ChildProcess:
    """Started at once; the caller closes it. `title` names it in errors, as in "the simulated board"."""

    def __init__(
        self,
        interpreter: Interpreter,
        entry: str,
        options: Mapping[str, Any],
        firmware: Path,
        title: str,
        prepare: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._title = title
        self._folder = tempfile.TemporaryDirectory(prefix="popsense-twin-")
        path = Path(self._folder.name)
        lay_out(path, firmware)
        prepare(path)
        (path / "options.json").write_text(
            json.dumps({"firmware": "firmware", "shims": list(interpreter.shims), **options}),
            encoding="utf-8",
        )
        self._errors: IO[bytes] = (path / "stderr.txt").open("w+b")
        try:
            self._process = subprocess.Popen(
                [*interpreter.command, entry, "options.json"],
                cwd=path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is for the host, which ends the child itself
            )
        except OSError as error:
            self._errors.close()
            self._folder.cleanup()
            message = f"{interpreter.command[0]} cannot be started: {error.strerror}"
            raise TwinError(message, "Reinstall it, or use interpreter=cpython.") from error
        self._to_child = cast(IO[bytes], self._process.stdin)  # pipes, as asked for above
        self._from_child = cast(IO[bytes], self._process.stdout)

    def write(self, data: bytes) -> None:
        """TwinError with the child's traceback if it died."""
        try:
            self._to_child.write(data)
            self._to_child.flush()
        except OSError as error:
            raise self.broken() from error

    def read(self, count: int) -> bytes:
        """Exactly so many bytes; TwinError with the child's traceback if it died."""
        data = self._from_child.read(count)
        if len(data) < count:
            raise self.broken()
        return data

    def broken(self) -> TwinError:
        """Ends the child; the error tells the last line that it wrote, its notes the whole text."""
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()
        last = text.splitlines()[-1] if text else f"exit code {self._process.returncode}"
        error = TwinError(f"{self._title} stopped: {last}", "This is a fault of popsense: please report it.")
        error.add_note(text)
        return error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends it and removes its folder; safe to call twice. Ctrl-C waits: half a folder would stay."""
        with interrupts_deferred():
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            for stream in (self._to_child, self._from_child, self._errors):
                with suppress(OSError):  # a pipe to a process that is gone may refuse its last flush
                    stream.close()
            self._folder.cleanup()


def lay_out(folder: Path, firmware: Path) -> None:
    """Firmware and fake board as relative paths: MicroPython dies of a path or argument over 255 bytes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(firmware, folder / "firmware", ignore=ignored)
    shutil.copytree(BOARD, folder / "board", ignore=ignored)
