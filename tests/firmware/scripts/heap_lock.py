"""Runs the sampling path under heap_lock. In: a case a line. Out: [verdict, frames by type, samples, events].

The verdict is "ok", or "MemoryError" where something allocated. What a case needs is made before the lock.
"""

import json
import struct
import sys

from bone.sample_ring import SampleRing

ring = SampleRing()  # before the rest is imported, as in main.py

import micropython  # noqa: E402
from fakes import Board  # noqa: E402

from bone import app, detection, framing, kernels, wire  # noqa: E402
from bone.board import Console  # noqa: E402

board = Board()
application = app.App(board, ring)
sampler, detector, link = application.sampler, application.detector, application.link
console = Console(sys.stdin.buffer, sys.stderr.buffer)
console.any()  # ipoll makes its tuple with the first call, long before START
START_1 = bytes((wire.START, wire.MODE_GUIDED, 1, 0, wire.START_UNCALIBRATED))  # with cues
START_2 = bytes((wire.START, wire.MODE_GUIDED, 2, 0, wire.START_UNCALIBRATED))
IDENTIFY = bytes((wire.IDENTIFY,)) + wire.IDENTIFY_MAGIC
PUSH = bytes((0x02, 0, 0))  # 131072 counts, 30 N
REST = bytes(3)
FULL = bytes((0x7F, 0xFF, 0xFF))
GARBAGE = (bytes(3), bytes((0x7F, 0xFF, 0xFF)), bytes((0x80, 0, 1)), bytes((0x3F, 0, 0)))
SUPPLY = board.supply_adc.code
BLOW = bytes((0x7F, 0, 0))  # over the cell's range
HELD = (REST, BLOW, FULL, BLOW)
REFUSED_PROFILE = bytes((wire.PROFILE,)) + bytes(wire.PROFILE_SIZE - 1)
DEPTH_REST, DEPTH_OUT, DEPTH_FAR = 410, 850, 2400  # codes of the converter: 0, 4 and 18 mm


def frame(payload):
    """A frame of the host."""
    buffer = bytearray(payload) + bytearray(4)
    framing.crc_append(buffer, len(payload), link._table)
    out = bytearray(len(buffer) + 4)
    return bytes(out[: framing.cobs_encode(buffer, len(buffer), out)])


WELL_FORMED = frame(START_1) + frame(IDENTIFY) + frame(START_2) + frame(REFUSED_PROFILE)
FOUL = b"\x05abc\0" + b"\x01" * 200 + b"\0" + frame(b"\x7f") + frame(bytes((wire.START,)))
CLOCK = frame(bytes((wire.CLOCK, 0, 9, 0)))
NOISE = bytearray(500)
FAREWELL = bytearray(b"ok\n")


def sampling():
    """Identified and started, the needle at rest, nothing waiting."""
    application.commands.identified = False
    sampler.running = False
    board.supply_adc.code = SUPPLY
    board.spi.result[:] = REST
    board.console.feed(frame(IDENTIFY) + frame(START_1))
    while board.console.any():
        application.step()
    for kind in range(128):
        board.console.of_type[kind] = 0


def interrupts(count):
    for _ in range(count):
        board.edge()


def lean(result, count, depth=DEPTH_REST):
    board.depth_adc.code = depth
    for i in range(3):
        board.spi.result[i] = result[i]
    interrupts(count)


def interrupt_body():
    """Rest, a push until contact, and letting go again: two events."""
    lean(REST, 100)
    lean(PUSH, 100)
    lean(REST, 300)


def whole_puncture():
    """Every phase and nearly every kind: in to the far cortex, out, and in again by the same hole."""
    lean(REST, 100)
    lean(PUSH, 100)
    lean(PUSH, 100, DEPTH_OUT)
    lean(REST, 200, DEPTH_OUT)
    lean(REST, 50, DEPTH_FAR)
    lean(BLOW, 60, DEPTH_FAR)
    lean(REST, 700)
    lean(PUSH, 100)
    lean(REST, 30, DEPTH_OUT)
    lean(REST, 700)
    lean(REST, 100, DEPTH_OUT)
    application.send_events()


def blocks_and_events():
    for _ in range(10):
        interrupt_body()
        for _ in range(60):
            application.step()


def status_and_hello():
    for _ in range(3):
        application.send_status(board.ticks_ms())
        link.send_copy(application._hello)


def commands():
    """Read and answered while sampling: START once more, IDENTIFY, START anew, PROFILE."""
    while board.console.any():
        application.step()


def resend(what, first, count):
    run = sampler.control[kernels.RUN]
    return frame(struct.pack(wire.RESEND_FORMAT, wire.RESEND, what, 300, run, 0, first, count))


