"""Golden frames by the firmware's own code. In: [NAME, fields, frame in hex] a line.

Out: packets of the device as the frame that Link.send wrote, commands as what Link.receive made of
the golden bytes and the fields that the application reads.
"""

import json
import struct
import sys

from bone.sample_ring import SampleRing

ring = SampleRing()  # first, as in main.py: the heap is that of a Pico

from fakes import Board  # noqa: E402

from bone import app, detection, kernels, settings, wire  # noqa: E402
from bone.calibration import table  # noqa: E402
from bone.detector import unpack_profile  # noqa: E402

board = Board()
application = app.App(board, ring)
sampler, detector, link = application.sampler, application.detector, application.link
answers = application.answers


def signed(word):
    """As array("i") wants it."""
    return word - (1 << 32) if word >= 1 << 31 else word


def hello(fields):
    settings.FIRMWARE_VERSION = tuple(fields["firmware_version"])
    settings.DETECTOR_VERSION = fields["detector_version"]
    board.reset_cause = wire.RESET_WATCHDOG
    board.board_id = bytes.fromhex(fields["board_id"])
    board.boot_id = fields["boot_id"]
    board.interpreter = fields["interpreter"]
    link.send_copy(app.hello(board, fields["sample_rate_mhz"], fields["calibration_id"], application._force))


def sample_block(fields):
    """Through push and take_block; the third sample comes one conversion late, which makes AFTER_GAP."""
    control, ticks = sampler.control, fields["first_ticks_us"]
    control[kernels.NEXT] = control[kernels.SENT] = signed(fields["first_sample"])
    control[kernels.PERIOD_US] = 1012
    control[kernels.LAST_TICKS] = ticks - 1012
    control[kernels.MISSED] = fields["missed"] - 1
    control[kernels.RUN] = fields["run"]
    for k, late in enumerate((0, 1012, 3036)):
        sample = fields["samples"][k]
        at_hand = sampler.sample
        at_hand[kernels.S_TICKS] = (ticks + late) & 0x3FFFFFFF
        at_hand[kernels.S_FORCE] = sample["force_and_flags"] & 0xFFFFFF
        at_hand[kernels.S_DEPTH] = sample["depth"]
        at_hand[kernels.S_PRESSURE] = sample["pressure"]
        kernels.push(at_hand, sampler.ring, sampler.stamps, control)
    link.send(kernels.take_block(3, kernels.SENT, sampler.ring, sampler.stamps, control, link.payload))


def event(fields):
    """Through the detector's emit and take_event."""
    state = detector.state
    state[detection.D_EVENTS] = fields["number"]
    state[detection.D_SEEN] = fields["sample_index"] + 1
    state[detection.D_FORCE_ZERO] = 8000000
    state[detection.D_PEAK] = 8000000 + fields["peak_counts"]
    state[detection.D_ADVANCE] = fields["advance_counts"] + 32768
    ticks, drop = fields["ticks_us"], fields["drop_permille"]
    since = ticks - fields["duration_us"]
    level, parameters = fields["level_counts"], detector.parameters
    parameters[detection.P_VERSION] = fields["detector_version"]
    parameters[detection.P_DEPTH] = 1 if fields["basis"] & wire.BASIS_DEPTH else 0
    detection.emit(wire.EVENT_POP, level, drop, since, ticks, state, parameters, detector.events)
    link.send(detection.take_event(fields["number"], fields["run"], detector.events, link.payload))


def status(fields):
    control = sampler.control
    control[kernels.NEXT] = fields["next_sample"]
    control[kernels.OVERRUNS] = fields["overruns"]
    control[kernels.MISSED] = fields["missed"]
    control[kernels.RUN] = fields["run"]
    detector.state[detection.D_EVENTS] = fields["next_event"]
    link.bad_frames = fields["bad_frames"]
    application.health.heap_free = fields["heap_free_bytes"]
    sampler.running = True
    application.send_status(fields["uptime_ms"])


def ack(fields):
    control = sampler.control
    control[kernels.NEXT] = fields["next_sample"]
    control[kernels.MISSED] = fields["missed"]
    control[kernels.RUN] = fields["run"]
    detector.state[detection.D_EVENTS] = fields["next_event"]
    sampler.running = True
    answers._ticks_us = lambda: fields["ticks_us"]
    answers.ack(fields["command"], fields["request"])


