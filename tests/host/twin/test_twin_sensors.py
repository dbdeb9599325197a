"""From units to counts: the way back agrees within noise, limits clip."""

from dataclasses import replace

import numpy as np
import pytest

from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA as SITE
from popsense.twin.insertion import Insertion, simulate
from popsense.twin.sensors import SensorSpec, digitise

SPEC = SensorSpec()


@pytest.fixture(scope="module")
def insertion() -> Insertion:
    """An attempt with everything in it."""
    return simulate(SITE, "expert", "powered", 5, 1000.0)


def test_one_newton_is_4295_counts() -> None:
    assert SPEC.counts_per_n == pytest.approx(4294.967, abs=0.001)


def test_force_comes_back_within_noise_after_tare(insertion: Insertion) -> None:
    script = digitise(insertion, 5)
    force_n = script.force_counts / SPEC.counts_per_n
    error_n = force_n - force_n[: script.rest_samples].mean() - insertion.force_n
    assert error_n.std() == pytest.approx(SPEC.force_noise_n, rel=0.3)
    assert np.abs(error_n).max() < 0.5


def test_zero_balance_stays_within_one_percent_of_full_scale(insertion: Insertion) -> None:
    zeros_n = [digitise(insertion, seed).force_counts[:400].mean() / SPEC.counts_per_n for seed in range(20)]
    assert max(abs(zero) for zero in zeros_n) < 5.1
    assert np.std(zeros_n) > 1.0


def test_depth_comes_back_within_noise(insertion: Insertion) -> None:
    codes = digitise(insertion, 5).depth_codes
    depth_mm = (codes.mean(axis=1) / 4095 - 0.1) / 0.8 * 30.0
    assert (depth_mm - insertion.protrusion_mm).std() < 0.012
    assert abs((depth_mm - insertion.protrusion_mm).mean()) < 0.003


def test_pressure_comes_back_within_noise(insertion: Insertion) -> None:
    codes = digitise(insertion, 5).pressure_codes
    pressure_kpa = (codes.mean(axis=1) / 4095 - 0.1) / 0.8 * 150.0 - 50.0
    assert (pressure_kpa - insertion.pressure_kpa).std() < 0.06


def test_each_read_has_its_own_noise(insertion: Insertion) -> None:
    reads = digitise(insertion, 5).depth_codes[:400].astype(float)
    assert np.abs(np.corrcoef(reads.T) - np.eye(4)).max() < 0.2
    assert reads.std() == pytest.approx(SPEC.adc_noise_lsb, rel=0.15)


def test_everything_clips_at_its_converter(insertion: Insertion) -> None:
    beyond = np.where(np.arange(len(insertion.time_s)) % 2, 1e5, -1e5)
    script = digitise(replace(insertion, force_n=beyond, protrusion_mm=beyond, pressure_kpa=beyond), 5)
    assert set(script.force_counts.tolist()) == {-(2**23), 2**23 - 1}
    assert set(script.depth_codes.ravel().tolist()) == {0, 4095}
    assert set(script.pressure_codes.ravel().tolist()) == {0, 4095}


def test_types_are_those_of_the_file(insertion: Insertion) -> None:
    script = digitise(insertion, 5)
    n = len(insertion.time_s)
    assert (script.force_counts.dtype, script.force_counts.shape) == (np.int32, (n,))
    assert (script.depth_codes.dtype, script.depth_codes.shape) == (np.uint16, (n, 4))
    assert (script.pressure_codes.dtype, script.pressure_codes.shape) == (np.uint16, (n, 4))
    assert script.sample_period_ns == 1_000_000
