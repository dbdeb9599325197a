"""The watchdog from power-on to STOP: armed by START alone, fed by the chores and by each frame sent.

Armed earlier it would reset a board whose firmware is being copied; once armed nothing stops it.
"""

from typing import Any

import pytest

from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.packets import START_UNCALIBRATED
from tests.firmware.in_process import load_bone
from tests.firmware.scripts.fakes import Board

BONE = load_bone("app", "sample_ring")
SOON = 60  # turns in which everything is done once


class WatchedBoard(Board):
    """Counts how often it was fed."""

    def __init__(self) -> None:
        super().__init__()
        self.fed = 0

    def feed_watchdog(self) -> None:
        self.fed += 1


@pytest.fixture
def app() -> Any:
    return BONE.app.App(WatchedBoard(), BONE.sample_ring.SampleRing())


def steps(app: Any, count: int = SOON) -> None:
    for _ in range(count):
        app.step()


def tell(app: Any, name: str, **fields: Any) -> None:
    app.board.console.feed(encode_frame(encode(name, **fields)))
    steps(app)


def test_it_is_armed_by_start_and_not_before(app: Any):
    steps(app)
    tell(app, "IDENTIFY")
    tell(app, "PROFILE", request=1, **BONE.app.settings.PROFILE)
    assert not app.board.watchdog_armed
    tell(app, "START", request=2, mode="guided", options=START_UNCALIBRATED)
    assert app.sampler.running
    assert app.board.watchdog_armed


def test_the_chores_feed_it(app: Any):
    before = app.board.fed
    app.do_chores()
    assert app.board.fed > before


def test_each_frame_feeds_it(app: Any):
    """A STOP towards a deaf host sends for minutes, 0.5 s a frame."""
    before = app.board.fed
    for _ in range(3):
        app.link.send(4)
    assert app.board.fed == before + 3
