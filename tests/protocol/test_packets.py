"""Every declared packet: there and back, refused when damaged, and the same bytes from all three codecs."""

import struct
from typing import Any

import construct as c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popsense_protocol import packets
from popsense_protocol.codec import TYPE_OF_NAME, PacketError, decode, encode, schema_hash, schema_text
from popsense_protocol.framing import MAX_PAYLOAD_BYTES
from popsense_protocol.layouts import (
    BLOCK_HEADER_DTYPE,
    SAMPLE_DTYPE,
    fields,
    fixed_size,
    numpy_dtype,
    struct_format,
)
from tests.firmware.sources import constants
from tests.protocol.strategies import NAMES, flat, packet_fields, plain

WIRE = constants("wire.py")
each_packet = pytest.mark.parametrize("name", NAMES)
some = settings(max_examples=30)  # of each packet; there are many


@each_packet
@some
@given(data=st.data())
def test_every_packet_round_trips(name: str, data: st.DataObject):
    sent = data.draw(packet_fields(name))
    payload = encode(name, **sent)
    packet = decode(payload)
    constant = {"magic": packets.IDENTIFY_MAGIC} if name == "IDENTIFY" else {}
    assert (packet.name, plain(packet.fields)) == (name, sent | constant)
    assert len(payload) <= MAX_PAYLOAD_BYTES
    assert payload[0] == TYPE_OF_NAME[name]


@each_packet
@some
@given(data=st.data())
def test_struct_of_the_firmware_and_construct_agree(name: str, data: st.DataObject):
    sent = data.draw(packet_fields(name))
    built = encode(name, **sent)[: fixed_size(packets.PACKETS[name])]
    assert struct.pack(struct_format(packets.PACKETS[name]), *flat(packets.PACKETS[name], sent)) == built
    assert WIRE[f"{name}_SIZE"] == len(built)


@each_packet
@some
@given(data=st.data())
def test_numpy_and_construct_agree(name: str, data: st.DataObject):
    sent = data.draw(packet_fields(name))
    kind = packets.PACKETS[name]
    built = encode(name, **sent)
    record = np.frombuffer(built[: fixed_size(kind)], numpy_dtype(kind))[0]
    assert record.tobytes() == built[: fixed_size(kind)]
    assert [_scalar(record[field.name]) for field in fields(kind)] == _grouped(kind, sent)


@given(st.data())
def test_samples_of_a_block_read_the_same_with_numpy(data: st.DataObject):
    sent = data.draw(packet_fields("SAMPLE_BLOCK"))
    samples = np.frombuffer(encode("SAMPLE_BLOCK", **sent)[BLOCK_HEADER_DTYPE.itemsize :], SAMPLE_DTYPE)
    assert [dict(zip(SAMPLE_DTYPE.names or (), row.tolist(), strict=True)) for row in samples] == sent[
        "samples"
    ]


@each_packet
def test_a_packet_of_another_length_is_refused(name: str):
    payload = encode(name, **smallest(name))
    for length in range(len(payload)):
        with pytest.raises(PacketError):
            decode(payload[:length])
    with pytest.raises(PacketError):
        decode(payload + b"\0")


@given(st.sampled_from([*TYPE_OF_NAME.values(), 0, 0x7F, 0xFF]), st.binary(max_size=140))
def test_any_bytes_are_a_packet_or_a_packet_error(kind: int, rest: bytes):
    try:
        packet = decode(bytes([kind]) + rest)
    except PacketError:
        return
    assert encode(packet.name, **packet.fields) == bytes([kind]) + rest


@each_packet
def test_an_undeclared_value_is_refused(name: str):
    kind = packets.PACKETS[name]
    payload = encode(name, **smallest(name))
    for field in fields(kind):
        if _is_enumeration(kind, field.name):
            with pytest.raises(PacketError, match=field.name.split("_")[-1]):
                decode(payload[: field.offset] + b"\xee" + payload[field.offset + 1 :])


