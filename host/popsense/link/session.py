"""The conversation with one board: HELLO, IDENTIFY, START, STOP; packets in between.

The host is silent until it has decoded a HELLO (console rule). Raw bytes go to the `tap` before anything
looks at them, so that a recording holds what came and not what was understood.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from popsense.errors import CommandRefused, LinkLost, NotOurDeviceError, ProtocolMismatch
from popsense.link.transport import Transport
from popsense_protocol import packets
from popsense_protocol.codec import TYPE_OF_NAME, Packet, PacketError, decode, encode, schema_hash
from popsense_protocol.framing import FrameDecoder, encode_frame

HELLO_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 1.0
TRIES = 3
READ_S = 0.1
SILENCE_S = 3.0  # HELLO and STATUS come every second at least

Tap = Callable[[float, bytes], None]

_REFUSALS = {
    "unknown_command": ("the board does not know this command", "Update its firmware."),
    "malformed": ("the board could not read the command", "Update its firmware."),
    "not_identified": ("the board wants IDENTIFY first", "Open the session again."),
    "already_sampling": (
        "the board is sampling already",
        "Wait for the other program to stop, or unplug the board.",
    ),
    "not_sampling": ("the board is not sampling", "Start an attempt first."),
    "sensor_fault": ("the force sensor does not answer", "Check the cable between board and load cell."),
}


@dataclass(frozen=True)
class Hello:
    """What the board says of itself. Rates in samples/s; ids as hex text; `fields` is the whole packet."""

    firmware_version: str
    interpreter: str
    board_id: str
    boot_id: str
    sample_rate_hz: float
    detector_version: int
    calibration_id: int
    fields: Any


class Session:
    """One open conversation; make it with `connect`."""

    def __init__(self, transport: Transport, tap: Tap | None = None) -> None:
        self.transport = transport
        self.tap = tap
        self._decoder = FrameDecoder()
        self._pending: deque[Packet] = deque()
        self._request = 0
        self._heard_at = transport.now()
        self._next_sample = 0
        self.undecodable = 0
        self.hello: Hello | None = None

    @property
    def bad_frames(self) -> int:
        """Frames and packets that came damaged, since the session began."""
        return self._decoder.bad_frames + self.undecodable

    def connect(self) -> Hello:
        """Waits for HELLO, checks version and schema, identifies.

        NotOurDeviceError where none comes, ProtocolMismatch where the board speaks another version.
        """
        heard = False
        deadline = self.transport.now() + HELLO_TIMEOUT_S
        while self.transport.now() < deadline:
            data = self._read(READ_S)
            heard = heard or bool(data)
            for packet in self._packets(data):
                if packet.name == "HELLO":
                    self.hello = _hello(packet.fields)
                    self._command("IDENTIFY")
                    return self.hello
        raise _not_ours(self.transport.name, heard)

    def start(self, mode: str) -> None:
        """Sampling begins; sample index and event number from 0. CommandRefused on NAK.

        A board that still samples for a program that died is stopped first: the port is ours alone.
        """
        self._command_idle("START", mode=mode)

    def _command_idle(self, name: str, **fields: Any) -> None:
        try:
            self._command(name, **fields)
        except CommandRefused as refusal:
            if refusal.reason != "already_sampling":
                raise
            self.stop()
            self._command(name, **fields)

    def set_profile(self, profile: Mapping[str, int]) -> None:
        """Site and device for the board's detector, before an attempt; fields of PROFILE by name.

        A board that still samples for a program that died is stopped first, as by `start`.
        """
        self._command_idle("PROFILE", **profile)

    def stop(self) -> tuple[int, int]:
        """Sampling ends; (samples taken, events found) by the board's own count."""
        fields = self._command("STOP")
        return fields.next_sample, fields.next_event

    def receive(self, timeout_s: float = READ_S) -> Iterator[Packet]:
        """Packets that came within the time-out, those that waited behind a command first.

        LinkLost where the board restarted, or was silent for longer than SILENCE_S.
        """
        while self._pending:
            yield self._pending.popleft()
        yield from self._packets(self._read(timeout_s))
        if self.transport.now() - self._heard_at > SILENCE_S:
            raise LinkLost(
                f"the board has been silent for {SILENCE_S:g} s", "Check the cable, then start again."
            )

    def _command(self, name: str, **fields: Any) -> Any:
        """Sends until ACK or NAK comes; the same request number, so that the board does it once."""
        if name != "IDENTIFY":
            self._request = self._request % 0xFFFF + 1
            fields["request"] = self._request
        frame = encode_frame(encode(name, **fields))
        for _ in range(TRIES):
            self.transport.write(frame)
            answer = self._await_answer(TYPE_OF_NAME[name], fields.get("request", 0))
            if answer is not None:
                return answer
        raise LinkLost(f"no answer to {name}", "Check the cable, then open the board again.")

    def _await_answer(self, command: int, request: int) -> Any:
        deadline = self.transport.now() + ANSWER_TIMEOUT_S
        while self.transport.now() < deadline:
            answer = None
            for packet in self._packets(self._read(READ_S)):
                if packet.name in ("ACK", "NAK") and (packet.fields.command, packet.fields.request) == (
                    command,
                    request,
                ):
                    answer = packet
                    if command == TYPE_OF_NAME["START"]:
                        self._pending.clear()  # what came before belongs to no attempt of ours
                else:
                    self._pending.append(packet)
            if answer is not None:
                return _accepted(answer)
        return None

    def _read(self, timeout_s: float) -> bytes:
        data = self.transport.read(timeout_s)
        if data:
            self._heard_at = self.transport.now()
            if self.tap is not None:
                self.tap(self._heard_at, data)
        return data

    def _packets(self, data: bytes) -> Iterator[Packet]:
        for payload in self._decoder.feed(data):
            _check_version(payload)
            try:
                packet = decode(payload)
            except PacketError:
                self.undecodable += 1
                continue
            self._notice(packet)
            yield packet

    def _notice(self, packet: Packet) -> None:
        """How far the samples came, and whether this is still the board's same run."""
        if packet.name == "SAMPLE_BLOCK":
            self._next_sample = packet.fields.first_sample + packet.fields.count
        elif packet.name == "HELLO" and self.hello is not None:
            self._refuse_a_restart(_hello(packet.fields).boot_id)

    def _refuse_a_restart(self, boot_id: str) -> None:
        if self.hello is None or boot_id == self.hello.boot_id:
            return
        where = f"after sample {self._next_sample - 1}" if self._next_sample else "before the first sample"
        raise LinkLost(f"the board restarted or lost power {where}", "Check its supply, then start again.")


