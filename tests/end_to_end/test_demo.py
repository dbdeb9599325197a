"""What issue 2 must show, through the program itself: seeds 0..4, and 0..19 with POPSENSE_FULL=1."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from popsense.attempts.simulated import DEMO_OPERATORS
from tests.end_to_end.demo_json import SEEDS, attempts, demo_json, without_creation
from tests.host.cli.programs import popsense

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
POP_LATENCY_S = 0.025
FEW_MAY_MISS = 1 if len(SEEDS) == 20 else 0  # 19 of 20


def count(operator: str, holds: Callable[[dict[str, Any]], bool]) -> int:
    return sum(map(holds, attempts(operator)))


def pops(attempt: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in attempt["events"] if event["kind"] == "pop"]


def test_every_operator_and_seed_is_there_once():
    wanted = [(operator, seed) for seed in SEEDS for operator in DEMO_OPERATORS]
    assert [(attempt["operator"], attempt["seed"]) for attempt in attempts()] == wanted


def test_the_expert_passes():
    assert count("expert", lambda attempt: attempt["passed"] is True) >= len(SEEDS) - FEW_MAY_MISS


def test_the_plunger_fails_with_far_cortex_contact():
    failed = count(
        "plunger",
        lambda attempt: attempt["passed"] is False and "far_cortex_contact" in attempt["critical_errors"],
    )
    assert failed >= len(SEEDS) - FEW_MAY_MISS


def test_the_early_stopper_has_no_pop_and_does_not_pass():
    assert count("early_stopper", lambda attempt: bool(pops(attempt))) == 0
    assert count("early_stopper", lambda attempt: attempt["passed"] is True) == 0


def test_the_others_pop_for_board_and_host():
    for operator in ("expert", "novice", "plunger"):
        for attempt in attempts(operator):
            sources = sorted(event["source"] for event in pops(attempt))
            assert sources == ["device", "host"], (operator, attempt["seed"])


def test_the_novice_scores_between():
    mean = {
        operator: sum(attempt["score"] for attempt in attempts(operator)) / len(SEEDS)
        for operator in DEMO_OPERATORS
    }
    assert mean["plunger"] < mean["novice"] < mean["expert"]


def test_pops_are_neither_early_nor_late():
    late = [
        (attempt["operator"], attempt["seed"], event["source"], event["time_s"], attempt["truth"])
        for attempt in attempts()
        for event in pops(attempt)
        if not attempt["truth"]["exit_start_s"]
        <= event["time_s"]
        <= attempt["truth"]["exit_half_s"] + POP_LATENCY_S
    ]
    assert late == []


def test_nothing_is_lost():
    for attempt in attempts():
        lost = (attempt["lost_samples"], attempt["missed_conversions"], attempt["integrity"])
        assert lost == (0, 0, "complete"), (attempt["operator"], attempt["seed"])
        assert attempt["samples"] > 5000


def test_the_firmware_ran_in_micropython(require):
    require("micropython")
    assert all(attempt["firmware"]["interpreter"].startswith("micropython") for attempt in attempts())


def test_assessment_mode_and_plain_words_on_validity():
    assert {attempt["mode"] for attempt in attempts()} == {"assessment"}
    assert "no evidence that its scores are valid" in demo_json()


def test_the_arithmetic_adds_up():
    for attempt in attempts():
        sums = attempt["arithmetic"]
        assert attempt["score"] == pytest.approx(100 * sums["earned"] / sums["assessable"], abs=1e-5)
        assert sums["assessable"] <= sums["possible"]


def test_a_second_run_is_the_same_but_for_the_time_of_creation(tmp_path: Path):
    done = popsense(
        "demo", "--once", "--json", "--seeds", f"0..{SEEDS[-1]}", "--jobs", "1", cwd=tmp_path, timeout=600
    )
    assert without_creation(done.stdout) == without_creation(demo_json())
