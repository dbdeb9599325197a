"""For a foreign client: a simulated board behind a bridge that loses frames, in lockstep with it."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from popsense.twin.transport import SimTransport, parse_address
from popsense_protocol.codec import TYPE_OF_NAME, decode
from popsense_protocol.framing import decode_frame
from popsense_protocol.generate import REPOSITORY
from tests.host.link.bridges import SIM

LOST_BLOCKS = 7  # of so many blocks one is lost, resent ones too
QUANTUM_S = 0.02  # with pace=real the board's time moves in such steps
START = TYPE_OF_NAME["START"]


class TurnTaking(socket.socket):
    """Lets the board's time go on only while the client waits for it, however slow this machine is."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = threading.Event()

    def recv(self, size: int, flags: int = 0) -> bytes:
        self.turn.set()
        return super().recv(size, flags)


class LossyWire:
    """What a bridge forwards to: a board, some of whose frames do not reach the host."""

    def __init__(self, board: SimTransport, turn: threading.Event) -> None:
        self._board = board
        self._turn = turn
        self._blocks = 0
        self._heard: set[tuple[str, int]] = set()
        self.operator_may_begin = False
        self.loses = True
        self.lost: Counter[str] = Counter()
        self.written = b""  # all that the board wrote

    def write(self, data: bytes) -> None:
        self._board.write(data)

    def read(self, timeout_s: float) -> bytes:
        if not self._turn.wait(0.005):
            return b""
        self._turn.clear()
        if self.operator_may_begin:
            self._board.operator_may_begin()  # in this thread, the only one that runs the board
            self.operator_may_begin = False
        data = self._board.read(0)
        self.written += data
        return b"".join(b"\0" + frame + b"\0" for frame in data.split(b"\0") if frame and self._passes(frame))

    def _passes(self, frame: bytes) -> bool:
        name, fields = decode(decode_frame(frame) or b"")
        lost = self.loses and self._is_lost(name, fields)
        self.lost[name] += lost
        return not lost

    def _is_lost(self, name: str, fields: Any) -> bool:
        """One block of LOST_BLOCKS; each event and the ACK of START when they come for the first time."""
        if name == "SAMPLE_BLOCK":
            self._blocks += 1
            return self._blocks % LOST_BLOCKS == 0
        if name == "EVENT":
            return self._is_first("EVENT", fields.number)
        return name == "ACK" and fields.command == START and self._is_first("START", START)

    def _is_first(self, what: str, number: int) -> bool:
        known = (what, number) in self._heard
        self._heard.add((what, number))
        return not known


@contextmanager
def powered() -> Iterator[SimTransport]:
    """The board of SIM in the short steps of pace=real, but without waiting for the wall clock."""
    board = SimTransport(parse_address(f"{SIM}&pace=real"), sleep=lambda _: None)
    try:
        yield board
    finally:
        board.close()


def version_on_the_page() -> tuple[int, int]:
    """Protocol version and schema hash, from the head of the packet tables of protocol/README.md."""
    page = (REPOSITORY / "protocol" / "README.md").read_text(encoding="utf-8")
    ((schema, version),) = re.findall(r"Schema hash `0x(\w{8})`, protocol version (\d+)", page)
    return int(version), int(schema, 16)
