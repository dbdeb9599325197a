"""One attempt from the first packet to the score."""

from dataclasses import replace
from pathlib import Path

from popsense.attempts.evaluate import Evaluation, evaluate
from popsense.attempts.record import AttemptPlan, Listeners, Recorded, record_attempt
from popsense.errors import RecordingError
from popsense.link.transport import Transport
from popsense.recording.closing import close_recording
from popsense.settings import Settings


def conduct_attempt(
    transport: Transport,
    plan: AttemptPlan,
    path: Path,
    settings: Settings,
    listeners: Listeners | None = None,
) -> tuple[Recorded, Evaluation]:
    """Records, closes the recording, then scores from it, whichever way the attempt ended. Errors as of all.

    path: of the journal; the recording's own path is in what is returned.
    """
    recorded = _closed(record_attempt(transport, plan, path, settings, listeners))
    evaluation = evaluate(recorded.path)
    recorded.cycle.feed("score")
    return recorded, evaluation


def _closed(recorded: Recorded) -> Recorded:
    """As Parquet; where that cannot be, the journal stays and holds the same."""
    try:
        return replace(recorded, path=close_recording(recorded.path))
    except RecordingError as error:
        return replace(recorded, not_closed=f"{error}. {error.remedy}")
