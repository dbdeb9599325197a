"""Losses that only a board with interrupts and a real USB stack can show, on the emulated one."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from popsense.link.session import Session
from popsense.twin.firmware_files import firmware_root
from tests.conftest import Require
from tests.emulated.bone import EmulatedBone, emulated_bone
from tests.emulated.image import compiled_files
from tests.emulated.moves import PUNCTURE, script_of
from tests.emulated.transports import PicoTransport
from tests.emulated.wire import last, packets
from tests.firmware.hands import Hand

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BOOT_S = 1.0


@dataclass(frozen=True)
class Connected:
    """A board that is sampling for a session."""

    bone: EmulatedBone
    session: Session
    transport: PicoTransport

    def receive(self, seconds: float) -> None:
        until_s = self.transport.now() + seconds
        while self.transport.now() < until_s:
            for _ in self.session.receive():
                pass


@pytest.fixture(scope="module")
def powered(require: Require) -> Connected:
    require("pico_image")
    bone = emulated_bone(compiled_files(firmware_root()), script_of(Hand(PUNCTURE)))
    bone.pico.boot()
    bone.pico.run(BOOT_S, lambda: bone.pico.usb.arrivals)
    transport = PicoTransport(bone.pico, bone.hand.begin)
    session = Session(transport)
    session.connect()
    return Connected(bone, session, transport)


@pytest.fixture
def board(powered: Connected) -> Iterator[Connected]:
    powered.bone.hand.restart()
    powered.session.start("assessment", uncalibrated=True)
    yield powered
    powered.bone.chip.unannounced.clear()
    powered.bone.pico.usb.read_again()


def test_one_data_ready_service_suppressed_is_one_missed_conversion(board: Connected):
    board.bone.chip.unannounced.add(300)
    board.receive(1.1)
    samples, _ = board.session.stop()
    assert last(packets(board.bone.pico.usb.arrivals), "SAMPLE_BLOCK").fields.missed == 1
    assert samples == len(board.bone.chip.read_ns)
    assert 300 not in board.bone.chip.read_ns


def test_a_host_that_does_not_read_for_a_while_misses_nothing(board: Connected):
    board.receive(0.4)
    board.bone.pico.usb.stop_reading()
    board.transport.wait(1.2)
    board.bone.pico.usb.read_again()
    board.receive(0.3)
    samples, _ = board.session.stop()
    assert board.session.repair is not None
    assert board.session.repair.holes() == []
    assert samples == len(board.bone.chip.edge_ns)


def test_every_conversion_is_served_before_the_next_one(board: Connected):
    board.transport.operator_may_begin()
    board.receive(1.0)
    board.session.stop()
    chip = board.bone.chip
    late_ns = [chip.read_ns[k] - chip.edge_ns[k] for k in chip.read_ns]
    assert max(late_ns) < chip.period_ns
