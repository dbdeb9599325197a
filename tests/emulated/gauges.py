"""What the processor does, seen from outside: the emulator's clock looks at the core's exception number.

Nothing runs on the board for this and its times do not change.
"""

from collections import Counter
from typing import Any

from tests.emulated.ads1220_chip import Ads1220Chip

PIN_INTERRUPT = 16 + 13  # IO_IRQ_BANK0. Ref: RP2040 datasheet 2.3.2
USB_INTERRUPT = 16 + 5  # USBCTRL_IRQ
LOOK_NS = 500.0  # resolution of an interrupt's begin and end
SHARE_NS = 7_310.0  # no multiple or divisor of the sample period or of a millisecond
ASLEEP = -1


class InterruptGauge:
    """From each data-ready edge: how late the interrupt begins, and how long from its entry to its return.

    MicroPython's way into the handler and out again is part of it. Lists in us, one entry a sample.
    """

    def __init__(self, chip: Ads1220Chip) -> None:
        self.latency_us: list[float] = []
        self.length_us: list[float] = []
        chip.on_ready = self._edge

    def attach(self, rp2040: Any) -> None:
        self._clock, self._core = rp2040.clock, rp2040.core
        self._look = self._clock.create_alarm(self._looked)
        self._edge_ns, self._entry_ns = 0.0, None

    def clear(self) -> None:
        self.latency_us.clear()
        self.length_us.clear()

    def _edge(self) -> None:
        self._edge_ns, self._entry_ns = self._clock.nanos, None
        self._look.schedule(LOOK_NS)

    def _looked(self) -> None:
        inside = self._core.ipsr == PIN_INTERRUPT
        if inside and self._entry_ns is None:
            self._entry_ns = self._clock.nanos
            self.latency_us.append((self._entry_ns - self._edge_ns) / 1e3)
        elif not inside and self._entry_ns is not None:
            self.length_us.append((self._clock.nanos - self._entry_ns) / 1e3)
            return
        self._look.schedule(LOOK_NS)


class ProcessorGauge:
    """How often the processor was found asleep, in the main loop (0) or in an exception, while `running`."""

    def __init__(self) -> None:
        self.running = False
        self.found: Counter[int] = Counter()

    def attach(self, rp2040: Any) -> None:
        self._core = rp2040.core
        self._look = rp2040.clock.create_alarm(self._looked)
        self._look.schedule(SHARE_NS)

    @property
    def busy_share(self) -> float:
        """Of the time, in percent; so are the others."""
        return 100 - self._share(ASLEEP)

    @property
    def interrupt_share(self) -> float:
        return self._share(PIN_INTERRUPT)

    @property
    def usb_share(self) -> float:
        return self._share(USB_INTERRUPT)

    def _share(self, state: int) -> float:
        return 100 * self.found[state] / self.found.total()

    def _looked(self) -> None:
        self._look.schedule(SHARE_NS)
        if self.running:
            self.found[ASLEEP if self._core.waiting else self._core.ipsr] += 1
