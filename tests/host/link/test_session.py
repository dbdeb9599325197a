"""The host's side of the conversation, against a board that answers by the book or does not."""

from collections.abc import Mapping
from typing import Any

import pytest

from popsense.errors import BoardRestarted, CommandRefused, LinkLost, NotOurDeviceError, ProtocolMismatch
from popsense.link.connection import ANSWER_TIMEOUT_S, TRIES
from popsense.link.session import HELLO_TIMEOUT_S, SILENCE_S, Session
from popsense.procedure.detector_profile import detector_profile
from popsense.procedure.sites import SITES
from popsense_protocol import packets
from popsense_protocol.codec import Packet, schema_hash
from popsense_protocol.framing import encode_frame
from tests.host.link.scripted import (
    RUN,
    Answer,
    ScriptedTransport,
    ack,
    answer_frame,
    block,
    event,
    hello,
    nak,
)

OURS = packets.PROTOCOL_VERSION
PROFILE = detector_profile(SITES["newborn-proximal-tibia"], "manual", depth_fitted=False)

# What the user reads for each reason, and a word of what to do.
REFUSALS = {
    "unknown_command": ("does not know this command", "firmware"),
    "malformed": ("could not read the command", "firmware"),
    "not_identified": ("wants IDENTIFY first", "session"),
    "already_sampling": ("is sampling already", "other program"),
    "not_sampling": ("is not sampling", "attempt"),
    "sensor_fault": ("force sensor does not answer", "cable"),
    "not_kept": ("no longer has what was asked for", "hole"),
    "no_calibration": ("has no calibration", "--uncalibrated"),
    "loaded": ("is not unloaded", "off the bone"),
    "noisy": ("is not at rest", "firm table"),
    "flash_failed": ("could not store it", "still there"),
}


def connected(*incoming: bytes, answer: Answer = lambda command: [ack(command)]) -> Session:
    """A session behind its IDENTIFY, which is always answered."""
    transport = ScriptedTransport(hello())
    session = Session(transport)
    session.connect()
    list(session.receive(0))  # what came with the answer to IDENTIFY
    transport.answer = answer
    transport.incoming.extend(incoming)
    transport.commands.clear()
    return session


def board(session: Session) -> ScriptedTransport:
    assert isinstance(session.transport, ScriptedTransport)
    return session.transport


class Witness:
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.ticks: list[float] = []
        self.notes: list[dict[str, Any]] = []

    def wire(self, host_time_s: float, data: bytes) -> None:
        self.heard.append((host_time_s, data))

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        self.notes.append({"at": host_time_s, **content})

    def tick(self, host_time_s: float) -> None:
        self.ticks.append(host_time_s)

    def told(self, what: str) -> list[dict[str, Any]]:
        return [note for note in self.notes if note["what"] == what]


def numbers(session: Session) -> list[int]:
    return [packet.fields.number for packet in session.receive() if packet.name == "EVENT"]


def test_nothing_is_written_before_a_hello_was_decoded():
    frame = hello()
    transport = ScriptedTransport(b"\0", b"boot text\0", frame[:50], frame[50:-1], frame[-1:])
    Session(transport).connect()
    assert transport.log.index("write") == 5
    assert [command.name for command in transport.commands] == ["IDENTIFY"]


def test_a_silent_port_is_never_written_to():
    transport = ScriptedTransport()
    with pytest.raises(NotOurDeviceError, match="no board answers on scripted board") as caught:
        Session(transport).connect()
    assert "write" not in transport.log
    assert HELLO_TIMEOUT_S <= transport.now() < HELLO_TIMEOUT_S + 0.2
    assert "cable" in caught.value.remedy


def test_another_device_that_talks_is_told_apart_and_not_written_to():
    transport = ScriptedTransport(b"GPS $GPGGA,123519\r\n", b"OK\r\n")
    with pytest.raises(NotOurDeviceError, match="something answers on scripted board") as caught:
        Session(transport).connect()
    assert "write" not in transport.log
    assert "another port" in caught.value.remedy


def test_another_packet_is_no_hello():
    transport = ScriptedTransport(event(0))
    with pytest.raises(NotOurDeviceError):
        Session(transport).connect()
    assert "write" not in transport.log


@pytest.mark.parametrize(
    ("version", "older"), [(OURS - 1, "the board's firmware"), (OURS + 1, "this program")]
)
def test_another_protocol_version_says_which_side_to_update(version: int, older: str):
    transport = ScriptedTransport(hello(protocol_version=version))
    with pytest.raises(ProtocolMismatch, match=f"speaks protocol {version}, this program {OURS}") as caught:
        Session(transport).connect()
    assert caught.value.remedy == f"Update {older}."
    assert "write" not in transport.log


