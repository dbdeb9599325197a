"""The session and the real firmware against each other, with everything between them that can go wrong.

What must hold whatever happens: nothing that the host has was invented or changed; all that the device took
is there or in a reported hole and never both; every call ends; an error is one of ours, for its own reason.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from popsense.errors import BoardRestarted, BoardTaken, LinkLost
from popsense.link.session import FETCH_S, RESUME_S, Session
from popsense.model import Stretch
from popsense_protocol.codec import Packet, encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import FORCE_MASK, START_UNCALIBRATED
from tests.host.link.board_in_process import BONE, KEPT, Board, Run, ShakyPort, Taken

PATIENCE_S = 8.0
LONGEST_S = PATIENCE_S * 2 + FETCH_S + 15.0  # no call takes longer, on the port's own clock
MARGIN = 2 * BONE.kernels.BLOCK_SAMPLES  # so much in front of the writer the device gives up as well
SURE_S = PATIENCE_S - RESUME_S - 1.0  # an outage this long is found again within the patience

seconds = st.floats(0.05, 3.0)
OTHERS = {
    "IDENTIFY": {},
    "CLOCK": {"request": 40_000},
    "RESEND": {"what": "samples", "request": 40_001, "run": 0, "first": 0, "count": 30},
}


class Notes:
    """A witness that keeps the notes."""

    def __init__(self) -> None:
        self.holes: list[Stretch] = []
        self.links: list[str] = []

    def wire(self, host_time_s: float, data: bytes) -> None: ...

    def tick(self, host_time_s: float) -> None: ...

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        if content["what"] == "hole":
            self.holes.append(Stretch(content["first_sample"], content["count"]))
        elif content["what"] == "link":
            self.links.append(content["state"])


class SessionMachine(RuleBasedStateMachine):
    """One example is a row of attempts on one board."""

    def __init__(self) -> None:
        super().__init__()
        self.over = True

    @initialize(ticks_us=st.sampled_from([0, 2**29, 2**30 - 5_000_000, 2**30 - 700_000]))
    def power_on(self, ticks_us: int) -> None:
        self.port = ShakyPort(Board(ticks_us))
        self.board = self.port.board
        self.begin()

    @precondition(lambda self: self.over)
    @rule()
    def begin(self) -> None:
        """A host that starts afresh, without noise: a first connect has one try."""
        self.port.from_board.waiting.clear()
        self.port.to_board.waiting.clear()
        self.port.wait(13.0)
        self.port.reopen()
        self.came: dict[int, Taken] = {}
        self.events: dict[int, int] = {}
        self.longest_outage_s = 0.0
        self.rebooted = self.other_host = self.over = False
        self.notes = Notes()
        self.session = Session(self.port, self.notes, PATIENCE_S)
        self.session.connect()
        self.session.start("guided", uncalibrated=True)
        self.run: Run = self.board.current()

    # ---- what the host does ------------------------------------------------------------------------------

    @precondition(lambda self: not self.over)
    @rule(duration=seconds)
    def read(self, duration: float) -> None:
        until = self.port.now() + duration
        while not self.over and self.port.now() < until:
            self._act(lambda: self._receive_all(0.1))

    @precondition(lambda self: not self.over)
    @rule()
    def stop(self) -> None:
        """After a second of samples, so that what was to go wrong has done so."""
        self.read(1.0)
        if not self.over:
            self._act(self._stop)
        self.over = True

    # ---- what goes wrong -----------------------------------------------------------------------------------

    @rule(
        to_board=st.booleans(),
        at=st.integers(0, 400),
        kind=st.sampled_from(["flip", "insert", "drop", "double"]),
        value=st.integers(1, 255),
    )
    def noise(self, to_board: bool, at: int, kind: str, value: int) -> None:
        way = self.port.to_board if to_board else self.port.from_board
        if len(way.waiting) < 6:
            way.waiting.append((at if not to_board else at % 40, kind, value))

    @rule(duration=st.floats(0.1, 7.0))
    def the_host_does_not_read(self, duration: float) -> None:
        self.port.stall(duration)

    @precondition(lambda self: not self.over)
    @rule(duration=st.floats(0.05, 12.0))
    def the_port_goes(self, duration: float) -> None:
        self.longest_outage_s = max(self.longest_outage_s, duration)
        self.port.vanish(duration)

    @precondition(lambda self: not self.over and self.board.sampling)
    @rule(count=st.integers(1, 40))
    def conversions_are_missed(self, count: int) -> None:
        self.board.miss(count)

    @precondition(lambda self: self.board.sampling)
    @rule(count=st.integers(1, 5))
    def the_detector_finds(self, count: int) -> None:
        for _ in range(count):
            self.board.find_event()

    @precondition(lambda self: self.board.port_open)
    @rule(name=st.sampled_from(sorted(OTHERS)))
    def another_host_asks(self, name: str) -> None:
        self._other(name, **OTHERS[name])

    @precondition(lambda self: not self.over and self.board.port_open)
    @rule(anew=st.booleans())
    def another_host_ends_the_run(self, anew: bool) -> None:
        self.other_host = True
        self._other("STOP", request=40_002)
        if anew:
            self._other("START", mode="blind", request=40_003, options=START_UNCALIBRATED)

    @precondition(lambda self: not self.over)
    @rule(off_s=st.floats(0.0, 4.0))
    def the_board_restarts(self, off_s: float) -> None:
        self.rebooted = True
        if off_s > 1.0:  # over USB the port goes with the power
            self.port.vanish(off_s)
        self.board.power_on()

    # ---- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_invented_or_changed(self) -> None:
        truth = self.run.samples
        assert all(truth[index] == taken for index, taken in self.came.items())
        found = self.run.event_ticks_us
        assert all(found[number] == ticks for number, ticks in self.events.items())

    @invariant()
    def what_is_settled_is_here_or_reported(self) -> None:
        repair = self.session.repair
        assert repair is not None
        gone = {index for hole in repair.samples.gone for index in range(hole.first_sample, hole.end)}
        assert self.notes.holes == repair.samples.gone[: len(self.notes.holes)]
        assert len(self.notes.holes) == len(repair.samples.gone)
        if not self.session._pending:
            assert set(range(repair.settled_below)) <= gone | self.came.keys()

    # ---- how --------------------------------------------------------------------------------------------

    def _act(self, act: Callable[[], None]) -> None:
        began_s = self.port.now()
        try:
            act()
        except BoardRestarted:
            assert self.rebooted
            self.over = True
        except BoardTaken:
            assert self.other_host
            self.over = True
        except LinkLost:
            assert self.longest_outage_s > SURE_S
            self.over = True
        assert self.port.now() - began_s < LONGEST_S

    def _receive_all(self, timeout_s: float) -> None:
        for packet in self.session.receive(timeout_s):
            self._take(packet)

    def _stop(self) -> None:
        samples, events = self.session.stop()
        self._drain()
        assert (samples, events) == (len(self.run.samples), len(self.run.event_ticks_us))
        self._check_whole(samples)

    def _drain(self) -> None:
        while self.session._pending:
            self._take(self.session._pending.popleft())

    def _check_whole(self, samples: int) -> None:
        """Each index once: here, or in a hole; and a hole only where the ring had been overwritten."""
        repair = self.session.repair
        assert repair is not None
        holes = repair.holes()
        missing = {index for hole in holes for index in range(hole.first_sample, hole.end)}
        assert missing.isdisjoint(self.came)
        assert missing | self.came.keys() == set(range(samples))
        if self.longest_outage_s < SURE_S:
            assert repair.is_settled
            assert all(hole.end <= samples - KEPT + MARGIN for hole in holes)

    def _take(self, packet: Packet) -> None:
        fields = packet.fields
        if packet.name == "SAMPLE_BLOCK":
            for k, sample in enumerate(fields.samples):
                index = fields.first_sample + k
                ticks = fields.first_ticks_us if k == 0 else self.run.samples[index].ticks_us
                code = sample.force_and_flags & FORCE_MASK
                self.came[index] = Taken(code, sample.depth, sample.pressure, ticks)
        elif packet.name == "EVENT":
            assert fields.number not in self.events
            self.events[fields.number] = fields.ticks_us

    def _other(self, name: str, **fields: Any) -> None:
        self.board.heard.extend(b"\0" + encode_frame(encode(name, **fields)))
        self.board.run_for(20_000)
