"""One simulated attempt: same input same bytes, physics plausible, truth in order."""

import time
from functools import cache

import numpy as np
import pytest
from scipy import signal

from popsense.errors import UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA as SITE
from popsense.twin.bone import DEVICES
from popsense.twin.insertion import Insertion, Truth, generator, simulate
from popsense.twin.operators import OPERATORS

RATE_HZ = 988.0
CASES = [(operator, device, seed) for operator in OPERATORS for device in DEVICES for seed in (0, 1, 42)]
EXITING = [case for case in CASES if case[0] != "early_stopper"]


@cache
def attempt(case: tuple[str, str, int]) -> Insertion:
    """The case at the nominal rate."""
    operator, device, seed = case
    return simulate(SITE, operator, device, seed, RATE_HZ)


def naive_detection_s(insertion: Insertion) -> float | None:
    """The plainest detector: smoothed force 30 % under its peak and 0.3 mm of protrusion above flex."""
    keep = float(np.exp(-1.0 / (RATE_HZ * 0.008)))
    smooth_n = np.asarray(signal.lfilter([1.0 - keep], [1.0, -keep], insertion.force_n))
    above_flex_mm = insertion.protrusion_mm - SITE.plug_compliance.value * np.maximum(smooth_n, 0.0)
    fires = (smooth_n <= 0.7 * np.maximum.accumulate(smooth_n)) & (above_flex_mm >= 0.3)
    return float(np.flatnonzero(fires)[0]) / RATE_HZ if fires.any() else None


def test_same_input_gives_the_same_bytes() -> None:
    first, again = (simulate(SITE, "novice", "manual", 7, RATE_HZ) for _ in range(2))
    for name in ("time_s", "force_n", "protrusion_mm", "pressure_kpa"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.truth == again.truth


def test_seed_operator_and_device_each_change_the_stream() -> None:
    streams = [
        (1, "expert", "powered"),
        (2, "expert", "powered"),
        (1, "novice", "powered"),
        (1, "expert", "manual"),
    ]
    assert len({float(generator(*stream).random()) for stream in streams}) == len(streams)


@pytest.mark.parametrize("case", CASES)
def test_arrays_agree_and_are_finite(case: tuple[str, str, int]) -> None:
    insertion = attempt(case)
    for values in (insertion.force_n, insertion.protrusion_mm, insertion.pressure_kpa):
        assert values.shape == insertion.time_s.shape
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
    assert np.allclose(insertion.time_s * RATE_HZ, np.arange(len(insertion.time_s)))
    assert insertion.force_n.max() < 600.0, "the ceiling of a pushing hand, IEEE 8579919"


@pytest.mark.parametrize("case", CASES)
def test_rest_at_both_ends(case: tuple[str, str, int]) -> None:
    insertion = attempt(case)
    for ends in (slice(0, round(0.5 * RATE_HZ)), slice(-round(0.3 * RATE_HZ), None)):
        assert np.abs(insertion.force_n[ends]).max() < 0.5
        assert insertion.protrusion_mm[ends].max() == 0.0


@pytest.mark.parametrize("case", CASES)
def test_before_the_exit_only_flex_protrudes(case: tuple[str, str, int]) -> None:
    insertion = attempt(case)
    exit_s = insertion.truth.exit_start_s
    before = insertion.time_s < (np.inf if exit_s is None else exit_s)
    flex_mm = SITE.plug_compliance.value * np.maximum(0.0, insertion.force_n[before])
    assert (insertion.protrusion_mm[before] <= flex_mm + 1e-12).all()
    assert insertion.protrusion_mm.min() == 0.0


@pytest.mark.parametrize("case", EXITING)
def test_truth_is_in_order(case: tuple[str, str, int]) -> None:
    truth = attempt(case).truth
    names = (
        "contact_s",
        "exit_start_s",
        "exit_half_s",
        "exit_end_s",
        "stop_s",
        "aspiration_s",
        "flush_s",
        "removal_s",
    )
    times = [truth.as_dict()[name] for name in names]
    assert None not in times
    assert times == sorted(times, key=lambda at: at or 0.0)
    assert truth.as_dict()["deepest_protrusion_mm"] == truth.deepest_protrusion_mm


@pytest.mark.parametrize("case", EXITING)
def test_the_pop_is_no_step(case: tuple[str, str, int]) -> None:
    truth = attempt(case).truth
    assert truth.exit_start_s is not None
    assert truth.exit_end_s is not None
    assert truth.exit_end_s - truth.exit_start_s > 0.05


@pytest.mark.parametrize("case", EXITING)
def test_a_plain_detector_finds_the_pop_in_time(case: tuple[str, str, int]) -> None:
    insertion = attempt(case)
    found_s, truth = naive_detection_s(insertion), insertion.truth
    assert found_s is not None
    assert truth.exit_start_s is not None
    assert truth.exit_half_s is not None
    assert truth.exit_start_s < found_s <= truth.exit_half_s + 0.025


def test_no_pop_is_found_where_there_was_none() -> None:
    assert naive_detection_s(attempt(("early_stopper", "powered", 0))) is None


def test_withdrawal_pulls_and_brings_the_protrusion_back() -> None:
    insertion = attempt(("expert", "manual", 0))
    assert insertion.truth.removal_s is not None
    after = insertion.time_s > insertion.truth.removal_s
    assert insertion.force_n[after].min() < -3.0
    assert insertion.protrusion_mm[-1] == 0.0


def test_an_attempt_at_another_rate_is_the_same_kind_of_attempt() -> None:
    truths: list[Truth] = [
        simulate(SITE, "expert", "powered", 3, rate).truth for rate in (500.0, 988.0, 1008.0)
    ]
    deepest = [truth.deepest_protrusion_mm for truth in truths]
    assert max(deepest) - min(deepest) < 1.5


@pytest.mark.parametrize(
    ("operator", "device"), [("surgeon", "powered"), ("expert", "hammer"), ("early-stopper", "powered")]
)
def test_unknown_names_are_refused(operator: str, device: str) -> None:
    with pytest.raises(UsageError) as refused:
        simulate(SITE, operator, device, 1, RATE_HZ)
    assert refused.value.remedy


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError):
        simulate(SITE, "expert", "powered", -1, RATE_HZ)


def test_simulation_is_quick() -> None:
    """Best of three: 35 ms where it was written; the limit only catches a change of kind."""
    durations: list[float] = []
    for seed in range(3):
        begun = time.perf_counter()
        simulate(SITE, "expert", "powered", seed, RATE_HZ)
        durations.append(time.perf_counter() - begun)
    assert min(durations) < 0.4
