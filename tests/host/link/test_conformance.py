"""Every way to a board keeps the same contract: link.transport.Transport."""

from collections.abc import Iterator

import pytest

from popsense.backends import open_url
from popsense.errors import CommandRefused, LinkLost
from popsense.link.session import Session
from popsense.link.transport import Transport
from tests.conftest import Require
from tests.host.link.bridges import SIM, behind_pty, behind_tcp, simulated


@pytest.fixture(params=["sim", "serial", "socket"])
def address(request: pytest.FixtureRequest, require: Require) -> Iterator[str]:
    require("micropython")
    if request.param == "sim":
        yield SIM
        return
    with simulated() as board, {"serial": behind_pty, "socket": behind_tcp}[request.param](board) as url:
        yield url


@pytest.fixture
def transport(address: str) -> Iterator[Transport]:
    found = open_url(address)
    yield found
    found.close()


def received(session: Session) -> list[int]:
    """Indices of the samples that came with the next read."""
    blocks = [packet.fields for packet in session.receive(0.2) if packet.name == "SAMPLE_BLOCK"]
    return [block.first_sample + k for block in blocks for k in range(block.count)]


def test_an_attempt_from_hello_to_stop(transport: Transport):
    session = Session(transport)
    assert session.connect().interpreter.startswith("micropython 1.")
    session.start("assessment")
    transport.operator_may_begin()
    index: list[int] = []
    while len(index) < 400:
        index += received(session)
    taken, _ = session.stop()
    while len(index) < taken:
        index += received(session)
    assert index == list(range(taken))
    with pytest.raises(CommandRefused, match="not sampling"):
        session.stop()


def test_the_clock_does_not_go_back(transport: Transport):
    assert transport.name
    times = []
    for _ in range(5):
        transport.read(0.01)
        times.append(transport.now())
    assert times == sorted(times)


def test_a_closed_way_is_a_lost_link(transport: Transport):
    transport.close()
    transport.close()
    with pytest.raises(LinkLost) as caught:
        transport.read(0)
    assert caught.value.remedy
    with pytest.raises(LinkLost):
        transport.write(b"x")
