"""A transport between the host and a powered simulated board, on which things go wrong at given moments.

It stands for cable, driver and port: bytes that the host has not read yet stay in the driver's buffer; with
the port closed the board's DTR is off and it discards what it would send; a host that does not read leaves
the board writing into a full FIFO.
"""

import random
from collections import deque

from popsense.errors import LinkLost
from popsense.twin.board import usb
from popsense.twin.sim_board import SimBoard
from popsense_protocol.codec import TYPE_OF_NAME
from popsense_protocol.framing import FrameDecoder
from tests.campaign.damage import damaged, left_over
from tests.campaign.moments import CONNECTING_S, script_span_s
from tests.campaign.plan import BYTE_KINDS, CLOSING, COMMAND_OF, POWER_KINDS, Fault
from tests.campaign.second_host import STEP_S, its_commands

OPEN = usb.FLAG_DTR | usb.FLAG_READING
CUT_WRITE_S = 0.5  # a write that the host does not read is given up after so long
NEVER_US = 1 << 62


class FaultyTransport:
    """link.transport.Transport; `faults` come when their phase does.

    emitted: what the board wrote while somebody read. begun: the faults that came, with their time in s.
    outages_s: when nobody of ours could read, with power: (begin, end).
    """

    def __init__(
        self, board: SimBoard, faults: tuple[Fault, ...], rng: random.Random, quantum_us: int
    ) -> None:
        self.board = board
        self.name = "faulty simulated board"
        self.emitted = bytearray()
        self.begun: list[tuple[Fault, float]] = []
        self.outages_s: list[tuple[float, float]] = []
        self.power_went_us: int | None = None
        self._rng = rng
        self._quantum_us = quantum_us
        self._waiting = list(faults)
        self._damages: list[tuple[Fault, int]] = []
        self._theirs: deque[tuple[int, bytes]] = deque()  # of a second host, each at its time
        self._closed_until_us = 0
        self._occupied = False  # the port is closed to us, and another program reads it
        self._powered_from_us = 0
        self._bridged = False  # the port outlives the board's power
        self._begin = False
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._before = bytearray()  # what came before the port closed
        self._written: set[str] = set()
        self._answered: Fault | None = None  # comes in the middle of what is read next
        self._commands = FrameDecoder()

    # ---- the contract of a transport --------------------------------------------------------------------

    def now(self) -> float:
        return self.board.now_us / 1e6

    def read(self, timeout_s: float) -> bytes:
        self._check_there()
        deadline_us = self.board.now_us + int(timeout_s * 1e6)
        while True:
            self._pass(self._quantum_us)
            if not self._incoming:
                self._check_there()
            if self._incoming or self.board.now_us >= deadline_us:
                data = bytes(self._incoming)
                self._incoming.clear()
                return data

    def write(self, data: bytes) -> None:
        self._check_there()
        for payload in self._commands.feed(data):
            self._before_command(payload[0])
            self._check_there()
        self._outgoing += self._damaged(data, "to board")

    def operator_may_begin(self) -> None:
        self._begin = self.power_went_us is None  # else the attempt is over before the hand knows

    def wait(self, seconds: float) -> None:
        self._pass(int(seconds * 1e6))

    def reopen(self) -> None:
        self._check_there()
        self._outgoing.clear()
        self._incoming = self._before
        self._before = bytearray()

    def close(self) -> None:
        self.board.power_off()

    # ---- time -------------------------------------------------------------------------------------------

    def _check_there(self) -> None:
        if self.board.now_us < self._closed_until_us or not (self.board.is_powered or self._bridged):
            raise LinkLost("the port is gone", "Plug it in again.")

    def _pass(self, microseconds: int) -> None:
        """Lets time pass, with the faults that begin and end in it."""
        until_us = self.board.now_us + microseconds
        while self.board.now_us < until_us:
            self._begin_due()
            self._turn_power_on()
            now_us = self.board.now_us
            if now_us < until_us:
                ends = [until_us, *self._due_us(), self._closed_until_us, self._powered_from_us]
                ends += [at_us for at_us, _ in self._theirs]
                self._run(min(end for end in ends if end > now_us) - now_us)

    def _run(self, microseconds: int) -> None:
        """One exchange, in which nothing begins or ends."""
        closed = self.board.now_us < self._closed_until_us
        theirs = self._their_bytes()
        flags = OPEN if self._occupied or not closed else 0
        data = self._exchange(microseconds, (b"" if closed else bytes(self._outgoing)) + theirs, flags)
        if not closed:
            self._outgoing.clear()
            self._take_in(data)
        elif self.board.now_us >= self._closed_until_us:
            self._occupied = False

    def _exchange(self, microseconds: int, data: bytes, flags: int) -> bytes:
        if self._begin and self.board.is_powered:
            flags, self._begin = flags | usb.FLAG_BEGIN, False
        answer = self.board.run(microseconds, data, flags)
        self.emitted += answer
        return answer

    def _their_bytes(self) -> bytes:
        data = bytearray()
        while self._theirs and self._theirs[0][0] <= self.board.now_us:
            data += self._theirs.popleft()[1]
        return bytes(data)

    def _turn_power_on(self) -> None:
        if not self.board.is_powered and self.board.now_us >= self._powered_from_us:
            self.board.power_on()

    # ---- when -------------------------------------------------------------------------------------------

    def _due_us(self) -> list[int]:
        return [at_us for fault in self._waiting if (at_us := self._moment_us(fault)) is not None]

    def _moment_us(self, fault: Fault) -> int | None:
        """On the board's clock; None where its phase is not told by time, or not known yet."""
        if fault.phase == "connecting":
            return int(fault.at * CONNECTING_S * 1e6)
        if fault.phase in COMMAND_OF or self.board.origin_us is None:
            return None
        first_s, last_s = script_span_s(fault.phase, self.board.script.truth)
        return self.board.origin_us + int((first_s + fault.at * (last_s - first_s)) * 1e6)

    def _begin_due(self) -> None:
        for fault in list(self._waiting):
            moment_us = self._moment_us(fault)
            if moment_us is not None and moment_us <= self.board.now_us:
                self._begin_fault(fault)

    def _before_command(self, kind: int) -> None:
        """A fault of the phase that begins with this command: now, or in the middle of the answer."""
        for fault in list(self._waiting):
            is_its = TYPE_OF_NAME.get(COMMAND_OF.get(fault.phase, "")) == kind
            if not is_its or fault is self._answered:  # a command that is sent again
                continue
            later = fault.phase == "fetching" or (fault.answered and fault.way == "to host")
            if later and self._answered is None:
                self._answered = fault
            else:
                self._begin_fault(fault)

    # ---- what -------------------------------------------------------------------------------------------

    def _begin_fault(self, fault: Fault) -> None:
        self._waiting.remove(fault)
        self.begun.append((fault, self.now()))
        if fault.kind in BYTE_KINDS:
            self._damages.append((fault, self._end_us(fault)))
        elif fault.kind in POWER_KINDS:
            self._lose_power(fault)
        elif fault.kind in CLOSING:
            self._close_port(fault)
        elif fault.kind.startswith("second host"):
            self._meet_second_host(fault)
        else:
            self._stall(fault)

    def _end_us(self, fault: Fault) -> int:
        return self.board.now_us + int(fault.lasts_s * 1e6) if fault.lasts_s != float("inf") else NEVER_US

    def _stall(self, fault: Fault) -> None:
        """The whole host stands still; what it had not read waits in the driver, commands went out."""
        begin_s = self.now()
        self._exchange(int(fault.lasts_s * 1e6), bytes(self._outgoing), usb.FLAG_DTR)
        self._outgoing.clear()
        self.outages_s.append((begin_s, self.now()))

    def _close_port(self, fault: Fault) -> None:
        self._closed_until_us = self._end_us(fault)
        self._lose_buffers(fault)
        self.outages_s.append((self.now(), self._closed_until_us / 1e6))

    def _lose_buffers(self, fault: Fault) -> None:
        """The driver forgets what it had; something old may come first when the port is open again."""
        old = bytes(self.emitted[-4096:])
        at = self._rng.randrange(len(old) + 1)
        self._before = bytearray(old[at : at + fault.stale_bytes])
        self._incoming.clear()
        self._outgoing.clear()
        if fault.renamed:
            self.name = f"{self.name}'"

    def _lose_power(self, fault: Fault) -> None:
        self.power_went_us = self.board.now_us
        self._begin = False
        self.board.power_off()
        self._powered_from_us = self._end_us(fault)
        self._bridged = fault.same_pipe
        if not fault.same_pipe:
            self._lose_buffers(fault)

    def _meet_second_host(self, fault: Fault) -> None:
        commands = its_commands(fault.kind, self._rng)
        step_us = int(STEP_S * 1e6)
        self._theirs.extend((self.board.now_us + k * step_us, command) for k, command in enumerate(commands))
        if not fault.same_pipe:
            self._close_port(fault)
            self._occupied = True
        elif not commands:
            self._incoming.clear()  # it was quicker than we

    # ---- bytes ------------------------------------------------------------------------------------------

    def _take_in(self, data: bytes) -> None:
        fault = self._answered
        at = self._cut_at(fault, data) if fault is not None and data else 0
        self._incoming += self._damaged(data[:at] if at else data, "to host")
        if fault is not None and at:
            self._answered = None
            self._break_off(fault, data[at:])

    def _break_off(self, fault: Fault, tail: bytes) -> None:
        """The fault comes in the middle of what the board writes; `tail`: what follows."""
        if fault.kind in BYTE_KINDS:
            self._begin_fault(fault)
            self._incoming += self._damaged(tail, "to host")
            return
        read = bytes(self._incoming)
        self._incoming += _what_still_comes(tail, fault)
        self._begin_fault(fault)
        if fault.kind in CLOSING and self._rng.random() < 0.5:
            self._incoming[:0] = read  # the host was quicker; else the driver still had it

    def _cut_at(self, fault: Fault, data: bytes) -> int:
        """Where in the answer it comes: at 0 to 1 of it, behind the ACK where it is the fetching."""
        first = 0 if fault.phase != "fetching" else _behind_ack_of_stop(data)
        return 0 if first is None else min(len(data), first + 1 + int(fault.at * (len(data) - first)))

    def _damaged(self, data: bytes, way: str) -> bytes:
        for fault, end_us in list(self._damages):
            if fault.way != way or not data:
                continue
            if fault.count != 1 and self.board.now_us > end_us:
                self._damages.remove((fault, end_us))
                continue
            length = len(data)
            data = damaged(data, fault, self._rng)
            if fault.count:
                self._damages.remove((fault, end_us))
                rest = left_over(fault, length)
                self._damages += [(rest, end_us)] if rest else []
        return data


def _behind_ack_of_stop(data: bytes) -> int | None:
    decoder = FrameDecoder()
    at = 0
    for frame in data.split(b"\0"):
        at += len(frame) + 1
        for payload in decoder.feed(frame + b"\0"):
            if payload[:2] == bytes((TYPE_OF_NAME["ACK"], TYPE_OF_NAME["STOP"])):
                return at
    return None


def _what_still_comes(data: bytes, fault: Fault) -> bytes:
    if fault.kind.startswith("stall"):
        return _cut_by_stall(data, fault.lasts_s)
    theirs = fault.kind.startswith("second host") and fault.kind != "second host listens"
    return data if theirs and fault.same_pipe else b""


def _cut_by_stall(data: bytes, lasts_s: float) -> bytes:
    """The first 256 bytes are in the FIFO; each write that follows is cut after its time."""
    if lasts_s < CUT_WRITE_S:
        return data
    gone = data[usb.FIFO_BYTES :].split(b"\0")
    return data[: usb.FIFO_BYTES] + b"\0".join(gone[2 * int(lasts_s / CUT_WRITE_S) :])
