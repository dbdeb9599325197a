"""One simulated attempt: same input same bytes, every bone with every device, truth in order."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

from popsense.errors import UsageError
from popsense.procedure.sites import SITES
from popsense.twin.chamber import Chamber
from popsense.twin.device import DEVICES
from popsense.twin.insertion import BUMPER_N, CONTROL_HZ, Insertion, Setup, generator, simulate
from popsense.twin.operators import OPERATORS
from popsense.twin.specimen import Condition
from tests.host.twin.simulated import TIBIA, attempt, specimen_of

SITE = SITES[TIBIA]
SHOT_N = 600.0  # no needle of a spring-loaded device presses harder than that on its way in
ARRAYS = ("time_s", "force_n", "protrusion_mm", "pressure_kpa", "tip_mm")
CUTTING = ("powered", "manual")
BONES = [(site, "expert", device) for site in SITES for device in DEVICES]
HANDS = [(TIBIA, operator, device) for operator in OPERATORS for device in DEVICES]
CASES = sorted({*BONES, *HANDS})
EXITING = [
    (TIBIA, operator, device)
    for operator, who in OPERATORS.items()
    for device in DEVICES
    if who.gives_up_at > 1.0
]
every_case = pytest.mark.parametrize("case", CASES, ids="-".join)


def of(case: tuple[str, str, str]) -> Insertion:
    site, operator, device = case
    return attempt(operator, device, 0, site)


def naive_detection_s(insertion: Insertion) -> float | None:
    """The plainest detector: smoothed force 30 % under its peak and 0.3 mm of protrusion above flex."""
    keep = float(np.exp(-1.0 / (CONTROL_HZ * 0.008)))
    smooth_n = np.asarray(signal.lfilter([1.0 - keep], [1.0, -keep], insertion.force_n))
    above_flex_mm = insertion.protrusion_mm - SITE.plug_compliance.value * np.maximum(smooth_n, 0.0)
    fires = (smooth_n <= 0.7 * np.maximum.accumulate(smooth_n)) & (above_flex_mm >= 0.3)
    return float(np.flatnonzero(fires)[0]) / CONTROL_HZ if fires.any() else None


# ---- same input, same bytes ----------------------------------------------------------------------------


def test_same_setup_gives_the_same_bytes() -> None:
    setup = Setup(SITE, "novice", "manual", 7, Condition("bone", 1.5, 0.3, 0.2, used_hole=True), outside=0.2)
    first, again = simulate(setup), simulate(setup)
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.truth == again.truth


def test_seed_operator_device_and_site_each_change_the_stream() -> None:
    first = [1, "expert", "powered", TIBIA]
    others = enumerate([2, "novice", "manual", "sternum"])
    streams = [first, *([*first[:k], other, *first[k + 1 :]] for k, other in others)]
    assert len({float(generator(*stream).random()) for stream in streams}) == 5


def test_every_condition_of_the_bench_changes_the_attempt() -> None:
    conditions = [Condition(), Condition("bone"), Condition(spread=2.0), Condition(worn=1.0),
                  Condition(blunt=1.0), Condition(used_hole=True)]  # fmt: skip
    assert len({attempt(bench=bench).force_n.tobytes() for bench in conditions}) == len(conditions)


# ---- every bone, every device --------------------------------------------------------------------------


@pytest.mark.slow
@every_case
def test_arrays_agree_and_are_finite(case: tuple[str, str, str]) -> None:
    whole = of(case)
    for name in ARRAYS:
        values = getattr(whole, name)
        assert values.shape == whole.time_s.shape
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
    assert np.allclose(whole.time_s * CONTROL_HZ, np.arange(len(whole.time_s)))
    assert whole.force_n.max() <= BUMPER_N, "the cell's mechanical stop"
    assert whole.time_s[-1] < 25.0


@every_case
def test_rest_at_both_ends(case: tuple[str, str, str]) -> None:
    whole = of(case)
    for ends in (slice(0, round(0.5 * CONTROL_HZ)), slice(-round(0.3 * CONTROL_HZ), None)):
        assert np.abs(whole.force_n[ends]).max() < 0.5
        assert whole.protrusion_mm[ends].max() == 0.0
    assert not whole.pressure_kpa[: round(0.5 * CONTROL_HZ)].any()


@every_case
def test_before_the_exit_only_flex_protrudes(case: tuple[str, str, str]) -> None:
    """As much as the plug bends under the force, which within an instant is not quite its mean.

    A shot's force changes by much more within an instant: there the bulge is only bounded.
    """
    whole = of(case)
    exit_s = whole.truth.exit_start_s
    before = whole.time_s < (np.inf if exit_s is None else exit_s - 0.002)
    per_n_mm = specimen_of(case[1], case[2], 0, case[0]).compliance_mm_per_n
    bulge_mm = per_n_mm * np.maximum(0.0, whole.force_n)
    around_mm = np.max([bulge_mm, np.roll(bulge_mm, 1), np.roll(bulge_mm, -1)], axis=0)[before]
    most_mm = per_n_mm * SHOT_N if case[2] == "spring_loaded" else 1.02 * around_mm + 0.002
    assert (whole.protrusion_mm[before] <= most_mm).all()
    assert whole.protrusion_mm.min() == 0.0


@pytest.mark.parametrize("case", EXITING, ids="-".join)
def test_truth_is_in_order(case: tuple[str, str, str]) -> None:
    truth = of(case).truth
    names = ["contact_s", "exit_start_s", "exit_half_s", "exit_end_s", "stop_s", "aspiration_s", "flush_s",
             "removal_s"]  # fmt: skip
    if not OPERATORS[case[1]].flushes:
        names.remove("flush_s")
    times = [getattr(truth, name) for name in names]
    assert None not in times
    assert all(a <= b + 0.002 for a, b in pairwise(times)), "a shot is through within an instant or two"
    assert truth.deepest_protrusion_mm > SITE.bevel.value
    assert not truth.used_hole


@pytest.mark.parametrize("device", CUTTING)
def test_the_pop_is_no_step(device: str) -> None:
    for operator in ("expert", "novice", "hesitant", "toggler"):
        truth = attempt(operator, device).truth
        assert truth.exit_start_s is not None
        assert truth.exit_end_s is not None
        assert truth.exit_end_s - truth.exit_start_s > 0.05


@pytest.mark.parametrize("device", CUTTING)
def test_at_half_the_exit_half_of_the_force_is_gone(device: str) -> None:
    """Read from the arrays, not from the path: force on the cartridge, friction of the shaft taken off."""
    whole, friction_n = attempt("expert", device), DEVICES[device].shaft_friction_n
    exit_s, half_s = whole.truth.exit_start_s, whole.truth.exit_half_s
    assert exit_s is not None
    assert half_s is not None
    tip_n = whole.force_n - friction_n
    before_n = tip_n[round((exit_s - 0.2) * CONTROL_HZ) : round(half_s * CONTROL_HZ)].max()
    assert tip_n[round((half_s + 0.003) * CONTROL_HZ)] < 0.55 * before_n
    assert whole.tip_mm[round(half_s * CONTROL_HZ)] > 0.25 * SITE.bevel.value


@pytest.mark.parametrize("device", CUTTING)
def test_a_plain_detector_finds_the_pop_in_time(device: str) -> None:
    for operator in ("expert", "novice", "plunger"):
        whole = attempt(operator, device)
        found_s, truth = naive_detection_s(whole), whole.truth
        assert found_s is not None
        assert truth.exit_start_s is not None
        assert truth.exit_half_s is not None
        assert truth.exit_start_s < found_s <= truth.exit_half_s + 0.025


def test_no_pop_is_found_where_there_was_none() -> None:
    assert naive_detection_s(attempt("early_stopper")) is None


def test_withdrawal_pulls_and_brings_the_protrusion_back() -> None:
    whole = attempt("expert", "manual")
    assert whole.truth.removal_s is not None
    after = whole.time_s > whole.truth.removal_s
    assert whole.force_n[after].min() < -3.0
    assert whole.protrusion_mm[-1] == 0.0


# ---- the bench -----------------------------------------------------------------------------------------


def in_cortex(whole: Insertion) -> slice:
    assert whole.truth.contact_s is not None
    assert whole.truth.exit_start_s is not None
    return slice(round(whole.truth.contact_s * CONTROL_HZ), round(whole.truth.exit_start_s * CONTROL_HZ))


def test_a_used_hole_is_dated_but_has_no_peak() -> None:
    """What is left is the hand's own push through what the hole still resists."""
    fresh, used = attempt("novice"), attempt("novice", bench=Condition(used_hole=True))
    assert used.truth.used_hole
    assert used.truth.exit_start_s is not None
    assert used.truth.contact_s is not None
    peaks_n = [float(whole.force_n[in_cortex(whole)].max()) for whole in (fresh, used)]
    assert peaks_n[1] < 0.6 * peaks_n[0]


