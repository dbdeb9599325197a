"""Generated files are up to date, and what the firmware repeats by hand equals what it repeats."""

from pathlib import Path

import pytest

from popsense_protocol import generate, packets
from popsense_protocol.layouts import SAMPLE_DTYPE, fixed_size
from tests.firmware.sources import constants

WIRE = constants("wire.py")
KERNELS = constants("kernels.py")
DETECTION = constants("detection.py")
DETECTOR = constants("detector.py")
SETTINGS = constants("settings.py")
RING = constants("sample_ring.py")
LINK = constants("link.py")
CUES = constants("cues.py")
BOARD = constants("board.py")

# File -> name in it -> what it must equal. A const() of a viper file cannot be imported (kernels.py).
REPEATED = {
    "kernels.py": {
        "_RING_SAMPLES": RING["RING_SAMPLES"],
        "_RING_MASK": RING["RING_SAMPLES"] - 1,
        "KEPT_SAMPLES": RING["RING_SAMPLES"] - KERNELS["_RING_GUARD"],
        "_BLOCK_WORDS": fixed_size(packets.SAMPLE_BLOCK) // 4,
        "_BLOCK_TYPE": WIRE["SAMPLE_BLOCK"],
        "_FORCE_MAX": packets.FORCE_MASK,
        "_ANALOG_MAX": 4 * 4095,
        "_TICKS_MASK": 2**30 - 1,
        "_FLAG_FORCE_SATURATED": packets.FLAG_FORCE_SATURATED,
        "_FLAG_DEPTH_SATURATED": packets.FLAG_DEPTH_SATURATED,
        "_FLAG_PRESSURE_SATURATED": packets.FLAG_PRESSURE_SATURATED,
        "_FLAG_AFTER_GAP": packets.FLAG_AFTER_GAP,
        "_D_EVENTS": DETECTION["D_EVENTS"],
    },
    "detection.py": {
        "_TICKS_MASK": 2**30 - 1,
        **{f"_{name}": KERNELS[name] for name in ("S_TICKS", "S_FORCE", "S_DEPTH")},
        "_EVENT_RING_MASK": DETECTION["EVENT_CAPACITY"] - 1,
        "EVENT_BYTES": fixed_size(packets.EVENT),
        "_EVENT_WORDS": fixed_size(packets.EVENT) // 4 - 1,
        "KEPT_EVENT_BYTES": fixed_size(packets.EVENT) - 4,
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
    "rp2040_registers.py": {
        **{f"_{name}": KERNELS[name] for name in ("S_TICKS", "S_FORCE", "S_DEPTH", "S_PRESSURE", "S_TURN")},
        "_LAST_TURN": KERNELS["LAST_TURN"],
        "_SUPPLY": KERNELS["SUPPLY"],
        "_TICKS_MASK": 2**30 - 1,
        "_FORCE_SIGN": packets.FORCE_OFFSET_COUNTS,
        "_SELECT_FORCE": 1 << BOARD["ADS1220_CS_GPIO"],
        **{
            f"_CONVERT_{name}": (BOARD[f"{name}_ADC_GPIO"] - 26) << 12 | 0x5
            for name in ("DEPTH", "PRESSURE", "SUPPLY")
        },
    },
    "cues.py": {
        "_CUE_STOP": WIRE["CUE_STOP"],
        "_CUE_GO_ON_THEN_STOP": WIRE["CUE_GO_ON_THEN_STOP"],
        "_TICKS_MASK": 2**30 - 1,
        "_S_TICKS": KERNELS["S_TICKS"],
        **{f"_{name}": DETECTION[name] for name in ("D_EVENTS", "D_ADVANCE")},
        **{
            name: DETECTION[name]
            for name in (
                *("_ADVANCE_BIAS", "_EVENT_RING_MASK", "_EVENT_WORDS", "_EVENT_POP", "_EVENT_LOSS"),
                *("_EVENT_FAR", "_EVENT_WITHDRAWAL", "_EVENT_UNCERTAIN", "_EVENT_USED_HOLE"),
            )
        },
    },
    "acquisition.py": {"_FORCE_SIGN": packets.FORCE_OFFSET_COUNTS},
    "health_kernels.py": {
        "_RING_MASK": RING["RING_SAMPLES"] - 1,
        "_KEPT_SAMPLES": KERNELS["KEPT_SAMPLES"],
        "_NEXT": KERNELS["NEXT"],
        "_SENT": KERNELS["SENT"],
        "_TICKS_MASK": 2**30 - 1,
        "_FLAG_FORCE_SATURATED": packets.FLAG_FORCE_SATURATED,
        "_FORCE_MAX": packets.FORCE_MASK,
    },
    "health.py": {"FORCE_OFFSET": packets.FORCE_OFFSET_COUNTS},
    "self_test.py": {"FORCE_OFFSET": packets.FORCE_OFFSET_COUNTS},
    "sample_ring.py": {"SAMPLE_BYTES": SAMPLE_DTYPE.itemsize, "STAMP_BYTES": 4},
}
OF_ITS_OWN = {  # constants with an underscore that repeat nothing
    "_RING_GUARD",
    "_HEAR_US",
    "_CHORES_US",
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
    "_CODES_A_PERIOD",
    "_WIDE_CODE",
    "_WIDE_REACH",
}


@pytest.mark.parametrize("file", REPEATED)
def test_repeated_constants_equal_what_they_repeat(file: str):
    found = constants(file)
    assert {name: found.get(name) for name in REPEATED[file]} == REPEATED[file]


@pytest.mark.parametrize("file", ["kernels.py", "detection.py", "health_kernels.py"])
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
