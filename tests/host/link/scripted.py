"""A transport that answers by the book, on its own clock: no thread, no sleep."""

from collections import deque
from collections.abc import Callable
from typing import Any

from popsense.errors import LinkLost, PortError
from popsense_protocol.codec import Packet, decode, encode, schema_hash
from popsense_protocol.framing import FrameDecoder, decode_frame, encode_frame
from popsense_protocol.packets import PROTOCOL_VERSION

Answer = Callable[[Packet], list[bytes]]
RUN = 500
ZEROS = {"run": RUN, "next_sample": 0, "next_event": 0, "missed": 0}


def channel(unit: str) -> dict[str, object]:
    return {
        "unit": unit,
        "bits": 24,
        "fitted": 1,
        "settle_samples": 0,
        "zero_counts": 0,
        "nano_units_per_count": 1,
    }


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


def answer_frame(name: str, command: int, request: int, **changed: Any) -> bytes:
    """ACK or NAK with some fields changed; the board samples."""
    if name == "NAK":
        defaults: dict[str, Any] = {"run": RUN, "reason": "malformed", "first_kept": 0}
    else:
        defaults = ZEROS | {"state": "sampling", "ticks_us": 0}
    fields = defaults | changed
    return encode_frame(encode(name, command=command, request=request, reserved=0, **fields))


def ack(command: Packet, next_sample: int = 0, next_event: int = 0, **changed: Any) -> bytes:
    """ACK with the command's own request number; idle behind STOP."""
    state = "idle" if command.name == "STOP" else "sampling"
    fields = {"state": state, "next_sample": next_sample, "next_event": next_event} | changed
    return answer_frame("ACK", command.fields.type, command.fields.get("request", 0), **fields)


def nak(command: Packet, reason: str, **changed: Any) -> bytes:
    request = command.fields.get("request", 0)
    return answer_frame("NAK", command.fields.type, request, reason=reason, **changed)


def block(first: int, count: int, run: int = RUN) -> bytes:
    """SAMPLE_BLOCK whose samples say their index."""
    samples = [{"force_and_flags": (first + k) & 0xFFFFFF, "depth": 0, "pressure": 0} for k in range(count)]
    fields = {"run": run, "missed": 0, "first_sample": first % 2**32, "first_ticks_us": 0}
    return encode_frame(encode("SAMPLE_BLOCK", samples=samples, **fields))


def event(number: int, run: int = RUN) -> bytes:
    zero = dict.fromkeys(("sample_index", "ticks_us", "peak_counts", "level_counts", "drop_permille"), 0)
    last = {"advance_counts": 0, "duration_us": 0, "detector_version": 2, "basis": 3, "reserved": 0}
    return encode_frame(encode("EVENT", kind="contact", number=number, run=run, **zero, **last))


def fault(code: str, run: int = RUN) -> bytes:
    fields = {"raised": 1, "number": 0, "next_sample": 0, "ticks_us": 0, "value": 0}
    return encode_frame(encode("FAULT", code=code, run=run, **fields))


def status(next_sample: int, next_event: int, run: int = RUN, state: str = "sampling") -> bytes:
    counts = ZEROS | {"run": run, "next_sample": next_sample, "next_event": next_event}
    own = {"uptime_ms": 0, "overruns": 0, "bad_frames": 0, "heap_free_bytes": 0}
    return encode_frame(encode("STATUS", state=state, **counts, **own))


def opened(frame: bytes) -> Packet:
    """The packet in one frame."""
    payload = decode_frame(frame[:-1])
    assert payload is not None
    return decode(payload)


class ScriptedTransport:
    """Gives `incoming` chunk by chunk, then what `answer` says to each command. `log` has both ways.

    gone: every use but reopen is a lost link. reopens: what becomes of each further reopen, an error or the
    bytes that come then; where none is left, what `hello` says.
    """

    name = "scripted board"

    def __init__(self, *incoming: bytes, answer: Answer = lambda command: [ack(command)]) -> None:
        self.incoming = deque(incoming)
        self.answer = answer
        self.commands: list[Packet] = []
        self.log: list[str] = []
        self.gone = False
        self.reopens: deque[bytes | LinkLost | PortError] = deque()
        self.waited_s = 0.0
        self._now_s = 0.0
        self._decoder = FrameDecoder()

    def now(self) -> float:
        return self._now_s

    def read(self, timeout_s: float) -> bytes:
        self.log.append("read")
        self._check()
        if self.incoming:
            return self.incoming.popleft()
        self._now_s += timeout_s
        return b""

    def write(self, data: bytes) -> None:
        self.log.append("write")
        self._check()
        for payload in self._decoder.feed(data):
            self.commands.append(decode(payload))
            self.incoming.extend(self.answer(self.commands[-1]))

    def operator_may_begin(self) -> None:
        self.log.append("begin")

    def wait(self, seconds: float) -> None:
        self.waited_s += seconds
        self._now_s += seconds

    def reopen(self) -> None:
        self.log.append("reopen")
        outcome = self.reopens.popleft() if self.reopens else hello()
        if not isinstance(outcome, bytes):
            raise outcome
        self.gone = False
        self.incoming.clear()
        self.incoming.append(outcome)

    def close(self) -> None:
        self.log.append("close")

    def commands_named(self, name: str) -> list[Packet]:
        return [command for command in self.commands if command.name == name]

    def asked(self) -> list[str]:
        """Names of the commands, those apart that the session gives by itself."""
        return [command.name for command in self.commands if command.name not in ("CLOCK", "RESEND")]

    def lose(self) -> list[bytes]:
        """The way goes with this command; nothing is answered."""
        self.gone = True
        return []

    def _check(self) -> None:
        if self.gone:
            raise LinkLost("the port is gone", "Plug it in.")
