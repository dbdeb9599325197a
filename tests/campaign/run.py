"""One faulty run: an attempt is recorded and closed while things go wrong, then held against the truth."""

import random
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from popsense.attempts.evaluate import Evaluation, evaluate
from popsense.attempts.record import AttemptPlan, Recorded, record_attempt
from popsense.errors import DeviceError
from popsense.recording.attempt import DecodedAttempt, decoded
from popsense.recording.closing import close_recording
from popsense.recording.reader import read_recording
from popsense.recording.recording import Recording
from popsense.settings import Settings
from popsense.twin.sim_board import SimBoard
from tests.campaign.device_truth import Overheard, ask
from tests.campaign.faulty_transport import FaultyTransport
from tests.campaign.plan import CampaignRun, Fault, plan_run
from tests.campaign.scripts import address, script

NO_ATTEMPT = "no attempt"  # an error before the first sample: there is nothing to lose


@dataclass(frozen=True)
class Faulty:
    """All that is left of a run. run: of the device; None where our START was never acknowledged.

    recording, attempt, evaluation: None where no sample came. board_has: the board still has that run.
    """

    plan: CampaignRun
    error: DeviceError | None
    recorded: Recorded | None
    recording: Recording | None
    attempt: DecodedAttempt | None
    evaluation: Evaluation | None
    run: int | None
    overheard: Overheard
    afterwards: Overheard
    board: SimBoard
    begun: tuple[tuple[Fault, float], ...]
    outages_s: tuple[tuple[float, float], ...]
    power_went_us: int | None

    @property
    def verdict(self) -> str:
        return NO_ATTEMPT if self.attempt is None else self.attempt.integrity

    @property
    def detail(self) -> str:
        """How the recording says it ended."""
        return str((self.recording.outcome or {}).get("detail", "")) if self.recording else str(self.error)


def conduct(number: int, seed: int) -> Faulty:
    """Run `number` of the campaign with this seed; whatever is raised tells which run it was."""
    try:
        return conduct_plan(plan_run(number, seed))
    except Exception as error:
        error.add_note(f"run {number} of seed {seed}: {plan_run(number, seed)}")
        raise


def conduct_plan(plan: CampaignRun) -> Faulty:
    with (
        TemporaryDirectory() as folder,
        closing(_Switched(SimBoard(address(plan.script), script(plan.script)))) as switched,
    ):
        board = switched.board
        rng = random.Random(f"{plan.seed}/{plan.number}/wire")
        transport = FaultyTransport(board, plan.faults, rng, plan.quantum_us)
        return _conduct(plan, transport, Path(folder) / "attempt.journal")


class _Switched:
    def __init__(self, board: SimBoard) -> None:
        self.board = board

    def close(self) -> None:
        self.board.power_off()


def _conduct(plan: CampaignRun, transport: FaultyTransport, path: Path) -> Faulty:
    board = transport.board
    where = board.address
    attempt_plan = AttemptPlan(where.site, "assessment", where.device, where.operator, uncalibrated=True)
    error: DeviceError | None = None
    recorded: Recorded | None = None
    try:
        recorded = record_attempt(transport, attempt_plan, path, Settings())
    except DeviceError as refusal:
        error = refusal
    recording, run = _read_back(path)
    emitted = bytes(transport.emitted)
    afterwards = ask(board, run) if board.is_powered and run is not None else b""
    has_samples = recording is not None and run is not None and len(recording.stored.samples) > 0
    evaluation = evaluate(recording.path) if recording is not None and has_samples else None
    return Faulty(
        plan=plan,
        error=error,
        recorded=recorded,
        recording=recording,
        attempt=_decoded(recording) if recording is not None and has_samples else None,
        evaluation=evaluation,
        run=run,
        overheard=Overheard(emitted + afterwards),
        afterwards=Overheard(afterwards),
        board=board,
        begun=tuple(transport.begun),
        outages_s=tuple(transport.outages_s),
        power_went_us=transport.power_went_us,
    )


def _decoded(recording: Recording) -> DecodedAttempt:
    return decoded(recording.stored, recording.header["board"]["sample_rate_hz"])


def _read_back(journal: Path) -> tuple[Recording | None, int | None]:
    """The closed recording, and the run of the device that it is of."""
    if not journal.exists():
        return None, None
    recording = read_recording(close_recording(journal))
    runs: list[Any] = [note["run"] for note in recording.notes if note["what"] == "started"]
    return recording, runs[-1] if runs else None


@cache
def undisturbed(script_number: int) -> Faulty:
    """The same attempt with nothing going wrong."""
    return conduct_plan(CampaignRun(-1, 0, "nothing", "armed", script_number, 100_000, ()))
