"""Every way to a board keeps the same contract: link.transport.Transport, behind it protocol/README.md."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from popsense.backends import open_url
from popsense.errors import LinkLost
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense_protocol.codec import TYPE_OF_NAME, encode
from tests.conftest import Require
from tests.host.link.bridges import SIM, Paced, behind_pty, behind_tcp, simulated
from tests.host.link.client import Client, blocks_of, samples_of
from tests.host.recording.journals import write_journal
from tests.host.recording.wires import Attempt

TWINS = ("sim", "serial", "socket")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s without a hole."""
    return write_journal(
        tmp_path_factory.mktemp("replay") / "whole.journal", [Attempt(30_000, events=3).wire()]
    )


WAITS = [
    pytest.param(way, marks=pytest.mark.slow) for way in ("serial", "socket", "replay at 4")
]  # wall time


@pytest.fixture(params=["sim", "replay at max", *WAITS])
def address(request: pytest.FixtureRequest, require: Require, recording: Path) -> Iterator[str]:
    if request.param in TWINS:
        require("micropython")
    if request.param == "sim":
        yield SIM
    elif request.param.startswith("replay"):
        yield f"replay://{recording}?speed={request.param.removeprefix('replay at ')}"
    else:
        behind = {"serial": behind_pty, "socket": behind_tcp}[request.param]
        with simulated() as board, behind(Paced(board)) as url:
            yield url


@pytest.fixture
def transport(address: str) -> Iterator[Transport]:
    found = open_url(address)
    yield found
    found.close()


@pytest.fixture
def client(transport: Transport) -> Client:
    """Behind its IDENTIFY."""
    found = Client(transport)
    found.connect()
    return found


class Losing:
    """A way that is lost for a while at one read, with what comes meanwhile; else as the one behind it."""

    def __init__(self, behind: Transport, lost_at_read: int, away_s: float) -> None:
        self._behind, self._lost_at, self._away_s = behind, lost_at_read, away_s
        self.reopened = 0

    @property
    def name(self) -> str:
        return self._behind.name

    def now(self) -> float:
        return self._behind.now()

    def read(self, timeout_s: float) -> bytes:
        self._lost_at -= 1
        if self._lost_at == 0:
            self._behind.wait(self._away_s)
            raise LinkLost("the way is gone", "Wait.")
        return self._behind.read(timeout_s)

    def write(self, data: bytes) -> None:
        self._behind.write(data)

    def operator_may_begin(self) -> None:
        self._behind.operator_may_begin()

    def wait(self, seconds: float) -> None:
        self._behind.wait(seconds)

    def reopen(self) -> None:
        self.reopened += 1
        self._behind.reopen()

    def close(self) -> None:
        self._behind.close()


def run_of(transport: Transport, count: int) -> tuple[list[int], int, Session]:
    """At least so many samples from START to STOP: their indices as they came, how many the board took."""
    session = Session(transport)
    session.connect()
    session.start("assessment", uncalibrated=True)
    transport.operator_may_begin()
    index: list[int] = []
    while len(index) < count:
        index += received(session)
    taken, _ = session.stop()
    while len(index) < taken:
        index += received(session)
    return index, taken, session


def received(session: Session) -> list[int]:
    """Indices of the samples that came with the next read."""
    blocks = [packet.fields for packet in session.receive(0.2) if packet.name == "SAMPLE_BLOCK"]
    return [block.first_sample + k for block in blocks for k in range(block.count)]


# ---- the way ---------------------------------------------------------------------------------------------


def test_the_clock_does_not_go_back(transport: Transport):
    times = []
    for _ in range(5):
        transport.read(0.01)
        times.append(transport.now())
    assert times == sorted(times)


def test_its_name_is_for_people(transport: Transport):
    assert transport.name.strip()
    assert not any(word in transport.name for word in (" object at 0x", "?"))


