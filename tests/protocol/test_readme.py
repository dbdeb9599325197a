"""What protocol/README.md says by hand: worked examples, figures, the words it must explain."""

import re
import struct
import zlib
from typing import Any

import construct as c
import pytest

from popsense.link import connection, session
from popsense.twin.board import usb
from popsense_protocol import framing, generate, packets
from popsense_protocol.codec import NAME_OF_TYPE
from popsense_protocol.framing import decode_frame
from popsense_protocol.layouts import SAMPLE_DTYPE, Field, fields, fixed_size
from tests.firmware.sources import constants
from tests.protocol import golden

README = (generate.REPOSITORY / "protocol" / "README.md").read_text(encoding="utf-8")
KERNELS = constants("kernels.py")
APP = constants("app.py")
SETTINGS = constants("settings.py")
RING = constants("sample_ring.py")["RING_SAMPLES"]
EVENTS = constants("detection.py")["EVENT_CAPACITY"]
HEX_BLOCK = re.compile(r"(?m)(?:^    [0-9a-f]{2}(?: [0-9a-f]{2})*\n)+")
HEX_ROW = re.compile(r"(?m)^\| `([0-9a-f ]+)` \| ([\w.\[\]]+|CRC-32) \| (.+) \|$")
NUMBER = re.compile(r"-?\b(?:0x[0-9A-F]+|\d+)\b")


def section(title: str) -> str:
    """From a heading of the second level to the next one."""
    found = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, title
    return found


def example(name: str) -> str:
    found = section("Worked examples").partition(f"\n### Example: {name}\n")[2].partition("\n### ")[0]
    assert found, name
    return found


def rows(name: str) -> list[tuple[bytes, str, str]]:
    """(bytes, field, what the page says of it), in order."""
    return [
        (bytes.fromhex(data), field, said) for data, field, said in HEX_ROW.findall(f"\n{example(name)}\n")
    ]


def sample_fields() -> list[str]:
    return [f"samples[{k}].{field}" for k in range(3) for field in SAMPLE_DTYPE.names or ()]


@pytest.mark.parametrize("name", packets.PACKETS)
def test_the_example_is_the_golden_frame(name: str):
    frame, decoded = (bytes.fromhex(block) for block in HEX_BLOCK.findall(example(name)))
    payload = decode_frame(frame[:-1])
    assert frame == golden.frame(name)
    assert payload is not None
    assert decoded == payload + zlib.crc32(payload).to_bytes(4, "little")
    assert f"The frame, {len(frame)} bytes:" in example(name)
    assert f"Payload and CRC-32, {len(decoded)} bytes:" in example(name)


@pytest.mark.parametrize("name", packets.PACKETS)
def test_the_example_has_a_row_for_each_field_and_together_they_are_all_bytes(name: str):
    tail = sample_fields() if name == "SAMPLE_BLOCK" else []
    assert [row[1] for row in rows(name)] == [
        *(field.name for field in fields(packets.PACKETS[name])),
        *tail,
        "CRC-32",
    ]
    assert b"".join(row[0] for row in rows(name)) == bytes.fromhex(HEX_BLOCK.findall(example(name))[1])


@pytest.mark.parametrize("name", packets.PACKETS)
def test_the_example_says_of_each_field_what_its_bytes_say(name: str):
    declared = {field.name: field for field in fields(packets.PACKETS[name])}
    for data, field, said in rows(name):
        if field.endswith("force_and_flags"):
            assert force_said(said) == force_read(data), said
        elif field in declared:
            check_field(name, declared[field], data, said)
        else:
            assert first_numbers(said, 1) == (int.from_bytes(data, "little"),), said


def check_field(name: str, field: Field, data: bytes, said: str) -> None:
    """Numbers as unpacked, then the name of an enumeration's value or of a packet's type."""
    if field.code.endswith("s"):
        return  # bytes and text are compared as bytes by the test above
    values = struct.unpack(f"<{field.code}", data)
    assert first_numbers(said, len(values)) == values, said
    if meant := meaning(name, field.name, values[0]):
        assert said.partition(", ")[2] == meant, said


def meaning(packet: str, field: str, value: int) -> str | None:
    if field in ("type", "command"):
        return NAME_OF_TYPE[value]
    return next((str(enum.decmapping[value]) for at, enum in enumerations(packet) if at == field), None)


def enumerations(packet: str) -> list[tuple[str, Any]]:
    """(flat name of the field, its enumeration)."""
    found: list[tuple[str, Any]] = []
    for sub in packets.PACKETS[packet].subcons:
        inner: list[Any] = sub.subcon.subcons if isinstance(sub.subcon, c.Struct) else []
        found += [(f"{sub.name}_{below.name}", below.subcon) for below in inner]
        found.append((sub.name, sub.subcon))
    return [(name, kind) for name, kind in found if isinstance(kind, c.Enum)]


def first_numbers(said: str, count: int) -> tuple[int, ...]:
    return tuple(int(text, 0) for text in NUMBER.findall(said)[:count])


def force_said(said: str) -> tuple[int, ...]:
    """Flags, code and counts."""
    numbers = first_numbers(said, 3)
    return numbers if "flags 0x" in said else (0, *numbers)


def force_read(data: bytes) -> tuple[int, ...]:
    number = int.from_bytes(data, "little")
    code = number & packets.FORCE_MASK
    return number >> 24, code, code - packets.FORCE_OFFSET_COUNTS