def test_blunt_needle_takes_longer_and_worn_plug_less_long() -> None:
    worn, new, blunt = (
        in_cortex(attempt("novice", bench=bench))
        for bench in (Condition(worn=1.0), Condition(), Condition(blunt=1.0))
    )
    assert worn.stop - worn.start < 0.9 * (new.stop - new.start)
    assert blunt.stop - blunt.start > 1.2 * (new.stop - new.start)


def test_bone_too_hard_for_the_spring_leaves_the_needle_in_the_cortex() -> None:
    """Seeds of hard bone with a blunt needle: none is through, all have touched."""
    bench = Condition("bone", spread=2.0, blunt=1.0)
    hard = [s for s in range(60) if specimen_of("expert", "spring_loaded", s, bench=bench).hardness > 4.0][:3]
    assert len(hard) == 3
    for seed in hard:
        truth = attempt("expert", "spring_loaded", seed, bench=bench).truth
        assert truth.contact_s is not None
        assert truth.exit_half_s is None


def test_a_bevel_that_is_not_turned_does_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leaner presses on for 3 s with the motor off, and stays where he is; a turning bevel would go on."""

    def advance_mm(whole: Insertion) -> float:
        stop_s = whole.truth.stop_s
        assert stop_s is not None
        begin = round((stop_s + 0.05) * CONTROL_HZ)
        return float(whole.tip_mm[begin : begin + 2900].max() - whole.tip_mm[begin])

    assert advance_mm(attempt("leaner")) < 0.1
    monkeypatch.setattr("popsense.twin.insertion.STANDS", 1.0)
    assert advance_mm(simulate(Setup(SITE, "leaner"))) > 0.3


def test_the_force_shakes_only_while_the_driver_runs() -> None:
    """Rms in the motor's band, of a leaner: the second before he stops, and the second in which he leans."""
    whole = attempt("leaner")
    assert whole.truth.stop_s is not None
    b, a = signal.butter(2, [17.0, 25.0], "bandpass", fs=CONTROL_HZ)
    band_n = np.asarray(signal.filtfilt(b, a, whole.force_n))
    stop = round(whole.truth.stop_s * CONTROL_HZ)
    assert band_n[stop - 1200 : stop - 200].std() > 2.0 * band_n[stop + 500 : stop + 1500].std()