def test_waiting_lets_time_pass_and_what_comes_meanwhile_is_read_later(transport: Transport):
    before = transport.now()
    transport.wait(0.5)
    assert 0.5 <= transport.now() - before < 5
    came = Client(transport).read()
    assert [packet.name for packet in came] == ["HELLO"] * len(came)
    assert came


def test_a_read_without_anything_to_come_ends_with_its_time_out(client: Client):
    client.read_for(0.05)
    before = client.transport.now()
    while client.transport.read(0.01):
        before = client.transport.now()
    assert 0.0099 <= client.transport.now() - before < 1


def test_a_closed_way_is_a_lost_link(transport: Transport):
    transport.close()
    transport.close()
    with pytest.raises(LinkLost) as caught:
        transport.read(0)
    assert caught.value.remedy
    with pytest.raises(LinkLost):
        transport.write(b"x")


def test_reopening_loses_what_had_come_and_not_the_board(transport: Transport):
    client = Client(transport)
    boot_id = client.until(lambda packet: packet.name == "HELLO").fields.boot_id
    run = client.connect().fields.run
    transport.reopen()
    again = Client(transport)
    assert again.connect().fields.run == run
    assert {packet.fields.boot_id for packet in again.packets if packet.name == "HELLO"} == {boot_id}


# ---- an attempt ------------------------------------------------------------------------------------------


def test_an_attempt_from_hello_to_stop_has_every_sample_once_and_in_order(transport: Transport):
    index, taken, session = run_of(transport, 400)
    assert index == list(range(taken))
    assert session.repair is not None
    assert session.repair.holes() == []
    assert session.bad_frames == 0
    assert session.stop()[0] == taken  # asked again it goes on where it was, and tells the same


@pytest.mark.parametrize("lost_at_read", [12, 18])
def test_a_way_lost_in_mid_run_is_repaired_by_the_session(transport: Transport, lost_at_read: int):
    losing = Losing(transport, lost_at_read, away_s=0.5)
    index, taken, session = run_of(losing, 2000)
    assert losing.reopened == 1
    assert sorted(index) == list(range(taken))
    assert index != sorted(index), "nothing was lost: the test shows nothing"
    assert session.repair is not None
    assert session.repair.holes() == []


# ---- commands --------------------------------------------------------------------------------------------


def test_noise_written_before_the_first_hello_does_no_harm(transport: Transport):
    transport.write(b"noise, and half a frame \x05\x11")
    transport.write(b"\0\0" + bytes(range(4, 200)))
    _, taken, _ = run_of(transport, 40)
    assert taken >= 40


def test_identify_is_answered_by_hello_then_ack_and_does_not_stop_the_run(client: Client):
    run = client.start().fields.run
    before = len(client.packets)
    answer = client.ask("IDENTIFY").fields
    assert (answer.state, answer.run) == ("sampling", run)
    names = [packet.name for packet in client.packets[before:] if packet.name in ("HELLO", "ACK")]
    assert names[-2:] == ["HELLO", "ACK"]
    client.until_came(blocks_of, since=len(client.packets))


def test_a_run_is_a_new_one_with_each_start(client: Client):
    before = client.ask("CLOCK").fields.run
    first = client.start().fields.run
    client.ask("STOP")
    at = len(client.packets)
    second = client.start().fields.run
    assert [first, second] == [(before + 1) % 2**16, (before + 2) % 2**16]
    blocks = blocks_of(client.until_came(blocks_of, since=at))
    assert [(block.run, block.first_sample) for block in blocks][:1] == [(second, 0)]
    assert {block.run for block in blocks} == {second}


def test_start_without_a_calibration_is_refused_unless_asked_for(client: Client):
    answer = client.ask("START", mode="assessment", options=0)
    assert (answer.name, answer.fields.reason) == ("NAK", "no_calibration")
    assert client.ask("CLOCK").fields.state == "idle"
    assert client.start().name == "ACK"


def test_a_second_start_and_a_second_stop_are_refused(client: Client):
    client.start()
    assert client.start().fields.reason == "already_sampling"
    assert client.ask("STOP").fields.state == "idle"
    assert client.ask("STOP").fields.reason == "not_sampling"


