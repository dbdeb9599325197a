"""A way that is lost: looked for, found again or not, and nothing told that is not so."""

from itertools import pairwise
from typing import Any

import pytest

from popsense.errors import BoardRestarted, BoardTaken, LinkLost, PortError
from popsense.link.clock import EVERY_S
from popsense.link.session import FETCH_S, PATIENCE_S, SILENCE_S, Session
from popsense.model import Stretch
from popsense_protocol.codec import Packet
from tests.host.link.scripted import RUN, ScriptedTransport, ack, block, event, hello, nak, status
from tests.host.link.test_session import Witness, board, connected

GONE = LinkLost("the port is not there", "Plug it in.")
BUSY = PortError("the port is held by another program", "Close it.")


class Model:
    """A device that took `samples`, keeps those from `kept` on and answers by the book.

    lose: names of commands at which the way goes, each once; late: these are done, and the answer is lost.
    """

    def __init__(self, samples: int = 0, kept: int = 0) -> None:
        self.samples, self.kept = samples, kept
        self.run, self.boot_id, self.sampling = RUN - 1, 0xABC, False
        self.lose: list[str] = []
        self.late: list[str] = []
        self.transport = ScriptedTransport(hello(), answer=self.answer)

    def session(self, witness: Witness | None = None, patience_s: float = PATIENCE_S) -> Session:
        session = Session(self.transport, witness, patience_s)
        session.connect()
        session.start("guided")
        list(session.receive(0))
        return session

    def send(self, *frames: bytes) -> None:
        self.transport.incoming.append(b"".join(frames))

    def answer(self, command: Packet) -> list[bytes]:
        if command.name in self.lose:
            self.lose.remove(command.name)
            return self.transport.lose()
        found = self._done(command)
        if command.name in self.late:
            self.late.remove(command.name)
            return self.transport.lose()
        return found

    def _done(self, command: Packet) -> list[bytes]:
        name, fields = command.name, command.fields
        if name == "IDENTIFY":
            return [hello(boot_id=self.boot_id) + self._ack(command)]
        if name in ("START", "PROFILE") and self.sampling:
            return [nak(command, "already_sampling", run=self.run)]
        if name == "STOP" and not self.sampling:
            return [nak(command, "not_sampling", run=self.run)]
        if name == "START":
            self.sampling, self.run = True, self.run + 1
        elif name == "STOP":
            self.sampling = False
        elif name == "RESEND":
            if fields.first < self.kept:
                return [nak(command, "not_kept", run=self.run, first_kept=self.kept)]
            return [self._ack(command), *self._stored(fields)]
        return [self._ack(command)]

    def _stored(self, fields: Any) -> list[bytes]:
        if fields.what == "events":
            return [event(fields.first + k, run=self.run) for k in range(fields.count)]
        end = fields.first + fields.count
        return [block(i, min(20, end - i), run=self.run) for i in range(fields.first, end, 20)]

    def _ack(self, command: Packet) -> bytes:
        state = "sampling" if self.sampling else "idle"
        ticks_us = int(self.transport.now() * 1e6) % (1 << 30)
        return ack(command, self.samples, run=self.run, state=state, ticks_us=ticks_us)


def drained(session: Session, times: int = 30) -> list[int]:
    """Indices of the samples that come with the next reads."""
    found: list[int] = []
    for _ in range(times):
        for packet in session.receive(0.05):
            if packet.name == "SAMPLE_BLOCK":
                found += range(packet.fields.first_sample, packet.fields.first_sample + packet.fields.count)
    return found


# ---- lost and found ------------------------------------------------------------------------------------


def test_a_gap_is_asked_for_and_comes():
    model = Model(samples=60)
    session = model.session()
    model.send(block(0, 20), block(40, 20))
    assert sorted(drained(session)) == list(range(60))
    (asked,) = model.transport.commands_named("RESEND")
    assert (asked.fields.first, asked.fields.count, asked.fields.run) == (20, 20, RUN)


def test_what_is_no_longer_kept_is_a_hole_of_which_the_witness_is_told():
    model, witness = Model(samples=60, kept=30), Witness()
    session = model.session(witness)
    model.send(block(0, 20), block(40, 20))
    assert sorted(drained(session)) == [*range(20), *range(30, 60)]
    assert session.repair
    assert session.repair.holes() == [Stretch(20, 10)]
    assert [(note["first_sample"], note["count"]) for note in witness.told("hole")] == [(20, 10)]
    assert session.settled_below == 60


