"""CRC-32 and COBS of the firmware against zlib and the cobs package, in both interpreters."""

import random
import zlib

import pytest
from cobs import cobs

from tests.conftest import Require
from tests.firmware.conftest import Firmware
from tests.firmware.interpreters import run_script

RUNS = [b"\x11" * count for count in (1, 253, 254, 255, 256, 508, 509)]
ZEROS = [bytes(count) for count in (1, 2, 255)]
MIXED = [b"\0" + b"\xff" * 254, b"\x01" * 254 + b"\0", b"\x01" * 254 + b"\0\0", b"\x01" * 255 + b"\0a"]
RANDOM = [random.Random(seed).randbytes(count) for seed, count in enumerate((7, 180, 300, 511))]
DATA = [*RUNS, *ZEROS, *MIXED, *RANDOM]
BAD_COBS = [b"\x05abc", b"\x02", b"\xffabc", b"\x03a\0b", b"\0abc", b"\x01\x03a"]


def test_crc_has_the_check_value(firmware: Firmware):
    assert firmware("crc", b"123456789".hex()) == ["2639f4cb", 1, 0]  # cbf43926, little-endian


@pytest.mark.parametrize("operation", ["crc", "cobs", "uncobs"])
def test_firmware_agrees_with_zlib_and_cobs(operation: str, require: Require):
    require("micropython")
    expected = {"crc": _crc, "cobs": lambda data: cobs.encode(data).hex() + "00", "uncobs": bytes.hex}[
        operation
    ]
    given = [cobs.encode(data) if operation == "uncobs" else data for data in DATA]
    vectors = [[operation, data.hex()] for data in given]
    on_board = run_script("vectors", "micropython", *vectors)
    assert on_board == [expected(data) for data in DATA]
    assert on_board == run_script("vectors", "cpython", *vectors)


@pytest.mark.parametrize("frame", BAD_COBS)
def test_a_code_that_points_outside_is_no_frame(firmware: Firmware, frame: bytes):
    with pytest.raises(cobs.DecodeError):
        cobs.decode(frame)
    assert firmware("uncobs", frame.hex()) is None


def _crc(data: bytes) -> list[object]:
    return [zlib.crc32(data).to_bytes(4, "little").hex(), 1, 0]
