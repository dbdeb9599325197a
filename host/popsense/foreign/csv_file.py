"""Named columns of numbers out of a CSV file; every mistake is told with its line.

UTF-8 with or without byte order mark; a line of names first; separated by comma, semicolon or tab. Behind a
semicolon or a tab a decimal comma is understood. Empty lines are passed over.
"""

import csv
import io
import math
import reprlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from popsense.errors import UsageError
from popsense.model import FloatArray, IntArray

DELIMITERS = (",", ";", "\t")
TEXT_LOOKED_AT = 65_536  # bytes in which a binary file gives itself away
NAMES_SHOWN = 20
LARGEST = 1e15  # beyond it differences of neighbours are lost in rounding; NaN is not below it either
AS_CSV = "Give a CSV file: a line of column names, then one line for each sample."


@dataclass(frozen=True)
class Columns:
    """values: one array of shape (n,) for each name asked for. lines: the line of the file of each row."""

    values: Sequence[FloatArray]
    lines: IntArray


def read_columns(path: Path, names: Sequence[str]) -> Columns:
    """The columns of those names, in that order. UsageError for all that keeps it from being read."""
    text = _text(path)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = _rows(reader, path)
    first = next(rows, None)
    if first is None:
        raise UsageError(f"{path} is empty", AS_CSV)
    header = [name.strip() for name in first[1]]
    places = [_place(path, header, name) for name in names]
    found, lines = [array("d") for _ in names], array("q")
    for line, row in rows:
        _refuse_other_length(path, line, row, header)
        lines.append(line)
        for values, place in zip(found, places, strict=True):
            values.append(_number(path, line, header[place], row[place], delimiter))
    if not lines:
        raise UsageError(f"{path} holds a line of names and no samples", AS_CSV)
    return Columns([np.array(values) for values in found], np.array(lines, np.int64))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read {path}: {reason}", "Check the name of the file.") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"{path} is UTF-16 text", "Save it as UTF-8.")
    if b"\0" in data[:TEXT_LOOKED_AT]:
        raise UsageError(f"{path} is no text but binary data", AS_CSV)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + data[: error.start].count(b"\n")
        raise UsageError(f"{path} is not UTF-8 text (line {line})", "Save it as UTF-8.") from error


def _delimiter(text: str) -> str:
    """The one that parts the first line most often; a comma where none does."""
    first = text.lstrip().partition("\n")[0]
    return max(DELIMITERS, key=first.count)


def _rows(reader: Iterator[list[str]], path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line of the file, fields) of each row that holds anything."""
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            line = getattr(reader, "line_num", 0)
            raise UsageError(f"line {line} of {path} is no CSV: {error}", AS_CSV) from error
        if row is None:
            return
        if any(field.strip() for field in row):
            yield getattr(reader, "line_num", 0), row


def _place(path: Path, header: list[str], name: str) -> int:
    places = [place for place, heading in enumerate(header) if heading == name]
    if len(places) == 1:
        return places[0]
    if places:
        where = " and ".join(str(place + 1) for place in places)
        raise UsageError(
            f"{path} has {len(places)} columns named {name!r} (columns {where})", "Rename all but one."
        )
    if all(_is_number(heading) for heading in header):
        raise UsageError(
            f"the first line of {path} holds numbers, no column names", "Put a line of names first."
        )
    names = ", ".join(map(repr, header[:NAMES_SHOWN])) + ", ..." * (len(header) > NAMES_SHOWN)
    raise UsageError(f"{path} has no column {name!r}", f"It has: {names}.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_other_length(path: Path, line: int, row: list[str], header: list[str]) -> None:
    if len(row) == len(header) or (len(row) > len(header) and not any(row[len(header) :])):
        return
    raise UsageError(
        f"line {line} of {path} has {len(row)} fields under {len(header)} names",
        "Complete the line; numbers with a decimal comma need ; or tab between the columns.",
    )


def _number(path: Path, line: int, name: str, text: str, delimiter: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = _with_decimal_comma(text) if delimiter != "," else None
    if value is not None and abs(value) <= LARGEST and "_" not in text:
        return value
    raise UsageError(
        f"column {name!r} {_what_is_wrong(text, value)}, in line {line} of {path}",
        "Correct the line, or take it out of the file.",
    )


def _what_is_wrong(text: str, value: float | None) -> str:
    if not text.strip():
        return "is empty"
    wrong = "no number" if value is None or "_" in text else "not finite"
    if value is not None and math.isfinite(value) and wrong == "not finite":
        wrong = f"beyond {LARGEST:g}"
    return f"holds {reprlib.repr(text.strip())}, which is {wrong}"


def _with_decimal_comma(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
