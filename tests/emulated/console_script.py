"""tests/firmware/scripts on the emulated board, asked over its console as elsewhere over a pipe."""

import json
from pathlib import Path
from typing import Any

from popsense.twin.firmware_files import firmware_root
from tests.emulated.image import compiled, compiled_files
from tests.emulated.pico import Pico

SCRIPTS = Path(__file__).parents[1] / "firmware" / "scripts"
BOOT_S = 1.0  # emulated, as the other
ANSWER_S = 30.0


class ConsoleScript:
    """scripts/NAME.py runs as the board's main program; see interpreters.ScriptProcess."""

    def __init__(self, name: str) -> None:
        scripts = {file: (SCRIPTS / file).read_bytes() for file in (f"{name}.py", "fakes.py")}
        files = compiled_files(firmware_root()) | compiled(scripts)
        self._pico = Pico(files | {"main.py": f"import {name}\n".encode()})
        self._pico.boot()
        self._pico.run(BOOT_S)

    def ask(self, value: Any) -> Any:
        """What the script prints for one value. AssertionError with the board's words where it is no JSON."""
        usb = self._pico.usb
        usb.arrivals.clear()
        usb.write(f"{json.dumps(value)}\n".encode())
        answered = self._pico.run(ANSWER_S, lambda: usb.text().endswith("\n"))
        text = usb.text()
        assert answered, f"no answer to {value}: {text}"
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise AssertionError(f"{value}: {text}") from error
