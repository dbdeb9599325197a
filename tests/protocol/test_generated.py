"""Generated files are up to date, and what the firmware repeats by hand equals what it repeats."""

import re
import struct
from pathlib import Path

import pytest

from popsense_protocol import generate, packets
from popsense_protocol.framing import decode_frame
from popsense_protocol.layouts import BLOCK_HEADER_DTYPE, SAMPLE_DTYPE, fixed_size
from tests.firmware.sources import constants
from tests.protocol import golden

WIRE = constants("wire.py")
KERNELS = constants("kernels.py")
DETECTION = constants("detection.py")
DETECTOR = constants("detector.py")
SETTINGS = constants("settings.py")
RING = constants("sample_ring.py")
LINK = constants("link.py")

# File -> name in it -> what it must equal. A const() of a viper file cannot be imported (kernels.py).
REPEATED = {
    "kernels.py": {
        "_RING_SAMPLES": RING["RING_SAMPLES"],
        "_RING_MASK": RING["RING_SAMPLES"] - 1,
        "_BLOCK_WORDS": fixed_size(packets.SAMPLE_BLOCK) // 4,
        "_BLOCK_TYPE": WIRE["SAMPLE_BLOCK"],
        "_FORCE_SIGN": packets.FORCE_OFFSET_COUNTS,
        "_FORCE_MAX": packets.FORCE_MASK,
        "_ANALOG_MAX": 4 * 4095,
        "_TICKS_MASK": 2**30 - 1,
        "_FLAG_FORCE_SATURATED": packets.FLAG_FORCE_SATURATED,
        "_FLAG_DEPTH_SATURATED": packets.FLAG_DEPTH_SATURATED,
        "_FLAG_PRESSURE_SATURATED": packets.FLAG_PRESSURE_SATURATED,
        "_FLAG_AFTER_GAP": packets.FLAG_AFTER_GAP,
    },
    "detection.py": {
        "_TICKS_MASK": 2**30 - 1,
        "_EVENT_RING_MASK": DETECTION["EVENT_CAPACITY"] - 1,
        "EVENT_BYTES": fixed_size(packets.EVENT),
        "_EVENT_WORDS": fixed_size(packets.EVENT) // 4,
        "_EVENT_TYPE": WIRE["EVENT"],
        "_EVENT_CONTACT": WIRE["EVENT_CONTACT"],
        "_EVENT_POP": WIRE["EVENT_POP"],
        "_EVENT_RELEASED": WIRE["EVENT_RELEASED"],
        "_EVENT_LOSS": WIRE["EVENT_LOSS_OF_RESISTANCE"],
        "_EVENT_FAR": WIRE["EVENT_FAR_CORTEX_CONTACT"],
        "_EVENT_WITHDRAWAL": WIRE["EVENT_WITHDRAWAL"],
        "_EVENT_UNCERTAIN": WIRE["EVENT_UNCERTAIN_POP"],
        "_EVENT_RE_PUNCTURE": WIRE["EVENT_RE_PUNCTURE"],
        "_EVENT_USED_HOLE": WIRE["EVENT_USED_HOLE"],
        "_EVENT_OVERLOAD": WIRE["EVENT_OVERLOAD"],
        "_BASIS_FORCE": packets.BASIS_FORCE,
        "_BASIS_DEPTH": packets.BASIS_DEPTH,
        "_NOT_FAR": DETECTION["_DONE_LOSS"] | DETECTION["_DONE_UNCERTAIN"],
    },
    "sample_ring.py": {"SAMPLE_BYTES": SAMPLE_DTYPE.itemsize, "STAMP_BYTES": 4},
}
OF_ITS_OWN = {  # constants with an underscore that repeat nothing
    "_RING_GUARD",
    "_PHASE_WAITING",
    "_PHASE_CONTACT",
    "_PHASE_INSIDE",
    "_ADVANCE_BIAS",
    "_DONE_LOSS",
    "_DONE_FAR",
    "_DONE_UNCERTAIN",
    "_THROUGH",
    "_DEEPER",
    "_DEPTH_SHIFT",
}


@pytest.mark.parametrize("file", REPEATED)
def test_repeated_constants_equal_what_they_repeat(file: str):
    found = constants(file)
    assert {name: found.get(name) for name in REPEATED[file]} == REPEATED[file]


@pytest.mark.parametrize("file", ["kernels.py", "detection.py"])
def test_every_private_constant_is_compared_or_said_to_be_of_its_own(file: str):
    private = {name for name in constants(file) if name.startswith("_")}
    assert private - OF_ITS_OWN == {name for name in REPEATED[file] if name.startswith("_")}


def test_the_ring_and_the_event_ring_are_powers_of_two():
    for size in (RING["RING_SAMPLES"], DETECTION["EVENT_CAPACITY"]):
        assert size & (size - 1) == 0


def test_the_sums_of_the_longest_baseline_stay_small_words():
    samples = 1 << DETECTOR["_MOST_BASELINE_SHIFT"]
    deepest = KERNELS["_ANALOG_MAX"] << DETECTION["_DEPTH_SHIFT"]
    assert samples * max(packets.FORCE_MASK, deepest) < 2**30


