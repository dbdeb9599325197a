"""Frames out, frames in. Buffers made once; sending and receiving allocate nothing.

Policy: what is sent is not kept here (the rings of sampler and detector keep it). A write to a host that does
not read blocks for up to 500 ms and is then cut short; meanwhile the interrupt goes on sampling. A 0x00 goes
before each frame, so that the stump of a frame takes no other with it.
"""

from bone import framing, kernels

MAX_RECEIVED_BYTES = 192  # the longest command, with room for a longer one of a newer host to be refused
_CUT_MS = 450  # a write that took so long was cut short (after 500 ms): nobody reads
_WAITED_MS = 5  # the longest frame takes under 1 ms where the host reads


class Link:
    """One payload buffer to fill, one frame buffer to send, one buffer to receive into."""

    def __init__(self, board):
        self._board = board
        self._console = board.console
        self.heard = board.console.any  # True where a byte of the host waits
        self._table = bytearray(1024)
        framing.crc_table(self._table)
        self.payload = bytearray(kernels.BLOCK_SAMPLES * 8 + 64)
        self._frame = bytearray(len(self.payload) + 8)
        self._body = memoryview(self._frame)[1:]
        self.received = bytearray(MAX_RECEIVED_BYTES)
        self._filled = 0
        self._overlong = False
        self.bad_frames = 0
        self.cut_writes = 0
        self.deaf = False  # the latest write was cut
        self.waited_ms = 0  # in writes that a host kept waiting

    def send(self, count):
        """Puts the first `count` bytes of `payload` on the wire as one frame."""
        framing.crc_append(self.payload, count, self._table)
        length = framing.cobs_encode(self.payload, count + 4, self._body)
        board = self._board
        board.feed_watchdog()  # towards a deaf host a STOP sends for minutes
        began = board.ticks_ms()
        self._console.write(self._frame, length + 1)
        took_ms = board.ticks_diff(board.ticks_ms(), began)
        self.deaf = took_ms >= _CUT_MS
        if self.deaf:
            self.cut_writes += 1
        if took_ms >= _WAITED_MS:
            self.waited_ms += took_ms

    def send_copy(self, packet):
        """Sends a payload that was built elsewhere, word-aligned or not."""
        for i in range(len(packet)):
            self.payload[i] = packet[i]
        self.send(len(packet))

    def receive(self):
        """Reads what is there; returns the length of one payload in `received`, 0 for none yet."""
        console, left = self._console, MAX_RECEIVED_BYTES  # a flood must not keep the samples waiting
        while left and console.any():
            left -= 1
            byte = console.read_byte()
            if byte < 0:
                return 0
            if byte == 0:
                length = self._finish()
                if length:
                    return length
            elif self._filled < MAX_RECEIVED_BYTES:
                self.received[self._filled] = byte
                self._filled += 1
            else:
                self._overlong = True
        return 0

    def _finish(self):
        """Length of the payload that the delimiter completed, 0 if it is empty or damaged."""
        filled, overlong = self._filled, self._overlong
        self._filled, self._overlong = 0, False
        if not filled:
            return 0
        length = 0 if overlong else framing.cobs_decode(self.received, filled)
        if length > 4 and framing.crc_holds(self.received, length, self._table):
            return length - 4
        self.bad_frames += 1
        return 0
