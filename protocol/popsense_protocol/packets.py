"""Every packet, declared once; nothing else in the project declares a byte layout.

A payload is one packet: its type byte, then its fields, little-endian, no padding. `framing` puts payloads
on the wire. Packets that the device builds while it samples are whole 32-bit words, so that the firmware
copies words and never boxes an integer.
"""

from collections.abc import Mapping
from typing import Any

import construct as c

PROTOCOL_VERSION = 1

State = c.Enum(c.Int8ul, idle=0, sampling=1)
Mode = c.Enum(c.Int8ul, guided=0, assessment=1, blind=2)
ResetCause = c.Enum(c.Int8ul, unknown=0, power_on=1, watchdog=2, requested=3)
Unit = c.Enum(c.Int8ul, none=0, newton=1, millimetre=2, kilopascal=3)
EventKind = c.Enum(
    c.Int8ul, contact=1, pop=2, released=3, loss_of_resistance=4, far_cortex_contact=5, withdrawal=6
)
NakReason = c.Enum(
    c.Int8ul,
    unknown_command=1,
    malformed=2,
    not_identified=3,
    already_sampling=4,
    not_sampling=5,
    sensor_fault=6,
)

FORCE_OFFSET_COUNTS = 1 << 23  # force is stored in offset binary: 0 counts is this code
FORCE_MASK = 0xFFFFFF  # of force_and_flags; the flags are the top 8 bits
FLAG_FORCE_SATURATED = 0x01
FLAG_DEPTH_SATURATED = 0x02
FLAG_PRESSURE_SATURATED = 0x04
FLAG_AFTER_GAP = 0x08  # conversions were missed just before this sample

OPTION_RESERVOIR = 0x01  # raised reservoir: the chamber has a resting pressure
OPTION_DEPTH = 0x02
OPTION_PRESSURE = 0x04

IDENTIFY_MAGIC = b"popsense"  # with its type, CRC and COBS codes it holds no 0x03 (console rule)

Sample = c.Struct(
    "force_and_flags" / c.Int32ul,  # bits 0-23 force, offset binary; bits 24-31 FLAG_*
    "depth" / c.Int16ul,  # counts, four 12-bit reads summed
    "pressure" / c.Int16ul,  # counts, four 12-bit reads summed
)

Channel = c.Struct(
    "unit" / Unit,
    "bits" / c.Int8ul,
    "fitted" / c.Int8ul,  # 1 = this build has the sensor
    "reserved" / c.Const(0, c.Int8ul),
    "zero_counts" / c.Int32sl,  # nominal reading at 0 units
    "nano_units_per_count" / c.Int32ul,  # nominal scale; a calibration replaces it
)

HELLO = c.Struct(
    "type" / c.Const(0x01, c.Int8ul),
    "reset_cause" / ResetCause,
    "protocol_version" / c.Int16ul,
    "schema_hash" / c.Int32ul,
    "firmware_version" / c.Array(3, c.Int8ul),  # major, minor, patch
    "options" / c.Int8ul,  # OPTION_*
    "detector_version" / c.Int16ul,
    "event_capacity" / c.Int16ul,  # events that the device keeps
    "board_id" / c.Bytes(8),
    "boot_id" / c.Int32ul,  # drawn at every start: a new one means that ring and events are gone
    "calibration_id" / c.Int32ul,  # 0 = none on the device
    "sample_rate_mhz" / c.Int32ul,  # measured at start, thousandths of a sample per second
    "ring_samples" / c.Int32ul,
    "force" / Channel,
    "depth" / Channel,
    "pressure" / Channel,
    "interpreter" / c.PaddedString(32, "ascii"),
)

SAMPLE_BLOCK = c.Struct(
    "type" / c.Const(0x02, c.Int8ul),
    "count" / c.Rebuild(c.Int8ul, c.len_(c.this.samples)),
    "missed" / c.Int16ul,  # conversions the device did not read, since START, modulo 2^16
    "first_sample" / c.Int32ul,  # free-running index of samples[0]; a jump means lost samples
    "first_ticks_us" / c.Int32ul,  # device clock at samples[0], taken in the interrupt, modulo 2^30
    "samples" / c.Array(c.this.count, Sample),
)

EVENT = c.Struct(
    "type" / c.Const(0x03, c.Int8ul),
    "kind" / EventKind,
    "detector_version" / c.Int16ul,
    "number" / c.Int32ul,  # counts from 0 at START
    "sample_index" / c.Int32ul,
    "ticks_us" / c.Int32ul,
    "peak_counts" / c.Int32ul,  # running force peak above the baseline
    "level_counts" / c.Int32sl,  # low-passed force above the baseline when it fired
    "drop_permille" / c.Int32ul,  # fall from the peak
    "advance_counts" / c.Int32sl,  # depth above its baseline, plug flex taken off
    "duration_us" / c.Int32ul,  # since the peak (pop), since contact (others)
)

STATUS = c.Struct(
    "type" / c.Const(0x04, c.Int8ul),
    "state" / State,
    "reserved" / c.Const(0, c.Int16ul),
    "uptime_ms" / c.Int32ul,
    "next_sample" / c.Int32ul,  # index the next sample will get
    "overruns" / c.Int32ul,  # samples overwritten in the ring before they were sent
    "missed" / c.Int32ul,  # conversions not read, since START
    "next_event" / c.Int32ul,
    "bad_frames" / c.Int32ul,  # received frames with a wrong checksum or shape
    "heap_free_bytes" / c.Int32ul,  # measured at START or STOP, never while sampling
)

ACK = c.Struct(
    "type" / c.Const(0x05, c.Int8ul),
    "command" / c.Int8ul,
    "request" / c.Int16ul,
    "next_sample" / c.Int32ul,  # after STOP: how many samples were taken
    "next_event" / c.Int32ul,
)

NAK = c.Struct(
    "type" / c.Const(0x06, c.Int8ul),
    "command" / c.Int8ul,
    "request" / c.Int16ul,
    "reason" / NakReason,
)

IDENTIFY = c.Struct(
    "type" / c.Const(0x41, c.Int8ul),
    "magic" / c.Const(IDENTIFY_MAGIC, c.Bytes(len(IDENTIFY_MAGIC))),
)

START = c.Struct(
    "type" / c.Const(0x42, c.Int8ul),
    "mode" / Mode,
    "request" / c.Int16ul,
)

STOP = c.Struct(
    "type" / c.Const(0x43, c.Int8ul),
    "reserved" / c.Const(0, c.Int8ul),
    "request" / c.Int16ul,
)

PACKETS: Mapping[str, Any] = {
    "HELLO": HELLO,
    "SAMPLE_BLOCK": SAMPLE_BLOCK,
    "EVENT": EVENT,
    "STATUS": STATUS,
    "ACK": ACK,
    "NAK": NAK,
    "IDENTIFY": IDENTIFY,
    "START": START,
    "STOP": STOP,
}
FLAGS = {name: value for name, value in globals().items() if name.startswith(("FLAG_", "OPTION_"))}
ENUMS = {
    "STATE": State,
    "MODE": Mode,
    "RESET": ResetCause,
    "UNIT": Unit,
    "EVENT": EventKind,
    "NAK": NakReason,
}
