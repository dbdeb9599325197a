"""A recording as a transport: `replay://FILE?speed=4`.

FILE is a path, relative or absolute (replay:///folder/..., replay:///C:/...); ? in it is %3F, and % is %25.
Time on this transport is the played device's: `speed` of its seconds go by in one of ours, and with speed=max
they go by as fast as the host reads. A recording that was cut off ends as it did: the way is lost for good.
"""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from popsense.errors import LinkLost, UsageError
from popsense.recording.journal import parquet_path
from popsense.recording.playback import playback
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording
from popsense.recording.replay_board import ReplayBoard

SCHEME = "replay://"
EXAMPLE = "Use for instance replay://attempt.parquet?speed=4."
SLOWEST, FASTEST = 0.01, 1000.0
WINDOWS_DRIVE = re.compile(r"^/(?=[A-Za-z]:)")


@dataclass(frozen=True)
class ReplayAddress:
    """A parsed replay:// address. speed: its seconds in one of ours; inf: as fast as it is read."""

    path: Path
    speed: float = 1.0


def parse_replay_address(url: str) -> ReplayAddress:
    """UsageError that names the part that is wrong and what is allowed."""
    name, _, query = url.removeprefix(SCHEME).partition("?")
    path = WINDOWS_DRIVE.sub("", unquote(name))
    if not path or "\0" in path:
        raise UsageError(f"{url!r} names no recording", EXAMPLE)
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise UsageError(f"an option stands twice in {url}", "Give each option once.")
    if unknown := sorted(options.keys() - {"speed"}):
        raise UsageError(f"unknown option {unknown[0]!r} in {url}", "Use: speed.")
    return ReplayAddress(Path(path), _speed(options.get("speed", "1")))


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not SLOWEST <= speed <= FASTEST:
        raise UsageError(
            f"speed {text!r} is no number from {SLOWEST:g} to {FASTEST:g}",
            "Use for instance speed=4, or speed=max for as fast as it can be read.",
        )
    return speed


class Pace(Protocol):
    """How a replay's time goes by, us since it was opened."""

    def now_us(self) -> int: ...

    def sleep_until(self, moment_us: int) -> None: ...


class WallPace:
    """`speed` times as fast as the clock on the wall."""

    def __init__(self, speed: float, wall: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._speed, self._wall, self._sleep = speed, wall, sleep
        self._opened_at = wall()

    def now_us(self) -> int:
        return int((self._wall() - self._opened_at) * self._speed * 1e6)

    def sleep_until(self, moment_us: int) -> None:
        while (left_us := moment_us - self.now_us()) > 0:
            self._sleep(left_us / 1e6 / self._speed)


class FreePace:
    """Goes by only where somebody waits for it."""

    def __init__(self) -> None:
        self._now_us = 0

    def now_us(self) -> int:
        return self._now_us

    def sleep_until(self, moment_us: int) -> None:
        self._now_us = max(self._now_us, moment_us)


class ReplayTransport:
    """A byte pipe to a ReplayBoard; see link.transport.Transport for the contract.

    While it is closed the board goes on, and what it says then is lost; `reopen` opens it again, as a port.
    """

    def __init__(self, recording: Recording, pace: Pace) -> None:
        self._board = ReplayBoard(playback(recording))
        self._path = recording.path
        self._pace = pace
        self._incoming = bytearray()  # no local variable: Ctrl-C comes while the pace sleeps
        self._is_open = True

    @property
    def name(self) -> str:
        return f"recording {self._path.name}"

    def now(self) -> float:
        """Seconds of the played device since it was opened."""
        return self._pace.now_us() / 1e6

    def read(self, timeout_s: float) -> bytes:
        """What the board wrote, as soon as there is some; b"" after the time-out, in its seconds."""
        deadline_us = self._pace.now_us() + int(timeout_s * 1e6)
        while True:
            self._listen()
            if self._incoming or self._pace.now_us() >= deadline_us:
                return self._taken()
            self._pace.sleep_until(min(deadline_us, self._board.next_us()))

    def write(self, data: bytes) -> None:
        """What is said to a recording that is cut off goes nowhere; LinkLost once all of it was read."""
        self._listen()
        self._incoming += self._board.hear(data)

    def operator_may_begin(self) -> None:
        """The hand that held the needle has done so long ago."""

    def wait(self, seconds: float) -> None:
        """What the board writes meanwhile is read later, as from the driver of a real port."""
        self._pace.sleep_until(self._pace.now_us() + int(seconds * 1e6))
        if self._is_open:
            self._incoming += self._board.run_until(self._pace.now_us())

    def reopen(self) -> None:
        """What had come and was not read, and what the board said while it was closed, is lost.

        LinkLost, for good, where the recording was cut off.
        """
        self._board.run_until(self._pace.now_us())
        self._incoming.clear()
        self._refuse_behind_the_cut()
        self._is_open = True

    def close(self) -> None:
        self._is_open = False

    def _listen(self) -> None:
        if not self._is_open:
            raise LinkLost(f"the {self.name} is closed", "Open the address again.")
        self._incoming += self._board.run_until(self._pace.now_us())
        if not self._incoming:
            self._refuse_behind_the_cut()

    def _refuse_behind_the_cut(self) -> None:
        if self._board.is_cut_off:
            raise LinkLost(f"the {self.name} was cut off here", "What came until here is all that there is.")

    def _taken(self) -> bytes:
        data = bytes(self._incoming)
        self._incoming.clear()
        return data


def open_replay(
    url: str, wall: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> ReplayTransport:
    """The transport behind a replay:// address. RecordingError where the file is none of ours.

    Of a journal that was closed in the meantime (a program that starts does so), its Parquet.
    """
    address = parse_replay_address(url)
    pace = FreePace() if math.isinf(address.speed) else WallPace(address.speed, wall, sleep)
    closed = parquet_path(address.path)
    is_closed = not address.path.exists() and closed.exists()
    return ReplayTransport(read_recording(closed if is_closed else address.path), pace)
