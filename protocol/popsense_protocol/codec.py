"""Payload bytes <-> packets, through the compiled declarations of `packets`."""

import hashlib
from collections.abc import Iterator
from functools import cache
from struct import error as StructError
from typing import Any, NamedTuple

import construct as c

from popsense_protocol import packets
from popsense_protocol.layouts import describe


class PacketError(ValueError):
    """A payload that is no packet of this protocol, or fields that do not fit one."""


class Packet(NamedTuple):
    """One decoded packet: its name in `packets.PACKETS` and its fields."""

    name: str
    fields: Any


def _type_of(struct: Any) -> int:
    return struct.type.subcon.value


NAME_OF_TYPE = {_type_of(struct): name for name, struct in packets.PACKETS.items()}
TYPE_OF_NAME = {name: kind for kind, name in NAME_OF_TYPE.items()}


@cache
def _compiled(name: str) -> Any:
    """The declaration as generated Python; five times faster than construct's interpreter."""
    return packets.PACKETS[name].compile()


def decode(payload: bytes) -> Packet:
    """The packet in a payload. PacketError for an unknown type, a wrong length, or an undeclared value."""
    name = NAME_OF_TYPE.get(payload[0]) if payload else None
    if name is None:
        raise PacketError(f"unknown packet type {payload[:1].hex() or '(empty payload)'}")
    try:
        fields = _compiled(name).parse(payload)
    except (c.ConstructError, StructError, ValueError) as error:  # compiled code unpacks short reads itself
        raise PacketError(f"malformed {name}: {error}") from error
    if _size(name, fields) != len(payload):
        raise PacketError(f"malformed {name}: {len(payload)} bytes, declared {_size(name, fields)}")
    _refuse_undeclared(name, fields)
    return Packet(name, fields)


def encode(name: str, **fields: Any) -> bytes:
    """The payload of one packet. PacketError names what does not fit."""
    try:
        return packets.PACKETS[name].build(fields)
    except (c.ConstructError, KeyError, TypeError, UnicodeError) as error:
        raise PacketError(f"cannot build {name}: {error}") from error


def schema_text() -> str:
    """All declarations in one canonical text: bytes, values, and the codes that give them a meaning.

    What the tables say of a field in words is no part of it.
    """
    lines = [f"{name} {describe(struct)}" for name, struct in packets.PACKETS.items()]
    lines += [f"{name} {dict(sorted(enum.encmapping.items()))}" for name, enum in packets.ENUMS.items()]
    lines += [f"{name} {value}" for name, value in sorted(packets.FLAGS.items())]
    lines += [f"{name} {getattr(packets, name)}" for name in ("FORCE_OFFSET_COUNTS", "FORCE_MASK")]
    return "\n".join(lines) + "\n"


@cache
def schema_hash() -> int:
    """First 32 bits of the SHA-256 of `schema_text`; HELLO carries it."""
    return int.from_bytes(hashlib.sha256(schema_text().encode()).digest()[:4], "little")


def _size(name: str, fields: Any) -> int:
    if name == "SAMPLE_BLOCK":
        return BLOCK_HEADER_BYTES + fields.count * SAMPLE_BYTES
    return _fixed_size(name)


@cache
def _fixed_size(name: str) -> int:
    """construct walks through the whole declaration each time it is asked."""
    return packets.PACKETS[name].sizeof()


def _refuse_undeclared(name: str, fields: Any) -> None:
    # A compiled Enum passes unknown values through as plain integers.
    for path in _enum_paths(name):
        value = fields
        for step in path:
            value = value[step]
        if not isinstance(value, str):
            raise PacketError(f"malformed {name}: {'.'.join(path)} {value} is not declared")


@cache
def _enum_paths(name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_paths_to_enums(packets.PACKETS[name]))


def _paths_to_enums(struct: Any) -> Iterator[tuple[str, ...]]:
    """Where the enumerations of a packet stand, those of nested structures too."""
    for sub in struct.subcons:
        if isinstance(sub.subcon, c.Enum):
            yield (sub.name,)
        elif isinstance(sub.subcon, c.Struct):
            yield from ((sub.name, *rest) for rest in _paths_to_enums(sub.subcon))


SAMPLE_BYTES = packets.Sample.sizeof()
BLOCK_HEADER_BYTES = sum(sub.sizeof() for sub in packets.SAMPLE_BLOCK.subcons if sub.name != "samples")
