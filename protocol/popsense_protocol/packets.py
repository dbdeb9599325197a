"""Every packet, declared once; nothing else in the project declares a byte layout.

A payload is one packet: its type byte, then its fields, little-endian, no padding. `framing` puts payloads
on the wire. Packets that the device builds while it samples are whole 32-bit words, so that the firmware
copies words and never boxes an integer.
"""

from collections.abc import Mapping
from typing import Any, cast

import construct as c

# 2: EVENT has a basis and new kinds, PROFILE. 3: runs, RESEND, CLOCK; ACK tells clock and counts.
# 4: calibration, faults and health, TARE, EXIT, cues. What a recording is made of stayed as in 3.
PROTOCOL_VERSION = 4

State = c.Enum(c.Int8ul, idle=0, sampling=1)
Mode = c.Enum(c.Int8ul, guided=0, assessment=1, blind=2)
ResetCause = c.Enum(c.Int8ul, unknown=0, power_on=1, watchdog=2, requested=3)
Unit = c.Enum(c.Int8ul, none=0, newton=1, millimetre=2, kilopascal=3)
EventKind = c.Enum(
    c.Int8ul,
    contact=1,
    pop=2,
    released=3,
    loss_of_resistance=4,
    far_cortex_contact=5,
    withdrawal=6,
    uncertain_pop=7,
    re_puncture=8,
    used_hole=9,
    overload=10,
)
NakReason = c.Enum(
    c.Int8ul,
    unknown_command=1,
    malformed=2,
    not_identified=3,
    already_sampling=4,
    not_sampling=5,
    sensor_fault=6,
    not_kept=7,
    no_calibration=8,
    loaded=9,
    noisy=10,
    flash_failed=11,
)
Stored = c.Enum(c.Int8ul, samples=0, events=1)
Sensor = c.Enum(c.Int8ul, force=0, depth=1, pressure=2)
Cue = c.Enum(c.Int8ul, none=0, stop=1, go_on_then_stop=2)
# A fault's bit in HEALTH is 1 << its code.
Fault = c.Enum(
    c.Int8ul,
    force_converter=1,
    force_cell_open=2,
    force_cell_shorted=3,
    force_saturated=4,
    force_stuck=5,
    force_noisy=6,
    force_garbage=7,
    data_ready_timeout=8,
    conversions_missed=9,
    depth_open=10,
    depth_stuck=11,
    pressure_saturated=12,
    pressure_stuck=13,
    overload=14,
    undervoltage=15,
    calibration_corrupt=16,
    flash_failed=17,
    watchdog_reset=18,
    host_not_reading=19,
    host_silent=20,
    command_garbage=21,
    slow_loop=22,
    low_heap=23,
)

FORCE_OFFSET_COUNTS = 1 << 23  # force is stored in offset binary: 0 counts is this code
FORCE_MASK = 0xFFFFFF  # of force_and_flags; the flags are the top 8 bits
FLAG_FORCE_SATURATED = 0x01
FLAG_DEPTH_SATURATED = 0x02
FLAG_PRESSURE_SATURATED = 0x04
FLAG_AFTER_GAP = 0x08  # conversions were missed just before this sample

BASIS_FORCE = 0x01
BASIS_DEPTH = 0x02  # without it the detector went by force alone and is less sure

START_UNCALIBRATED = 0x01  # begin although the device has no calibration

HEALTH_SELF_TEST = 0x01  # repeat the power-on self-test first; refused while sampling

CALIBRATION_POINTS = 16  # at most, of one sensor

OPTION_RESERVOIR = 0x01  # raised reservoir: the chamber has a resting pressure
OPTION_DEPTH = 0x02
OPTION_PRESSURE = 0x04
OPTION_HX711 = 0x08  # the force converter is an HX711: the low-cost build

IDENTIFY_MAGIC = b"popsense"  # with its type, CRC and COBS codes it holds no 0x03 (console rule)


def _packet(*declared: Any) -> Any:
    """c.Struct of fields `"name" / kind * "meaning"`; the meaning goes into the tables of the README.

    construct wraps such a field twice, once for the name and once for the meaning; here it is wrapped once,
    so that `field.subcon` is its kind with and without a meaning.
    """
    return c.Struct(*(_wrapped_once(field) for field in declared))


def _wrapped_once(field: Any) -> Any:
    kind: Any = field.subcon
    return c.Renamed(cast(Any, kind).subcon, field.name, field.docs) if isinstance(kind, c.Renamed) else field


# Of every command but IDENTIFY, at the same place.
REQUEST = "request" / c.Int16ul * "chosen by the host, 1 to 65535, another for each command"

