"""A client that was written from protocol/README.md alone records the same samples as ours.

The first part is that client: struct, socket and zlib, nothing of ours. Who looks at our code to mend it adds
to the page what was missing there. The second part gives it a simulated board behind a lossy TCP bridge.
"""

import random
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from popsense.link.session import Session
from popsense.recording.decode import decode_wire
from popsense.twin.transport import SimTransport
from popsense_protocol import packets
from popsense_protocol.layouts import SAMPLE_DTYPE
from tests.conftest import Require
from tests.end_to_end.lossy_bridge import QUANTUM_S, LossyWire, TurnTaking, powered, version_on_the_page
from tests.host.link.bridges import behind_tcp, simulated

pytestmark = pytest.mark.slow  # 5 s

# ---- the client ------------------------------------------------------------------------------------------

HELLO, SAMPLE_BLOCK, EVENT, STATUS, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
IDENTIFY, START, STOP, RESEND, CLOCK = 0x41, 0x42, 0x43, 0x45, 0x46
SAMPLES, EVENTS = 0, 1
NO_CALIBRATION, NOT_KEPT, START_UNCALIBRATED = 8, 7, 0x01
HELLO_TIMEOUT_S, ANSWER_TIMEOUT_S, TRIES = 3.0, 1.0, 3


def cobs_encoded(data: bytes) -> bytes:
    """Of a command: none is so long that a group of code 255 could occur."""
    return b"".join(bytes([len(part) + 1]) + part for part in data.split(b"\0"))


def cobs_decoded(frame: bytes) -> bytes | None:
    data = bytearray()
    at = 0
    while at < len(frame):
        code = frame[at]
        if code == 0 or at + code > len(frame):
            return None
        data += frame[at + 1 : at + code]
        at += code
        if code < 255 and at < len(frame):
            data.append(0)
    return bytes(data)


def framed(payload: bytes) -> bytes:
    return b"\0" + cobs_encoded(payload + struct.pack("<I", zlib.crc32(payload))) + b"\0"


def unframed(frame: bytes) -> bytes | None:
    body = cobs_decoded(frame)
    if body is None or len(body) < 5 or zlib.crc32(body[:-4]) != struct.unpack("<I", body[-4:])[0]:
        return None
    return body[:-4]


def difference(new: int, old: int, bits: int) -> int:
    """new - old of two numbers that wrap at 2^bits, between - 2^(bits - 1) and 2^(bits - 1)."""
    half = 1 << (bits - 1)
    return ((new - old + half) & ((1 << bits) - 1)) - half


@dataclass(frozen=True)
class Answer:
    """ACK or NAK. reason: 0 for ACK."""

    command: int
    request: int
    run: int
    reason: int = 0
    first_kept: int = 0
    next_sample: int = 0
    next_event: int = 0
    ticks_us: int = 0


def answered(payload: bytes) -> Answer:
    if payload[0] == NAK:
        _, command, request, run, reason, _, first_kept = struct.unpack("<BBHHBBI", payload)
        return Answer(command, request, run, reason=reason, first_kept=first_kept)
    _, command, request, run, _, _, sample, event, _, ticks = struct.unpack("<BBHHBBIIII", payload)
    return Answer(command, request, run, next_sample=sample, next_event=event, ticks_us=ticks)


Kept = dict[int, bytes]


