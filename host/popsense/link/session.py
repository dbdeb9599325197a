"""The conversation with one board: HELLO, IDENTIFY, START, STOP; what is lost on the way is asked for again.

The host is silent until it has decoded a packet of ours (console rule). When the way to the board is lost in
mid-attempt, the session looks for it again by itself; while the board has power it keeps the last 8 s.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from popsense.errors import BoardRestarted, BoardTaken, CommandRefused, LinkLost, PopsenseError, PortError
from popsense.link import endings
from popsense.link.clock import ClockAsker, ClockSync
from popsense.link.connection import READ_S, Connection, Witness
from popsense.link.hello import Hello, not_ours, read_hello
from popsense.link.repair import Repair
from popsense.link.transport import Transport
from popsense_protocol.codec import TYPE_OF_NAME, Packet
from popsense_protocol.counters import INDEX_MODULUS
from popsense_protocol.packets import START_UNCALIBRATED

HELLO_TIMEOUT_S = 3.0
SILENCE_S = 2.0  # while sampling something comes every 20 ms; the ring holds 8 s, of which this is a part
RESUME_S = 2.5  # a board that has just come back says HELLO within 1 s
REOPEN_S = 0.25
PATIENCE_S = 30.0  # so long an attempt waits for its board; what comes back later than 8 s has a hole
MOST_LOSSES = 3  # of the way, while fetching, without anything that was missing coming in between
FETCH_S = 12.0  # after STOP the device sends what is missing at full speed: a ring takes about 1 s
RUN_MODULUS = 1 << 16

T = TypeVar("T")
_LOOK = "Check the cable, then start again."


class Session:
    """One conversation; make it with `connect`. `patience_s`: how long a lost board is looked for."""

    def __init__(
        self, transport: Transport, witness: Witness | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        self._connection = Connection(transport, self._notice)
        if witness is not None:
            self._connection.witness = witness
        self._patience_s = patience_s
        self._pending: deque[Packet] = deque()
        # Another number in each session: answers to a predecessor's requests are none to ours.
        self._request = int(transport.now() * 1e6) & 0xFFFF
        self._identified = self._stopping = self._was_silent = False
        self._early_events: dict[int, Packet] = {}
        self._asker = ClockAsker()
        self._counts: tuple[int, int] | None = None
        self._back_at = 0.0
        self._losses = 0
        self._holes_told = 0
        self.hello: Hello | None = None
        self.repair: Repair | None = None

    @property
    def transport(self) -> Transport:
        return self._connection.transport

    @property
    def bad_frames(self) -> int:
        """Frames and packets that came damaged, since the session began."""
        return self._connection.bad_frames + self._connection.undecodable

    @property
    def clock(self) -> ClockSync:
        """The device's clock on the host's, from round trips since `start`."""
        return self._asker.sync

    @property
    def settled_below(self) -> int:
        """Below this index every sample of the attempt has come, or is known to be gone."""
        return self.repair.settled_below if self.repair else 0

    def watch(self, witness: Witness | None) -> None:
        """From now on what happens on the link goes there; None: nowhere."""
        self._connection.watch(witness)

    def be_brief(self) -> None:
        """From now on a lost board is not looked for: whoever is in charge wants to end."""
        self._patience_s = 0.0

    def stop_quietly(self) -> PopsenseError | None:
        """For whoever ends in the midst: what STOP met is the result, not a second error."""
        self.be_brief()
        try:
            self.stop()
        except PopsenseError as error:
            return error
        return None

    def connect(self) -> Hello:
        """Waits for HELLO, checks version and schema, identifies.

        NotOurDeviceError where none comes, ProtocolMismatch where the board speaks another version.
        """
        heard = False
        deadline = self._now() + HELLO_TIMEOUT_S
        while self.hello is None and self._now() < deadline:
            heard = self._connection.read() or heard
        if self.hello is None:
            raise not_ours(self.transport.name, heard)
        self._connection.command("IDENTIFY")
        self._identified = True
        return self.hello

    def set_profile(self, profile: Mapping[str, int]) -> None:
        """Site and device for the board's detector, before an attempt; fields of PROFILE by name.

        A board that still samples for a program that died is stopped first, as by `start`.
        """
        self._command_idle("PROFILE", **profile)

    def start(self, mode: str, uncalibrated: bool = False) -> None:
        """Sampling begins; sample index and event number from 0. CommandRefused on NAK.

        uncalibrated: begin although the board has no calibration. A board that still samples for a program
        that died is stopped first: the port is ours alone.
        """
        options = START_UNCALIBRATED if uncalibrated else 0
        self.repair = None  # from here on the board may answer for another run
        answer = self._command_idle("START", mode=mode, options=options)
        arrived = list(self._pending)
        self._pending.clear()
        self._stopping, self._counts = False, None
        self._was_silent = False
        self._holes_told = 0
        self._early_events.clear()
        self.repair = Repair(answer.run)
        self._connection.note("started", run=answer.run, boot_id=self.hello.boot_id if self.hello else "")
        for packet in arrived:  # what came behind the ACK in the same breath
            if packet.name in ("SAMPLE_BLOCK", "EVENT") and self.repair.take(packet, self._now()):
                self._pass_on(packet)

    def stop(self) -> tuple[int, int]:
        """Sampling ends, and what is missing is fetched; the board's own count of (samples, events).

        Once more, it goes on fetching where it was interrupted.
        """
        self._stopping = True
        if self._counts is None:
            self._counts = self._stop_sampling()
        self._fetch_rest()
        return self._counts

    def _stop_sampling(self) -> tuple[int, int]:
        try:
            answer = self._command("STOP")
        except CommandRefused as refusal:
            if refusal.reason != "not_sampling" or self.repair is None:
                raise
            answer = self._command("CLOCK")  # the answer to our STOP was lost: every ACK tells the counts
        return answer.next_sample, answer.next_event

    def receive(self, timeout_s: float = READ_S) -> Iterator[Packet]:
        """Packets that came within the time-out, those that waited behind a command first; each once.

        A lost way to the board is looked for. LinkLost where it does not come back in time, BoardRestarted
        where ring and events are gone, BoardTaken where another program stopped the board or started it anew.
        """
        if not self._pending:
            self._recovering(lambda: self._read_on(timeout_s))
            self._keep_up()
        while self._pending:
            yield self._pending.popleft()
        if self.repair is not None and self.repair.taken is not None and not self._stopping:
            self._fetch_rest()
            raise endings.stopped(self.repair.taken, self._was_silent)

    # ---- commands --------------------------------------------------------------------------------------

    def command(self, name: str, **fields: Any) -> list[Packet]:
        """Sends a command of link.service to an idle board; what came up to its ACK, which is last.

        An attempt that was recorded over this session is over. CommandRefused on NAK.
        """
        repair, self.repair = self.repair, None  # a tare and a self-test are runs of their own
        self._pending.clear()
        try:
            self._command(name, **fields)
        except CommandRefused as refusal:
            if refusal.reason == "already_sampling":
                self.repair = repair
            raise
        came = list(self._pending)
        self._pending.clear()
        return came

    def _command_idle(self, name: str, **fields: Any) -> Any:
        try:
            return self._command(name, **fields)
        except CommandRefused as refusal:
            if refusal.reason != "already_sampling":
                raise
            self._stop_idle()
            return self._command(name, **fields)

    def _stop_idle(self) -> None:
        """Ends the run of a program that died: nothing of it is ours."""
        self.repair = None
        try:
            self._command("STOP")
        except CommandRefused as refusal:
            if refusal.reason != "not_sampling":  # it stopped already: the answer was lost with the way
                raise

    def _command(self, name: str, **fields: Any) -> Any:
        fields["request"] = self._next_request()
        return self._recovering(lambda: self._connection.command(name, **fields))

    def _next_request(self) -> int:
        self._request = self._request % 0xFFFF + 1
        return self._request

    # ---- packets ---------------------------------------------------------------------------------------

    def _read_on(self, timeout_s: float) -> None:
        self._connection.read(timeout_s)
        if self._now() - self._connection.heard_at > SILENCE_S:
            raise LinkLost(f"the board has been silent for {SILENCE_S:g} s", _LOOK)

    def _notice(self, packet: Packet) -> None:
        """Every packet as it comes: who speaks, what it brings; what is new waits to be received."""
        if packet.name == "HELLO":
            self._meet(read_hello(packet.fields))
        elif packet.name in ("ACK", "NAK", "STATUS"):
            self._refuse_another_run(packet)
        elif packet.name == "FAULT" and packet.fields.code == "host_silent":
            self._was_silent = bool(packet.fields.raised) or self._was_silent
        self._take_time(packet)
        if self.repair is None or self.repair.take(packet, self._now()):
            self._pass_on(packet)
        self._tell_holes()

    def _pass_on(self, packet: Packet) -> None:
        """Events wait for those before them: a withdrawal without its pop would be no withdrawal."""
        if packet.name != "EVENT" or self.repair is None:
            self._pending.append(packet)
        else:
            self._early_events[self.repair.events.whole(packet.fields.number)] = packet
        self._release_events()

    def _release_events(self) -> None:
        settled_below = self.repair.events.settled.first_missing() if self.repair is not None else 0
        for number in sorted(self._early_events):
            if number < settled_below:
                self._pending.append(self._early_events.pop(number))

    def _meet(self, hello: Hello) -> None:
        """The latest says who answers (one from before IDENTIFY may be stale), and how it is calibrated."""
        if self.hello is not None and self._identified:
            self._refuse_another_board(hello, self.hello)
        self.hello = hello

    def _refuse_another_board(self, hello: Hello, ours: Hello) -> None:
        if hello.board_id != ours.board_id:
            raise LinkLost(f"another board answers on {self.transport.name}", "Plug the first one in.")
        if hello.boot_id != ours.boot_id:
            raise endings.restarted(str(hello.fields.reset_cause), self._sent)

    def _refuse_another_run(self, packet: Packet) -> None:
        if self.repair is None:
            return
        if packet.name == "NAK" and packet.fields.reason == "not_identified":
            raise endings.restarted("unknown", self._sent)  # its HELLO was lost
        # Runs are counted up: a lower number is an answer of before, which a driver has kept.
        if 0 < (packet.fields.run - self.repair.run) % RUN_MODULUS < RUN_MODULUS // 2:
            raise endings.started_anew(self._sent)

    @property
    def _sent(self) -> int:
        return self.repair.samples.sent if self.repair is not None else 0

    def _take_time(self, packet: Packet) -> None:
        if packet.name != "ACK" or packet.fields.command != TYPE_OF_NAME["CLOCK"]:
            return
        received_s, ticks_us = self._connection.heard_at, packet.fields.ticks_us
        trip = self._asker.answered(packet.fields.request, received_s, ticks_us)
        if trip is not None:
            self._connection.note("clock", sent_s=trip.sent_s, received_s=received_s, ticks_us=ticks_us)

    def _tell_holes(self) -> None:
        gone = self.repair.samples.gone if self.repair is not None else []
        for hole in gone[self._holes_told :] if len(gone) > self._holes_told else ():
            self._holes_told += 1
            self._connection.note("hole", first_sample=hole.first_sample, count=hole.count)

    # ---- what is missing, and what time it is ------------------------------------------------------------

    def _keep_up(self) -> None:
        """Asks for what is missing, one stretch at a time, and for the device's clock once a second."""
        if self.repair is None:
            return
        now = self._now()
        ask = self.repair.wanted(now)
        if ask is not None:
            request = self._next_request()
            self.repair.asked(ask, request, now)
            self._say(
                "RESEND",
                what=ask.what,
                request=request,
                run=self.repair.run,
                first=ask.first % INDEX_MODULUS,
                count=ask.end - ask.first,
            )
        if self._asker.is_due(now):
            request = self._next_request()
            self._asker.asked(request, now)
            self._say("CLOCK", request=request)

    def _say(self, name: str, **fields: Any) -> None:
        self._recovering(lambda: self._connection.send(name, **fields))

    def _fetch_rest(self) -> None:
        """The device is idle: everything that it still has, until nothing is missing, or nothing more comes.

        An outage costs nothing here: an idle device keeps what it has. But a way that is lost at each request
        is given up.
        """
        settled, since, losses = (-1, -1), 0.0, 0
        while self.repair is not None and not self.repair.is_settled:
            now, reached = self._now(), self.repair.settled
            if reached != settled:
                settled, since, losses = reached, now, self._losses
            if now > max(since, self._back_at) + FETCH_S or self._losses - losses > MOST_LOSSES:
                return
            self._keep_up()
            self._recovering(lambda: self._read_on(READ_S))

    # ---- a lost way ------------------------------------------------------------------------------------

    def _recovering(self, act: Callable[[], T]) -> T:
        """`act`; where the way is lost in the middle of it, once more after the way was found again.

        A board that is found each time and never does what it is asked gets no more patience than one that
        is away.
        """
        lost_at: float | None = None
        while True:
            try:
                return act()
            except (BoardRestarted, BoardTaken):
                raise
            except LinkLost as loss:
                lost_at = self._now() if lost_at is None else lost_at
                if self._now() - lost_at > self._patience_s:
                    raise
                self._recover(loss)

    def _recover(self, loss: LinkLost) -> None:
        """Opens the way again and identifies. The loss itself, where the board does not come back in time."""
        self._connection.note("link", state="lost", detail=str(loss))
        self._losses += 1
        lost_at = self._now()
        while self._now() - lost_at < self._patience_s:
            try:
                self._resume()
            except (BoardRestarted, BoardTaken):
                raise
            except (LinkLost, PortError):
                self.transport.wait(REOPEN_S)
                self._connection.witness.tick(self._now())
            else:
                self._back_at = self._now()
                self._connection.note("link", state="back", away_s=round(self._back_at - lost_at, 3))
                return
        gone = f"it did not come back within {self._patience_s:g} s"
        raise LinkLost(f"{loss}; {gone}; the attempt ends {endings.after(self._sent)}", _LOOK) from loss

    def _resume(self) -> None:
        """LinkLost where the board is not there (yet)."""
        self._connection.reopen()
        deadline = self._now() + RESUME_S
        while not self._connection.heard_packets and self._now() < deadline:
            self._connection.read()
        if not self._connection.heard_packets:
            raise LinkLost(f"no board answers on {self.transport.name}", _LOOK)
        if self.repair is not None:
            self.repair.forget_asks()
        self._asker.forget()
        self._connection.command("IDENTIFY")

    def _now(self) -> float:
        return self.transport.now()