Sample = _packet(
    "force_and_flags" / c.Int32ul * "bits 0-23 force in offset binary, bits 24-31 FLAG_*",
    "depth" / c.Int16ul * "counts: four 12-bit reads summed, 0 to 16380",
    "pressure" / c.Int16ul * "counts: four 12-bit reads summed, 0 to 16380",
)

Channel = _packet(
    "unit" / Unit * "UNIT; none where nothing is fitted",
    "bits" / c.Int8ul * "resolution of a reading",
    "fitted" / c.Int8ul * "1 = this build has the sensor",
    "settle_samples" / c.Int8ul * "samples until a step shows in full; 0 = not told",
    "zero_counts" / c.Int32sl * "nominal reading at 0 units",
    "nano_units_per_count" / c.Int32ul * "nominal scale, 1e-9 units a count; a calibration replaces it",
)

Calibration = _packet(
    "count" / c.Int8ul * "points that are used, 2 to 16; 0 = no calibration",
    "reserved" / c.Const(bytes(3), c.Bytes(3)),
    "id" / c.Int32ul * "not 0; chosen by whoever calibrated",
    "day" / c.Int32ul * "on which it was made, days since 1970-01-01 UTC",
    "valid_days" / c.Int32ul * "from that day on; the device has no clock, so the host says what is expired",
    "residual_microunits" / c.Int32ul * "largest distance of a reference from its line: uN, nm, mPa",
    "counts"
    / c.Array(CALIBRATION_POINTS, c.Int32sl)
    * "readings at the points, strictly rising; the unused ones are 0",
    "milliunits"
    / c.Array(CALIBRATION_POINTS, c.Int32sl)
    * "what they mean, never falling: mN, um, Pa; between and beyond the points straight lines",
)

HELLO = _packet(
    "type" / c.Const(0x01, c.Int8ul),
    "reset_cause" / ResetCause * "RESET: why the device started",
    "protocol_version" / c.Int16ul * "at offset 2 in every version",
    "schema_hash" / c.Int32ul * "of all declarations; at offset 4 in every version",
    "firmware_version" / c.Array(3, c.Int8ul) * "major, minor, patch",
    "options" / c.Int8ul * "OPTION_* of this build",
    "detector_version" / c.Int16ul * "of the event detector",
    "event_capacity" / c.Int16ul * "events that the device keeps; older ones are overwritten",
    "board_id" / c.Bytes(8) * "of the board, for ever",
    "boot_id" / c.Int32ul * "drawn at every start: a new one means that ring and events are gone",
    "calibration_id" / c.Int32ul * "of all sensors together; 0 = a fitted sensor has no calibration",
    "sample_rate_mhz"
    / c.Int32ul
    * "thousandths of a sample a second, measured at start; 0 = no force sensor",
    "ring_samples" / c.Int32ul * "samples that the device keeps until they are sent",
    "force" / Channel,
    "depth" / Channel,
    "pressure" / Channel,
    "interpreter" / c.PaddedString(32, "ascii") * "ASCII, filled up with 0x00",
)

SAMPLE_BLOCK = _packet(
    "type" / c.Const(0x02, c.Int8ul),
    "count" / c.Rebuild(c.Int8ul, c.len_(c.this.samples)) * "samples that follow",
    "run" / c.Int16ul * "of the START that these samples belong to",
    "missed" / c.Int32ul * "conversions the device did not read, since START, when this was sent",
    "first_sample"
    / c.Int32ul
    * "index of the first sample, from 0 at START, modulo 2^32; a jump: lost samples",
    "first_ticks_us" / c.Int32ul * "device clock at the first sample, us modulo 2^30, taken in the interrupt",
    "samples" / c.Array(c.this.count, Sample),
)

EVENT = _packet(
    "type" / c.Const(0x03, c.Int8ul),
    "kind" / EventKind * "EVENT",
    "detector_version" / c.Int8ul * "of the detector that found it",
    "basis" / c.Int8ul * "BASIS_* that the detector went by; a pop by depth alone came between two samples",
    "number" / c.Int32ul * "counts from 0 at START",
    "sample_index" / c.Int32ul * "of the sample at which the detector was sure",
    "ticks_us" / c.Int32ul * "device clock at that sample, us modulo 2^30",
    "peak_counts" / c.Int32ul * "running peak of the low-passed force, force counts above the baseline",
    "level_counts" / c.Int32sl * "low-passed force at that sample, force counts above the baseline",
    "drop_permille" / c.Int32ul * "fall from the peak in 1/1000 of it; 0 where no fall was looked for",
    "advance_counts" / c.Int32sl * "depth counts above the baseline, plug flex taken off; positive = inwards",
    "duration_us" / c.Int32ul * "since the peak where drop_permille is not 0, else since contact",
    "run" / c.Int16ul * "of the START that this event belongs to",
    "reserved" / c.Const(0, c.Int16ul),
)

