"""Free heap over ten simulated minutes on the unix port: START, sampling and STOP again and again.

That nothing allocates in between is proved under heap_lock in tests/firmware/test_heap_lock.py.
"""

from collections.abc import Mapping
from typing import Any

from popsense.link.session import Session
from popsense.procedure.detector_profile import detector_profile
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.sim_board import TwinAddress
from popsense.twin.transport import SimTransport
from popsense_protocol.codec import decode
from popsense_protocol.framing import FrameDecoder
from tests.benchmarks.report import Figure

CYCLES = 20
CYCLE_S = 30.0
FLAT_BYTES = 0


class _Listener:
    """A witness of the link that keeps what STATUS says of the heap."""

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self.free_bytes: list[int] = []

    def wire(self, host_time_s: float, data: bytes) -> None:
        for packet in map(decode, self._decoder.feed(data)):
            if packet.name == "STATUS":
                self.free_bytes.append(packet.fields.heap_free_bytes)

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        """Nothing of it is of interest."""

    def tick(self, host_time_s: float) -> None:
        """Time passes."""


def figures() -> list[Figure]:
    """Bytes, as measured by the board at each START."""
    free = free_bytes_at_starts()
    return [
        Figure("unix port: heap free at the first START", free[0], "B"),
        Figure(
            f"unix port: of it lost after {CYCLES * CYCLE_S / 60:g} min",
            free[1] - free[-1],
            "B",
            FLAT_BYTES,
            higher_is_better=False,
        ),
    ]


def free_bytes_at_starts() -> list[int]:
    """One figure a cycle; STATUS tells what was free behind START's collection."""
    transport = SimTransport(TwinAddress(ADULT_PROXIMAL_TIBIA, "expert", "powered", 1))
    try:
        session = Session(transport)
        session.connect()
        session.set_profile(detector_profile(ADULT_PROXIMAL_TIBIA, "powered"))
        return [_one_cycle(session, transport) for _ in range(CYCLES)]
    finally:
        transport.close()


def _one_cycle(session: Session, transport: SimTransport) -> int:
    listener = _Listener()
    session.watch(listener)
    session.start("guided", uncalibrated=True)
    transport.operator_may_begin()
    until_s = transport.now() + CYCLE_S
    while transport.now() < until_s:
        for _ in session.receive():
            pass
    session.stop()
    return listener.free_bytes[0]
