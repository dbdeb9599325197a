"""One open way to a board: packets in, commands out and their answers. A loss is the session's affair.

Raw bytes go to the witness before anything looks at them, so that a recording holds what came and not what
was understood.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from popsense.errors import CommandRefused, LinkLost
from popsense.link.hello import check_version
from popsense.link.transport import Transport
from popsense_protocol.codec import TYPE_OF_NAME, Packet, PacketError, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame

ANSWER_TIMEOUT_S = 1.0
TRIES = 3
READ_S = 0.1
FIRST_COMMAND = 0x40  # packet types from here on go to the board (protocol/README.md)

REFUSALS = {
    "unknown_command": ("the board does not know this command", "Update its firmware."),
    "malformed": ("the board could not read the command", "Update its firmware."),
    "not_identified": ("the board wants IDENTIFY first", "Open the session again."),
    "already_sampling": (
        "the board is sampling already",
        "Wait for the other program to stop, or unplug the board.",
    ),
    "not_sampling": ("the board is not sampling", "Start an attempt first."),
    "sensor_fault": ("the force sensor does not answer", "Check the cable between board and load cell."),
    "not_kept": ("the board no longer has what was asked for", "Go on: the hole is in the recording."),
    "no_calibration": (
        "the board has no calibration",
        "Calibrate it (popsense calibrate force, depth, pressure), "
        "or ask for an uncalibrated attempt: popsense record --uncalibrated.",
    ),
    "loaded": ("the load cell is not unloaded", "Take needle and hand off the bone, then tare again."),
    "noisy": ("the load cell is not at rest", "Put the bone on a firm table, then tare again."),
    "flash_failed": (
        "the board could not store it",
        "What it had before is still there; unplug the board, plug it in and try again.",
    ),
}


class Witness(Protocol):
    """Who keeps what happens on the link; a journal is one. Times in s on the transport's clock."""

    def wire(self, host_time_s: float, data: bytes) -> None:
        """Bytes as they came."""
        ...

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        """Something that the bytes do not tell, named by its "what"."""
        ...

    def tick(self, host_time_s: float) -> None:
        """Time has passed."""
        ...


class Nobody:
    """Keeps nothing."""

    def wire(self, host_time_s: float, data: bytes) -> None: ...

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None: ...

    def tick(self, host_time_s: float) -> None: ...


class Connection:
    """Packets of one transport, each shown to `notice` in the order of arrival. LinkLost as of the transport.

    heard_packets: packets of a board since the way was (re)opened. heard_at: when the last one came.
    bytes_at: when the last bytes did, which may be anything.
    """

    def __init__(self, transport: Transport, notice: Callable[[Packet], None]) -> None:
        self.transport = transport
        self.witness: Witness = Nobody()
        self.heard_at = self.bytes_at = transport.now()
        self.heard_packets = 0
        self.bad_frames = 0
        self.undecodable = 0
        self._notice = notice
        self._decoder = FrameDecoder()
        self._on_answer: Callable[[Packet], None] | None = None

    def now(self) -> float:
        return self.transport.now()

    def watch(self, witness: Witness | None) -> None:
        """From now on what happens goes there; None: nowhere."""
        self.witness = witness or Nobody()

    def note(self, what: str, **content: Any) -> None:
        self.witness.note(self.now(), {"what": what, **content})

    def reopen(self) -> None:
        """The way opened again: what had come of a frame is worth nothing."""
        self.transport.reopen()
        self._decoder = FrameDecoder()
        self.heard_packets = 0
        self.heard_at = self.now()
        self.note("connection", name=self.transport.name)

    def read(self, timeout_s: float = READ_S) -> bool:
        """Takes in what comes within the time-out; False where nothing did."""
        data = self.transport.read(timeout_s)
        now = self.now()  # before the witness, who may wait for a disk
        self.witness.tick(now)
        if data:
            self.bytes_at = now
            self.witness.wire(now, data)
            self._take(data)
        return bool(data)

    def send(self, name: str, **fields: Any) -> None:
        """One command. The 0x00 before it ends whatever noise the board may have heard."""
        self.transport.write(b"\0" + encode_frame(encode(name, **fields)))

    def command(self, name: str, **fields: Any) -> Any:
        """Sends until ACK or NAK comes; the same request number, so that the board does it once.

        CommandRefused on NAK, LinkLost where no answer comes.
        """
        wanted = (TYPE_OF_NAME[name], fields.get("request", 0))
        for _ in range(TRIES):
            self.send(name, **fields)
            answer = self._await_answer(*wanted)
            if answer is not None:
                return _accepted(answer)
        raise LinkLost(f"no answer to {name}", "Check the cable, then open the board again.")

    def _await_answer(self, command: int, request: int) -> Packet | None:
        found: list[Packet] = []

        def is_answer(packet: Packet) -> None:
            if packet.name in ("ACK", "NAK") and _is_of(packet, command, request):
                found.append(packet)

        self._on_answer = is_answer
        deadline = self.now() + ANSWER_TIMEOUT_S
        try:
            while not found and self.now() < deadline:
                self.read()
        finally:
            self._on_answer = None
        return found[0] if found else None

    def _take(self, data: bytes) -> None:
        before = self._decoder.bad_frames
        for payload in self._decoder.feed(data):
            check_version(payload)
            try:
                packet = decode(payload)
            except PacketError:
                self.undecodable += 1
                continue
            if TYPE_OF_NAME[packet.name] >= FIRST_COMMAND:
                continue  # an echo of ours: whoever sends it is no board that listens
            self.heard_packets += 1
            self.heard_at = self.bytes_at
            self._notice(packet)
            if self._on_answer is not None:
                self._on_answer(packet)
        self.bad_frames += self._decoder.bad_frames - before


def _is_of(answer: Packet, command: int, request: int) -> bool:
    """A board that could not read the command could not read its number either, and says 0."""
    fields = answer.fields
    unread = answer.name == "NAK" and fields.request == 0
    return fields.command == command and (fields.request == request or unread)


def _accepted(answer: Packet) -> Any:
    if answer.name == "NAK":
        reason = str(answer.fields.reason)
        raise CommandRefused(*REFUSALS[reason], reason)
    return answer.fields
