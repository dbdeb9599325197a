"""pyproject.toml: every dependency and exception has its reason, and the exceptions are few."""

import tomllib

import pytest

from tests.architecture import guards
from tests.architecture.tree import ROOT, python_files

TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CONFIG = tomllib.loads(TEXT)


def test_every_dependency_and_exception_has_its_reason():
    assert guards.reasonless_lines(TEXT) == []


@pytest.mark.parametrize(
    "text",
    [
        'dependencies = [\n    "numpy>=1",\n]',
        'dependencies = [\n    "scipy", # filters\n    "numpy; sys_platform == \'#\'",\n]',
        'requires = ["hatchling"]',
        'test = [\n    "a[b]", # why\n    "c",\n]',
        '[tool.ruff.lint.per-file-ignores]\n"x.py" = ["S"]',
        'ignore = [\n    "E501",\n]',
    ],
)
def test_a_missing_reason_is_noticed(text: str):
    assert len(guards.reasonless_lines(text)) == 1


def test_reasons_on_the_line_or_above_it_count():
    assert (
        guards.reasonless_lines(
            'dependencies = [\n    "a", # why\n    # because\n    "b",\n]\nversion = "1"\n'
        )
        == []
    )


def test_calls_of_one_operating_system_stay_in_one_file():
    exempt = [
        pattern
        for pattern, rules in CONFIG["tool"]["ruff"]["lint"]["per-file-ignores"].items()
        if any("TID251".startswith(rule) for rule in rules)
    ]
    assert sorted(exempt) == ["host/popsense/recording/durability.py", "tests/**"]


@pytest.mark.parametrize("folder", ["host/", "protocol/", "firmware/"])
def test_nobody_excuses_himself_from_the_ban(folder: str):
    mark = "noqa: " + "TID251"
    assert [path for path, text in python_files(folder) if mark in text] == []


def test_there_is_one_version():
    stray = [
        path for path, text in [*python_files("host/"), *python_files("protocol/")] if "\n__version__" in text
    ]
    assert stray == []