def _accepted(answer: Packet) -> Any:
    if answer.name == "NAK":
        reason = str(answer.fields.reason)
        raise CommandRefused(*_REFUSALS[reason], reason)
    return answer.fields


def _check_version(payload: bytes) -> None:
    """HELLO's version and schema hash stand at fixed places in every version (protocol/README.md)."""
    if payload[0] != TYPE_OF_NAME["HELLO"] or len(payload) < 8:
        return
    version, schema = int.from_bytes(payload[2:4], "little"), int.from_bytes(payload[4:8], "little")
    ours = packets.PROTOCOL_VERSION
    if version != ours:
        older = "the board's firmware" if version < ours else "this program"
        raise ProtocolMismatch(
            f"the board speaks protocol {version}, this program {ours}", f"Update {older}."
        )
    if schema != schema_hash():
        message = f"the board's packet layout {schema:08X} is not ours, {schema_hash():08X}"
        raise ProtocolMismatch(message, "Install firmware and program of the same release.")


def _hello(fields: Any) -> Hello:
    return Hello(
        firmware_version=".".join(str(part) for part in fields.firmware_version),
        interpreter=fields.interpreter,
        board_id=fields.board_id.hex(),
        boot_id=f"{fields.boot_id:08x}",
        sample_rate_hz=fields.sample_rate_mhz / 1000,
        detector_version=fields.detector_version,
        calibration_id=fields.calibration_id,
        fields=fields,
    )


def _not_ours(name: str, heard: bool) -> NotOurDeviceError:
    if heard:
        return NotOurDeviceError(
            f"something answers on {name}, but no popsense board",
            "Choose another port, or install the firmware.",
        )
    return NotOurDeviceError(
        f"no board answers on {name}", "Check port and cable (some only charge), or install the firmware."
    )