def nak(fields):
    """A ring that is full: the oldest kept sample is 8,128 back."""
    control = sampler.control
    control[kernels.RUN] = fields["run"]
    control[kernels.FULL] = 1
    control[kernels.NEXT] = signed((fields["first_kept"] + kernels.KEPT_SAMPLES) & 0xFFFFFFFF)
    answers.not_kept(fields["request"], wire.STORED_SAMPLES)


def fault(fields):
    """Through Faults.set, as the hundreds before it were."""
    control, faults = sampler.control, application.faults
    control[kernels.NEXT] = signed(fields["next_sample"])
    control[kernels.RUN] = fields["run"]
    faults._first = faults._next = fields["number"]
    faults._ticks_us = lambda: fields["ticks_us"]
    faults.set(wire.FAULT_FORCE_SATURATED, fields["raised"], fields["value"])
    faults.send_one()


def health(fields):
    found, tests = application.health, application.tests
    application.faults.now, application.faults.of_run = fields["faults"], fields["faults_of_run"]
    tests.zero_counts = fields["force_zero_counts"]
    tests.noise_counts = fields["force_noise_counts"]
    tests.bridge_counts = fields["bridge_counts"]
    found.heap_free = fields["heap_free_bytes"]
    found._loop_us = fields["loop_us"]
    link.cut_writes = fields["cut_writes"] + found._cut_at_start
    found.supply_mv = fields["supply_mv"]
    sampler.control[kernels.RUN] = fields["run"]
    sampler.running = False
    found.send()


def packed(record):
    """A calibration record as on the wire."""
    numbers = [record[name] for name in ("id", "day", "valid_days", "residual_microunits")]
    return struct.pack("<B3xIIII16i16i", record["count"], *numbers, *record["counts"], *record["milliunits"])


def calibration(fields):
    """What is stored, asked for; behind it comes the ACK."""
    sampler.running = False
    assert application.calibrations._records is not None
    application.calibrations._records[wire.SENSOR_FORCE] = packed(fields["record"])
    link.received[0:4] = struct.pack("<BBH", wire.READ_CALIBRATION, wire.SENSOR_FORCE, fields["request"])
    plain, answers.ack = answers.ack, lambda *_: None
    application.commands._read_calibration(fields["request"])
    answers.ack = plain


def asked_for(fields):
    """The stretch that the device sets out to send, where it has all of it."""
    control = sampler.control
    control[kernels.RUN] = fields["run"]
    control[kernels.NEXT] = signed((fields["first"] + fields["count"]) & 0xFFFFFFFF)
    application.resend.answer(fields["request"])
    return {"first": control[kernels.RESEND_NEXT] & 0xFFFFFFFF, "count": control[kernels.RESEND_LEFT]}


def received(name, fields, frame):
    """The payload that Link.receive found, and what the application reads in it."""
    board.console.feed(bytes.fromhex(frame))
    length = link.receive()
    found = {"payload": bytes(link.received[:length]).hex()}
    if name == "IDENTIFY":
        found["accepted"] = application.commands.is_identify()
    else:
        found["request"] = application.commands.request()
    if name == "PROFILE":
        found["profile"] = unpack_profile(link.received)
    elif name == "START":
        found["mode"] = link.received[wire.START_MODE_AT]
        found["options"] = link.received[wire.START_OPTIONS_AT]
    elif name == "RESEND":
        found.update(asked_for(fields))
    elif name in ("READ_CALIBRATION", "WRITE_CALIBRATION"):
        found["sensor"] = link.received[wire.START_MODE_AT]
    elif name == "READ_HEALTH":
        found["options"] = link.received[wire.START_MODE_AT]
    if name == "WRITE_CALIBRATION":
        found["points"] = table(bytes(link.received[4:length]))
    return found


BUILDERS = {
    "HELLO": hello,
    "SAMPLE_BLOCK": sample_block,
    "EVENT": event,
    "STATUS": status,
    "ACK": ack,
    "NAK": nak,
    "FAULT": fault,
    "HEALTH": health,
    "CALIBRATION": calibration,
}
for line in sys.stdin:
    name, fields, frame = json.loads(line)
    if name in BUILDERS:
        BUILDERS[name](fields)
        print(json.dumps(board.console.last_hex()))
    else:
        print(json.dumps(received(name, fields, frame)))
