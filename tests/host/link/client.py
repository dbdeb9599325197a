"""A client that does nothing by itself: what a test says goes out, what comes is kept in order."""

from collections.abc import Callable
from typing import Any

from popsense.link.transport import Transport
from popsense_protocol.codec import TYPE_OF_NAME, Packet, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.packets import START_UNCALIBRATED

Samples = dict[int, tuple[int, int, int]]
PATIENCE_S = 5.0  # on the transport's clock


class Client:
    """Over any transport. packets: everything that came."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.packets: list[Packet] = []
        self._decoder = FrameDecoder()
        self._request = 0

    def read(self, timeout_s: float = 0.1) -> list[Packet]:
        """What came within the time-out."""
        came = [decode(payload) for payload in self._decoder.feed(self.transport.read(timeout_s))]
        self.packets += came
        return came

    def until(self, is_wanted: Callable[[Packet], bool], patience_s: float = PATIENCE_S) -> Packet:
        """The first packet from now on that is."""
        deadline = self.transport.now() + patience_s
        while self.transport.now() < deadline:
            found = [packet for packet in self.read() if is_wanted(packet)]
            if found:
                return found[0]
        raise AssertionError(f"did not come; what came last: {[p.name for p in self.packets[-20:]]}")

    def until_came(self, is_enough: Callable[[list[Packet]], object], since: int = 0) -> list[Packet]:
        """Everything from packet number `since` on, as soon as that is enough."""
        deadline = self.transport.now() + PATIENCE_S
        while not is_enough(self.packets[since:]):
            assert self.transport.now() < deadline, f"not enough: {[p.name for p in self.packets[since:]]}"
            self.read()
        return self.packets[since:]

    def read_for(self, seconds: float) -> list[Packet]:
        """Everything that came meanwhile."""
        before, deadline = len(self.packets), self.transport.now() + seconds
        while self.transport.now() < deadline:
            self.read()
        return self.packets[before:]

    def say(self, payload: bytes) -> None:
        self.transport.write(b"\0" + encode_frame(payload))

    def ask(self, name: str, **fields: Any) -> Packet:
        """Sends a command; its ACK or NAK."""
        if name != "IDENTIFY" and "request" not in fields:
            self._request += 1
            fields["request"] = self._request
        self.say(encode(name, **fields))
        return self.answer(TYPE_OF_NAME[name], fields.get("request", 0))

    def answer(self, command: int, request: int) -> Packet:
        return self.until(
            lambda packet: (
                packet.name in ("ACK", "NAK")
                and (packet.fields.command, packet.fields.request) == (command, request)
            )
        )

    def connect(self) -> Packet:
        """HELLO, then IDENTIFY; its ACK."""
        self.until(lambda packet: packet.name == "HELLO")
        return self.ask("IDENTIFY")

    def start(self) -> Packet:
        return self.ask("START", mode="assessment", options=START_UNCALIBRATED)


def blocks_of(packets: list[Packet]) -> list[Any]:
    """Fields of the SAMPLE_BLOCKs."""
    return [packet.fields for packet in packets if packet.name == "SAMPLE_BLOCK"]


def samples_of(packets: list[Packet]) -> Samples:
    """Values by index; of a sample that came twice the later ones."""
    return {
        block.first_sample + k: (sample.force_and_flags, sample.depth, sample.pressure)
        for block in blocks_of(packets)
        for k, sample in enumerate(block.samples)
    }
