"""A rubric from its TOML text; every mistake in it becomes one line that says where and what is allowed."""

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from popsense.errors import RubricError
from popsense.scoring.rubric import Band, Condition, Critical, Item, NoScore, Part, Rubric

TABLES: dict[str, type[Part]] = {
    "item": Item,
    "bands": Band,
    "critical": Critical,
    "no_score": NoScore,
    "condition": Condition,
}
LOCATION_REMEDY = "Correct the file at that place and try again."


def load_rubric(source: Path | str, name: str = "rubric text") -> Rubric:
    """The rubric in a file (a Path, or a str that ends in .toml) or in a TOML text.

    name: how errors call a text. Raises RubricError.
    """
    if isinstance(source, Path) or source.endswith(".toml"):
        return _parse(_read(Path(source)), str(source))
    return _parse(source, name)


def packaged_rubric(site: str) -> Rubric:
    """The rubric that comes with popsense for a site, such as "adult-proximal-tibia"."""
    names = packaged_sites()
    if site not in names:
        raise RubricError(
            f"no rubric for site '{site}'; there is one for: {', '.join(names)}",
            "Choose one of these sites, or give the path of a rubric file.",
        )
    return _parse((_packaged() / f"{site}.toml").read_text(encoding="utf-8"), f"{site}.toml")


def packaged_sites() -> list[str]:
    """Names of the sites that can be scored: a rubric for them comes with popsense."""
    files = (entry.name for entry in _packaged().iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def _packaged() -> Traversable:
    return resources.files("popsense.scoring") / "rubrics"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RubricError(
            f"{path}: cannot be read ({error.strerror})", "Check the path and its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise RubricError(f"{path}: is not text in UTF-8", "Give a TOML file saved as UTF-8.") from error


def _parse(text: str, name: str) -> Rubric:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RubricError(f"{name}: is not TOML: {error}", LOCATION_REMEDY) from error
    if not tables:
        raise RubricError(
            f"{name}: is empty; a rubric needs: {_keys_of(Rubric)}",
            "Start from the rubric that comes with popsense.",
        )
    try:
        return Rubric.model_validate(tables)
    except ValidationError as error:
        raise RubricError(_describe(name, tables, error.errors()), LOCATION_REMEDY) from error


def _describe(name: str, tables: dict[str, Any], errors: list[ErrorDetails]) -> str:
    """The first mistake in one line, unknown keys before what they leave missing, and how many more."""
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{name}: {_place(tables, first['loc'])}: {_reason(first)}{more}"


def _place(tables: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """Keys and counted places, from 1, as in item 3 'overshoot', bands 2, up_to."""
    words: list[str] = []
    here: Any = tables
    for step in location:
        here = _inside(here, step)
        if isinstance(step, int) and words:
            words[-1] += f" {step + 1}{_title(here)}"
        else:
            words.append(str(step))
    return ", ".join(words) or "the whole file"


def _inside(value: Any, step: int | str) -> Any:
    """What stands at that key or index; None behind a key that is missing."""
    if isinstance(value, dict):
        return cast("dict[int | str, Any]", value).get(step)
    return cast("list[Any]", value)[step] if isinstance(value, list) and isinstance(step, int) else None


def _title(table: Any) -> str:
    title: Any = _inside(table, "id") or _inside(table, "code")
    return f" '{title}'" if isinstance(title, str) else ""


def _reason(error: ErrorDetails) -> str:
    tables = [step for step in error["loc"][:-1] if isinstance(step, str)]
    if error["type"] == "extra_forbidden":
        return f"unknown key; allowed: {_keys_of(TABLES[tables[-1]] if tables else Rubric)}"
    if error["type"] == "missing":
        return "is missing"
    return error["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("\n", " ")


def _keys_of(model: type[Part]) -> str:
    return ", ".join(model.model_fields)
