"""Some seconds of samples from an idle board, for whoever judges them. STOP is always sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from popsense.link.connection import Nobody
from popsense.link.session import Session
from popsense.model import FloatArray, IntArray, RawTrace
from popsense.recording.attempt import decoded
from popsense.recording.decode import decode_wire
from popsense.recording.stored import NO_STAMP


@dataclass(frozen=True)
class Sampled:
    """stamp_index, stamp_s: samples whose instant the board told, on raw.time_s's clock; shape (m,) each.

    overruns: samples that the board overwrote before they were sent, by its own count. bad_frames: that came.
    """

    raw: RawTrace
    stamp_index: IntArray
    stamp_s: FloatArray
    overruns: int = 0
    bad_frames: int = 0


def sample(session: Session, seconds: float) -> Sampled:
    """What the board samples meanwhile, in guided mode and whether it is calibrated or not.

    CommandRefused, LinkLost as of the session.
    """
    ear = _Ear()
    session.watch(ear)
    try:
        session.start("guided", uncalibrated=True)
        overruns = _listen(session, seconds)
    except BaseException:  # Ctrl-C too
        session.stop_quietly()  # why it failed at first is told by whoever raised
        raise
    finally:
        run = session.repair.run if session.repair else None
    session.stop()
    session.watch(None)
    return _sampled(ear.connections, run, overruns, session.hello.sample_rate_hz if session.hello else 0.0)


class _Ear(Nobody):
    """Keeps the bytes, those of each connection apart."""

    def __init__(self) -> None:
        self._parts = [bytearray()]

    @property
    def connections(self) -> list[bytes]:
        return [bytes(part) for part in self._parts]

    def wire(self, host_time_s: float, data: bytes) -> None:
        self._parts[-1] += data

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        if content["what"] == "connection":
            self._parts.append(bytearray())


def _listen(session: Session, seconds: float) -> int:
    """Overruns, as STATUS tells them."""
    overruns = 0
    until = session.transport.now() + seconds
    while session.transport.now() < until:
        for packet in session.receive():
            if packet.name == "STATUS":
                overruns = max(overruns, packet.fields.overruns)
    return overruns


def _sampled(connections: list[bytes], run: int | None, overruns: int, declared_hz: float) -> Sampled:
    stored = decode_wire(connections, run)
    raw = decoded(stored, declared_hz or 1.0).raw
    stamped = stored.stamp_us != NO_STAMP
    return Sampled(raw, stored.sample_index[stamped], raw.time_s[stamped], overruns, stored.bad_frames)
