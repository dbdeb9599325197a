"""Plans and what is drawn from them."""

import re
from pathlib import Path

import pytest

from popsense.errors import UsageError
from popsense.twin.cohort import EVERYDAY, CohortPlan, draw_case, load_plan

HELDBACK = Path(__file__).parents[2] / "cohorts" / "heldback.toml"
MANY = range(300)


@pytest.fixture(scope="module")
def heldback() -> CohortPlan:
    return load_plan(HELDBACK)


def changed(folder: Path, old: str, new: str) -> Path:
    """The packaged plan with one entry of it replaced."""
    text = EVERYDAY.read_text(encoding="utf-8")
    assert old in text
    path = folder / "plan.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_case_depends_on_plan_kind_and_number_only(heldback: CohortPlan):
    assert draw_case(heldback, "attempt", 7) == draw_case(load_plan(HELDBACK), "attempt", 7)
    others = [
        draw_case(heldback, "negative", 7),
        draw_case(heldback, "attempt", 8),
        draw_case(heldback.model_copy(update={"seed": 1}), "attempt", 7),
        draw_case(heldback.model_copy(update={"name": "other"}), "attempt", 7),
    ]
    seeds = {draw_case(heldback, "attempt", 7).setup.seed, *(case.setup.seed for case in others)}
    assert len(seeds) == 5


def test_everything_of_the_plan_comes_up_and_nothing_else(heldback: CohortPlan):
    cases = [draw_case(heldback, "attempt", number) for number in MANY]
    assert {case.setup.site.name for case in cases} == heldback.sites.keys()
    assert {case.setup.device for case in cases} == heldback.devices.keys()
    assert {case.setup.operator for case in cases} == heldback.operators.keys()
    negatives = {draw_case(heldback, "negative", number).setup.operator for number in MANY}
    assert negatives == heldback.negatives.keys()


def test_weights_are_relative_frequencies():
    plan = load_plan(EVERYDAY)
    drawn = [draw_case(plan, "attempt", number).setup.operator for number in range(1000)]
    due = plan.operators["novice"] / sum(plan.operators.values())
    assert drawn.count("novice") / 1000 == pytest.approx(due, abs=0.05)


def test_a_negative_has_no_used_hole(heldback: CohortPlan):
    certain = heldback.model_copy(update={"used_hole": 1.0})
    assert all(draw_case(certain, "attempt", n).setup.condition.used_hole for n in range(20))
    assert not any(draw_case(certain, "negative", n).setup.condition.used_hole for n in range(20))


def test_sensors_stay_in_their_ranges(heldback: CohortPlan):
    for number in range(50):
        sensors = draw_case(heldback, "attempt", number).sensors
        for name, (low, high) in heldback.sensors.items():
            assert low <= getattr(sensors, name) <= high
        assert sensors.hum_hz in (50.0, 60.0)
        assert len(sensors.bumps) <= heldback.bumps.most
        assert list(sensors.bumps) == sorted(sensors.bumps)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("novice = 5", "surgeon = 5", "operators: .*unknown 'surgeon'; known: .*expert"),
        ("adult-proximal-tibia = 1", "femur = 1", "sites: .*unknown 'femur'"),
        ("powered = 1", "hammer = 1", "devices: .*unknown 'hammer'"),
        ("hum_n", "hum_m", "sensors: .*unknown 'hum_m'"),
        ("novice = 5", "novice = 0", "operators.novice: "),
        ("novice = 5", "novice = inf", "operators.novice: "),
        ("worn = 0.1", "worn = 1.1", "worn: "),
        ("worn = 0.1", 'worn = "much"', "worn: "),
        ("worn = 0.1", "worm = 0.1", "worn: |worm: "),
        ("seed = 1", "seed = -1", "seed: "),
        ("rates_hz = [988.0]", "rates_hz = []", "rates_hz: "),
        ("[0.05, 0.08]", "[0.08, 0.05]", "sensors.force_noise_n: .*ends before it begins"),
        ("[0.05, 0.08]", "[0.08]", "sensors.force_noise_n"),
        ("[0.05, 0.08]", "[0.08, nan]", "sensors.force_noise_n"),
        ("seed = 1", "seed = ", "no TOML"),
    ],
)
def test_a_mistake_in_a_plan_is_named(tmp_path: Path, old: str, new: str, said: str):
    path = changed(tmp_path, old, new)
    with pytest.raises(UsageError, match=said) as caught:
        load_plan(path)
    assert re.search("plan.toml", str(caught.value))
    assert caught.value.remedy


def test_what_is_no_plan_file_is_refused(tmp_path: Path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.toml", "binary.toml", "."):
        with pytest.raises(UsageError, match=r"cannot be read|is no text"):
            load_plan(tmp_path / name)
