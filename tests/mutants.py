"""Puts each fault of mutants.toml into a copy of the tree and requires that its test notices.

An entry: file, old (occurs exactly once), new, test (a pytest id), why. `make mutants` runs all of them;
`python tests/mutants.py WORD` those whose file, test or reason contains WORD. Exit code 1 if one survives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "typings", "__pycache__", "*_cache", ".hypothesis"
)
TESTS_FAILED = 1  # pytest's exit code; 2 and more mean that the tests did not run


@dataclass(frozen=True)
class Mutant:
    """One fault: `old` of `file` becomes `new`, and `test` must fail."""

    file: str
    old: str
    new: str
    test: str
    why: str


def load(path: Path) -> list[Mutant]:
    """All entries of mutants.toml."""
    return [Mutant(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])]


def listing_fault(mutant: Mutant, root: Path) -> str | None:
    """What is wrong with the entry itself, or None."""
    file, test_file = root / mutant.file, root / mutant.test.split("::")[0]
    if not file.is_file() or not test_file.is_file():
        return f"no such file: {mutant.file if test_file.is_file() else mutant.test}"
    found = file.read_text(encoding="utf-8").count(mutant.old)
    if found != 1 or mutant.old == mutant.new:
        return f"the old text occurs {found} times" if found != 1 else "old and new are the same"
    return None


def environment(tree: Path) -> dict[str, str]:
    """That of a run in the copy. PYTHONPATH goes before the editable install, which points at the original.

    No byte code is written: a mutant of the same length and second would be taken for the original.
    """
    path = os.pathsep.join(str(tree / folder) for folder in ("host", "protocol"))
    return os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "ci"}


def run_tests(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """pytest in the copy, on these ids."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        check=False,
    )


def verdict(mutant: Mutant, tree: Path) -> str:
    """ "killed", or why not. The copy is as before afterwards."""
    fault = listing_fault(mutant, tree)
    if fault:
        return fault
    file = tree / mutant.file
    original = file.read_text(encoding="utf-8")
    try:
        file.write_text(original.replace(mutant.old, mutant.new), encoding="utf-8")
        code = run_tests(tree, mutant.test).returncode
    finally:
        file.write_text(original, encoding="utf-8")
    return {0: "SURVIVED", TESTS_FAILED: "killed"}.get(
        code, f"pytest ended with code {code}: the test did not run"
    )


def copied_modules_fault(tree: Path) -> str | None:
    """Whether the copy would be tested and not the original; None is well."""
    program = "import popsense, popsense_protocol as p; print(popsense.__file__, p.__file__, sep=chr(10))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        check=False,
    )
    inside = all(name.startswith(str(tree)) for name in done.stdout.splitlines()) and done.returncode == 0
    return None if inside else f"not the copy is tested, but {done.stdout or done.stderr}"


def try_all(mutants: list[Mutant], root: Path = ROOT) -> int:
    """Prints one line a mutant; the number of those not killed."""
    with tempfile.TemporaryDirectory(prefix="popsense-mutants-") as folder:
        tree = Path(folder).resolve() / "tree"
        shutil.copytree(root, tree, ignore=NOT_COPIED)
        fault = copied_modules_fault(tree) or healthy_fault(mutants, tree)
        if fault:
            print(fault)
            return len(mutants) or 1
        return sum(_report(mutant, verdict(mutant, tree)) for mutant in mutants)


def healthy_fault(mutants: list[Mutant], tree: Path) -> str | None:
    """All listed tests must pass while nothing is broken; None is well."""
    tests = sorted({mutant.test for mutant in mutants if listing_fault(mutant, tree) is None})
    done = run_tests(tree, *tests) if tests else None
    if done is None or done.returncode == 0:
        return None
    return f"a listed test fails, or is missing, without any mutant:\n{done.stdout}{done.stderr}"


def _report(mutant: Mutant, result: str) -> int:
    print(f"{result:<9} {mutant.file}: {mutant.why}", flush=True)
    if result != "killed":
        print(f"          expected to fail: {mutant.test}")
    return int(result != "killed")


def main(arguments: list[str]) -> int:
    """The program; its result is the exit code."""
    word = arguments[0] if arguments else ""
    mutants = [m for m in load(ROOT / "tests/mutants.toml") if word in f"{m.file} {m.test} {m.why}"]
    alive = try_all(mutants)
    print(f"mutants: {len(mutants) - alive} killed, {alive} not")
    return 1 if alive or not mutants else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
