"""An emulated Pico that runs as far as it is told, in the thread of whoever asks; no asyncio."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rp2040py.boards import BoardSpec, FlashLayout
from rp2040py.device.base_device import BaseDevice
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.memory_map import FLASH_START_ADDRESS

from tests.emulated import image
from tests.emulated.usb_host import UsbHost

LOOK_S = 0.001  # emulated time between two looks; an idle board passes seconds in no time
STALLED_WALL_S = 60.0  # the emulated clock stands still: seen in 2 of 27 runs of a spike, reason unknown


class Attached(Protocol):
    """A chip or a gauge on the board's pins."""

    def attach(self, rp2040: Any) -> None:
        """Called once, before the board has power."""
        ...


class Stalled(Exception):
    """The emulator got nowhere. No finding about the firmware: try once more."""


@dataclass(frozen=True)
class Edge:
    """One change of an output pin."""

    at_ns: float
    high: bool


class Pico:
    """A board with its files, not yet powered: `boot` lets it leave reset. Times in ns since then."""

    def __init__(
        self, files: Mapping[str, bytes], attached: Sequence[Attached] = (), uf2: Path | None = None
    ) -> None:
        layout = FlashLayout(image.FILES_AT, image.BLOCKS, image.BLOCK_BYTES)
        makers = tuple((lambda it=it: it) for it in attached)
        self._device = BaseDevice(
            board=BoardSpec(extras=makers, layout=layout, image=uf2 or image.pico_image())
        )
        self.rp2040 = self._device.mcu
        volume = image.littlefs_image(files)
        self.rp2040.flash[image.FILES_AT : image.FILES_AT + len(volume)] = volume
        self.usb = UsbHost(self._device.cdc, self.rp2040)
        self._simulator = self._device.simulator
        self._alarm = self.rp2040.clock.create_alarm(self._stop)

    @property
    def now_ns(self) -> float:
        """Emulated time since the chip left reset."""
        return self.rp2040.clock.nanos

    @property
    def now_s(self) -> float:
        return self.now_ns / 1e9

    def boot(self) -> None:
        """The chip leaves reset: its program counter goes to the flash, past the boot ROM."""
        self.rp2040.core.pc = FLASH_START_ADDRESS

    def run(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Lets emulated time pass, at most `seconds`; True as soon as `until()` is.

        `until` is asked every LOOK_S. Stalled where the clock stands still.
        """
        deadline_ns = self.now_ns + seconds * 1e9
        while not (hit := bool(until())) and self.now_ns < deadline_ns:
            self._alarm.schedule(min(LOOK_S * 1e9, deadline_ns - self.now_ns))
            self._step()
        return hit

    def watch(self, gpio: int) -> list[Edge]:
        """A list that grows with every change of an output pin."""
        edges: list[Edge] = []

        def changed(new: GPIOPinState, _old: GPIOPinState) -> None:
            edges.append(Edge(self.now_ns, new == GPIOPinState.HIGH))

        self.rp2040.gpio[gpio].add_listener(changed)
        return edges

    def _step(self) -> None:
        """Until the alarm."""
        self._simulator.stopped = False
        began_s = time.monotonic()
        while not self._simulator.stopped:
            self._simulator._execute_batch()
            if time.monotonic() - began_s > STALLED_WALL_S:
                raise Stalled(f"the emulated clock stands at {self.now_s:.3f} s")

    def _stop(self) -> None:
        self._simulator.stopped = True
