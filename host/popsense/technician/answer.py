"""Who answers on an open port: a popsense board, MicroPython's prompt, something else, nobody.

The host is silent until it has decoded a HELLO (console rule). The one exception is here: after a silence,
on a port that is MicroPython's by its USB id or was named by the user, a bare "\\r" asks for the prompt.
Never Ctrl-C: it would stop a firmware that is merely slow.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from popsense.errors import LinkLost, PopsenseError
from popsense.link.connection import READ_S, Nobody
from popsense.link.hello import Hello
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense_protocol.codec import TYPE_OF_NAME
from popsense_protocol.framing import FrameDecoder

PROMPT = b">>> "
TRACEBACK = b"Traceback (most recent call last)"
PROMPT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Answer:
    """`hello`, or the `problem` instead of it. `heard` are the bytes that led to either.

    dtr: "at once" if bytes came by themselves, "renewed" if only after DTR was off and on again, "unknown"
    if none came all the same, "none" where the way has no DTR and nothing came. session: of the board, None
    where no HELLO came.
    """

    hello: Hello | None
    problem: PopsenseError | None
    heard: bytes
    dtr: str = "at once"
    session: Session | None = None

    @property
    def at_the_prompt(self) -> bool:
        """MicroPython waits for a person."""
        return PROMPT in self.heard or TRACEBACK in self.heard

    @property
    def last_words(self) -> str:
        """Last line of a traceback before the prompt, such as "KeyboardInterrupt: "; "" without one."""
        _, found, after = self.heard.rpartition(TRACEBACK)
        lines = [line for line in after.splitlines() if line[:1].isalpha()] if found else []
        return lines[0].decode("ascii", "backslashreplace").strip() if lines else ""

    @property
    def protocol_version(self) -> int | None:
        """At offset 2 of HELLO in every version."""
        hellos = [one for one in FrameDecoder().feed(self.heard) if one[0] == TYPE_OF_NAME["HELLO"]]
        return int.from_bytes(hellos[-1][2:4], "little") if hellos else None


@runtime_checkable
class HasDtr(Protocol):
    """A serial port, on which the board sends only while DTR is on."""

    def renew_dtr(self) -> bool: ...


def answer_of(transport: Transport, may_prompt: bool) -> Answer:
    """Waits for HELLO; after a silence renews DTR, then (if allowed) asks for MicroPython's prompt."""
    first = _listen(transport)
    if first.heard or isinstance(first.problem, LinkLost):
        return first
    renewed = isinstance(transport, HasDtr) and transport.renew_dtr()
    if renewed and (second := _listen(transport)).heard:
        return replace(second, dtr="renewed")
    heard = prompted(transport) if may_prompt else b""
    return Answer(None, first.problem, heard, "at once" if heard else "unknown" if renewed else "none")


class _Ear(Nobody):
    """Keeps the bytes that came."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def wire(self, host_time_s: float, data: bytes) -> None:
        self.heard += data


def _listen(transport: Transport) -> Answer:
    ear = _Ear()
    try:
        session = Session(transport, ear, patience_s=0)
        hello = session.connect()
        return Answer(hello, None, bytes(ear.heard), session=session)
    except PopsenseError as error:
        return Answer(None, error, bytes(ear.heard))


def prompted(transport: Transport) -> bytes:
    """What comes back on a carriage return, up to MicroPython's prompt."""
    heard = b""
    try:
        transport.write(b"\r")
        deadline = transport.now() + PROMPT_TIMEOUT_S
        while PROMPT not in heard and transport.now() < deadline:
            heard += transport.read(READ_S)
    except LinkLost:
        return heard  # what is wrong with the port is known already
    return heard
