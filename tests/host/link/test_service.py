"""What a technician asks of an idle board: the packet that came before the ACK, whatever was under way before."""

import json
from pathlib import Path

import pytest

from popsense.errors import LinkLost
from popsense.link.service import Service
from popsense.link.session import Session
from popsense_protocol.codec import Packet, encode
from popsense_protocol.framing import encode_frame
from tests.host.link.scripted import RUN, ScriptedTransport, ack, hello

GOLDEN = json.loads((Path(__file__).parents[3] / "protocol/golden/HEALTH.json").read_text(encoding="utf-8"))


def health(run: int, supply_mv: int = 5000) -> bytes:
    return encode_frame(encode("HEALTH", **(GOLDEN | {"run": run, "supply_mv": supply_mv, "state": "idle"})))


def connected(transport: ScriptedTransport) -> Session:
    session = Session(transport)
    session.connect()
    return session


def test_a_tare_behind_an_attempt_is_a_run_of_its_own_and_no_other_programs():
    def answer(command: Packet) -> list[bytes]:
        run = RUN + (command.name == "TARE")
        return [*([health(run)] if command.name == "TARE" else []), ack(command, run=run)]

    transport = ScriptedTransport(hello(), answer=answer)
    session = connected(transport)
    session.start("guided")
    session.stop()
    assert Service(session).tare().run == RUN + 1


def test_the_answer_is_that_to_this_request_and_not_one_that_waited():
    def answer(command: Packet) -> list[bytes]:
        return [*([health(RUN, 4321)] if command.name == "READ_HEALTH" else []), ack(command)]

    transport = ScriptedTransport(hello(), answer=answer)
    session = connected(transport)
    transport.incoming.append(health(RUN, 1234))
    session.command("CLOCK")
    assert Service(session).health().supply_mv == 4321
    assert [command.name for command in transport.commands].count("READ_HEALTH") == 1


def test_what_did_not_come_before_the_ack_is_asked_for_once_more():
    silent = [True, False]

    def answer(command: Packet) -> list[bytes]:
        lost = command.name == "READ_HEALTH" and silent.pop(0)
        return [ack(command)] if lost else [health(RUN), ack(command)]

    transport = ScriptedTransport(hello(), answer=answer)
    assert Service(connected(transport)).health().supply_mv == 5000
    assert silent == []


def test_an_ack_alone_is_no_answer():
    with pytest.raises(LinkLost, match="no answer to READ_HEALTH"):
        Service(connected(ScriptedTransport(hello()))).health()
