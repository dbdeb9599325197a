"""What commands write: to the terminal, and into files."""

from pathlib import Path

from rich.console import Console

from popsense.errors import UsageError


def terminal() -> Console:
    """Prints text as it is: a path or a name may look like markup, a number or an :emoji: and is none."""
    return Console(markup=False, emoji=False, highlight=False)


def write_page(path: Path, page: str) -> None:
    """UsageError where the page cannot be written. A file that is no page (a recording, a rubric) stays."""
    try:
        if path.is_file() and not _holds_a_page(path):
            raise UsageError(f"{path} exists and is no page", "Choose another place with --out.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", "Choose another place with --out."
        ) from error


def _holds_a_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(32).lower().startswith(b"<!doctype html")