STATUS = _packet(
    "type" / c.Const(0x04, c.Int8ul),
    "state" / State * "STATE",
    "run" / c.Int16ul * "of the last START",
    "uptime_ms" / c.Int32ul * "device clock, ms modulo 2^30",
    "next_sample" / c.Int32ul * "index the next sample will get",
    "overruns" / c.Int32ul * "samples overwritten in the ring before they were sent, since START",
    "missed" / c.Int32ul * "conversions not read, since START",
    "next_event" / c.Int32ul * "number the next event will get",
    "bad_frames" / c.Int32ul * "received frames with a wrong checksum or shape, since power-on",
    "heap_free_bytes" / c.Int32ul * "measured at START or STOP, never while sampling",
)

ACK = _packet(
    "type" / c.Const(0x05, c.Int8ul),
    "command" / c.Int8ul * "type of the command that was done",
    "request" / c.Int16ul * "its request number; 0 for IDENTIFY, which has none",
    "run" / c.Int16ul * "of the last START; the first is drawn at power-on, each START adds 1, modulo 2^16",
    "state" / State * "STATE",
    "reserved" / c.Const(0, c.Int8ul),
    "next_sample" / c.Int32ul * "index the next sample will get; when idle: how many the run has",
    "next_event" / c.Int32ul * "number the next event will get; when idle: how many the run has",
    "missed" / c.Int32ul * "conversions not read, since START",
    "ticks_us" / c.Int32ul * "device clock when this was sent, us modulo 2^30",
)

NAK = _packet(
    "type" / c.Const(0x06, c.Int8ul),
    "command" / c.Int8ul * "type of the command that was refused",
    "request" / c.Int16ul * "its request number; 0 where none could be read",
    "run" / c.Int16ul * "of the last START",
    "reason" / NakReason * "NAK",
    "reserved" / c.Const(0, c.Int8ul),
    "first_kept"
    / c.Int32ul
    * "not_kept: the next one that will be sent, else the oldest that is kept; else 0",
)

FAULT = _packet(
    "type" / c.Const(0x07, c.Int8ul),
    "code" / Fault * "FAULT",
    "raised" / c.Int8ul * "1 = it began, 0 = it is over",
    "reserved" / c.Const(0, c.Int8ul),
    "run" / c.Int16ul * "of the last START",
    "number" / c.Int16ul * "counts from 0 at power-on, modulo 2^16",
    "next_sample" / c.Int32ul * "index the next sample got when it was noticed",
    "ticks_us" / c.Int32ul * "device clock at that moment, us modulo 2^30",
    "value" / c.Int32sl * "what was measured; its unit depends on the code",
)

HEALTH = _packet(
    "type" / c.Const(0x08, c.Int8ul),
    "state" / State * "STATE",
    "run" / c.Int16ul * "of the last START",
    "faults" / c.Int32ul * "present now, bit 1 << FAULT",
    "faults_of_run" / c.Int32ul * "seen since START (before the first one: since power-on), bit 1 << FAULT",
    "supply_mv" / c.Int32ul * "supply voltage of the board, mV; 0 = not measured",
    "force_zero_counts" / c.Int32sl * "mean of the unloaded cell, at the last TARE or self-test",
    "force_noise_counts" / c.Int32ul * "standard deviation there; 0 = not measured",
    "bridge_counts" / c.Int32sl * "rise of the force reading under the burn-out currents; 0 = not measured",
    "loop_us" / c.Int32ul * "longest turn of the main loop since START",
    "heap_free_bytes" / c.Int32ul * "measured at START or STOP, never while sampling",
    "cut_writes" / c.Int32ul * "writes that the host did not read in time, since START",
)

CALIBRATION = _packet(
    "type" / c.Const(0x09, c.Int8ul),
    "sensor" / Sensor * "SENSOR",
    "request" / c.Int16ul * "of the READ_CALIBRATION that this answers",
    "record" / Calibration,
)

IDENTIFY = _packet(
    "type" / c.Const(0x41, c.Int8ul),
    "magic" / c.Const(IDENTIFY_MAGIC, c.Bytes(len(IDENTIFY_MAGIC))),
)

START = _packet(
    "type" / c.Const(0x42, c.Int8ul),
    "mode" / Mode * "MODE; light and buzzer speak in guided mode only",
    REQUEST,
    "options" / c.Int8ul * "START_*",
)

