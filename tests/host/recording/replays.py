"""Recordings played as a board, as tests want them."""

from dataclasses import replace
from pathlib import Path

from popsense.recording.decode import decode_wire
from popsense.recording.playback import playback
from popsense.recording.recording import Recording
from popsense.recording.replay import ReplayTransport
from popsense.recording.replay_board import ReplayBoard
from popsense.recording.stored import StoredAttempt
from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import START_UNCALIBRATED
from tests.host.link.client import Client
from tests.host.recording.journals import HEADER

FORMATS = Path("tests/formats")
WRAP = 1 << 32


def recording_of(*wires: bytes, **more: object) -> Recording:
    """As read back from a journal with these connections."""
    header = {**HEADER, **more}
    return Recording(
        path=Path("made.journal"),
        form="journal",
        header=header,
        outcome=None,
        notes=(),
        stored=decode_wire(wires, None),
        truncated_bytes=0,
        damaged_bytes=0,
    )


def client_of(recording: Recording) -> Client:
    """Behind START, as fast as it reads."""
    client = Client(transport_of(recording))
    client.connect()
    client.start()
    return client


def transport_of(recording: Recording) -> ReplayTransport:
    return ReplayTransport(recording, Standing())


class Standing:
    """Time that goes by only where somebody waits for it."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us

    def sleep_until(self, moment_us: int) -> None:
        self.us = max(self.us, moment_us)


def recorded_again(recording: Recording) -> StoredAttempt:
    """Played from START to STOP, and decoded."""
    played = playback(recording)
    board = ReplayBoard(played)
    board.hear(encode_frame(encode("IDENTIFY")))
    wire = board.hear(command("START", mode="blind", options=START_UNCALIBRATED))
    wire += board.run_until(played.steps[-1].due_us - int(played.ticks_us[0]))
    wire += board.hear(command("STOP"))
    return decode_wire([wire], None)


def command(name: str, **values: object) -> bytes:
    return encode_frame(encode(name, request=5, **values))


def as_run(stored: StoredAttempt, run: int) -> StoredAttempt:
    return replace(stored, events=tuple({**event, "run": run} for event in stored.events))
