"""The firmware as it goes onto a Pico, on an emulated one, recorded and scored by the host's real link."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.evaluate import Evaluation
from popsense.attempts.record import AttemptPlan, Recorded
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.settings import Settings
from popsense.twin.firmware_files import firmware_root
from popsense.twin.insertion import Setup
from popsense.twin.script import build_script
from popsense.twin.sim_board import TwinAddress
from popsense.twin.transport import SimTransport
from tests.conftest import Require
from tests.emulated.bone import emulated_bone
from tests.emulated.image import compiled_files
from tests.emulated.retry import once_more
from tests.emulated.transports import Bridge, BridgedTransport
from tests.emulated.wire import last, packets

OPERATOR, DEVICE, SEED = "plunger", "powered", 1  # out of the bone after 6.5 s
BOOT_S = 1.0
PLAN = AttemptPlan(ADULT_PROXIMAL_TIBIA, "assessment", DEVICE, OPERATOR, uncalibrated=True)
SETTINGS = Settings(settle_s=0.5)
SCRIPT = Setup(ADULT_PROXIMAL_TIBIA, OPERATOR, DEVICE, SEED)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Outcome:
    """One attempt on the emulated board."""

    recorded: Recorded
    evaluation: Evaluation
    lost: int  # overruns and missed conversions that the board counted
    simulated_s: float
    conversions: int


def attempt_on_the_board(path: Path) -> Outcome:
    bone = emulated_bone(compiled_files(firmware_root()), build_script(SCRIPT))
    bone.pico.boot()
    bone.pico.run(BOOT_S, lambda: bone.pico.usb.arrivals)
    bridge = Bridge(bone.pico)
    transport = BridgedTransport(bridge, bone.pico, bone.hand.begin)
    try:
        path.unlink(missing_ok=True)
        began_s = transport.now()
        recorded, evaluation = conduct_attempt(transport, PLAN, path, SETTINGS)
        simulated_s = transport.now() - began_s
    finally:
        transport.close()
        bridge.close()
    status = last(packets(bone.pico.usb.arrivals), "STATUS").fields
    return Outcome(recorded, evaluation, status.overruns + status.missed, simulated_s, len(bone.chip.read_ns))


@pytest.fixture(scope="module")
def outcome(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    require("pico_image")
    folder = tmp_path_factory.mktemp("emulated")
    return once_more(lambda: attempt_on_the_board(folder / "attempt.journal"))


@pytest.fixture(scope="module")
def on_the_twin(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    address = TwinAddress(ADULT_PROXIMAL_TIBIA, OPERATOR, DEVICE, SEED)
    transport = SimTransport(address, build_script(SCRIPT))
    try:
        path = tmp_path_factory.mktemp("twin") / "attempt.journal"
        return conduct_attempt(transport, PLAN, path, SETTINGS)[1]
    finally:
        transport.close()


def test_every_sample_of_the_attempt_is_kept(outcome: Outcome):
    assert outcome.recorded.outcome == "removed"
    assert outcome.evaluation.decoded.integrity == "complete"
    assert outcome.lost == 0
    assert outcome.evaluation.decoded.raw.sample_index.size == outcome.conversions


def test_the_attempt_takes_at_most_ten_simulated_seconds(outcome: Outcome):
    assert outcome.simulated_s <= 10


def test_the_attempt_is_scored(outcome: Outcome, on_the_twin: Evaluation):
    assert outcome.evaluation.score.percent is not None
    assert outcome.evaluation.score.decision == on_the_twin.score.decision


def test_board_and_twin_find_the_same_events(outcome: Outcome, on_the_twin: Evaluation):
    assert kinds(outcome.evaluation) == kinds(on_the_twin)
    assert "pop" in kinds(outcome.evaluation)


def kinds(evaluation: Evaluation) -> list[str]:
    """Of the board's events, in the order of their samples."""
    events = sorted(evaluation.decoded.events, key=lambda event: event.sample_index)
    return [str(event.kind) for event in events]