def test_a_version_is_recognised_in_a_hello_of_another_shape():
    payload = bytes([1, 99]) + (7).to_bytes(2, "little") + b"\x11\x22\x33\x44" + b"new fields"
    with pytest.raises(ProtocolMismatch, match="speaks protocol 7"):
        Session(ScriptedTransport(encode_frame(payload))).connect()


def test_another_schema_of_the_same_version_is_a_mismatch():
    transport = ScriptedTransport(hello(schema_hash=schema_hash() ^ 1))
    with pytest.raises(ProtocolMismatch, match=f"{schema_hash() ^ 1:08X} is not ours") as caught:
        Session(transport).connect()
    assert "same release" in caught.value.remedy
    assert "write" not in transport.log


def test_hello_says_who_answers():
    session = connected()
    assert session.hello
    assert (session.hello.firmware_version, session.hello.sample_rate_hz) == ("1.2.3", 988.5)
    assert (session.hello.board_id, session.hello.boot_id) == ("0001020304050607", "00000abc")
    assert session.hello.interpreter == "scripted 1"


def test_stale_bytes_before_hello_are_ignored_and_counted():
    stale = block(9, 20, run=RUN - 1) + event(3, run=RUN - 1)
    transport = ScriptedTransport(b"half a frame\0" + stale + hello())
    session = Session(transport)
    session.connect()
    session.start("guided")
    assert list(session.receive(0)) == []
    assert session.bad_frames == 1


@pytest.mark.parametrize("reason", packets.NakReason.encmapping)
def test_every_refusal_has_its_sentence_and_its_remedy(reason: str):
    session = connected(answer=lambda command: [nak(command, reason)])
    text, remedy = REFUSALS[reason]
    with pytest.raises(CommandRefused, match=text) as caught:
        session.start("guided")
    assert remedy in caught.value.remedy
    asked = [command.name for command in board(session).commands]
    assert asked == (["START", "STOP"] if reason == "already_sampling" else ["START"])


def test_a_lost_ack_is_asked_for_again_with_the_same_number():
    asked: list[Packet] = []

    def second_time(command: Packet) -> list[bytes]:
        asked.append(command)
        return [ack(command, 17, 3)] if len(asked) == 2 else []

    session = connected(answer=second_time)
    assert session.stop() == (17, 3)
    assert [command.fields.request for command in asked] == [1, 1]


def test_three_tries_without_answer_are_a_lost_link():
    session = connected(answer=lambda command: [])
    session.be_brief()
    before = board(session).now()
    with pytest.raises(LinkLost, match="no answer to START") as caught:
        session.start("guided")
    assert len(board(session).commands) == TRIES == 3
    assert board(session).now() - before == pytest.approx(TRIES * ANSWER_TIMEOUT_S, abs=0.5)
    assert "cable" in caught.value.remedy


def test_each_command_has_its_own_number_and_goes_round_without_zero():
    session = connected()
    session._request = 0xFFFE
    for _ in range(3):
        session.start("blind")
    assert [command.fields.request for command in board(session).commands] == [0xFFFF, 1, 2]


def test_an_answer_to_something_else_is_not_taken():
    def late_answer_first(command: Packet) -> list[bytes]:
        other = answer_frame("ACK", 0x42, 99, next_sample=5, next_event=5)
        return [other, ack(command, 8, 1)]

    assert connected(answer=late_answer_first).stop() == (8, 1)


def test_what_came_before_start_is_dropped_and_what_follows_is_kept_in_order():
    old = RUN - 1
    session = connected(
        answer=lambda command: [event(7, old) + event(8, old), event(9, old) + ack(command) + event(0)]
    )
    session.start("guided")
    board(session).incoming.append(event(1))
    assert numbers(session) == [0]
    assert numbers(session) == [1]


def test_events_are_handed_out_in_their_order_though_one_came_late():
    session = connected()
    session.start("guided")
    board(session).incoming.extend([event(1) + event(2), event(0)])
    assert numbers(session) == []
    assert numbers(session) == [0, 1, 2]


def test_damaged_and_undeclared_packets_are_counted_and_passed_over():
    unknown_kind = encode_frame(b"\x03\x63" + bytes(34))
    session = connected(b"\x05ab\0" + unknown_kind + event(7) + encode_frame(b"\x99"))
    assert numbers(session) == [7]
    assert session.bad_frames == 3


