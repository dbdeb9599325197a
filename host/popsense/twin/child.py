"""The firmware's process, in lockstep: virtual time and bytes go in, bytes and the time reached come out.

The records are those of board/usb.py; the child runs only while an exchange is under way.
"""

import json
import shutil
import struct
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from popsense.errors import TwinError
from popsense.twin.board import usb, world
from popsense.twin.firmware_files import firmware_root
from popsense.twin.interpreter import BOARD, Interpreter
from popsense.twin.script import SensorScript

HOST_RECORD = struct.Struct(usb.HOST_RECORD)
# The child's records without the byte that tells them apart.
DATA_RECORD = struct.Struct(usb.DATA_RECORD.replace("B", "", 1))
END_RECORD = struct.Struct(usb.END_RECORD.replace("B", "", 1))


class Exchange(NamedTuple):
    """What one grant of virtual time brought. origin_us: device clock at the script's first sample."""

    data: bytes
    now_us: int
    origin_us: int | None
    ended: bool


class FirmwareChild:
    """One power-on of the simulated board."""

    def __init__(self, script: SensorScript, interpreter: Interpreter, seed: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="popsense-twin-")
        path = Path(self._folder.name)
        _lay_out(path)
        script.write(path / "script.u16")
        self._errors: IO[bytes] = (path / "stderr.txt").open("w+b")
        options = {
            "firmware": "firmware",
            "script": "script.u16",
            "period_ns": script.sample_period_ns,
            "rest_samples": script.rest_samples,
            "board_id": f"{0x7457494E00000000 + seed % 2**32:016x}",  # "tWIN" and the seed
            "boot_id": (seed * 2654435761 + 1) % 2**32,
            "shims": list(interpreter.shims),
        }
        (path / "options.json").write_text(json.dumps(options), encoding="utf-8")
        command = [*interpreter.command, "board/run_firmware.py", "options.json"]
        try:
            self._process = subprocess.Popen(
                command,
                cwd=path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is for the host; the board must live to answer STOP
            )
        except OSError as error:
            self._errors.close()
            self._folder.cleanup()
            message = f"{interpreter.command[0]} cannot be started: {error.strerror}"
            raise TwinError(message, "Reinstall it, or use interpreter=cpython.") from error
        self._to_child = cast(IO[bytes], self._process.stdin)  # pipes, as asked for above
        self._from_child = cast(IO[bytes], self._process.stdout)
        try:
            self._receive()
        except BaseException:
            self.close()
            raise

    def exchange(
        self, grant_us: int, data: bytes = b"", flags: int = usb.FLAG_DTR | usb.FLAG_READING
    ) -> Exchange:
        """Lets the firmware run for `grant_us` of virtual time. TwinError with its traceback if it died."""
        try:
            self._to_child.write(HOST_RECORD.pack(grant_us, len(data), flags) + data)
            self._to_child.flush()
        except OSError as error:
            raise self._broken() from error
        return self._receive()

    def close(self) -> None:
        """Switches the board off; safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._to_child, self._from_child, self._errors):
            _close_quietly(stream)
        self._folder.cleanup()

    def _receive(self) -> Exchange:
        data = bytearray()
        while (kind := self._read(1)[0]) == usb.DATA:
            (count,) = DATA_RECORD.unpack(self._read(DATA_RECORD.size))
            data += self._read(count)
        if kind != usb.END:
            raise self._broken()
        now_us, origin_us, ended = END_RECORD.unpack(self._read(END_RECORD.size))
        return Exchange(bytes(data), now_us, None if origin_us == world.NOT_BEGUN else origin_us, bool(ended))

    def _read(self, count: int) -> bytes:
        data = self._from_child.read(count)
        if len(data) < count:
            raise self._broken()
        return data

    def _broken(self) -> TwinError:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()
        last = text.splitlines()[-1] if text else f"exit code {self._process.returncode}"
        error = TwinError(
            f"the simulated board stopped: {last}", "This is a fault of popsense: please report it."
        )
        error.add_note(text)
        return error


def _lay_out(folder: Path) -> None:
    """Firmware and fake board as relative paths: MicroPython dies of a path or argument over 255 bytes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(firmware_root(), folder / "firmware", ignore=ignored)
    shutil.copytree(BOARD, folder / "board", ignore=ignored)


def _close_quietly(stream: IO[bytes]) -> None:
    # A pipe to a process that is gone may refuse its last flush; nothing is lost by it.
    with suppress(OSError):
        stream.close()
