"""Vectors for the kernels. In: [operation, argument] a line. Out: its result.

Long series are described, not listed: MicroPython has the heap of a Pico here.
"""

import json
import struct
import sys

from bone.sample_ring import SampleRing

ring = SampleRing()  # first, as in main.py: the heap is that of a Pico

from bone import cues as cueing  # noqa: E402
from bone import detection, framing, kernels  # noqa: E402
from bone.calibration import Scales  # noqa: E402
from bone.cues import Cues  # noqa: E402
from bone.detector import Detector, unpack_profile  # noqa: E402
from bone.settings import PROFILE  # noqa: E402

sample = kernels.words(kernels.SAMPLE_WORDS)
words_of_turn = kernels.words(kernels.TURN_WORDS)
no_events = kernels.words(detection.DETECTOR_WORDS)
table = bytearray(1024)
framing.crc_table(table)
TICKS_MASK = 0x3FFFFFFF


def application(period_us=1012):
    """A board and the application on it. Late: the vectors of the kernels alone must fit into 200 KiB."""
    from fakes import Board

    from bone.app import App

    board = Board()
    board.period_us = period_us
    return board, App(board, ring)


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
    sample[kernels.S_TICKS] = ticks
    sample[kernels.S_FORCE] = (force_counts & 0xFFFFFF) ^ 0x800000
    sample[kernels.S_DEPTH] = depth
    sample[kernels.S_PRESSURE] = pressure
    kernels.push(sample, ring.samples, ring.stamps, control)


def push_many(control, out, count, ticks, period_us):
    """Sample k has force k, depth k + 1 and pressure k + 2 (13 bits each)."""
    for k in range(count):
        stamp = (ticks + k * period_us) & TICKS_MASK
        push(control, out, k & 8191, (k + 1) & 8191, (k + 2) & 8191, stamp)


def take(control, out, count):
    length = kernels.take_block(count, kernels.SENT, ring.samples, ring.stamps, control, out)
    return bytes(out[:length]).hex()


def due(control, out, now):
    words_of_turn[kernels.T_RUNNING] = 1
    return kernels.due(now, words_of_turn, ring.stamps, control, no_events) & kernels.DUE_SAMPLES


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


def hand(argument):
    """(force code, depth counts, ticks) of moves given as [samples, force code, depth counts] to go to."""
    ticks, period = argument["ticks"], argument["period_us"]
    force, depth = argument["from"]
    for count, to_force, to_depth in argument["moves"]:
        for k in range(count):
            yield force + (to_force - force) * k // count, depth + (to_depth - depth) * k // count, ticks
            ticks = (ticks + period) & TICKS_MASK
        force, depth = to_force, to_depth


def detect(argument):
    """EVENT payloads of a hand."""
    detector = Detector()
    detector.configure(argument["rate_mhz"], argument["profile"])
    detector.reset()
    for code, depth, ticks in hand(argument):
        detector.step(code, depth, ticks)
    return events_of(detector)


def events_of(detector):
    out = bytearray(detection.EVENT_BYTES)
    found = []
    for number in range(detector.state[detection.D_EVENTS]):
        detection.take_event(number, 7, detector.events, out)
        found.append(bytes(out).hex())
    return found


def cue(argument):
    """Changes of light and buzzer for hands, one an attempt: [sample, light, buzzer], and the last events.

    mode: of START, one an attempt.
    """
    from fakes import Board

    board = Board()
    cues, detector = Cues(board), Detector()
    profile = dict(PROFILE)
    profile.update(argument["profile"])
    cues.configure(profile, Scales())
    detector.configure(argument["rate_mhz"], profile)
    changes = []
    for mode in argument["modes"]:
        detector.reset()
        cues.arm(mode)
        changes.append([])
        for number, (code, depth, ticks) in enumerate(hand(argument)):
            detector.step(code, depth, ticks)
            pins = cueing.cue(detector._sample, detector.state, detector.events, cues.words)
            if pins:
                cues.show(pins)
                changes[-1].append([number, board.cue_led.level, board.cue_buzzer.level])
        cues.disarm()
        changes[-1].append([-1, board.cue_led.level, board.cue_buzzer.level])
    return [changes, events_of(detector)]


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
    board, app = application()
    detector = app.detector
    before = board.console.frames
    for k in range(count):
        detection.emit(1, k, 0, 0, k + 1, detector.state, detector.parameters, detector.events)
    app.send_events()
    sent = board.console.frames - before
    last = board.console.last_hex()
    app.send_events()
    return [sent, last, board.console.frames - before - sent]


def rate(period_us):
    """What measure_rate makes of a converter of that period (0: it never gets ready), and in how many ms."""
    board, app = application(period_us)
    sampler = app.sampler
    began_ms = board.now_ms
    return [sampler.measure_rate(), board.now_ms - began_ms]


def board_words(_):
    """From now on the ring's kernels calculate in the board's words. CPython only."""
    from board_words import Words

    kernels.ptr32 = Words


def pack(argument):
    """struct.pack with a format as wire.py has it; bytes are given as {"hex": text}."""
    form, values = argument
    plain = [bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for value in values]
    return struct.pack(form, *plain).hex()


OPERATIONS = {
    "board_words": board_words,
    "pack": pack,
    "crc": crc,
    "cobs": cobs,
    "uncobs": uncobs,
    "samples": samples,
    "detect": detect,
    "cue": cue,
    "configured": configured,
    "unpacked": unpacked,
    "many_events": many_events,
    "rate": rate,
}
for line in sys.stdin:
    name, value = json.loads(line)
    print(json.dumps(OPERATIONS[name](value)))