STOP = _packet(
    "type" / c.Const(0x43, c.Int8ul),
    "reserved" / c.Const(0, c.Int8ul),
    REQUEST,
)

PROFILE = _packet(
    "type" / c.Const(0x44, c.Int8ul),
    "depth_fitted" / c.Int8ul * "1 = the depth may be used; 0 = go by force alone",
    REQUEST,
    "contact_mn" / c.Int32ul * "force of bone contact",
    "release_mn" / c.Int32ul * "below it the hand has let go",
    "arm_mn" / c.Int32ul * "no pop is looked for under a peak below this",
    "used_mn" / c.Int32ul * "a tip that comes out under a peak below this came by a used hole",
    "overload_mn" / c.Int32ul * "overload from here on",
    "drop_permille" / c.Int32ul * "fall from the running peak that makes a pop",
    "drop_out_permille" / c.Int32ul * "the same once the whole bevel is out; less is an uncertain pop",
    "advance_um" / c.Int32ul * "tip beyond the inner face that makes a pop, plug flex taken off",
    "out_um" / c.Int32ul * "the whole bevel is out",
    "far_advance_um" / c.Int32ul * "nearer than this there is no far cortex",
    "far_rise_mn" / c.Int32ul * "second rise of the force that makes a far-cortex contact",
    "far_stays_mn" / c.Int32ul * "force that no marrow offers: kept up so deep, it is the far cortex too",
    "flex_nm_per_n" / c.Int32ul * "compliance of the plug",
    "cue" / c.Int32ul * "CUE: what light and buzzer say in guided mode",
    "go_on_um" / c.Int32ul * "go_on_then_stop: depth beyond the inner face at which stop follows",
)

RESEND = _packet(
    "type" / c.Const(0x45, c.Int8ul),
    "what" / Stored * "STORED: samples by index or events by number",
    REQUEST,
    "run" / c.Int16ul * "that they belong to",
    "reserved" / c.Const(0, c.Int16ul),
    "first" / c.Int32ul * "the first one wanted",
    "count" / c.Int32ul * "how many, at least 1",
)

CLOCK = _packet(
    "type" / c.Const(0x46, c.Int8ul),
    "reserved" / c.Const(0, c.Int8ul),
    REQUEST,
)

READ_CALIBRATION = _packet(
    "type" / c.Const(0x47, c.Int8ul),
    "sensor" / Sensor * "SENSOR; answered by CALIBRATION, then ACK",
    REQUEST,
)

WRITE_CALIBRATION = _packet(
    "type" / c.Const(0x48, c.Int8ul),
    "sensor" / Sensor * "SENSOR",
    REQUEST,
    "record" / Calibration,
)

TARE = _packet(
    "type" / c.Const(0x49, c.Int8ul),
    "reserved" / c.Const(0, c.Int8ul),
    REQUEST,
)

EXIT = _packet(
    "type" / c.Const(0x4A, c.Int8ul),
    "reserved" / c.Const(0, c.Int8ul),
    REQUEST,
)

READ_HEALTH = _packet(
    "type" / c.Const(0x4B, c.Int8ul),
    "options" / c.Int8ul * "HEALTH_*; answered by HEALTH, then ACK",
    REQUEST,
)

PACKETS: Mapping[str, Any] = {
    "HELLO": HELLO,
    "SAMPLE_BLOCK": SAMPLE_BLOCK,
    "EVENT": EVENT,
    "STATUS": STATUS,
    "ACK": ACK,
    "NAK": NAK,
    "FAULT": FAULT,
    "HEALTH": HEALTH,
    "CALIBRATION": CALIBRATION,
    "IDENTIFY": IDENTIFY,
    "START": START,
    "STOP": STOP,
    "PROFILE": PROFILE,
    "RESEND": RESEND,
    "CLOCK": CLOCK,
    "READ_CALIBRATION": READ_CALIBRATION,
    "WRITE_CALIBRATION": WRITE_CALIBRATION,
    "TARE": TARE,
    "EXIT": EXIT,
    "READ_HEALTH": READ_HEALTH,
}
_FLAG_PREFIXES = ("FLAG_", "OPTION_", "BASIS_", "START_", "HEALTH_")
FLAGS = {name: value for name, value in globals().items() if name.startswith(_FLAG_PREFIXES)}
ENUMS = {
    "STATE": State,
    "MODE": Mode,
    "RESET": ResetCause,
    "UNIT": Unit,
    "EVENT": EventKind,
    "NAK": NakReason,
    "STORED": Stored,
    "SENSOR": Sensor,
    "CUE": Cue,
    "FAULT": Fault,
}