def requests():
    """Of the run that has just begun: refused ones, then 60 samples, 3 events and the clock."""
    samples, events = wire.STORED_SAMPLES, wire.STORED_EVENTS
    refused = resend(samples, 0xFFFFFFF0, 0xFFFFFFFF) + resend(events, 1 << 30, 3) + resend(2, 0, 1)
    return refused + resend(samples, 0, 60) + resend(events, 0, 3) + CLOCK


def found_events(count):
    for number in range(count):
        detection.emit(1, number, 0, 0, 1, detector.state, detector.parameters, detector.events)


def resending():
    """Answered while sampling, and overtaken under way: samples by the interrupt, events by newer ones."""
    interrupts(100)
    found_events(3)
    for _ in range(300):
        application.step()
    board.console.feed(overtaken)
    for _ in range(20):
        application.step()
    interrupts(8300)
    found_events(64)
    for _ in range(100):
        application.step()


def random_bytes():
    """A million, every 25th of them a 0x00, so that most frames have the length of a command."""
    seed = 1
    for _ in range(1000000 // len(NOISE)):
        for i in range(len(NOISE)):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            NOISE[i] = (seed >> 16) & 0xFF if (seed >> 8) % 28 else 0
        NOISE[-1] = 0
        board.console.feed(NOISE)
        while board.console.any():
            length = link.receive()
            if length:
                application.commands.answer(length)


def whole_loop():
    """3 s of the main loop, blocks and HELLO and STATUS in it."""
    for _ in range(3000):
        application.step()


def faults():
    """Nearly every fault that may come while sampling begins, is told, and is over again."""
    for wrong in (True, False):
        board.supply_adc.code = SUPPLY // 2 if wrong else SUPPLY
        board.pressure_adc.code = 4095 if wrong else 1502
        link.cut_writes += 1 if wrong else 0
        link.bad_frames += 5 if wrong else 0
        sampler.control[kernels.MISSED] += 3 if wrong else 0
        for step in range(2400):
            k = step & 3
            held = (step >> 7) & 3  # in turns garbage, one high code, the highest
            for i in range(3):
                if not wrong:
                    board.spi.result[i] = REST[i] + (k & i)
                else:
                    board.spi.result[i] = HELD[held][i] if held else GARBAGE[k][i]
            board.depth_adc.code = (0 if wrong else DEPTH_REST) + (k & 1)
            board.edge()
            if step % 20 == 19:
                application.step()
        handler = board.force_ready.handler
        board.force_ready.handler = None  # no edge comes
        for _ in range(300):
            application.step()
        board.force_ready.handler = handler


def real_console():
    """Of board.py, on the streams of this process."""
    for _ in range(6):
        if console.any():
            console.read_byte()
    console.write(FAREWELL, 3)


def allocates_a_list():
    return [0] * 20


def allocates_a_method():
    return application.step


def allocates_a_float():
    return sampler.rate_mhz / 7


CASES = {
    "interrupt body": (interrupt_body, b""),
    "whole puncture": (whole_puncture, b""),
    "blocks and events": (blocks_and_events, b""),
    "status and hello": (status_and_hello, b""),
    "commands": (commands, WELL_FORMED),
    "foul frames": (commands, FOUL),
    "resending": (resending, requests),
    "random bytes": (random_bytes, b""),
    "whole loop": (whole_loop, b""),
    "faults": (faults, b""),
    "real console": (real_console, b""),
    "a list": (allocates_a_list, b""),
    "a bound method": (allocates_a_method, b""),
    "a float": (allocates_a_float, b""),
}


def verdict(work):
    micropython.heap_lock()
    try:
        work()
        result = "ok"
    except MemoryError:
        result = "MemoryError"
    finally:
        micropython.heap_unlock()
    return result


while True:
    line = sys.stdin.readline()
    if not line:
        break
    work, incoming = CASES[json.loads(line)]
    sampling()
    overtaken = resend(wire.STORED_SAMPLES, 0, 300) + resend(wire.STORED_EVENTS, 0, 3)
    board.console.feed(incoming() if callable(incoming) else incoming)
    first_event = detector.state[detection.D_EVENTS]
    found = verdict(work)
    numbers = range(first_event, detector.state[detection.D_EVENTS])
    events = [detector.events[(n & 63) * detection.KEPT_EVENT_BYTES + 1] for n in numbers]
    sent = {kind: count for kind, count in enumerate(board.console.of_type) if count}
    told = application.faults.of_run
    print(json.dumps([found, sent, sampler.control[kernels.NEXT], events, told]))
