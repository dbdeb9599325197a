"""What no file of the repository may hold."""

import pytest

from tests.architecture import guards
from tests.architecture.tree import ROOT, files, texts


def test_constraints_are_names_and_versions():
    assert guards.constraints_faults((ROOT / ".ci/constraints.txt").read_text(encoding="utf-8")) == []


def test_no_index_address_and_no_machine_path():
    assert guards.all_faults(guards.address_faults(*file) for file in texts()) == []


def test_no_lock_file():
    assert guards.all_faults(guards.name_faults(path) for path in files()) == []


def test_no_long_file():
    assert guards.all_faults(guards.length_faults(*file) for file in texts()) == []


def test_tests_skip_through_require_only():
    assert guards.all_faults(guards.skip_faults(*file) for file in texts("tests/", ".py")) == []


@pytest.mark.parametrize("call", ["skip('no reason')", "mark.skipif(True)", "importorskip('dask')"])
def test_another_way_to_skip_is_noticed(call: str):
    assert guards.skip_faults("tests/test_x.py", "pytest" + "." + call)


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy>=2",
        "numpy == 2",
        "-e .",
        "popsense @ file:" + "///tmp/popsense",
        "numpy==2 --hash=sha256:00",
        "--index" + "-url=somewhere",
        "https:" + "//example.org/numpy.whl",
        "# a comment",
        "",
    ],
)
def test_a_bad_constraint_is_noticed(line: str):
    assert guards.constraints_faults(f"scipy==1.17.1\n{line}\n")


@pytest.mark.parametrize(
    "text",
    [
        "https:" + "//pypi.example.org/simple/numpy/",
        "https:" + "//example.org/a/numpy-2-py3-none-any.whl",
        "pip install --extra-index" + "-url x",
        "pip install --find" + "-links wheels",
        "source = '/ho" + "me/anna/popsense'",
        "cd /ro" + "ot/popsense",
        "(/wo" + "rk/main)",
    ],
)
def test_a_bad_address_is_noticed(text: str):
    assert guards.address_faults("README.md", text)


@pytest.mark.parametrize(
    "text", ["host/work/x", "~/.cache/popsense/pico.uf2", "https:" + "//example.org/home/x"]
)
def test_other_paths_are_fine(text: str):
    assert guards.address_faults("README.md", text) == []


@pytest.mark.parametrize(
    "name", ["uv.lock", "poetry.lock", "web/package-lock.json", "pylock.toml", "pylock.dev.toml"]
)
def test_a_lock_file_is_noticed(name: str):
    assert guards.name_faults(name)


def test_a_long_file_is_noticed():
    assert guards.length_faults("host/popsense/a.py", "\n" * 401)
    assert guards.length_faults("host/popsense/a.py", "\n" * 400) == []
