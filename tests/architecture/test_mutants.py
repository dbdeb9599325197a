"""The runner of mutants.toml on a tree of two files, and the entries of the real list."""

from pathlib import Path

import pytest

from tests import mutants
from tests.architecture.tree import ROOT

HALF = "def half(n):\n    return n // 2\n"
TESTS = """
from popsense.half import half

def test_half():
    assert half(5) == 2

def test_zero():
    assert half(0) == 0
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in {
        "host/popsense/__init__.py": "",
        "host/popsense/half.py": HALF,
        "protocol/popsense_protocol/__init__.py": "",
        "tests/test_half.py": TESTS,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def mutant(old: str = "//", new: str = "/", test: str = "test_half") -> mutants.Mutant:
    return mutants.Mutant(
        "host/popsense/half.py", old, new, f"tests/test_half.py::{test}", "the half is wrong"
    )


@pytest.mark.slow
def test_a_fault_that_is_noticed_is_killed(tree: Path, capsys: pytest.CaptureFixture[str]):
    assert mutants.try_all([mutant(), mutant("2", "3")], tree) == 0
    assert capsys.readouterr().out.count("killed ") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (mutant(test="test_zero"), "SURVIVED"),
        (mutant(old="n"), "the old text occurs 3 times"),
        (mutant(old="absent"), "the old text occurs 0 times"),
        (mutant(new="//"), "old and new are the same"),
        (mutant(new="%%"), "the test did not run"),
        (mutant(test="test_absent"), "fails, or is missing, without any mutant"),
    ],
)
def test_all_else_is_reported(
    tree: Path, capsys: pytest.CaptureFixture[str], fault: mutants.Mutant, said: str
):
    assert mutants.try_all([fault], tree) == 1
    assert said in capsys.readouterr().out


@pytest.mark.slow
def test_the_tree_itself_is_not_touched(tree: Path):
    mutants.try_all([mutant()], tree)
    assert (tree / "host/popsense/half.py").read_text(encoding="utf-8") == HALF


@pytest.mark.parametrize("entry", mutants.load(ROOT / "tests/mutants.toml"), ids=lambda entry: entry.why)
def test_an_entry_fits_the_tree(entry: mutants.Mutant):
    assert mutants.listing_fault(entry, ROOT) is None
