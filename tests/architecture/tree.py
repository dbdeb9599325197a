"""The files of this checkout, as the guards want them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
IGNORED_WITHOUT_GIT = {".git", ".venv", "build", "dist", "typings", "__pycache__", "recordings"}


def files() -> list[str]:
    """Paths relative to ROOT of all files that are tracked or about to be; outside git: all that are ours."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    inside = listing.returncode == 0 and (ROOT / ".git").exists()
    paths = {path for path in listing.stdout.split("\0") if path} if inside else set(_walk())
    return sorted(path for path in paths if (ROOT / path).is_file())


def _walk() -> Iterator[str]:
    for path in ROOT.rglob("*"):
        relative = path.relative_to(ROOT)
        if not any(part in IGNORED_WITHOUT_GIT or part.endswith("_cache") for part in relative.parts):
            yield relative.as_posix()


def texts(under: str = "", suffix: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of the files below a folder; binary files are left out."""
    for path in files():
        if path.startswith(under) and path.endswith(suffix):
            try:
                yield path, (ROOT / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def python_files(under: str) -> list[tuple[str, str]]:
    """(path, source) of the Python files below a folder."""
    return list(texts(under, ".py"))