@pytest.mark.parametrize("command", ["PROFILE", "START", "STOP", "CLOCK", "RESEND"])
@pytest.mark.parametrize("done", [False, True], ids=["never_arrived", "answer_lost"])
def test_the_way_may_go_with_any_command(command: str, done: bool):
    model, witness = Model(samples=60), Witness()
    (model.late if done else model.lose).append(command)
    session = Session(model.transport, witness)
    session.connect()
    session.set_profile(dict.fromkeys(PROFILE_FIELDS, 1))
    session.start("guided")
    model.transport.incoming.append(block(0, 20, run=model.run) + block(40, 20, run=model.run))
    came = drained(session)
    assert session.stop() == (60, 0)
    came += [i for p in session._pending if p.name == "SAMPLE_BLOCK" for i in range_of(p)]
    assert sorted(came) == list(range(60))
    assert [note["state"] for note in witness.told("link")] == ["lost", "back"]
    assert not model.sampling


PROFILE_FIELDS = (
    "depth_fitted", "contact_mn", "release_mn", "arm_mn", "used_mn", "overload_mn", "drop_permille",
    "drop_out_permille", "advance_um", "out_um", "far_advance_um", "far_rise_mn", "far_stays_mn",
    "flex_nm_per_n", "cue", "go_on_um",
)  # fmt: skip


def range_of(packet: Packet) -> range:
    return range(packet.fields.first_sample, packet.fields.first_sample + packet.fields.count)


def test_a_port_that_goes_while_reading_is_opened_again_and_identified():
    model, witness = Model(samples=20), Witness()
    session = model.session(witness)
    model.transport.gone = True
    model.transport.reopens.extend([GONE, BUSY, GONE])
    assert drained(session, 3) == []
    assert model.transport.log.count("reopen") == 4
    assert model.transport.asked().count("IDENTIFY") == 2
    away = [note for note in witness.told("link") if note["state"] == "back"]
    assert away[0]["away_s"] == pytest.approx(model.transport.waited_s)


def test_a_board_that_comes_back_by_another_name_is_written_down():
    model, witness = Model(), Witness()
    session = model.session(witness)
    model.transport.gone = True
    model.transport.name = "another port"
    drained(session, 1)
    assert [note["name"] for note in witness.told("connection")] == ["another port"]


def test_while_the_board_samples_any_packet_shows_that_it_is_back():
    model = Model(samples=20)
    session = model.session()
    model.transport.gone = True
    model.transport.reopens.append(b"half a frame\0" + block(0, 20))
    assert drained(session, 3) == list(range(20))
    assert model.transport.asked().count("IDENTIFY") == 2


def test_nothing_is_written_to_a_port_that_is_back_and_silent():
    session = Model().session(patience_s=4.0)
    transport = board(session)
    transport.gone = True
    transport.reopens.extend([b""] * 10)
    before = len(transport.commands)
    with pytest.raises(LinkLost):
        drained(session, 1)
    assert len(transport.commands) == before


def test_silence_opens_the_port_anew():
    model = Model()
    session = model.session()
    drained(session, 3)
    model.transport.answer = lambda command: [ack(command)] if command.name == "IDENTIFY" else []
    began = model.transport.now()
    for _ in range(100):
        if "reopen" not in model.transport.log:
            list(session.receive())
    assert SILENCE_S < model.transport.now() - began < SILENCE_S + 1.0


def test_patience_has_an_end_and_the_first_reason_is_told():
    session = Model().session()
    transport = board(session)
    transport.gone = True
    transport.reopens.extend([GONE] * 1000)
    began = transport.now()
    with pytest.raises(LinkLost, match=f"the port is gone; it did not come back within {PATIENCE_S:g} s"):
        drained(session, 1)
    assert PATIENCE_S <= transport.now() - began < PATIENCE_S + 1.0


def test_a_board_that_is_always_found_and_never_obeys_is_given_up():
    def only_who_it_is(command: Packet) -> list[bytes]:
        assert len(board(session).commands) < 200
        return [ack(command)] if command.name == "IDENTIFY" else []

    session = connected(answer=only_who_it_is)
    began = board(session).now()
    with pytest.raises(LinkLost, match="no answer to START"):
        session.start("guided")
    assert board(session).now() - began < 2 * PATIENCE_S


def test_after_a_loss_what_was_asked_for_is_asked_anew_at_once():
    model = Model(samples=60)
    model.lose.append("RESEND")
    session = model.session()
    model.send(block(0, 20), block(40, 20))
    assert sorted(drained(session, 5)) == list(range(60))


def test_the_rest_is_fetched_for_a_limited_time():
    model = Model(samples=60)
    session = model.session()
    model.transport.answer = lambda command: [] if command.name == "RESEND" else model.answer(command)
    began = model.transport.now()
    assert session.stop() == (60, 0)
    assert model.transport.now() - began < FETCH_S + 1.0
    assert session.repair
    assert session.repair.holes() == [Stretch(0, 60)]


def test_ctrl_c_goes_through_a_search():
    session = Model().session()
    transport = board(session)
    transport.gone = True
    transport.reopens.extend([GONE] * 3)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    transport.wait = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        drained(session, 1)


