"""struct formats and numpy dtypes, derived from the declarations in `packets`; never written by hand."""

from dataclasses import dataclass
from typing import Any, cast

import construct as c
import numpy as np

from popsense_protocol import packets


@dataclass(frozen=True)
class Field:
    """One fixed-size field: struct code (such as "H", "3B", "8s"), byte offset and size in its packet.

    meaning: for people; no part of the layout.
    """

    name: str
    code: str
    offset: int
    size: int
    meaning: str = ""


def fields(struct: Any) -> tuple[Field, ...]:
    """The fixed fields of a packet in wire order, nested ones as `outer_inner`; no variable tail."""
    found: list[Field] = []
    _collect(struct, "", found)
    return tuple(found)


def struct_format(struct: Any) -> str:
    """Format string for `struct` (little-endian, unpadded) over the fixed fields."""
    return "<" + "".join(field.code for field in fields(struct))


def fixed_size(struct: Any) -> int:
    """Bytes of the fixed fields; for SAMPLE_BLOCK the header."""
    last = fields(struct)[-1]
    return last.offset + last.size


def describe(struct: Any) -> str:
    """One line: every fixed field with its code, constants with their value, then the repeated part."""
    words = [f"{field.name}:{field.code}" for field in fields(struct)]
    words += [f"{name}={value!r}" for name, value in _constants(struct)]
    tail = _tail(struct)
    if tail is not None:
        words.append(f"{tail.name}:[{describe(tail.subcon.subcon)}]*count")
    return " ".join(words)


def numpy_dtype(struct: Any) -> np.dtype[Any]:
    """Packed little-endian dtype of the fixed fields, from sizes: the code `l` is 8 bytes to numpy."""
    return np.dtype([(field.name, _numpy_code(field)) for field in fields(struct)])


def _collect(struct: Any, prefix: str, found: list[Field]) -> None:
    for sub in struct.subcons:
        inner = _unwrap(sub.subcon)
        if isinstance(inner, c.Struct):
            _collect(inner, f"{prefix}{sub.name}_", found)
        elif not _is_variable(inner):
            offset = found[-1].offset + found[-1].size if found else 0
            found.append(Field(prefix + sub.name, _code(inner), offset, inner.sizeof(), _meaning(sub)))


def _meaning(sub: Any) -> str:
    """As declared; of a constant its value."""
    if not isinstance(sub.subcon, c.Const):
        return sub.docs
    value = cast(Any, sub.subcon).value
    return f"always {value.hex(' ') if isinstance(value, bytes) else f'0x{value:02X}'}"


def _unwrap(sub: Any) -> Any:
    """The construct that makes the bytes, below Enum, Const and Rebuild."""
    inner: Any = sub
    while isinstance(inner, c.Enum | c.Const | c.Rebuild):
        inner = cast(Any, inner).subcon
    return inner


def _is_variable(sub: Any) -> bool:
    return isinstance(sub, c.Array) and not isinstance(sub.count, int)


def _tail(struct: Any) -> Any:
    return next((sub for sub in struct.subcons if _is_variable(_unwrap(sub.subcon))), None)


def _code(sub: Any) -> str:
    if isinstance(sub, c.FormatField):
        return sub.fmtstr[-1].replace("L", "I").replace("l", "i")
    if isinstance(sub, c.Array):
        return f"{sub.count}{_code(cast(Any, sub).subcon)}"
    return f"{sub.sizeof()}s"


def _constants(struct: Any) -> list[tuple[str, Any]]:
    return [
        (sub.name, cast(Any, sub.subcon).value) for sub in struct.subcons if isinstance(sub.subcon, c.Const)
    ]


def _numpy_code(field: Field) -> str:
    if field.code.endswith("s"):
        return f"V{field.size}"
    count = int(field.code[:-1] or "1")
    kind = f"<{'i' if field.code.islower() else 'u'}{field.size // count}"
    return f"({count},){kind}" if count > 1 else kind


SAMPLE_DTYPE = numpy_dtype(packets.Sample)
BLOCK_HEADER_DTYPE = numpy_dtype(packets.SAMPLE_BLOCK)
