"""What a technician asks of an idle board: the packet that comes before the ACK, and no older one."""

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


def test_what_a_stop_left_behind_is_no_answer_and_a_lost_one_is_asked_for_once_more():
    """STOP sends the HEALTH of its run before its ACK."""
    lost = [True, False]

    def answer(command: Packet) -> list[bytes]:
        if command.name == "STOP":
            return [health(RUN, 1234), ack(command)]
        if command.name == "READ_HEALTH" and not lost.pop(0):
            return [health(RUN, 4321), ack(command)]
        return [ack(command)]

    session = connected(ScriptedTransport(hello(), answer=answer))
    session.start("guided")
    session.stop()
    assert Service(session).health().supply_mv == 4321
    assert lost == []


def test_an_ack_alone_is_no_answer():
    with pytest.raises(LinkLost, match="no answer to READ_HEALTH"):
        Service(connected(ScriptedTransport(hello()))).health()
