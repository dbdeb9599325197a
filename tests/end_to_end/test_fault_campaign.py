"""Faults on the link, at every phase of an attempt, and what the recording then says: 50 runs of 1,000."""

from dataclasses import replace
from typing import Any

import pytest

from popsense.model import Stretch
from tests.campaign.checks import broken_rules
from tests.campaign.plan import KINDS_AND_PHASES, CampaignRun, Fault, plan_run, spread
from tests.campaign.results import VERDICTS, campaign, complaints, counts, table
from tests.campaign.run import Faulty, conduct_plan, undisturbed

SEED = 1
RUNS = 50


def run_of(*faults: Fault) -> CampaignRun:
    return CampaignRun(0, SEED, faults[0].kind, faults[0].phase, 2, 100_000, faults)


CLOSED_5_S = run_of(Fault("port closed to 7 s", "pop", 0.3, lasts_s=5.0, renamed=True, stale_bytes=700))


@pytest.fixture(scope="module")
def repaired() -> Faulty:
    """The port was closed for 5 s around the pop."""
    return conduct_plan(CLOSED_5_S)


def test_nothing_goes_wrong_and_the_recording_is_complete():
    quiet = undisturbed(0)
    assert (quiet.verdict, broken_rules(quiet)) == ("complete", [])


def test_five_seconds_without_the_port_are_repaired(repaired: Faulty):
    assert broken_rules(repaired) == []
    assert repaired.verdict == "repaired"
    assert repaired.attempt is not None
    assert sum(stretch.count for stretch in repaired.attempt.raw.repaired) > 4500


@pytest.mark.slow
def test_a_stall_of_20_s_is_a_hole_with_exact_limits():
    faulty = conduct_plan(run_of(Fault("stall of 20 s", "inside", 0.2, lasts_s=20.0)))
    assert broken_rules(faulty) == []
    assert faulty.verdict == "holes"


def test_a_loss_of_power_tells_the_last_sample():
    faulty = conduct_plan(run_of(Fault("power lost", "cortex", 0.5, lasts_s=2.0)))
    assert broken_rules(faulty) == []
    assert faulty.verdict == "cut off"
    assert faulty.attempt is not None
    assert f"after sample {faulty.attempt.raw.sample_index[-1]}" in faulty.detail


@pytest.mark.parametrize("kind", ["second host stops", "second host starts"])
def test_another_program_ends_the_attempt_and_is_named(kind: str):
    faulty = conduct_plan(run_of(Fault(kind, "cortex", 0.5, lasts_s=2.0)))
    assert broken_rules(faulty) == []
    assert faulty.detail.startswith("another program")


@pytest.mark.slow
def test_fifty_runs_break_no_rule_and_meet_every_verdict():
    results = list(campaign(spread(RUNS), SEED, jobs=2))
    assert complaints(results) == []
    assert set(counts(results)) >= set(VERDICTS), table(results)


# ---- the plan, and whether the checks notice anything ----------------------------------------------------


def test_the_plan_has_every_kind_at_every_phase():
    planned = {(run.kind, run.phase) for run in (plan_run(number, SEED) for number in range(1000))}
    assert planned == KINDS_AND_PHASES


def test_the_same_number_and_seed_plan_the_same_run():
    assert plan_run(17, 3) == plan_run(17, 3)
    assert plan_run(17, 3) != plan_run(17, 4)


def with_raw(faulty: Faulty, **changed: Any) -> Faulty:
    assert faulty.attempt is not None
    return replace(faulty, attempt=replace(faulty.attempt, raw=replace(faulty.attempt.raw, **changed)))


@pytest.mark.parametrize("channel", ["force_counts", "depth_counts", "pressure_counts", "flags"])
@pytest.mark.parametrize("at", [3, 6000])
def test_one_value_that_differs_is_noticed(repaired: Faulty, channel: str, at: int):
    assert repaired.attempt is not None
    values = getattr(repaired.attempt.raw, channel).copy()
    values[at] ^= 1
    assert any(
        "rest" in rule or "truth" in rule for rule in broken_rules(with_raw(repaired, **{channel: values}))
    )


def test_samples_that_moved_by_one_are_noticed(repaired: Faulty):
    assert repaired.attempt is not None
    force = repaired.attempt.raw.force_counts
    moved = with_raw(repaired, force_counts=force[[0, *range(len(force) - 1)]])
    assert any("truth" in rule for rule in broken_rules(moved))


def test_a_time_that_is_half_a_sample_off_is_noticed(repaired: Faulty):
    assert repaired.attempt is not None
    late = repaired.attempt.raw.time_s.copy()
    late[40:60] += 0.0005
    assert any("timed wrongly" in rule for rule in broken_rules(with_raw(repaired, time_s=late)))


def test_a_sample_that_is_here_and_in_a_hole_is_noticed(repaired: Faulty):
    both = with_raw(repaired, holes=(Stretch(100, 1),))
    assert any("one of both" in rule for rule in broken_rules(both))


def test_a_hole_that_the_board_could_have_filled_is_noticed(repaired: Faulty):
    assert repaired.attempt is not None
    raw = repaired.attempt.raw
    kept = [i for i in range(len(raw.sample_index)) if not 500 <= i < 520]
    columns = ("sample_index", "time_s", "force_counts", "depth_counts", "pressure_counts", "flags")
    fewer = with_raw(
        repaired, **{name: getattr(raw, name)[kept] for name in columns}, holes=(Stretch(500, 20),)
    )
    rules = broken_rules(fewer)
    assert any("never said that it is gone" in rule for rule in rules)
    assert any("after an outage of 5.0 s" in rule for rule in rules)


def test_an_event_that_is_not_here_and_not_missed_is_noticed(repaired: Faulty):
    assert repaired.attempt is not None
    fewer = replace(repaired, attempt=replace(repaired.attempt, events=repaired.attempt.events[:-1]))
    assert any("events and 0 missing" in rule for rule in broken_rules(fewer))


def test_an_invented_event_is_noticed(repaired: Faulty):
    assert repaired.attempt is not None
    first, *rest = repaired.attempt.events
    other = replace(repaired.attempt, events=(replace(first, peak_counts=first.peak_counts + 1), *rest))
    assert any("not the device's" in rule for rule in broken_rules(replace(repaired, attempt=other)))
