"""Gets a board to MicroPython's prompt without harm, and hears of its firmware again after a reset.

0x03 goes only to a port that is known to be MicroPython's: our firmware or the prompt was heard there, or its
USB id says so. A board that samples is left alone. A running firmware is asked to leave by EXIT: it resets
itself into the prompt with no watchdog running. One of another protocol is not spoken to, since IDENTIFY
would switch Ctrl-C off; while nobody has identified it, Ctrl-C stops it.
"""

from dataclasses import dataclass

from popsense.errors import (
    CommandRefused,
    DeviceError,
    LinkLost,
    NotOurDeviceError,
    ProtocolMismatch,
)
from popsense.link.connection import READ_S, Connection, Nobody
from popsense.link.hello import Hello, not_ours, read_hello
from popsense.link.transport import Transport
from popsense.technician.answer import PROMPT, answer_of, prompted
from popsense.technician.ports import Port
from popsense_protocol.codec import TYPE_OF_NAME, Packet
from popsense_protocol.framing import FrameDecoder

HELLO_TIMEOUT_S = 3.0
SAMPLES_WITHIN_S = 0.5  # while sampling something comes every 20 ms
RETURN_S = 30.0  # a board is back after about 2 s; an emulated one takes longer
REOPEN_S = 0.25
BY_HAND = (
    "Unplug the board, plug it in and run popsense flash again before any other program talks to it: Ctrl-C "
    "still works then. If that does not help, connect GPIO 22 to ground while you plug it in."
)
_SAMPLING = {TYPE_OF_NAME[name] for name in ("SAMPLE_BLOCK", "EVENT")}
_LEAVE_RAW_PROMPT = b"\r\x02"  # Ctrl-B: where an interrupted copy left it; nothing elsewhere


@dataclass(frozen=True)
class Met:
    """What ran on the board. hello: of our firmware and this protocol.

    by_ctrl_c: the prompt was not seen; only Ctrl-C can bring it.
    """

    hello: Hello | None
    by_ctrl_c: bool


class _Ear(Nobody):
    """Keeps the bytes that came."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def wire(self, host_time_s: float, data: bytes) -> None:
        self.heard += data


def reach_prompt(transport: Transport, port: Port) -> Met:
    """Leaves the board at its prompt, or where Ctrl-C may bring it there. Errors say why neither will do."""
    ear, packets = _Ear(), list[Packet]()
    connection = Connection(transport, packets.append)
    connection.watch(ear)
    try:
        hello = _hear(connection, packets, ear)
    except ProtocolMismatch:
        _refuse_sampling(transport, bytes(ear.heard))
        return Met(None, by_ctrl_c=True)
    if hello is not None:
        _leave(connection)
        return Met(hello, by_ctrl_c=False)
    return Met(None, by_ctrl_c=not _is_at_prompt(transport, port, bytes(ear.heard)))


def await_firmware(transport: Transport) -> Hello:
    """HELLO of the firmware after a reset. DeviceError where it does not start, ProtocolMismatch where it
    speaks another protocol."""
    at_the_prompt = False
    deadline = transport.now() + RETURN_S
    while not at_the_prompt and transport.now() < deadline:
        if not _reopened(transport):
            continue
        answer = answer_of(transport, may_prompt=True)
        if answer.hello is not None:
            return answer.hello
        if isinstance(answer.problem, ProtocolMismatch):
            raise answer.problem
        at_the_prompt = answer.at_the_prompt
    words = "MicroPython's prompt answers" if at_the_prompt else "no HELLO comes"
    raise DeviceError(
        f"the firmware does not start: {words}", "Put the former one back: popsense flash --rollback."
    )


# ---- what is there -------------------------------------------------------------------------------------


def _hear(connection: Connection, packets: list[Packet], ear: _Ear) -> Hello | None:
    """HELLO; None after a silence, or where the prompt comes instead."""
    deadline = connection.now() + HELLO_TIMEOUT_S
    while connection.now() < deadline and PROMPT not in ear.heard:
        connection.read()
        for packet in packets:
            if packet.name == "HELLO":
                return read_hello(packet.fields)
    return None


def _is_at_prompt(transport: Transport, port: Port, heard: bytes) -> bool:
    """False where there is none but Ctrl-C may be sent. NotOurDeviceError where neither."""
    if PROMPT in heard:
        return True
    may_ask = port.runs_micropython or (port.named and not heard)
    if may_ask:
        transport.write(_LEAVE_RAW_PROMPT)
        if PROMPT in prompted(transport):
            return True
    if port.runs_micropython:
        return False
    raise not_ours(transport.name, bool(heard))


def _refuse_sampling(transport: Transport, heard: bytes) -> None:
    """By what a board of another protocol sends: these packets come only while it samples."""
    deadline = transport.now() + SAMPLES_WITHIN_S
    while transport.now() < deadline:
        heard += transport.read(READ_S)
    if _SAMPLING & {payload[0] for payload in FrameDecoder().feed(heard)}:
        raise sampling_error()


def sampling_error() -> DeviceError:
    return DeviceError(
        "the board is sampling", "End the attempt, or unplug the board; then run popsense flash again."
    )


# ---- our firmware leaves -------------------------------------------------------------------------------


def _leave(connection: Connection) -> None:
    if str(connection.command("IDENTIFY").state) == "sampling":
        raise sampling_error()
    try:
        connection.command("EXIT", request=1)
    except CommandRefused as refusal:
        if refusal.reason == "already_sampling":
            raise sampling_error() from refusal
        raise DeviceError("the board's firmware cannot be asked to leave", BY_HAND) from refusal
    except LinkLost:
        pass  # its answer went down with the port: the prompt will tell
    _await_prompt(connection.transport)


def _await_prompt(transport: Transport) -> None:
    heard = b""
    deadline = transport.now() + RETURN_S
    while transport.now() < deadline:
        if _reopened(transport):
            heard = prompted(transport)
            if PROMPT in heard:
                return
    seen = "started again instead of leaving" if heard else "did not come back after it was asked to leave"
    raise NotOurDeviceError(f"the board on {transport.name} {seen}", BY_HAND)


def _reopened(transport: Transport) -> bool:
    try:
        transport.reopen()
    except LinkLost:
        transport.wait(REOPEN_S)
        return False
    return True
