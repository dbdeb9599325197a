"""A mistake in a rubric file is one clear line: which file, where, what is allowed, what to do."""

from importlib import resources
from pathlib import Path

import pytest

from popsense.errors import RubricError
from popsense.scoring import load_rubric, packaged_rubric

GOOD = (resources.files("popsense.scoring") / "rubrics/adult-proximal-tibia.toml").read_text(encoding="utf-8")

MISTAKES = {
    "typo in a key of an item": ("weight = 30", "wieght = 30", ["item 1 'overshoot'", "wieght", "weight"]),
    "typo in a key of a band": ("{ up_to = 25,", "{ upto = 25,", ["bands 1", "upto", "up_to"]),
    "typo in a top key": ("pass_percent = 70", "pass_precent = 70", ["pass_precent", "pass_percent"]),
    "typo in a table": ("[[no_score]]", "[[noscore]]", ["noscore", "no_score"]),
    "unknown metric": ('metric = "taper_ratio"', 'metric = "taper"', ["'taper'", "taper_ratio"]),
    "wrong unit": ('unit = "%"\nshown', 'unit = "mm"\nshown', ["overshoot", "'mm'", "allowed: %"]),
    "bands out of order": ("up_to = 35,", "up_to = 15,", ["'overshoot'", "ascend", "15", "25"]),
    "no open band": ("    { points = 0.0 },\n", "", ["'overshoot'", "last band"]),
    "text for a number": ("weight = 30", 'weight = "30"', ["item 1 'overshoot', weight", "number"]),
    "negative weight": ("weight = 30", "weight = -30", ["weight", "greater than or equal to 0"]),
    "more than all points": ("points = 1.0", "points = 1.5", ["bands 1, points", "less than or equal to 1"]),
    "unknown comparison": (
        'comparison = ">"',
        'comparison = "=>"',
        ["'second_puncture'", "comparison", "'>='"],
    ),
    "unknown mode": ('modes = ["assessment", "blind"]', 'modes = ["exam"]', ["modes 1", "'assessment'"]),
    "empty source": ('source = "uncalibrated"', 'source = ""', ["'reaction_time'", "source"]),
    "missing key": ('site = "adult-proximal-tibia"\n', "", ["site", "is missing"]),
    "unknown required item": ('"flush"]', '"flsh"]', ["'flsh'", "flush"]),
    "same id twice": ('id = "flush"', 'id = "aspiration"', ["'aspiration' is used twice"]),
    "unknown omission rule": ('none_means = "omission"', 'none_means = "zero"', ["none_means", "'omission'"]),
    "not a number": ("weight = 30", "weight = nan", ["weight"]),
    "a band up to nowhere": ("{ up_to = 35,", "{ up_to = inf,", ["'overshoot'", "up_to", "finite"]),
    "a share that is no number": ("points = 0.25", "points = nan", ["bands 3, points", "finite"]),
    "a condition that never holds": (
        'comparison = "==", value = 1',
        'comparison = "==", value = nan',
        ["no_score 1", "value", "finite"],
    ),
    "a condition beyond all values": (
        'comparison = ">", value = 1',
        'comparison = ">", value = inf',
        ["'second_puncture'", "value", "finite"],
    ),
    "a standard that is no number": ("pass_percent = 70", "pass_percent = nan", ["pass_percent", "finite"]),
    "not TOML": ("[[item]]", "[[item", ["not TOML", "line"]),
}


def message_of(text: str) -> str:
    with pytest.raises(RubricError) as caught:
        load_rubric(text, "centre.toml")
    assert caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_in_one_line(old: str, new: str, words: list[str]):
    assert old in GOOD
    message = message_of(GOOD.replace(old, new, 1))
    assert message.startswith("centre.toml: ")
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n"])
def test_an_empty_file_says_what_a_rubric_needs(text: str):
    assert "is empty; a rubric needs: name, version" in message_of(text)


@pytest.mark.parametrize(
    "text", ["item = 3", "item = [3]", 'item = [{bands = "x"}]', "critical = [{condition = 1}]"]
)
def test_nonsense_of_the_right_syntax_is_refused(text: str):
    message_of(text)


def test_the_rest_of_the_mistakes_is_counted():
    assert message_of(GOOD.replace("weight", "wait")).endswith("more)")


def test_a_file_is_read_by_its_path(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_rubric(path) == load_rubric(str(path)) == packaged_rubric("adult-proximal-tibia")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RubricError, match=r"absent\.toml: cannot be read"):
        load_rubric(tmp_path / "absent.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RubricError, match="UTF-8"):
        load_rubric(tmp_path / "binary.toml")


@pytest.mark.parametrize("site", ["adult-humerus", "", "../adult-proximal-tibia"])
def test_an_unknown_site_lists_the_known_ones(site: str):
    with pytest.raises(RubricError, match="adult-proximal-tibia"):
        packaged_rubric(site)


def test_every_limit_has_its_source():
    rubric = packaged_rubric("adult-proximal-tibia")
    assert all(part.source for part in (*rubric.item, *rubric.critical))
