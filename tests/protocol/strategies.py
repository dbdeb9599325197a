"""Hypothesis strategies derived from the construct declarations: a new packet is covered without a new line.

A kind of field that is not known here raises TypeError, so that it cannot be left out by accident.
"""

from typing import Any

import construct as c
from hypothesis import strategies as st

from popsense_protocol import packets
from popsense_protocol.framing import MAX_PAYLOAD_BYTES
from popsense_protocol.layouts import fixed_size

NAMES = tuple(packets.PACKETS)
MOST_SAMPLES = (MAX_PAYLOAD_BYTES - fixed_size(packets.SAMPLE_BLOCK)) // packets.Sample.sizeof()
COMPUTED = (c.Const, c.Rebuild)  # construct fills these in


def packet_fields(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Field values that `encode(name, **fields)` takes."""
    return values(packets.PACKETS[name])


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Everything that one declared kind of field can hold."""
    if isinstance(kind, c.Renamed):
        return values(kind.subcon)
    if isinstance(kind, c.Struct):
        named = {sub.name: sub for sub in kind.subcons if not isinstance(sub.subcon, COMPUTED)}
        return st.fixed_dictionaries({name: values(sub) for name, sub in named.items()})
    if isinstance(kind, c.Enum):
        return st.sampled_from(sorted(kind.encmapping))
    if isinstance(kind, c.FormatField):
        return st.integers(*integer_range(kind))
    if isinstance(kind, c.Array):
        least, most = (kind.count, kind.count) if isinstance(kind.count, int) else (0, MOST_SAMPLES)
        return st.lists(values(kind.subcon), min_size=least, max_size=most)
    if isinstance(kind, c.StringEncoded):
        return st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=kind.sizeof())
    if isinstance(kind, c.Bytes):
        return st.binary(min_size=kind.length, max_size=kind.length)
    raise TypeError(f"no strategy for {kind!r}")


def integer_range(kind: Any) -> tuple[int, int]:
    """Smallest and largest value of an integer field."""
    bits = 8 * kind.sizeof()
    signed = kind.fmtstr[-1].islower()
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def plain(fields: Any) -> Any:
    """Decoded fields as dicts, lists and scalars, without what construct fills in itself."""
    if isinstance(fields, dict):
        left_out = ("_io", "type", "reserved", *(("count",) if "samples" in fields else ()))
        return {name: plain(value) for name, value in fields.items() if name not in left_out}
    if isinstance(fields, list):
        return [plain(value) for value in fields]
    return str(fields) if isinstance(fields, str) else fields


def flat(kind: Any, fields: dict[str, Any]) -> list[Any]:
    """The fixed fields in wire order as `struct` wants them: numbers and bytes, arrays spread out."""
    found: list[Any] = []
    for sub in kind.subcons:
        if isinstance(sub.subcon, c.Const):
            found.append(sub.subcon.value)
        elif isinstance(sub.subcon, c.Rebuild):
            found.append(len(fields["samples"]))
        elif sub.name != "samples":
            found += _flat_value(sub.subcon, fields[sub.name])
    return found


def _flat_value(kind: Any, value: Any) -> list[Any]:
    if isinstance(kind, c.Struct):
        return flat(kind, value)
    if isinstance(kind, c.Enum):
        return [int(kind.encmapping[value])]
    if isinstance(value, str):
        return [value.encode("ascii")]
    return list(value) if isinstance(value, list) else [value]