class RefusedError(Exception):
    """A command was refused; `answer` is the NAK."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused: {answer}")
        self.answer = answer


@dataclass
class Stretch:
    """What RESEND asked for: samples by index or events by number, until when to wait for it."""

    what: int
    request: int
    wanted: range
    until_s: float


@dataclass
class SecondClient:
    """One board at the other end of a TCP connection. now: seconds by which time-outs count.

    have, end, missing, gone and asked are for SAMPLES and for EVENTS: what came, how far the run is known to
    go, what of that has not come, what the device no longer has, what is being waited for.
    """

    wire: socket.socket
    version: tuple[int, int]  # protocol version and schema hash, from the head of the packet tables
    now: Callable[[], float]
    hello: bytes = b""
    run: int | None = None
    have: tuple[Kept, Kept] = field(default_factory=lambda: ({}, {}))
    end: list[int] = field(default_factory=lambda: [0, 0])
    missing: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    gone: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    asked: list[Stretch | None] = field(default_factory=lambda: [None, None])
    ticks_us: dict[int, int] = field(default_factory=dict[int, int])  # of the first sample of each block
    resends: int = 0
    buffer: bytes = b""
    request: int = field(default_factory=lambda: random.randrange(1, 60000))

    def connect(self) -> Answer:
        deadline_s = self.now() + HELLO_TIMEOUT_S
        while not self.hello:
            assert self.now() < deadline_s, "no HELLO"
            self.listen()
        return self.command(struct.pack("<B8s", IDENTIFY, b"popsense"), 0)

    def start(self, options: int) -> None:
        self.run = self.command(*self.numbered("<BBHB", START, 1, options)).run

    def stop(self) -> None:
        answer = self.command(*self.numbered("<BBH", STOP, 0))
        self.know(SAMPLES, answer.next_sample)
        self.know(EVENTS, answer.next_event)

    def clock(self) -> tuple[float, int, float]:
        """Host time, device ticks in us, host time."""
        sent_s = self.now()
        ticks_us = self.command(*self.numbered("<BBH", CLOCK, 0)).ticks_us
        return sent_s, ticks_us, self.now()

    def follow(self) -> None:
        """Takes what comes and asks for what is missing, one stretch of each kind at a time."""
        self.listen()
        for what in (SAMPLES, EVENTS):
            asked = self.asked[what]
            if asked and self.now() < asked.until_s and not self.missing[what].isdisjoint(asked.wanted):
                continue
            self.asked[what] = None
            if self.missing[what]:
                self.ask(what)

    def ask(self, what: int) -> None:
        """RESEND of the oldest stretch that is missing."""
        missing = self.missing[what]
        first = min(missing)
        count = next(n for n in range(1, len(missing) + 1) if first + n not in missing)
        (rate_mhz,) = struct.unpack_from("<I", self.hello, 32)
        payload, request = self.numbered("<BBHHHII", RESEND, what, self.run, 0, first % 2**32, count)
        until_s = self.now() + count * 1000 / rate_mhz + 1.0
        self.asked[what] = Stretch(what, request, range(first, first + count), until_s)
        self.resends += 1
        try:
            self.command(payload, request)
        except RefusedError as error:
            if error.answer.reason != NOT_KEPT:
                raise

    def know(self, what: int, end: int) -> None:
        """The run goes on to `end` at least: what has not come is missing."""
        self.missing[what].update(range(self.end[what], end))
        self.end[what] = max(self.end[what], end)

    def keep(self, what: int, number: int, data: bytes) -> None:
        self.know(what, number + 1)
        self.have[what][number] = data
        self.missing[what].discard(number)

    def listen(self) -> list[Answer]:
        """Takes every packet that has come; the answers among them."""
        try:
            self.buffer += self.wire.recv(4096)
        except TimeoutError:
            return []
        *frames, self.buffer = self.buffer.split(b"\0")
        payloads = [payload for frame in frames if (payload := unframed(frame)) is not None]
        return [answer for payload in payloads if (answer := self.take(payload)) is not None]

    def take(self, payload: bytes) -> Answer | None:
        kind = payload[0]
        if kind == HELLO:
            self.take_hello(payload)
        elif kind == SAMPLE_BLOCK:
            self.take_block(payload)
        elif kind == EVENT and struct.unpack_from("<H", payload, 36)[0] == self.run:
            self.keep(EVENTS, struct.unpack_from("<I", payload, 4)[0], payload)
        elif kind == STATUS and struct.unpack_from("<H", payload, 2)[0] == self.run:
            self.know(EVENTS, struct.unpack_from("<I", payload, 20)[0])
        elif kind in (ACK, NAK):
            answer = answered(payload)
            self.note_refused_resend(answer)
            return answer
        return None

    def take_hello(self, payload: bytes) -> None:
        assert struct.unpack_from("<HI", payload, 2) == self.version, "another version of the protocol"
        assert not self.hello or payload[24:28] == self.hello[24:28], "the board restarted"
        self.hello = payload

    def take_block(self, payload: bytes) -> None:
        _, count, run, _, first, ticks_us = struct.unpack_from("<BBHIII", payload)
        if run != self.run or len(payload) != 16 + 8 * count:
            return
        first = self.end[SAMPLES] + difference(first, self.end[SAMPLES], 32)
        self.ticks_us[first] = ticks_us
        for k in range(count):
            self.keep(SAMPLES, first + k, payload[16 + 8 * k : 24 + 8 * k])

    def note_refused_resend(self, answer: Answer) -> None:
        """Also where it comes behind an ACK: what lies before first_kept is gone, the rest still comes."""
        for asked in self.asked:
            if asked and answer.reason == NOT_KEPT and answer.request == asked.request:
                gone = {k for k in asked.wanted if k < answer.first_kept} & self.missing[asked.what]
                self.gone[asked.what].update(gone)
                self.missing[asked.what].difference_update(gone)

    def numbered(self, layout: str, kind: int, second: int, *rest: int | None) -> tuple[bytes, int]:
        self.request += 1
        return struct.pack(layout, kind, second, self.request, *rest), self.request

    def command(self, payload: bytes, request: int) -> Answer:
        for _ in range(TRIES):
            self.wire.sendall(framed(payload))
            deadline_s = self.now() + ANSWER_TIMEOUT_S
            while self.now() < deadline_s:
                for answer in self.listen():
                    if (answer.command, answer.request) == (payload[0], request):
                        if answer.reason:
                            raise RefusedError(answer)
                        return answer
        raise AssertionError(f"no answer to 0x{payload[0]:02X}")


# ---- the board, the lossy way to it, and what it must come to --------------------------------------------

ATTEMPT_S = 8.0


@dataclass(frozen=True)
class Outcome:
    """What the client has after an attempt, and what it came through."""

    client: SecondClient
    board: SimTransport
    lossy: LossyWire
    clocks: list[tuple[float, int, float]]
    refusal: Answer

    @property
    def played(self) -> list[bytes]:
        return played(self.client.have[SAMPLES], self.client.ticks_us, self.board)


@pytest.fixture(scope="module")
def outcome(require: Require) -> Iterator[Outcome]:
    """An attempt up to the withdrawal, with losses on the way, and the rest fetched after STOP."""
    require("micropython")
    with TurnTaking() as wire, powered() as board, behind_tcp(lossy := LossyWire(board, wire.turn)) as url:
        host, port = url.removeprefix("socket://").split(":")
        wire.connect((host, int(port)))
        wire.settimeout(0.005)
        client = SecondClient(wire, version_on_the_page(), board.now)
        yield record(client, board, lossy)


def record(client: SecondClient, board: SimTransport, lossy: LossyWire) -> Outcome:
    client.connect()
    with pytest.raises(RefusedError) as refused:
        client.start(options=0)
    client.start(START_UNCALIBRATED)
    lossy.operator_may_begin = True
    clocks = [client.clock()]
    until_s = board.now() + ATTEMPT_S
    while board.now() < until_s:
        client.follow()
        if board.now() > clocks[-1][2] + 1.0:
            clocks.append(client.clock())
    client.stop()
    while any(client.missing):
        client.follow()
    return Outcome(client, board, lossy, clocks, refused.value.answer)


def test_a_start_without_calibration_is_refused_as_the_page_says(outcome: Outcome):
    assert outcome.client.hello[28:32] == bytes(4)
    assert outcome.refusal.reason == NO_CALIBRATION


def test_samples_and_events_were_lost_and_every_one_came_back(outcome: Outcome):
    client = outcome.client
    assert outcome.lossy.lost["SAMPLE_BLOCK"] > 20
    assert outcome.lossy.lost["EVENT"] >= 3
    assert outcome.lossy.lost["ACK"] == 1
    assert client.resends > 20
    assert client.gone == (set(), set())
    assert [sorted(have) for have in client.have] == [list(range(end)) for end in client.end]


def test_the_samples_are_those_that_our_own_reader_finds_in_all_that_the_board_wrote(outcome: Outcome):
    ours = decode_wire([outcome.lossy.written], outcome.client.run)
    theirs = [data for _, data in sorted(outcome.client.have[SAMPLES].items())]
    assert ours.taken == len(theirs) > 6000
    assert ours.samples.tobytes() == b"".join(theirs)
    kinds = [packets.EventKind.decmapping[data[1]] for _, data in sorted(outcome.client.have[EVENTS].items())]
    assert kinds == [str(event["kind"]) for event in ours.events]
    assert kinds[:2] == ["contact", "pop"]


def test_the_samples_are_those_of_the_script(outcome: Outcome):
    theirs, script = np.frombuffer(b"".join(outcome.played), SAMPLE_DTYPE), outcome.board.script
    count = len(theirs)
    assert 6000 < count <= len(script.force_counts)
    code = (theirs["force_and_flags"] & packets.FORCE_MASK).astype(np.int64) - packets.FORCE_OFFSET_COUNTS
    assert np.array_equal(code, script.force_counts[:count])
    assert np.array_equal(theirs["depth"], script.depth_codes[:count].sum(axis=1, dtype=np.int64))
    assert np.array_equal(theirs["pressure"], script.pressure_codes[:count].sum(axis=1, dtype=np.int64))


def played(samples: Kept, ticks_us: dict[int, int], board: SimTransport) -> list[bytes]:
    """Samples from the script's first one on, found by the stamps of blocks; 8 bytes each."""
    assert board.origin_us is not None
    first, first_us = min(ticks_us.items())
    late_us = difference(board.origin_us, first_us, 30)
    begin = first + round(late_us * 1000 / board.script.sample_period_ns)
    return [data for index, data in sorted(samples.items()) if index >= begin]


