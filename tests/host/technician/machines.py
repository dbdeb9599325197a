"""Boards and computers to play each failure on: no serial port, no clock on the wall."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from popsense.errors import PopsenseError
from popsense.link.transport import Transport
from popsense.technician.checks import Check
from popsense.technician.ports import MICROPYTHON, RASPBERRY_PI, Port
from popsense.technician.system import Access, System
from popsense_protocol.codec import TYPE_OF_NAME, Packet, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame
from tests.host.link.scripted import ack, hello, nak
from tests.host.technician.sampling_board import calibrated, calibration_frame, health_frame

PICO = Port("serial:///dev/ttyACM0", RASPBERRY_PI, MICROPYTHON, "E660", "Board in FS mode")
NAMED = Port("serial:///dev/ttyX", named=True)


def all_calibrated() -> Mapping[str, Any]:
    return dict.fromkeys(("force", "depth", "pressure"), calibrated(datetime.now(UTC).date()))


def identified(state: str = "idle") -> bytes:
    """ACK of IDENTIFY."""
    counts = {"next_sample": 0, "next_event": 0, "missed": 0, "ticks_us": 0}
    return encode_frame(
        encode("ACK", command=TYPE_OF_NAME["IDENTIFY"], request=0, run=7, state=state, **counts)
    )


class FakeBoard:
    """Says the same over and over; more once DTR was renewed, or after a carriage return.

    faults: codes that are present. records: of CALIBRATION, by sensor; those missing are empty; None: all
    were calibrated today.
    """

    name = "a fake board"

    def __init__(
        self,
        says: bytes = b"",
        after_dtr: bytes = b"",
        after_return: bytes = b"",
        has_dtr: bool = True,
        state: str = "idle",
        faults: tuple[int, ...] = (),
        records: Mapping[str, Any] | None = None,
        refuses: str = "",
    ) -> None:
        self.says = says
        self.after_dtr, self.after_return, self.has_dtr, self.state = after_dtr, after_return, has_dtr, state
        self.faults, self.refuses = faults, refuses
        self.records = all_calibrated() if records is None else records
        self.heard: list[str] = []
        self.written = b""
        self.closed = False
        self._answers: deque[bytes] = deque()
        self._now_s = 0.0
        self._decoder = FrameDecoder()

    def now(self) -> float:
        return self._now_s

    def read(self, timeout_s: float) -> bytes:
        self._now_s += 0.2 if self.says else timeout_s
        return self._answers.popleft() if self._answers else self.says

    def write(self, data: bytes) -> None:
        self.written += data
        if data == b"\r":
            self._answers.append(self.after_return)
        for payload in self._decoder.feed(data):
            self._answers.append(self._answer(decode(payload)))

    def _answer(self, command: Packet) -> bytes:
        """refuses: why every question but IDENTIFY is."""
        self.heard.append(command.name)
        if command.name == "IDENTIFY":
            return identified(self.state)
        if self.refuses:
            return nak(command, self.refuses, run=7)
        if command.name == "READ_HEALTH":
            assert not command.fields.options, "nobody asked for a self-test"
            told = health_frame(faults=sum(1 << code for code in self.faults))
        else:
            told = calibration_frame(command, self.records)
        return told + ack(command, state=self.state, run=7)

    def renew_dtr(self) -> bool:
        if self.has_dtr:
            self.says = self.says or self.after_dtr
        return self.has_dtr

    def wait(self, seconds: float) -> None:
        self._now_s += seconds

    def reopen(self) -> None:
        raise AssertionError("nobody opens a port twice here")

    def operator_may_begin(self) -> None:
        raise AssertionError("nobody samples here")

    def close(self) -> None:
        self.closed = True


class Together(FakeBoard):
    """Answers only when as many as `barrier` waits for have been opened."""

    def __init__(self, barrier: threading.Barrier) -> None:
        super().__init__(hello())
        self._barrier = barrier

    def read(self, timeout_s: float) -> bytes:
        if not self.written:
            self._barrier.wait(10)
        return super().read(timeout_s)


def opener(*boards: tuple[str, Transport | PopsenseError]) -> Callable[[str], Transport]:
    """Opens each address as this board, or refuses it with this error; others are healthy."""
    known = dict(boards)

    def open_url(url: str) -> Transport:
        found = known.get(url, FakeBoard(hello()))
        if isinstance(found, PopsenseError):
            raise found
        return found

    return open_url


def machine(
    *boards: tuple[str, Transport | PopsenseError],
    ports: tuple[Port, ...] = (),
    usb_ids: tuple[tuple[int, int], ...] = (),
    drives: tuple[Path, ...] = (),
    holders: tuple[str, ...] = (),
    access: Access = Access("dialout", True),  # noqa: B008 - frozen
    free_bytes: int = 10**10,
) -> System:
    """A computer with this much attached and nothing else."""
    return System(
        ports=lambda: ports,
        usb_ids=lambda: usb_ids,
        drives=lambda: drives,
        holders=lambda port: holders,
        access_to=lambda port: access,
        free_bytes=lambda folder: free_bytes,
        open_url=opener(*boards),
    )


def failures(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.outcome == "failed"]


def only_failure(checks: list[Check]) -> Check:
    (check,) = failures(checks)
    return check
