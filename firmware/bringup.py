"""First bring-up of a board: what only the board itself can tell, one JSON line a figure.

Nothing of the firmware imports this and it is not copied to the board: `popsense bringup` sends it to
MicroPython's prompt, where no main.py runs, behind the making of the ring (96 KiB in two pieces). Lines are
{"figure", "unit", "value"}, with "reason" where the value is null; {"ask": what a person shall do};
{"stall": seconds in which the host shall not read}; at the end {"done": 1}. Other output means nothing.
"""

import gc
import json
import struct
import sys
from array import array

from bone import framing, kernels
from bone.app import App
from bone.board import Board
from bone.sample_ring import RING_SAMPLES

SAMPLING_S = 6  # under the 8 s that the ring holds
REST_SAMPLES = 1000
COLLECT_EVERY_MS = 50
TIMED = 300
STALL_S = 2
STALL_WRITES_S = 3
READS = 32
CODE_STEPS = (
    512,
    1536,
    2560,
    3584,
)  # where the on-chip converter has wide codes: RP2040 datasheet, RP2040-E11
CODE_PERIOD = 1024  # from one of them to the next
NEAR_CODES = 8
AROUND = 2 * NEAR_CODES + 1
LEAST_READS = 20  # of each neighbouring code, on average: else its width is chance


def run(ring, follower_s=20):
    """All figures, in about half a minute and `follower_s`. ring: a SampleRing."""
    board = Board()
    app = App(board, ring)
    _tell("heap_free_bytes", "bytes", board.collect_garbage() or None, "this interpreter does not tell")
    _sampling(app, "quiet", False)
    _noise(app)
    _sampling(app, "collecting", True)
    _timings(app)
    _stall(app)
    _code_steps(app, follower_s)
    _say({"done": 1})


def _say(content):
    sys.stdout.write(json.dumps(content) + "\n")


def _tell(figure, unit, value, reason=""):
    line = {"figure": figure, "unit": unit, "value": value}
    if value is None:
        line["reason"] = reason
    _say(line)


def _tell_time(figure, unit, value):
    """A time of computing; on a clock that stands still meanwhile it cannot be had."""
    _tell(figure, unit, value if value > 0 else None, "this board's clock stands still while it computes")


# ---- sampling ----------------------------------------------------------------------------------------------


def _sampling(app, name, collecting):
    """Rate, and how late the interrupt came, from the stamps of a few seconds."""
    board, sampler = app.board, app.sampler
    gc.collect()
    sampler.start()
    longest_us = _collect_garbage(board) if collecting else _wait(board, SAMPLING_S * 1000)
    sampler.stop()
    if collecting:
        _tell_time("gc_ms", "ms", longest_us / 1000)
    _tell("missed_" + name, "conversions", sampler.control[kernels.MISSED])
    count = min(sampler.control[kernels.NEXT], RING_SAMPLES)
    if count < REST_SAMPLES:
        reason = "only %d samples came" % count
        _tell("rate_" + name + "_hz", "samples/s", None, reason)
        _tell("jitter_" + name + "_us", "us", None, reason)
        return
    span_us, periods, jitter_us = _intervals(board, sampler.stamps, count)
    _tell("rate_" + name + "_hz", "samples/s", 1e6 * periods / span_us)
    _tell("jitter_" + name + "_us", "us", jitter_us)


def _wait(board, milliseconds):
    board.sleep_ms(milliseconds)
    return 0


def _collect_garbage(board):
    """Over and over while the interrupt samples; the longest one, us."""
    longest = 0
    began = board.ticks_ms()
    while board.ticks_diff(board.ticks_ms(), began) < SAMPLING_S * 1000:
        waste = [[] for _ in range(200)]
        before = board.ticks_us()
        gc.collect()
        longest = max(longest, board.ticks_diff(board.ticks_us(), before))
        del waste
        board.sleep_ms(COLLECT_EVERY_MS)
    return longest