def test_the_identify_magic_and_the_places_fixed_for_ever():
    assert f"`{packets.IDENTIFY_MAGIC.hex(' ')}`" in README
    version, schema = struct.unpack_from("<HI", decode_frame(golden.frame("HELLO")[:-1]) or b"", 2)
    said = golden.json_fields("HELLO")
    assert (version, schema) == (said["protocol_version"], said["schema_hash"])


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Events", packets.EventKind.encmapping),
        ("Refusals", packets.NakReason.encmapping),
        ("Health and faults", packets.Fault.encmapping),
    ],
)
def test_every_event_refusal_and_fault_is_explained_in_its_order(title: str, names: dict[str, int]):
    assert re.findall(r"(?m)^\| (\w+) \|", section(title))[1:] == list(names)


def test_every_link_inside_the_page_leads_to_a_heading():
    headings = re.findall(r"(?m)^#{2,3} (.+)$", README)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([\w-]+)\)", README))
    assert links
    assert links - anchors == set()


def test_the_limits_of_a_profile_are_those_of_the_board():
    """What they do there is in tests/firmware/test_profile.py."""
    ((most, flex),) = re.findall(r"over ([\d,]+), or over 1,000 permille, or over ([\d,]+) nm/N", README)
    assert int(most.replace(",", "")) == 2**24  # 1 << 24 in detector.py is no literal
    assert int(flex.replace(",", "")) == constants("detector.py")["_MOST_FLEX_NM_PER_N"]


def test_the_limits_of_a_frame_are_those_of_both_decoders():
    longest_block = fixed_size(packets.SAMPLE_BLOCK) + SAMPLE_DTYPE.itemsize * KERNELS["BLOCK_SAMPLES"]
    for text, figure in (
        (r"A payload has at most ([\d,]+) bytes, so a frame", framing.MAX_PAYLOAD_BYTES),
        (r"so a frame without its 0x00 at most ([\d,]+):", framing.MAX_FRAME_BYTES),
        (r"The device accepts frames of up to ([\d,]+) bytes", constants("link.py")["MAX_RECEIVED_BYTES"]),
        (r"of this version with its CRC has at most ([\d,]+) bytes", longest_block + framing.CRC_BYTES),
    ):
        assert said_figures(README, text) == [figure], text


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        (r"HELLO \| every ([\d,]+) ms while idle", APP["IDLE_HELLO_MS"]),
        (r"HELLO \| every .*?every ([\d,]+) s while sampling", APP["BUSY_HELLO_MS"] // 1000),
        (r"STATUS, HEALTH \| every ([\d,]+) s", APP["STATUS_MS"] // 1000),
        (r"while the device samples \| for ([\d,]+) s", SETTINGS["HOST_SILENT_MS"] // 1000),
        (r"SAMPLE_BLOCK \| when ([\d,]+) samples", KERNELS["BLOCK_SAMPLES"]),
        (r"has waited ([\d,]+) ms", KERNELS["BLOCK_US"] // 1000),
        (r"ring \| ([\d,]+) samples", RING),
        (r"the latest ([\d,]+) can be sent again", KERNELS["KEPT_SAMPLES"]),
        (r"at 988/s\); ([\d,]+) events", EVENTS),
        (r"after ([\d,]+) ms the rest of the frame", usb.WRITE_TIMEOUT_MS),
        (r"link loss \| ([\d,]+) s without a byte", session.SILENCE_S),
        (r"port was opened \| within ([\d,]+) s", session.HELLO_TIMEOUT_S),
        (r"answer to a command \| within ([\d,]+) s", connection.ANSWER_TIMEOUT_S),
        (r"the same bytes again; ([\d,]+) tries", connection.TRIES),
    ],
)
def test_the_table_of_times_and_limits_has_the_figures_of_firmware_and_host(text: str, figure: float):
    assert said_figures(section("Timing and limits"), text) == [figure]


@pytest.mark.parametrize(
    ("fault", "figures"),
    [
        ("force_saturated", {"SUSTAINED_MS": 1}),
        ("force_stuck", {"STUCK_SAMPLES": 1}),
        ("force_noisy", {"NOISY_MN": 0.001, "TARE_NOISY_MN": 0.001}),
        ("force_garbage", {"JUMP_MN": 0.001}),
        ("data_ready_timeout", {"READY_PERIODS": 1}),
        ("depth_stuck", {"STUCK_ANALOG_MS": 0.001}),
        ("overload", {"OVERLOAD_MS": 1}),
        ("undervoltage", {"SUPPLY_LEAST_MV": 0.001, "SUPPLY_READINGS": 0.1}),
        ("host_silent", {"HOST_SILENT_MS": 0.001}),
        ("slow_loop", {"SLOW_LOOP_MS": 1}),
        ("low_heap", {"LOW_HEAP_BYTES": 1 / 1024}),
    ],
)
def test_the_table_of_faults_has_the_figures_of_the_firmware(fault: str, figures: dict[str, float]):
    (said,) = re.findall(rf"(?m)^\| {fault} \| (.+) \| .+ \|$", section("Health and faults"))
    numbers = [float(found) for found in re.findall(r"\d+(?:\.\d+)?", said)]
    assert [
        SETTINGS[name] * scale for name, scale in figures.items() if SETTINGS[name] * scale not in numbers
    ] == []


def test_the_ring_less_its_guard_is_what_can_be_sent_again():
    ((guard, kept),) = re.findall(r"`ring_samples` of HELLO less (\d+), that is ([\d,]+) samples", README)
    assert int(kept.replace(",", "")) == KERNELS["KEPT_SAMPLES"] == RING - int(guard)


def said_figures(text: str, pattern: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(pattern, text)]
