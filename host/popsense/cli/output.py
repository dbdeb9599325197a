"""Files that commands write."""

from pathlib import Path

from popsense.errors import UsageError


def write_page(path: Path, page: str) -> None:
    """UsageError where the page cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", "Choose another place with --out."
        ) from error