def test_our_own_session_gets_the_same_samples_from_the_same_address(outcome: Outcome):
    ours, theirs = recorded_by_our_host(), outcome.played
    count = min(len(ours), len(theirs))
    assert count > 6000
    assert ours[:count] == theirs[:count]


def recorded_by_our_host() -> list[bytes]:
    """The same from our own session, over no bridge and without a loss."""
    with simulated() as board:
        session = Session(board)
        session.connect()
        session.start("assessment", uncalibrated=True)
        board.operator_may_begin()
        blocks: list[Any] = []
        while board.now() < ATTEMPT_S:
            blocks += [packet.fields for packet in session.receive() if packet.name == "SAMPLE_BLOCK"]
        session.stop()
        stamps = {block.first_sample: block.first_ticks_us for block in blocks}
        samples = [packets.Sample.build(sample) for block in blocks for sample in block.samples]
        return played(dict(enumerate(samples)), stamps, board)


def test_the_clock_lies_between_the_two_ends_of_each_round_trip(outcome: Outcome):
    assert len(outcome.clocks) >= 5
    for sent_s, ticks_us, received_s in outcome.clocks:
        assert sent_s - QUANTUM_S <= ticks_us / 1e6 <= received_s + QUANTUM_S


def test_of_a_stretch_that_is_partly_gone_the_rest_comes_unasked(outcome: Outcome):
    """After STOP, to a client on the same wire that has nothing yet."""
    client = outcome.client
    outcome.lossy.loses = False
    (ring_samples,) = struct.unpack_from("<I", client.hello, 36)
    oldest = client.end[SAMPLES] - (ring_samples - 64)
    wanted = range(oldest + 300)
    assert oldest > 0
    late = SecondClient(client.wire, client.version, client.now, client.hello, client.run)
    late.know(SAMPLES, wanted.stop)
    while late.missing[SAMPLES]:
        late.follow()
    assert late.gone[SAMPLES] == set(wanted[:oldest])
    assert late.have[SAMPLES] == {k: client.have[SAMPLES][k] for k in wanted[oldest:]}
    assert late.resends == 1