def test_the_words_of_state_and_parameters_are_numbered_without_a_gap_or_a_double():
    for prefix, total in (("D_", "DETECTOR_WORDS"), ("P_", "PARAMETER_WORDS")):
        numbers = [value for name, value in DETECTION.items() if name.startswith(prefix)]
        assert sorted(numbers) == list(range(DETECTION[total]))


def test_the_profile_of_the_settings_has_the_fields_of_the_packet_in_their_order():
    named = [sub.name for sub in packets.PROFILE.subcons]
    assert named[:3] == ["type", "depth_fitted", "request"]
    assert list(SETTINGS["PROFILE_FIELDS"]) == named[3:]
    assert SETTINGS["PROFILE"].keys() == {"depth_fitted", *named[3:]}


def test_commands_fit_into_the_receive_buffer():
    longest = max(fixed_size(packets.PACKETS[name]) for name in ("IDENTIFY", "START", "STOP", "PROFILE"))
    assert longest + 4 + 1 <= LINK["MAX_RECEIVED_BYTES"]


def test_generated_files_are_up_to_date():
    assert [str(path) for path, text in generate.outputs().items() if path.read_text("utf-8") != text] == []
    assert generate.main(["--check"]) == 0


def test_a_stale_file_is_named_written_and_then_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for path in generate.outputs():
        copy = tmp_path / path.relative_to(generate.REPOSITORY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(generate, "REPOSITORY", tmp_path)
    wire = tmp_path / "firmware" / "bone" / "wire.py"
    wire.write_text(wire.read_text(encoding="utf-8").replace("0x41", "0x40"), encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert "stale: firmware/bone/wire.py" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


# ---- what protocol/README.md says by hand --------------------------------------------------------------

README = (generate.REPOSITORY / "protocol" / "README.md").read_text(encoding="utf-8")


def examples() -> list[bytes]:
    """The blocks of hex bytes, in order."""
    blocks = re.findall(r"(?m)(?:^    [0-9a-f]{2}(?: [0-9a-f]{2})*\n)+", README)
    return [bytes.fromhex(block) for block in blocks]


def test_the_examples_are_the_golden_frames():
    identify, block, decoded = examples()
    assert identify == golden.frame("IDENTIFY")
    assert block == golden.frame("SAMPLE_BLOCK")
    assert decoded[:-4] == decode_frame(block[:-1])


def test_the_block_is_decoded_by_hand_as_by_the_host():
    rows = re.findall(r"(?m)^\| `([0-9a-f ]+)` \| ([\w.\[\]]+|CRC-32) \| (.+) \|$", README)
    decoded = examples()[-1]
    assert b"".join(bytes.fromhex(row[0]) for row in rows) == decoded
    header = list(BLOCK_HEADER_DTYPE.names or ())
    in_samples = [f"samples[{k}].{name}" for k in range(3) for name in SAMPLE_DTYPE.names or ()]
    assert [row[1] for row in rows] == [*header, *in_samples, "CRC-32"]
    for written, name, value in rows:
        assert stated(name, value) == read(name, bytes.fromhex(written)), name


def stated(name: str, value: str) -> tuple[int, ...]:
    """Numbers of a row: of a force its flags, code and counts, else the first one."""
    numbers = [int(text, 0) for text in re.findall(r"-?\b(?:0x[0-9A-F]+|\d+)\b", value)]
    if name.endswith("force_and_flags"):
        return tuple(numbers) if "flags 0x" in value else (0, *numbers)
    return (numbers[0],)


def read(name: str, data: bytes) -> tuple[int, ...]:
    number = int.from_bytes(data, "little")
    if not name.endswith("force_and_flags"):
        return (number,)
    code = number & packets.FORCE_MASK
    return number >> 24, code, code - packets.FORCE_OFFSET_COUNTS


def test_the_identify_magic_and_the_places_fixed_for_ever():
    assert f"`{packets.IDENTIFY_MAGIC.hex(' ')}`" in README
    version, schema = struct.unpack_from("<HI", decode_frame(golden.frame("HELLO")[:-1]) or b"", 2)
    fields = golden.json_fields("HELLO")
    assert (version, schema) == (fields["protocol_version"], fields["schema_hash"])


def test_every_kind_of_event_is_explained_in_its_order():
    explained = README.partition("## Events")[2].partition("\n## ")[0]
    assert re.findall(r"(?m)^\| (\w+) \|", explained)[1:] == list(packets.EventKind.encmapping)


def test_the_limits_of_a_profile_are_those_of_the_board():
    """What they do there is in tests/firmware/test_profile.py."""
    ((most, flex),) = re.findall(r"over ([\d,]+), or over 1,000 permille, or over ([\d,]+) nm/N", README)
    assert int(most.replace(",", "")) == 2**24  # 1 << 24 in detector.py is no literal
    assert int(flex.replace(",", "")) == DETECTOR["_MOST_FLEX_NM_PER_N"]