# ---- who answers ---------------------------------------------------------------------------------------


def test_a_stale_hello_of_an_earlier_life_is_not_gone_by():
    transport = ScriptedTransport(hello(boot_id=1), answer=lambda command: [hello(boot_id=2) + ack(command)])
    assert Session(transport).connect().boot_id == "00000002"


def test_a_board_that_lost_its_power_meanwhile_is_told():
    model = Model(samples=20)
    session = model.session()
    model.send(block(0, 20))
    drained(session, 3)
    model.transport.gone = True
    model.boot_id = 0xDEF
    model.transport.reopens.append(hello(boot_id=0xDEF))
    with pytest.raises(BoardRestarted, match="after sample 19"):
        drained(session, 1)


def test_a_restart_is_told_by_the_refusal_where_its_hello_was_lost():
    model = Model(samples=20)
    session = model.session()
    model.transport.answer = lambda command: [nak(command, "not_identified", run=77)]
    with pytest.raises(BoardRestarted, match="before the first sample"):
        session.stop()


def test_another_board_at_the_port_is_not_spoken_to_beyond_its_name():
    session = Model().session(patience_s=3.0)
    transport = board(session)
    transport.gone = True
    before = len(transport.commands)
    transport.reopens.extend([hello(board_id=b"another!")] * 50)
    with pytest.raises(LinkLost, match="did not come back"):
        drained(session, 1)
    assert [command.name for command in transport.commands[before:]] == []


def test_the_first_board_may_come_back_after_another():
    model = Model(samples=20)
    session = model.session()
    model.transport.gone = True
    model.transport.reopens.append(hello(board_id=b"another!"))
    model.send(b"")
    assert drained(session, 2) == []
    assert model.transport.log.count("reopen") == 2


# ---- another program ------------------------------------------------------------------------------------


def test_a_run_that_another_program_began_is_the_end_of_ours():
    model = Model()
    session = model.session()
    model.send(block(0, 20), status(4, 0, run=RUN + 1))
    with pytest.raises(BoardTaken, match="started the board anew after sample 19"):
        drained(session, 3)


def test_samples_of_another_run_are_not_taken_for_ours():
    model = Model()
    session = model.session()
    model.send(block(0, 20), block(20, 20, run=RUN + 1))
    assert drained(session, 3) == list(range(20))


def test_a_stop_by_another_program_is_told_when_all_was_fetched():
    model = Model(samples=60)
    session = model.session()
    model.sampling = False
    model.send(block(0, 20))
    with pytest.raises(BoardTaken, match="stopped the board after 60 samples"):
        drained(session)
    assert session.settled_below == 60


def test_a_stop_whose_answer_was_lost_is_no_stop_by_another():
    model = Model(samples=20)
    session = model.session()
    model.send(block(0, 20))
    drained(session, 1)
    model.late.append("STOP")
    assert session.stop() == (20, 0)
    assert model.transport.asked()[-2:] == ["IDENTIFY", "STOP"]


def test_a_second_stop_asks_for_nothing_and_tells_the_same():
    model = Model(samples=60)
    session = model.session()
    model.send(block(0, 60))
    drained(session, 1)
    assert session.stop() == session.stop() == (60, 0)
    assert len(model.transport.commands_named("STOP")) == 1


def test_a_second_attempt_in_one_session_has_a_run_of_its_own():
    model = Model(samples=20)
    session = model.session()
    session.stop()
    session.start("blind")
    model.send(block(0, 20, run=RUN + 1))
    assert sorted(drained(session, 5)) == list(range(20))


# ---- clock ----------------------------------------------------------------------------------------------


def test_the_clock_is_asked_for_often_at_first_and_then_once_a_second():
    model, witness = Model(samples=0), Witness()
    session = model.session(witness)
    for _ in range(200):
        model.send(status(0, 0))
        list(session.receive(0.05))
        model.transport._now_s += 0.05
    asked = [note["at"] for note in witness.told("clock")]
    assert len([at for at in asked if at < asked[0] + 1.5]) >= 5
    steps = [b - a for a, b in pairwise(asked[8:])]
    assert steps
    assert all(EVERY_S <= step < EVERY_S + 0.2 for step in steps)
    assert len(session.clock.trips) == len(asked)


def test_an_answer_that_crossed_a_loss_is_no_round_trip():
    model, witness = Model(), Witness()
    session = model.session(witness)
    drained(session, 3)
    before = len(session.clock.trips)
    model.transport._now_s += 2.0
    model.lose.append("CLOCK")
    model.send(status(0, 0))
    list(session.receive(0.05))
    (lost,) = model.transport.commands_named("CLOCK")[-1:]
    drained(session, 1)
    model.send(ack(lost))
    list(session.receive(0.05))
    trips = list(session.clock.trips)[before:]
    assert all(trip.received_s - trip.sent_s < 1.0 for trip in trips)
