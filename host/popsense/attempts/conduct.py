"""One attempt from the first packet to the score."""

from collections.abc import Callable
from pathlib import Path

from popsense.attempts.evaluate import Evaluation, evaluate
from popsense.attempts.life_cycle import State
from popsense.attempts.record import AttemptPlan, Recorded, record_attempt
from popsense.link.transport import Transport
from popsense.settings import Settings


def conduct_attempt(
    transport: Transport,
    plan: AttemptPlan,
    path: Path,
    settings: Settings,
    told: Callable[[State], None] = lambda state: None,
) -> tuple[Recorded, Evaluation]:
    """Records, then scores from the recording, whichever way the attempt ended. Errors as of both."""
    recorded = record_attempt(transport, plan, path, settings, told)
    evaluation = evaluate(recorded.path)
    recorded.cycle.feed("score")
    return recorded, evaluation
