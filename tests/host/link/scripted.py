"""A transport that answers by the book, on its own clock: no thread, no sleep."""

from collections import deque
from collections.abc import Callable

from popsense_protocol.codec import Packet, decode, encode, schema_hash
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.packets import PROTOCOL_VERSION

Answer = Callable[[Packet], list[bytes]]


def channel(unit: str) -> dict[str, object]:
    return {"unit": unit, "bits": 24, "fitted": 1, "zero_counts": 0, "nano_units_per_count": 1}


def hello(**changed: object) -> bytes:
    """A HELLO frame, with some fields changed."""
    fields: dict[str, object] = {
        "reset_cause": "power_on",
        "protocol_version": PROTOCOL_VERSION,
        "schema_hash": schema_hash(),
        "firmware_version": [1, 2, 3],
        "options": 6,
        "detector_version": 2,
        "event_capacity": 64,
        "board_id": bytes(range(8)),
        "boot_id": 0xABC,
        "calibration_id": 0,
        "sample_rate_mhz": 988_500,
        "ring_samples": 8192,
        "force": channel("newton"),
        "depth": channel("millimetre"),
        "pressure": channel("kilopascal"),
        "interpreter": "scripted 1",
    }
    return encode_frame(encode("HELLO", **(fields | changed)))


def ack(command: Packet, next_sample: int = 0, next_event: int = 0) -> bytes:
    """ACK with the command's own request number."""
    request = command.fields.get("request", 0)
    kind = command.fields.type
    fields = {"command": kind, "request": request, "next_sample": next_sample, "next_event": next_event}
    return encode_frame(encode("ACK", **fields))


def nak(command: Packet, reason: str) -> bytes:
    request = command.fields.get("request", 0)
    return encode_frame(encode("NAK", command=command.fields.type, request=request, reason=reason))


class ScriptedTransport:
    """Gives `incoming` chunk by chunk, then what `answer` says to each command. `log` has both ways."""

    name = "scripted board"

    def __init__(self, *incoming: bytes, answer: Answer = lambda command: [ack(command)]) -> None:
        self.incoming = deque(incoming)
        self.answer = answer
        self.commands: list[Packet] = []
        self.log: list[str] = []
        self._now_s = 0.0
        self._decoder = FrameDecoder()

    def now(self) -> float:
        return self._now_s

    def read(self, timeout_s: float) -> bytes:
        self.log.append("read")
        if self.incoming:
            return self.incoming.popleft()
        self._now_s += timeout_s
        return b""

    def write(self, data: bytes) -> None:
        self.log.append("write")
        for payload in self._decoder.feed(data):
            self.commands.append(decode(payload))
            self.incoming.extend(self.answer(self.commands[-1]))

    def operator_may_begin(self) -> None:
        self.log.append("begin")

    def close(self) -> None:
        self.log.append("close")
