"""Entry of the twin's child process: our firmware, unchanged, on the fake board and on virtual time.

Started as `INTERPRETER board/run_firmware.py OPTIONS` in a folder of its own; OPTIONS is a JSON file with
firmware, script, period_ns, rest_samples, converter (the chip that is fitted), board_id (hex), boot_id, shims
(folders that go first on the path), reset_cause and scratch0 of machine.py, defects of world.py.
"""

import json
import sys

with open(sys.argv[1]) as file:
    options = json.load(file)
for folder in [options["firmware"]] + options["shims"]:
    sys.path.insert(0, folder)

import machine  # noqa: E402  the path is set above
from complaint import complain  # noqa: E402
from usb import LockstepConsole  # noqa: E402
from world import World  # noqa: E402

world = World(options["script"], options["period_ns"], options["rest_samples"])
machine.install(
    world,
    LockstepConsole(world, sys.stdin.buffer, sys.stdout.buffer),
    bytes.fromhex(options["board_id"]),
    options["converter"],
)
machine.restarted(options["reset_cause"], options["scratch0"])
world.break_later(options["defects"])


class SeededOs:
    """The boot id must be the same for the same seed."""

    @staticmethod
    def urandom(count):
        return options["boot_id"].to_bytes(count, "little")


from bone import board  # noqa: E402

board.time = world
board.os = SeededOs
board.CALIBRATION_FOLDER = "calibration"  # in this child's own folder, never at the root of the host


try:
    import main  # noqa: F401  runs for ever
except Exception as error:  # noqa: BLE001  whatever the firmware raises must reach the host
    complain(error)
    sys.exit(1)
