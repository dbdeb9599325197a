"""What the board wrote, packet by packet, with the emulated time at which the host had each whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from popsense_protocol.codec import decode
from popsense_protocol.framing import FrameDecoder
from tests.emulated.usb_host import Arrival


@dataclass(frozen=True)
class Timed:
    """One packet and when its last byte came."""

    at_ns: float
    name: str
    fields: Any


def packets(arrivals: Iterable[Arrival]) -> list[Timed]:
    """In the order in which they came; damaged ones are left out."""
    decoder = FrameDecoder()
    return [
        Timed(arrival.at_ns, packet.name, packet.fields)
        for arrival in arrivals
        for packet in map(decode, decoder.feed(arrival.data))
    ]


def last(timed: Iterable[Timed], name: str) -> Timed:
    """The last packet of that name; IndexError without one."""
    return [packet for packet in timed if packet.name == name][-1]
