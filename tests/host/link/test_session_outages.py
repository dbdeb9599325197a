"""Outages as the fault campaign found them: old answers, a board that stays away, a long one at the end."""

import pytest

from popsense.errors import LinkLost
from popsense.link.session import FETCH_S
from popsense_protocol.codec import Packet, encode
from popsense_protocol.framing import encode_frame
from tests.host.link.scripted import RUN, ack, block, status
from tests.host.link.test_session_recovery import GONE, Model, drained


def test_a_status_of_an_earlier_run_is_no_other_program():
    """The driver had kept it while the port was closed."""
    model = Model(samples=40)
    session = model.session()
    model.send(block(0, 20), status(900, 4, run=RUN - 1), block(20, 20))
    assert drained(session, 5) == list(range(40))


def test_a_run_number_that_turned_over_is_another_program():
    model = Model()
    session = model.session()
    assert session.repair
    session.repair.run = 0xFFFF
    model.send(status(4, 0, run=0))
    with pytest.raises(LinkLost, match="started the board anew"):
        drained(session, 3)


def test_a_board_that_does_not_come_back_is_told_with_the_last_sample():
    model = Model(samples=20)
    session = model.session(patience_s=3.0)
    model.send(block(0, 20))
    assert drained(session, 3) == list(range(20))
    model.transport.gone = True
    model.transport.reopens.extend([GONE] * 100)
    with pytest.raises(LinkLost, match="within 3 s; the attempt ends after sample 19"):
        drained(session, 3)


def test_an_idle_board_is_waited_for_longer_than_fetching_may_take():
    model = Model(samples=60)
    session = model.session()
    model.send(block(0, 20))
    drained(session, 1)
    model.lose.append("RESEND")
    model.transport.reopens.extend([GONE] * int((FETCH_S + 5.0) / 0.25))
    assert session.stop() == (60, 0)
    assert session.settled_below == 60
    assert session.repair
    assert session.repair.holes() == []


def test_a_board_that_is_here_and_gives_nothing_ends_the_fetching():
    model = Model(samples=60)
    session = model.session()
    answer = model.transport.answer
    model.transport.answer = lambda command: [] if command.name == "RESEND" else answer(command)
    model.send(block(0, 20))
    began = model.transport.now()
    drained(session, 1)
    assert session.stop() == (60, 0)
    assert model.transport.now() - began < FETCH_S + 3.0
    assert session.settled_below == 20


def test_an_old_answer_to_stop_ends_nothing():
    model = Model(samples=20)
    session = model.session()
    command = model.transport.commands_named("START")[-1]
    model.send(block(0, 20), ack(command, 700, run=RUN - 1, state="idle"))
    assert drained(session, 3) == list(range(20))


def test_a_way_that_is_lost_at_each_request_is_given_up():
    """A bridge that reopens well and breaks again and again must not keep the attempt from ending."""
    model = Model(samples=60)
    session = model.session()
    model.send(block(0, 20), block(40, 20))
    drained(session, 1)
    model.lose += ["RESEND"] * 1000
    began = model.transport.now()
    session.stop()
    assert session.settled_below == 20
    assert model.transport.now() - began < 60.0


def test_a_way_that_falls_silent_after_stop_is_opened_again():
    model = Model(samples=60)
    session = model.session()
    model.send(block(0, 20))
    drained(session, 1)
    answer, mute = model.transport.answer, [True]

    def silent_until_reopened(command: Packet) -> list[bytes]:
        if command.name == "IDENTIFY":
            mute[0] = False
        return [] if mute[0] and command.name in ("RESEND", "CLOCK") else answer(command)

    model.transport.answer = silent_until_reopened
    assert session.stop() == (60, 0)
    assert session.settled_below == 60


def test_stop_goes_on_fetching_where_it_was_interrupted():
    model = Model(samples=60)
    session = model.session()
    model.send(block(0, 20))
    drained(session, 1)
    answer = model.transport.answer

    def interrupted(command: Packet) -> list[bytes]:
        if command.name == "RESEND":
            model.transport.answer = answer
            raise KeyboardInterrupt
        return answer(command)

    model.transport.answer = interrupted
    with pytest.raises(KeyboardInterrupt):
        session.stop()
    assert session.stop() == (60, 0)
    assert session.settled_below == 60


def test_an_echo_of_our_own_commands_is_no_board_that_speaks():
    """Firmware that crashed to the REPL writes back what it hears."""
    model = Model()
    session = model.session(patience_s=3.0)
    model.transport.answer = lambda command: [encode_frame(encode(command.name, **sent(command)))]
    with pytest.raises(LinkLost, match="silent"):
        drained(session, 400)


def sent(command: Packet) -> dict[str, object]:
    return {name: value for name, value in command.fields.items() if name not in ("_io", "type", "magic")}
