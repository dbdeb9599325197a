"""Vectors for the kernels. In: [operation, argument] a line. Out: its result.

Long series are described, not listed: MicroPython has the heap of a Pico here.
"""

import json
import struct
import sys

from fakes import TICKS_MASK, Board

from bone import app, detection, framing, kernels, wire
from bone.detector import Detector, unpack_profile
from bone.sample_ring import SampleRing

ring = SampleRing()
table = bytearray(1024)
framing.crc_table(table)


def crc(text):
    """CRC-32 bytes behind the data, whether they hold, and whether they hold with one bit off."""
    data = bytes.fromhex(text)
    buffer = bytearray(data) + bytearray(4)
    framing.crc_append(buffer, len(data), table)
    holds = framing.crc_holds(buffer, len(buffer), table)
    appended = bytes(buffer[len(data) :]).hex()
    buffer[len(buffer) // 2] ^= 0x10
    return [appended, holds, framing.crc_holds(buffer, len(buffer), table)]


def cobs(text):
    """The encoded frame with its closing zero."""
    data = bytes.fromhex(text)
    frame = bytearray(len(data) + len(data) // 254 + 2)
    return bytes(frame[: framing.cobs_encode(data, len(data), frame)]).hex()


def uncobs(text):
    """Decoded bytes; None where the frame is not valid."""
    buffer = bytearray(bytes.fromhex(text))
    count = framing.cobs_decode(buffer, len(buffer))
    return bytes(buffer[:count]).hex() if count else None


def samples(argument):
    """A ring at index `start` goes through `steps`; what each of them gives."""
    control = kernels.words(kernels.CONTROL_WORDS)
    start = argument["start"]
    control[kernels.NEXT] = control[kernels.SENT] = start - (1 << 32) if start >= 1 << 31 else start
    control[kernels.PERIOD_US] = argument.get("period_us", 0)
    control[kernels.FULL] = argument.get("full", 0)
    out = bytearray(kernels.BLOCK_SAMPLES * 8 + 64)
    return [STEPS[step[0]](control, out, *step[1:]) for step in argument["steps"]]


def push(control, out, force_counts, depth, pressure, ticks):
    code = force_counts & 0xFFFFFF
    raw = bytes((code >> 16, (code >> 8) & 0xFF, code & 0xFF))
    return kernels.push(raw, depth, pressure, ticks, ring.samples, ring.stamps, control)


def push_many(control, out, count, ticks, period_us):
    """Sample k has force k, depth k + 1 and pressure k + 2 (13 bits each)."""
    for k in range(count):
        stamp = (ticks + k * period_us) & TICKS_MASK
        push(control, out, k & 8191, (k + 1) & 8191, (k + 2) & 8191, stamp)


def take(control, out, count):
    length = kernels.take_block(count, kernels.SENT, ring.samples, ring.stamps, control, out)
    return bytes(out[:length]).hex()


def due(control, out, now):
    return kernels.block_due(now, ring.stamps, control)


def waiting(control, out):
    return kernels.samples_waiting(control)


def counters(control, out):
    return [control[kernels.OVERRUNS], control[kernels.MISSED]]


STEPS = {
    "push": push,
    "push_many": push_many,
    "take": take,
    "due": due,
    "waiting": waiting,
    "counters": counters,
}


def detect(argument):
    """EVENT payloads of a hand described by [samples, force code, depth counts] to go to, from the first."""
    detector = Detector()
    detector.configure(argument["rate_mhz"], argument["profile"])
    detector.reset()
    ticks, period = argument["ticks"], argument["period_us"]
    force, depth = argument["from"]
    for count, to_force, to_depth in argument["moves"]:
        for k in range(count):
            code = force + (to_force - force) * k // count
            detector.step(code, depth + (to_depth - depth) * k // count, ticks)
            ticks = (ticks + period) & TICKS_MASK
        force, depth = to_force, to_depth
    out = bytearray(detection.EVENT_BYTES)
    found = []
    for number in range(detector.state[detection.D_EVENTS]):
        detection.take_event(number, 7, detector.events, out)
        found.append(bytes(out).hex())
    return found


def configured(argument):
    """The detector's parameter words at that rate, with those fields of PROFILE."""
    detector = Detector()
    detector.configure(*argument)
    return list(detector.parameters)


def unpacked(payload):
    """What the board reads in a PROFILE packet; None where it refuses it."""
    return unpack_profile(bytes.fromhex(payload))


def many_events(count):
    """Frames that send_events writes after `count` events at once: how many, the last, and then again."""
    board = Board()
    application = app.App(board, ring)
    detector = application.detector
    before = board.console.frames
    for k in range(count):
        detection.emit(1, k, 0, 0, k + 1, detector.state, detector.parameters, detector.events)
    application.send_events()
    sent = board.console.frames - before
    return [sent, board.console.last_hex(), application.send_events(), board.console.frames - before - sent]


def rate(period_us):
    """What measure_rate makes of a converter of that period (0: it never gets ready), how long it took in ms.

    And whether the application takes it for a working sensor.
    """
    board = Board()
    board.period_us = period_us
    application = app.App(board, ring)
    return [application.sampler.rate_mhz, board.now_ms, application.healthy]


def board_words(_):
    """From now on the ring's kernels calculate in the board's words. CPython only."""
    from board_words import Words

    kernels.ptr32 = Words


def pack(argument):
    """struct.pack with a format of wire.py; bytes are given as {"hex": text}."""
    name, values = argument
    plain = [bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for value in values]
    return struct.pack(getattr(wire, name + "_FORMAT"), *plain).hex()


OPERATIONS = {
    "board_words": board_words,
    "pack": pack,
    "crc": crc,
    "cobs": cobs,
    "uncobs": uncobs,
    "samples": samples,
    "detect": detect,
    "configured": configured,
    "unpacked": unpacked,
    "many_events": many_events,
    "rate": rate,
}
for line in sys.stdin:
    name, value = json.loads(line)
    print(json.dumps(OPERATIONS[name](value)))
