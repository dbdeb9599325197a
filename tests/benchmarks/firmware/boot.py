"""From the instant the emulated chip leaves reset to the first HELLO at the host.

The emulated host enumerates the board at once; a real one takes its time, and until then HELLO is lost.
"""

from collections.abc import Mapping

from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.insertion import Setup
from popsense.twin.script import build_script
from tests.benchmarks.report import Figure
from tests.emulated.bone import emulated_bone
from tests.emulated.image import compiled
from tests.emulated.wire import packets
from tests.firmware.sources import constants

BAR_MS = 500
LONGEST_S = 5.0
Files = Mapping[str, bytes]
FREE_GPIOS = range(7, 22)


def figures(sources: Files) -> list[Figure]:
    """Milliseconds; what is compiled counts, the sources for comparison."""
    first_line_ms, hello_ms = _boot(compiled(sources))
    return [
        Figure("boot to HELLO, from .mpy", hello_ms, "ms", BAR_MS, higher_is_better=False),
        Figure("of it MicroPython, to main.py's first line", first_line_ms, "ms"),
        Figure("boot to HELLO, from .py", _boot(sources)[1], "ms"),
    ]


def _boot(files: Files) -> tuple[float, float]:
    """When main.py's first line ran, and when HELLO was whole at the host, in ms since reset."""
    gpio = next(number for number in FREE_GPIOS if number not in _used_gpios())
    first_line = f"import machine\nmachine.Pin({gpio}, machine.Pin.OUT, value=1)\n"
    main = {"main.py": first_line.encode() + files["main.py"]}
    bone = emulated_bone({**files, **main}, build_script(Setup(ADULT_PROXIMAL_TIBIA, "expert", "powered", 1)))
    edges = bone.pico.watch(gpio)
    bone.pico.boot()
    usb = bone.pico.usb
    bone.pico.run(LONGEST_S, lambda: any(packet.name == "HELLO" for packet in packets(usb.arrivals)))
    hello = next(packet for packet in packets(usb.arrivals) if packet.name == "HELLO")
    return next(edge.at_ns for edge in edges if edge.high) / 1e6, hello.at_ns / 1e6


def _used_gpios() -> set[int]:
    return {value for name, value in constants("board.py").items() if name.endswith("_GPIO")}
