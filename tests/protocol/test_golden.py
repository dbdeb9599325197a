"""Golden frames: host and firmware, in both interpreters, build and read exactly these bytes."""

from functools import cache
from typing import Any

import pytest

from popsense_protocol import packets
from popsense_protocol.codec import PacketError, decode, encode
from popsense_protocol.framing import FrameDecoder, encode_frame
from tests.conftest import Require
from tests.firmware.interpreters import INTERPRETERS, run_script
from tests.protocol import golden
from tests.protocol.strategies import NAMES, plain

FROM_DEVICE = ("HELLO", "SAMPLE_BLOCK", "EVENT", "STATUS", "ACK", "NAK", "FAULT", "HEALTH", "CALIBRATION")
COMMANDS = tuple(name for name in NAMES if name not in FROM_DEVICE)
in_both_interpreters = pytest.mark.parametrize("interpreter", INTERPRETERS)


@cache
def by_firmware(interpreter: str) -> Any:
    """The answer of scripts/golden.py; one process for all packets."""
    frames = [(name, golden.json_fields(name), golden.frame(name).hex()) for name in NAMES]
    return dict(zip(NAMES, run_script("golden", interpreter, *frames), strict=True))


def test_every_packet_has_a_golden_frame_and_no_frame_is_without_packet():
    assert {path.name for path in golden.FOLDER.iterdir()} == {
        f"{name}.{suffix}" for name in NAMES for suffix in ("hex", "json")
    }


@pytest.mark.parametrize("name", NAMES)
def test_host_builds_the_golden_frame(name: str):
    fields = golden.packet_fields(name)
    fields.pop("magic", None)  # a constant of the declaration
    assert encode_frame(encode(name, **fields)) == golden.frame(name)


@pytest.mark.parametrize("name", NAMES)
def test_host_reads_the_golden_frame(name: str):
    (payload,) = FrameDecoder().feed(golden.frame(name))
    packet = decode(payload)
    assert (packet.name, plain(packet.fields)) == (name, golden.packet_fields(name))


@in_both_interpreters
@pytest.mark.parametrize("name", FROM_DEVICE)
def test_firmware_builds_the_golden_frame(name: str, interpreter: str, require: Require):
    require_for(interpreter, require)
    # A 0x00 before each frame: the stump of one that was cut short takes no other with it.
    assert by_firmware(interpreter)[name] == "00" + golden.frame(name).hex()


@in_both_interpreters
@pytest.mark.parametrize("name", COMMANDS)
def test_firmware_reads_the_golden_frame(name: str, interpreter: str, require: Require):
    require_for(interpreter, require)
    found = by_firmware(interpreter)[name]
    fields = golden.packet_fields(name)
    (payload,) = FrameDecoder().feed(golden.frame(name))
    expected: dict[str, Any] = {"payload": payload.hex()}
    if name == "IDENTIFY":
        expected["accepted"] = True
    else:
        expected["request"] = fields.pop("request")
    if name == "PROFILE":
        expected["profile"] = fields
    elif name == "START":
        expected["mode"] = int(packets.Mode.encmapping[fields["mode"]])
        expected["options"] = fields["options"]
    elif name == "RESEND":
        expected.update(first=fields["first"], count=fields["count"])
    elif name in ("READ_CALIBRATION", "WRITE_CALIBRATION"):
        expected["sensor"] = int(packets.Sensor.encmapping[fields["sensor"]])
    elif name == "READ_HEALTH":
        expected["options"] = fields["options"]
    if name == "WRITE_CALIBRATION":
        record = fields["record"]
        expected["points"] = [record[values][: record["count"]] for values in ("counts", "milliunits")]
    assert found == expected


def test_identify_holds_no_ctrl_c():
    """Before the first valid IDENTIFY a 0x03 on the wire breaks into main.py (console rule)."""
    assert 0x03 not in golden.frame("IDENTIFY")


def test_identify_cannot_be_built_with_other_bytes():
    with pytest.raises(PacketError):
        encode("IDENTIFY", magic=b"popsensE")


def require_for(interpreter: str, require: Require) -> None:
    if interpreter == "micropython":
        require("micropython")