def test_the_witness_gets_every_byte_as_it_came_with_its_time():
    session = connected(b"\x05rubbish", event(1)[:4], event(1)[4:])
    witness = Witness()
    session.watch(witness)
    for _ in range(4):
        list(session.receive(0.25))
    assert [data for _, data in witness.heard] == [b"\x05rubbish", event(1)[:4], event(1)[4:]]
    assert witness.heard[0][0] == board(session).now() - 0.25
    session.watch(None)
    board(session).incoming.append(event(2))
    list(session.receive())
    assert len(witness.heard) == 3


def test_a_witness_is_told_that_time_passes_though_nothing_comes():
    session, witness = connected(), Witness()
    session.watch(witness)
    list(session.receive(0.25))
    assert witness.ticks == [board(session).now()]


def test_a_board_of_another_release_in_the_middle_is_noticed():
    session = connected(hello(schema_hash=5))
    with pytest.raises(ProtocolMismatch):
        list(session.receive())


def test_a_board_that_restarts_is_noticed_with_the_last_sample():
    session = connected()
    session.start("guided")
    board(session).incoming.extend([hello(), block(0, 20), hello(boot_id=0xDEF)])
    for _ in range(2):
        list(session.receive())
    with pytest.raises(BoardRestarted, match="the board lost power after sample 19"):
        list(session.receive())


@pytest.mark.parametrize(
    ("cause", "said", "remedy"),
    [
        ("power_on", "lost power after sample 19", "cable"),
        ("watchdog", "hung, and the watchdog restarted the board, after sample 19", "popsense flash"),
        ("requested", "another program restarted the board after sample 19", "other program"),
        ("unknown", "restarted or lost power after sample 19", "supply"),
    ],
)
def test_a_board_that_restarts_says_why(cause: str, said: str, remedy: str):
    session = connected()
    session.start("guided")
    board(session).incoming.extend([block(0, 20), hello(boot_id=0xDEF, reset_cause=cause)])
    list(session.receive())
    with pytest.raises(BoardRestarted, match=said) as caught:
        list(session.receive())
    assert remedy in caught.value.remedy


def test_a_silent_board_is_looked_for_in_time_to_get_back_what_it_keeps():
    session = connected(event(1))
    session.be_brief()
    list(session.receive(0.5))
    for _ in range(4):
        list(session.receive(0.5))
    with pytest.raises(LinkLost, match=f"silent for {SILENCE_S:g} s"):
        list(session.receive(0.5))


def test_a_board_that_still_samples_is_stopped_and_started_again():
    answers = iter(["already_sampling", "", ""])

    def answer(command: Packet) -> list[bytes]:
        reason = next(answers)
        return [nak(command, reason) if reason else ack(command)]

    session = connected(answer=answer)
    session.start("assessment")
    assert [command.name for command in board(session).commands] == ["START", "STOP", "START"]


def test_the_profile_goes_out_as_one_command_with_a_number_of_its_own():
    session = connected()
    session.set_profile(PROFILE)
    session.start("guided")
    profile, start = board(session).commands
    assert profile.name == "PROFILE"
    assert {name: profile.fields[name] for name in PROFILE} == PROFILE
    assert (profile.fields.request, start.fields.request) == (1, 2)


def test_a_profile_whose_ack_is_lost_goes_out_again_with_the_same_number():
    session = connected(answer=lambda command: [ack(command)] if len(board(session).commands) == 2 else [])
    session.set_profile(PROFILE)
    asked = board(session).commands
    assert [command.name for command in asked] == ["PROFILE", "PROFILE"]
    assert asked[0] == asked[1]


def test_a_board_that_still_samples_is_stopped_before_its_profile_is_set():
    def answer(command: Packet) -> list[bytes]:
        busy = command.name == "PROFILE" and len(board(session).commands) == 1
        return [nak(command, "already_sampling") if busy else ack(command)]

    session = connected(answer=answer)
    session.set_profile(PROFILE)
    assert [command.name for command in board(session).commands] == ["PROFILE", "STOP", "PROFILE"]


def test_a_profile_that_the_board_cannot_mean_is_the_users_to_know():
    session = connected(answer=lambda command: [nak(command, "malformed")])
    with pytest.raises(CommandRefused, match="could not read the command"):
        session.set_profile(PROFILE)
    assert [command.name for command in board(session).commands] == ["PROFILE"]