def test_a_start_that_is_repeated_is_acknowledged_again_and_not_done_again(client: Client):
    first = client.ask("START", mode="assessment", request=77, options=1)
    client.until_came(blocks_of)
    again = client.ask("START", mode="assessment", request=77, options=1)
    assert (first.name, again.name) == ("ACK", "ACK")
    assert first.fields.run == again.fields.run
    assert again.fields.next_sample > 0


def test_what_is_no_command_is_refused(client: Client):
    client.say(b"\x7f\x00\x01\x00")
    assert client.answer(0x7F, 0).fields.reason == "unknown_command"
    client.say(encode("STOP", request=9) + b"\0")
    assert client.answer(TYPE_OF_NAME["STOP"], 0).fields.reason == "malformed"
    client.say(b"\x42\x09" + encode("START", mode="blind", request=8, options=1)[2:])
    assert client.answer(TYPE_OF_NAME["START"], 8).fields.reason == "malformed"
    assert client.ask("CLOCK").fields.state == "idle"


def test_the_board_tells_its_clock_and_it_goes_on(client: Client):
    client.start()
    ticks = []
    for _ in range(5):
        ticks.append(client.ask("CLOCK").fields.ticks_us)
        client.read_for(0.1)
    steps = [(later - one) % 2**30 for one, later in pairwise(ticks)]
    assert all(0 < step < 60e6 for step in steps)


# ---- what is asked for again -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["sampling", "idle"])
def test_what_is_sent_again_is_what_was_sent(client: Client, state: str):
    run = client.start().fields.run
    client.until_came(lambda came: 60 in samples_of(came))
    live = list(client.packets)
    if state == "idle":
        client.ask("STOP")
    begun = blocks_of(live)[1]
    first, end = begun.first_sample, begun.first_sample + 30
    before = len(client.packets)
    answer = client.ask("RESEND", what="samples", run=run, first=first, count=30)
    assert (answer.name, answer.fields.state) == ("ACK", state)
    came = client.until_came(lambda came: end - 1 in samples_of(came), since=before)
    again = [block for block in blocks_of(came) if block.first_sample < end]
    assert [(block.first_sample, block.count) for block in again] == [(first, 20), (first + 20, 10)]
    resent = {index: values for index, values in samples_of(came).items() if index < end}
    assert resent == {index: samples_of(live)[index] for index in range(first, end)}
    assert again[0].first_ticks_us == begun.first_ticks_us


def test_what_was_not_taken_yet_and_what_is_of_another_run_is_not_kept(client: Client):
    run = client.start().fields.run
    client.until_came(blocks_of)
    future = client.ask("RESEND", what="samples", run=run, first=1_000_000, count=20)
    assert (future.name, future.fields.reason) == ("NAK", "not_kept")
    assert future.fields.first_kept <= 1_000_000
    other = client.ask("RESEND", what="samples", run=(run + 5) % 2**16, first=0, count=1)
    assert (other.fields.reason, other.fields.run) == ("not_kept", run)
    nothing = client.ask("RESEND", what="samples", run=run, first=0, count=0)
    assert nothing.fields.reason == "not_kept"


@pytest.mark.parametrize("address", ["sim", "replay at max"], indirect=True)  # the others take 9 s for it
def test_what_is_older_than_the_ring_is_not_kept_and_the_rest_comes_all_the_same(client: Client):
    run = client.start().fields.run
    client.until(lambda packet: 9_000 in samples_of([packet]), patience_s=10)
    client.ask("STOP")
    before = len(client.packets)
    answer = client.ask("RESEND", what="samples", run=run, first=0, count=9_000)
    taken = client.ask("CLOCK").fields.next_sample
    assert (answer.name, answer.fields.reason) == ("NAK", "not_kept")
    assert answer.fields.first_kept == taken - 8128
    again = samples_of(client.until_came(lambda came: 8_999 in samples_of(came), since=before))
    assert sorted(again) == list(range(taken - 8128, 9_000))
