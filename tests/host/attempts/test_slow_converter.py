"""Attempts on the low-cost build, through firmware, link, recording and report."""

from pathlib import Path
from typing import Any

import pytest

from popsense.attempts.conduct import conduct_attempt
from popsense.attempts.evaluate import Evaluation
from popsense.attempts.page import report_page
from popsense.attempts.record import AttemptPlan, Listeners
from popsense.attempts.simulated import truth_in_trace
from popsense.attempts.summary import summary
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA as SITE
from popsense.settings import Settings
from popsense.twin.converters import CONVERTERS
from popsense.twin.sim_board import TwinAddress
from popsense.twin.transport import SimTransport

pytestmark = pytest.mark.slow

POP_LATE_S = {"ads1220": 0.010, "hx711": 0.040, "hx711-10": 0.260}  # of 140 pops none was later


class Attempt:
    def __init__(self, converter: str, folder: Path) -> None:
        self.converter = converter
        self.told: list[str] = []
        plan = AttemptPlan(SITE, "assessment", "powered", "expert", uncalibrated=True)
        transport = SimTransport(TwinAddress(SITE, "expert", "powered", 3, converter=converter))
        try:
            _, self.evaluation = conduct_attempt(
                transport,
                plan,
                folder / f"{converter}.journal",
                Settings(),
                Listeners(sampling=self.told.extend),
            )
            self.truth = truth_in_trace(transport, self.evaluation)
        finally:
            transport.close()


@pytest.fixture(scope="module", params=CONVERTERS)
def attempt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    return Attempt(request.param, tmp_path_factory.mktemp("slow"))


def sampling(evaluation: Evaluation) -> dict[str, Any]:
    return summary(evaluation)["sampling"]


def test_nothing_is_lost_on_the_way(attempt: Attempt):
    assert attempt.evaluation.decoded.integrity == "complete"
    assert attempt.evaluation.decoded.raw.missed_conversions == 0
    rate_hz = CONVERTERS[attempt.converter].rate_hz
    assert attempt.evaluation.trace.sample_rate_hz == pytest.approx(rate_hz, rel=0.021)
    assert attempt.evaluation.trace.settle_samples == CONVERTERS[attempt.converter].settle_periods


def test_the_board_finds_the_pop_as_late_as_its_filter(attempt: Attempt):
    pops = [e.time_s for e in attempt.evaluation.analysis.events if (e.kind, e.source) == ("pop", "device")]
    half_s = attempt.truth["exit_half_s"]
    assert half_s is not None
    assert len(pops) == 1
    assert -0.005 <= pops[0] - half_s <= POP_LATE_S[attempt.converter]


def test_forces_are_in_newtons_whatever_the_converter(attempt: Attempt):
    peak_n = attempt.evaluation.analysis.metric("peak_force_n").value
    assert peak_n == pytest.approx(48.0, abs=2.0)


def test_the_cost_is_told_before_and_behind_the_attempt(attempt: Attempt):
    costs = sampling(attempt.evaluation)
    page = report_page(attempt.evaluation)
    slow = attempt.converter != "ads1220"
    assert bool(attempt.told) == slow
    assert bool(costs["costs"]) == slow
    assert ("reaction_time_s" in costs["not_assessed"]) == slow
    assert ("A slow force converter" in page) == slow
    assert ("too slow to assess: " in page) == slow


def test_nobody_passes_or_fails_by_a_reaction_time_that_was_not_seen(attempt: Attempt):
    if attempt.converter == "ads1220":
        assert attempt.evaluation.score.passed is not None
    else:
        assert attempt.evaluation.score.decision == "incomplete: no decision"