def _intervals(board, stamps, count):
    """Time from first to last sample (us), periods in it, and the largest deviation from the period (us)."""
    stamp = _stamp
    first = sorted(board.ticks_diff(stamp(stamps, k + 1), stamp(stamps, k)) for k in range(101))
    guess = first[50]
    span, periods = 0, 0
    for k in range(count - 1):
        step = board.ticks_diff(stamp(stamps, k + 1), stamp(stamps, k))
        span += step
        periods += max(1, (step + guess // 2) // guess)
    period = span / periods
    largest = 0.0
    for k in range(count - 1):
        step = board.ticks_diff(stamp(stamps, k + 1), stamp(stamps, k))
        largest = max(largest, abs(step - period * max(1, (step + guess // 2) // guess)))
    return span, periods, largest


def _stamp(stamps, k):
    return struct.unpack_from("<I", stamps, 4 * k)[0]


def _noise(app):
    """Standard deviations of the samples that _sampling left in the ring; nobody touches the bone."""
    count = min(app.sampler.control[kernels.NEXT], REST_SAMPLES)
    for figure, offset, form, mask in (
        ("force_noise_counts", 0, "<I", 0xFFFFFF),
        ("depth_noise_counts", 4, "<H", 0xFFFF),
        ("pressure_noise_counts", 6, "<H", 0xFFFF),
    ):
        if count < REST_SAMPLES:
            _tell(figure, "counts", None, "only %d samples came" % count)
            continue
        _tell(figure, "counts", _deviation(app.sampler.ring, count, form, offset, mask))


def _deviation(ring, count, form, offset, mask):
    """Standard deviation of one field of the ring's first samples. Twice over: a list has no room."""
    total = 0
    for k in range(count):
        total += struct.unpack_from(form, ring, 8 * k + offset)[0] & mask
    middle = total // count  # an integer: the board's floats have 24 bits
    squares = 0
    for k in range(count):
        squares += ((struct.unpack_from(form, ring, 8 * k + offset)[0] & mask) - middle) ** 2
    return (squares / count) ** 0.5


# ---- times -------------------------------------------------------------------------------------------------


def _timings(app):
    """The interrupt's body and the framing of a block, called here as they are called there."""
    board, sampler = app.board, app.sampler
    body = sampler.on_data_ready
    empty = _median_and_longest(board, _nothing, None)[0]
    median, longest = _median_and_longest(board, body, None)
    _tell_time("interrupt_us", "us", max(0, median - empty))
    _tell_time("interrupt_longest_us", "us", max(0, longest - empty))
    share = (median - empty) * sampler.rate_mhz / 1e7
    _tell_time("processor_percent", "%", max(0, share))
    median, _ = _median_and_longest(board, _Framing(app).frame, None)
    _tell_time("frame_us", "us", max(0, median - empty))


def _nothing(_pin):
    pass


def _median_and_longest(board, work, argument):
    times = array("i", [0] * TIMED)
    ticks_us, ticks_diff = board.ticks_us, board.ticks_diff
    gc.collect()
    for k in range(TIMED):
        before = ticks_us()
        work(argument)
        times[k] = ticks_diff(ticks_us(), before)
    times = sorted(times)
    return times[TIMED // 2], times[-1]


class _Framing:
    """One block of samples from the ring to what would go on the wire."""

    def __init__(self, app):
        self._sampler = app.sampler
        self._table = bytearray(1024)
        framing.crc_table(self._table)
        self._payload = bytearray(kernels.BLOCK_SAMPLES * 8 + 64)
        self._frame = bytearray(len(self._payload) + 8)

    def frame(self, _):
        sampler, count = self._sampler, kernels.BLOCK_SAMPLES
        length = kernels.take_block(
            count, kernels.SENT, sampler.ring, sampler.stamps, sampler.control, self._payload
        )
        framing.crc_append(self._payload, length, self._table)
        framing.cobs_encode(self._payload, length + 4, self._frame)


# ---- a host that does not read -----------------------------------------------------------------------------


def _stall(app):
    """Longest write while the host does not read, and what the interrupt missed meanwhile."""
    board, sampler = app.board, app.sampler
    line = "." * 63 + "\n"
    gc.collect()
    _say({"stall": STALL_S})
    sampler.start()
    longest = 0
    began = board.ticks_ms()
    while board.ticks_diff(board.ticks_ms(), began) < STALL_WRITES_S * 1000:
        before = board.ticks_us()
        sys.stdout.write(line)
        longest = max(longest, board.ticks_diff(board.ticks_us(), before))
        board.sleep_ms(2)
    sampler.stop()
    sys.stdout.write("\n")
    _tell_time("stalled_write_ms", "ms", longest / 1000)
    _tell("missed_stalled", "conversions", sampler.control[kernels.MISSED])


# ---- wide codes of the on-chip converter -------------------------------------------------------------------


def _code_steps(app, seconds):
    """Width of the wide codes in ordinary ones, from how often each comes while the follower moves slowly."""
    board = app.board
    read = board.depth_adc.read_u16
    seen = array("I", [0] * (len(CODE_STEPS) * AROUND))
    first = CODE_STEPS[0] - NEAR_CODES
    _say({"ask": "Push the follower slowly in and out, over its whole way, for %d s." % seconds})
    began = board.ticks_ms()
    while board.ticks_diff(board.ticks_ms(), began) < seconds * 1000:
        for _ in range(READS):
            at = (read() >> 4) - first
            if at >= 0 and at % CODE_PERIOD < AROUND:
                seen[at // CODE_PERIOD * AROUND + at % CODE_PERIOD] += 1
        board.sleep_ms(1)
    for k in range(len(CODE_STEPS)):
        _tell_width(CODE_STEPS[k], seen[k * AROUND : (k + 1) * AROUND])


def _tell_width(code, counts):
    middle = NEAR_CODES
    around = [counts[k] for k in range(AROUND) if abs(k - middle) > 1]
    usual = sum(around) / len(around)
    width = max(counts[middle - 1 : middle + 2]) / usual if usual >= LEAST_READS else None
    reason = "the follower was not moved slowly over code %d" % code
    _tell("adc_step_%d_lsb" % code, "LSB", width, reason)
