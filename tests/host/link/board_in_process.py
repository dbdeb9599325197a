"""The real firmware in this process, on a board whose time, port and noise the test moves.

For speed the converter gives 100 samples/s, an idle millisecond takes up to 5, and the ring holds 512 samples
(448 can be had again: 4.5 s), so a thousand simulated seconds take a few real ones. All else is the firmware.
"""

import importlib
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from popsense.errors import LinkLost
from popsense_protocol.packets import FORCE_OFFSET_COUNTS

ROOT = Path(__file__).parents[3]
PATHS = ("firmware", "host/popsense/twin/board/cpython")
MODULES = ("kernels", "health_kernels", "detection", "sample_ring", "app", "ads1220", "wire")
RING, KEPT = 512, 448
PERIOD_US = 10_000
NAP_US = 5_000
FIFO_BYTES = 256
BLOCKED_US = 500_000  # so long a write waits for a host that does not read
TICKS_MASK = (1 << 30) - 1


@contextmanager
def _importable() -> Iterator[None]:
    """Nothing of the firmware stays where other tests could import it by mistake."""
    before = set(sys.modules)
    sys.path[:0] = [str(ROOT / folder) for folder in PATHS]
    try:
        yield
    finally:
        del sys.path[: len(PATHS)]
        for name in set(sys.modules) - before:
            if name.split(".")[0] in ("bone", "micropython"):
                del sys.modules[name]


def _finds_nothing(*_arguments: Any) -> None:
    """In the detector's place."""


def _load_firmware() -> SimpleNamespace:
    with _importable():
        bone = SimpleNamespace(**{name: importlib.import_module(f"bone.{name}") for name in MODULES})
    bone.detection.detect = _finds_nothing  # events are the test's to give
    for module in (bone.kernels, bone.health_kernels):
        module._RING_MASK = RING - 1
    bone.kernels.KEPT_SAMPLES = bone.health_kernels._KEPT_SAMPLES = KEPT
    bone.sample_ring.RING_SAMPLES = RING
    return bone


BONE = _load_firmware()


@dataclass(frozen=True)
class Taken:
    """One sample as it was when the converter gave it."""

    force_code: int
    depth: int
    pressure: int
    ticks_us: int


@dataclass
class Run:
    """What the device really did in one run."""

    samples: list[Taken] = field(default_factory=list)
    event_ticks_us: list[int] = field(default_factory=list)
    missed: int = 0


def _unseen(level: int) -> None:
    """A light that nobody looks at."""


class Board:
    """What bone.app needs of bone.board; its own console, SPI bus, converters and data-ready pin."""

    ready_edge = 4
    is_rp2040 = False
    reset_cause = 1
    calibration_folder = "no such folder"
    interpreter = "in process"

    def __init__(self, ticks_us: int = 0, board_id: bytes = bytes(8)) -> None:
        self.console = self.spi = self.force_ready = self.depth_adc = self
        self.pressure_adc = SimpleNamespace(read_u16=lambda: 1502 << 4)
        self.supply_adc = SimpleNamespace(read_u16=lambda: 2068 << 4)
        self.cue_led = self.cue_buzzer = _unseen
        self.board_id = board_id
        self.us = 0
        self.runs: dict[tuple[int, int], Run] = {}
        self.port_open = self.host_reads = True
        self.powered = True
        self._edge_us = PERIOD_US
        self._skip = 0
        self._number = 0
        self._first_ticks_us = ticks_us
        self.boot_id = 0x1000
        self.power_on()

    # ---- power, time -----------------------------------------------------------------------------------

    def power_on(self) -> None:
        """A new life of the firmware: ring, events and counters are gone."""
        self.handler: Any = None
        self.app: Any = None
        self.fifo = bytearray()
        self.heard: deque[int] = deque()
        self.boot_id += 0x1000
        self._booted_us = self.us
        self.app = BONE.app.App(self, BONE.sample_ring.SampleRing())
        self.app.link.send_copy(self.app._hello)

    def run_for(self, us: int) -> None:
        until = self.us + us
        while self.us < until:
            if self.powered:
                before = self.us
                self.app.step()
                if self.us == before:
                    self.pass_time(200)  # a frame takes its time
            else:
                self.us = until

    def pass_time(self, us: int) -> None:
        """Conversions become ready at their instants, whatever the main loop does."""
        until = self.us + us
        while self._edge_us <= until:
            self.us = max(self.us, self._edge_us)
            self._edge_us += PERIOD_US
            if self._skip:
                self._skip -= 1
            elif self.handler:
                self._convert()
        self.us = until

    def miss(self, conversions: int) -> None:
        """So many of the next conversions are not read."""
        self._skip = conversions

    def find_event(self) -> None:
        """The detector finds something, numbered by the device."""
        detector = self.app.detector
        ticks = self.ticks_us()
        BONE.detection.emit(1, 0, 0, 0, ticks, detector.state, detector.parameters, detector.events)
        self.current().event_ticks_us.append(ticks)

    @property
    def sampling(self) -> bool:
        return self.powered and self.app.sampler.running

    def current(self) -> Run:
        return self.runs.setdefault((self.boot_id, self.app.sampler.control[BONE.kernels.RUN]), Run())

    def _convert(self) -> None:
        self._number += 1
        self.handler(self)
        if self.app is not None and self.app.sampler.running:
            code = (self._number & 0xFFFFF) + FORCE_OFFSET_COUNTS
            depth = 4 * (self._number % 4000)
            self.current().samples.append(Taken(code, depth, 6008, self.ticks_us()))

    # ---- what the firmware asks for ----------------------------------------------------------------------

    def sleep_ms(self, milliseconds: int) -> None:
        self.pass_time(milliseconds * NAP_US)

    def ticks_us(self) -> int:
        return (self.us - self._booted_us + self._first_ticks_us) & TICKS_MASK

    def ticks_ms(self) -> int:
        return (self.us - self._booted_us) // 1000 & TICKS_MASK

    @staticmethod
    def ticks_diff(later: int, earlier: int) -> int:
        return ((later - earlier + (1 << 29)) & TICKS_MASK) - (1 << 29)

    def __call__(self) -> int:
        """Level of the data-ready pin."""
        return 1

    def arm_watchdog(self) -> None: ...

    def feed_watchdog(self) -> None: ...

    def ignore_ctrl_c(self) -> None: ...

    def force_cs(self, level: int) -> None: ...

    def collect_garbage(self) -> int:
        return 41216

    def irq(self, handler: Any = None, **options: Any) -> None:
        self.handler = handler

    def read_u16(self) -> int:
        """Depth: four of these make one reading."""
        return (self._number % 4000) << 4

    def readinto(self, buffer: Any) -> None:
        """Four bytes asked for: the registers. Three: the conversion's result."""
        source = BONE.ads1220.REGISTERS if len(buffer) == 4 else (self._number & 0xFFFFF).to_bytes(3, "big")
        for i in range(len(buffer)):
            buffer[i] = source[i]

    # ---- the console: CDC's manners ------------------------------------------------------------------------

    def any(self) -> bool:
        return bool(self.heard)

    def read_byte(self) -> int:
        return self.heard.popleft() if self.heard else -1

    def write(self, data: Any, count: int = 0) -> None:
        """To the bus: nothing happens. To the port: all, what the FIFO takes, or nothing without DTR."""
        if count and self.port_open:
            room = count if self.host_reads else max(0, FIFO_BYTES - len(self.fifo))
            self.fifo += bytes(data[: min(count, room)])
            if room < count:
                self.pass_time(BLOCKED_US)


