"""The host's side of the emulated USB: bytes in and out with their times, and a host that does not read.

rp2040py answers every buffer that the board offers for reading at once with an empty packet, so an idle
console is a storm of interrupts (10 to 50 % of the processor). A real host says NAK until it has something:
here the buffer stays offered.
"""

from dataclasses import dataclass
from typing import Any

GATHER_NS = 50_000  # bytes written together leave in one packet; a full-speed frame is 1 ms


@dataclass(frozen=True)
class Arrival:
    """Bytes of one USB packet and when the host had them."""

    at_ns: float
    data: bytes


class UsbHost:
    """A program that has the port open. arrivals: everything it has read, in its order."""

    def __init__(self, cdc: Any, rp2040: Any) -> None:
        self.arrivals: list[Arrival] = []
        self.deaf = False
        self._cdc, self._usb, self._clock = cdc, rp2040.usb_ctrl, rp2040.clock
        self._outgoing = bytearray()
        self._offered_bytes = 0
        self._unread: list[Arrival] = []
        self._unfinished: list[int] = []
        self._gathered = self._clock.create_alarm(self._hand_over)
        cdc.on_serial_data = self._receive
        self._serve_control, self._usb.on_endpoint_read = self._usb.on_endpoint_read, self._offer
        self._finish, self._usb._indicate_buffer_ready = self._usb._indicate_buffer_ready, self._buffer_done
        self._forget, self._usb.on_reset = self._usb.on_reset, self._reset

    def write(self, data: bytes) -> None:
        """The board gets them as fast as it reads."""
        self._outgoing += data
        if self._offered_bytes:
            self._gathered.schedule(GATHER_NS)

    def text(self) -> str:
        """All that came, as text."""
        return b"".join(arrival.data for arrival in self.arrivals).decode("latin-1").replace("\r\n", "\n")

    def stop_reading(self) -> None:
        """From now on the board's packets stay in its buffers; one that is under way is kept back."""
        self.deaf = True

    def read_again(self) -> None:
        """What was kept back arrives now."""
        self.deaf = False
        now_ns = self._clock.nanos
        self.arrivals += [Arrival(now_ns, arrival.data) for arrival in self._unread]
        self._unread.clear()
        unfinished, self._unfinished = self._unfinished, []
        for endpoint in unfinished:
            self._finish(endpoint, False)

    def _receive(self, data: bytes | bytearray) -> None:
        arrival = Arrival(self._clock.nanos, bytes(data))
        (self._unread if self.deaf else self.arrivals).append(arrival)

    def _buffer_done(self, endpoint: int, out: bool) -> None:
        if self.deaf and not out and endpoint == self._cdc._in_endpoint:
            self._unfinished.append(endpoint)
        else:
            self._finish(endpoint, out)

    def _offer(self, endpoint: int, size: int) -> None:
        if endpoint != self._cdc._out_endpoint or self._cdc._pending_line_coding is not None:
            self._serve_control(endpoint, size)
            return
        self._offered_bytes = size
        if self._outgoing:
            self._gathered.schedule(GATHER_NS)

    def _hand_over(self) -> None:
        if not (self._offered_bytes and self._outgoing):
            return
        packet = bytes(self._outgoing[: self._offered_bytes])
        del self._outgoing[: len(packet)]
        self._offered_bytes = 0
        self._usb.endpoint_read_done(self._cdc._out_endpoint, packet)

    def _reset(self) -> None:
        """The board dropped off the bus."""
        self._offered_bytes = 0
        self._unfinished.clear()
        self._forget()