def test_what_does_not_fit_is_named():
    with pytest.raises(PacketError, match="START"):
        encode("START", mode="guided", request=0x10000, options=0)
    with pytest.raises(PacketError, match="START"):
        encode("START", mode="heroic", request=1, options=0)
    with pytest.raises(PacketError, match="NAK"):
        encode("NAK", command=1)
    with pytest.raises(PacketError, match="NO_SUCH"):
        encode("NO_SUCH")
    with pytest.raises(PacketError, match="empty"):
        decode(b"")


def test_packet_types_are_distinct_and_commands_apart():
    assert len(set(TYPE_OF_NAME.values())) == len(packets.PACKETS)
    assert {name for name, kind in TYPE_OF_NAME.items() if kind >= 0x40} == {
        "IDENTIFY",
        "START",
        "STOP",
        "PROFILE",
        "RESEND",
        "CLOCK",
        "READ_CALIBRATION",
        "WRITE_CALIBRATION",
        "TARE",
        "EXIT",
        "READ_HEALTH",
    }


def test_schema_hash_covers_fields_values_and_flags():
    """The text that is hashed names them all; the value itself is pinned by golden/HELLO.hex."""
    text = schema_text()
    for name in NAMES:
        for field in fields(packets.PACKETS[name]):
            assert f"{field.name}:{field.code}" in text
    for name in [*packets.FLAGS, "far_cortex_contact", "popsense", "force_and_flags:I"]:
        assert name in text
    assert f"FORCE_OFFSET_COUNTS {packets.FORCE_OFFSET_COUNTS}\n" in text
    assert f"FORCE_MASK {packets.FORCE_MASK}\n" in text
    assert WIRE["SCHEMA_HASH"] == schema_hash()


def test_no_explanation_enters_the_schema():
    """A better word in a table must not part a board from its host."""
    meanings = {field.meaning for kind in packets.PACKETS.values() for field in fields(kind)}
    assert len(meanings) > 20
    assert [one for one in meanings if len(one) > 10 and one in schema_text()] == []


@each_packet
def test_every_field_says_what_it_means(name: str):
    assert [field.name for field in fields(packets.PACKETS[name]) if not field.meaning] == []


def smallest(name: str) -> dict[str, Any]:
    """The least that `encode` takes: zeros, first enumeration values, one sample."""
    return _smallest_fields(packets.PACKETS[name])


def _smallest_fields(kind: Any) -> dict[str, Any]:
    computed = (c.Const, c.Rebuild)
    return {s.name: _smallest(s.subcon) for s in kind.subcons if not isinstance(s.subcon, computed)}


def _smallest(kind: Any) -> Any:
    if isinstance(kind, c.Struct):
        return _smallest_fields(kind)
    if isinstance(kind, c.Enum):
        return next(iter(kind.encmapping))
    if isinstance(kind, c.Array):
        return [_smallest(kind.subcon)] * (kind.count if isinstance(kind.count, int) else 1)
    if isinstance(kind, c.StringEncoded):
        return ""
    return bytes(kind.sizeof()) if isinstance(kind, c.Bytes) else 0


def _is_enumeration(kind: Any, path: str) -> bool:
    for sub in kind.subcons:
        if sub.name == path:
            return isinstance(sub.subcon, c.Enum)
        if isinstance(sub.subcon, c.Struct) and path.startswith(sub.name + "_"):
            return _is_enumeration(sub.subcon, path.removeprefix(sub.name + "_"))
    return False


def _scalar(value: Any) -> Any:
    """A numpy field as the value that went in; bytes without their padding."""
    if isinstance(value, np.void):
        return value.tobytes()
    return value.tolist()


def _grouped(kind: Any, sent: dict[str, Any]) -> list[Any]:
    """`flat`, with arrays together again and strings padded, as numpy gives them."""
    values = iter(flat(kind, sent))
    grouped: list[Any] = []
    for field in fields(kind):
        count = field.code[:-1]
        if field.code.endswith("s"):
            grouped.append(next(values).ljust(field.size, b"\0"))
        else:
            grouped.append([next(values) for _ in range(int(count))] if count else next(values))
    return grouped