@dataclass
class Noise:
    """Damages that wait for their byte: (bytes still to pass, kind, value)."""

    waiting: list[tuple[int, str, int]] = field(default_factory=list)

    def through(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            now = [(kind, value) for left, kind, value in self.waiting if left == 0]
            self.waiting = [(left - 1, kind, value) for left, kind, value in self.waiting if left > 0]
            out += _damaged(byte, now)
        return bytes(out)


def _damaged(byte: int, damages: list[tuple[str, int]]) -> bytes:
    out = bytes([byte])
    for kind, value in damages:
        if kind == "flip":
            out = bytes(b ^ value for b in out)
        elif kind == "insert":
            out += bytes([value])
        else:
            out = {"drop": b"", "double": out * 2}[kind]
    return out


class ShakyPort:
    """A way to a Board; see link.transport.Transport. present: the port is in the system."""

    name = "shaky port"

    def __init__(self, board: Board) -> None:
        self.board = board
        self.present = True
        self.back_at_us: int | None = None
        self.from_board, self.to_board = Noise(), Noise()

    def now(self) -> float:
        return self.board.us / 1e6

    def read(self, timeout_s: float) -> bytes:
        deadline = self.board.us + int(timeout_s * 1e6)
        while True:
            self._look()
            self._check()
            if self.board.fifo:
                data = self.from_board.through(bytes(self.board.fifo))
                self.board.fifo.clear()
                if data:
                    return data
            if self.board.us >= deadline:
                return b""
            self.board.run_for(1000)

    def write(self, data: bytes) -> None:
        self._check()
        self.board.heard.extend(self.to_board.through(data))

    def operator_may_begin(self) -> None: ...

    def wait(self, seconds: float) -> None:
        self._unread(int(seconds * 1e6))
        self._look()

    def stall(self, seconds: float) -> None:
        """The host does something else: what the board writes waits in a small buffer."""
        self._unread(int(seconds * 1e6))

    def vanish(self, seconds: float) -> None:
        """The port goes, and is there again after so long."""
        self.present = self.board.port_open = False
        self.board.fifo.clear()
        self.back_at_us = self.board.us + int(seconds * 1e6)

    def reopen(self) -> None:
        self._look()
        if not self.present:
            raise LinkLost("the port is not there", "Plug it in.")
        self.board.port_open = True
        self.board.fifo.clear()

    def close(self) -> None:
        self.vanish(1e6)

    def _unread(self, us: int) -> None:
        self.board.host_reads = False
        self.board.run_for(us)
        self.board.host_reads = True

    def _look(self) -> None:
        if self.back_at_us is not None and self.board.us >= self.back_at_us:
            self.present, self.back_at_us = True, None
            self.board.powered = True

    def _check(self) -> None:
        if not self.board.port_open:
            raise LinkLost("the port is gone", "Plug it in.")
