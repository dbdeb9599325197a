"""firmware/bringup.py in a MicroPython of this computer, on the twin's fake machine; what it prints."""

from collections.abc import Callable

from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.child_process import ChildProcess
from popsense.twin.firmware_files import firmware_root
from popsense.twin.insertion import Setup
from popsense.twin.interpreter import find_interpreter
from popsense.twin.script import build_script

PIECE_BYTES = 57  # what comes from a port ends nowhere in particular
ENTRY = '''
"""As board/run_firmware.py, but at the prompt: what the host sends is run, no host grants the time."""

import json
import sys

with open(sys.argv[1]) as file:
    options = json.load(file)
for folder in [options["firmware"]] + options["shims"]:
    sys.path.insert(0, folder)

import machine
from complaint import complain
from world import World

world = World("script.u16", options["period_ns"], options["rest_samples"])


class NoConsole:
    def any(self):
        return False

    def write(self, buffer, count):
        pass


machine.install(world, NoConsole(), bytes(8))


def more_time():
    world.horizon_ns = world.now_ns + 1000000000


world.at_horizon = more_time

from bone import board

board.time = world


class Os:
    @staticmethod
    def urandom(count):
        return bytes(count)


board.os = Os
there = {"__name__": "__main__"}
try:
    for code in options["codes"]:
        exec(code, there)
except Exception as error:
    complain(error)
    sys.exit(1)
'''


class PromptOfTheTwin:
    """technician.bringup.Prompt: codes are gathered until one prints, then all run in one child."""

    def __init__(self, interpreter: str = "micropython") -> None:
        self._interpreter = find_interpreter(interpreter)
        self._codes: list[str] = []
        self.was_reset = self.was_closed = False

    def run(self, code: str, hear: Callable[[bytes], None] | None = None, quiet_s: float = 0.0) -> None:
        self._codes.append(code)
        if hear is not None:
            self._run(hear)

    def reset(self) -> None:
        self.was_reset = True

    def close(self) -> None:
        self.was_closed = True

    def _run(self, hear: Callable[[bytes], None]) -> None:
        script = build_script(Setup(ADULT_PROXIMAL_TIBIA, "expert", "powered", 7))

        def prepare(folder) -> None:
            script.write(folder / "script.u16")
            (folder / "board/run_bringup.py").write_text(ENTRY, encoding="utf-8")

        options = {
            "period_ns": script.sample_period_ns,
            "rest_samples": script.rest_samples,
            "codes": self._codes,
        }
        with ChildProcess(
            self._interpreter,
            "board/run_bringup.py",
            options,
            firmware_root(),
            "the board at its prompt",
            prepare,
        ) as child:
            heard = b""
            while b'"done"' not in heard:
                piece = child.read(1)
                heard = (heard + piece)[-PIECE_BYTES:]
                hear(piece)
            hear(child.read(3).rstrip(b"\n") + b"\n")