def test_manual_work_sticks_and_slips() -> None:
    """The bone gives in jerks, at the turns of the wrist: the feed is far from steady, and more than sine."""
    whole = attempt("novice", "manual")
    deep = in_cortex(whole)
    feed = np.diff(whole.tip_mm[deep][700:])
    smooth = np.convolve(feed, np.ones(25) / 25.0, mode="valid")
    trend = np.polyval(np.polyfit(np.arange(len(smooth)), smooth, 2), np.arange(len(smooth)))
    swing = smooth - trend
    hz, power = signal.periodogram(swing, fs=CONTROL_HZ)
    assert hz[power.argmax()] == pytest.approx(DEVICES["manual"].ripple_hz, abs=0.8)
    assert swing.std() > 0.15 * smooth.mean()


def test_the_chamber_of_the_setup_is_used_and_what_runs_out_beside_the_bone() -> None:
    tight = attempt("expert").pressure_kpa
    leaking = simulate(Setup(SITE, chamber=Chamber(leak=0.5))).pressure_kpa
    outside = simulate(Setup(SITE, outside=0.5)).pressure_kpa
    for other in (leaking, outside):
        assert other.max() < 0.8 * tight.max()
    assert outside.min() == tight.min()
    pulsing = simulate(Setup(SITE, chamber=Chamber(reservoir_kpa=4.0))).pressure_kpa
    assert pulsing[:500].mean() > 2.0 > abs(tight[:500]).max()


# ---- edges ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "device"), [("surgeon", "powered"), ("expert", "hammer"), ("early-stopper", "powered")]
)
def test_unknown_names_are_refused(operator: str, device: str) -> None:
    with pytest.raises(UsageError) as refused:
        simulate(Setup(SITE, operator, device, 1))
    assert refused.value.remedy


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError):
        simulate(Setup(SITE, seed=-1))


def test_a_far_harder_world_still_ends() -> None:
    """Everything at its worst: no attempt runs away, none fails."""
    bench = Condition("bone", spread=3.0, worn=1.0, blunt=1.0, used_hole=True)
    for device in DEVICES:
        whole = simulate(Setup(replace(SITE, name="x"), "easer", device, 2, bench))
        assert np.isfinite(whole.force_n).all()
        assert np.abs(whole.force_n[-100:]).max() < 0.5


def test_simulation_is_quick() -> None:
    """Best of three: 60 ms where it was written; the limit only catches a change of kind."""
    durations: list[float] = []
    for seed in range(3):
        begun = time.process_time()
        simulate(Setup(SITE, seed=seed))
        durations.append(time.process_time() - begun)
    assert min(durations) < 0.5
