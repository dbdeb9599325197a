"""The main loop: sends what the interrupt gathered, answers commands, repeats HELLO and STATUS.

Ctrl-C works until the first valid IDENTIFY, so that mpremote can always break in before a host speaks.
While sampling the loop allocates nothing; garbage is collected at START and STOP only.
"""

import struct

from bone import detection, detector, kernels, settings, wire
from bone.ads1220 import Ads1220
from bone.answers import Answers
from bone.depth_sensor import DepthSensor
from bone.link import Link
from bone.marrow_pressure import MarrowPressure
from bone.resend import Resend
from bone.sample_ring import RING_SAMPLES
from bone.sampler import Sampler

IDLE_HELLO_MS = 200
BUSY_HELLO_MS = 1000
STATUS_MS = 1000

_COMMAND_SIZES = {
    wire.IDENTIFY: wire.IDENTIFY_SIZE,
    wire.START: wire.START_SIZE,
    wire.STOP: wire.STOP_SIZE,
    wire.PROFILE: wire.PROFILE_SIZE,
    wire.RESEND: wire.RESEND_SIZE,
    wire.CLOCK: wire.CLOCK_SIZE,
}


class App:
    """Wires the parts of one board and runs them."""

    def __init__(self, board, ring):
        self.board = board
        self.detector = detector.Detector()
        force = Ads1220(board.spi, board.force_cs, board.sleep_ms)
        depth = DepthSensor(board.depth_adc)
        pressure = MarrowPressure(board.pressure_adc)
        self.sampler = Sampler(board, ring, force, depth, pressure, self.detector)
        self.link = Link(board.console)
        self._answers = Answers(board, self.sampler, self.detector, self.link)
        self._resend = Resend(self.sampler, self.detector, self.link, self._answers)
        rate_mhz = self.sampler.measure_rate() if force.fitted else 0
        self.rate_mhz = rate_mhz
        self.detector.configure(rate_mhz)
        self.healthy = rate_mhz > 0
        self.identified = False
        self.calibration_id = 0  # none on the device yet
        # The runs of another boot must not look like ours.
        self.sampler.control[kernels.RUN] = board.boot_id & 0xFFFF
        self.heap_free = board.collect_garbage()
        self._hello = hello(board, rate_mhz, self.calibration_id)
        self._status = kernels.words(wire.STATUS_SIZE // 4)
        self._sent_events = 0
        self._done_command = 0
        self._done_request = 0
        self._last_hello = board.ticks_ms()
        self._last_status = self._last_hello

    def run(self):
        """For ever: one step after another."""
        self.link.send_copy(self._hello)
        while True:
            self.step()

    def step(self):
        """Events, one live block, behind it one resent; then what the host asks. Idle, it sleeps 1 ms."""
        told = self.send_events()
        busy = self.send_block()
        if busy or not self.sampler.running:
            busy = self._resend.send_one() or busy
        length = self.link.receive()
        if length:
            self.answer(length)
        self.repeat()
        if not (told or busy):
            self.board.sleep_ms(1)

    def send_events(self):
        """Every event not yet sent, oldest first; those that the ring of 64 lost are skipped."""
        last, run = self.detector.state[detection.D_EVENTS], self.sampler.control[kernels.RUN]
        if self._sent_events == last:
            return False
        while self._sent_events < last:
            length = self.detector.take_event(self._sent_events, run, self.link.payload)
            if length:
                self.link.send(length)
            self._sent_events += 1
        return True

    def send_block(self):
        """One block if one is due."""
        sampler = self.sampler
        if not sampler.running:
            return False
        count = kernels.block_due(self.board.ticks_us(), sampler.stamps, sampler.control)
        if count:
            self._send_samples(count)
        return count > 0

    def _send_samples(self, count):
        sampler = self.sampler
        self.link.send(
            kernels.take_block(
                count, kernels.SENT, sampler.ring, sampler.stamps, sampler.control, self.link.payload
            )
        )

    def repeat(self):
        """HELLO and, while sampling, STATUS at their intervals."""
        now = self.board.ticks_ms()
        every = BUSY_HELLO_MS if self.sampler.running else IDLE_HELLO_MS
        if self.board.ticks_diff(now, self._last_hello) >= every:
            self._last_hello = now
            self.link.send_copy(self._hello)
        if self.sampler.running and self.board.ticks_diff(now, self._last_status) >= STATUS_MS:
            self._last_status = now
            self.send_status(now)

    def send_status(self, now):
        """Counters straight from the control words: nothing is boxed."""
        status, control = self._status, self.sampler.control
        status[0] = wire.STATUS | (int(self.sampler.running) << 8)
        status[wire.STATUS_UPTIME_MS_AT // 4] = now
        kernels.copy_words(control, kernels.NEXT, status, wire.STATUS_NEXT_SAMPLE_AT // 4, 1)
        kernels.copy_words(control, kernels.OVERRUNS, status, wire.STATUS_OVERRUNS_AT // 4, 1)
        kernels.copy_words(control, kernels.MISSED, status, wire.STATUS_MISSED_AT // 4, 1)
        status[wire.STATUS_NEXT_EVENT_AT // 4] = self.detector.state[detection.D_EVENTS]
        status[wire.STATUS_BAD_FRAMES_AT // 4] = self.link.bad_frames
        status[wire.STATUS_HEAP_FREE_BYTES_AT // 4] = self.heap_free
        payload, run = self.link.payload, control[kernels.RUN]
        kernels.copy_words(status, 0, payload, 0, len(status))
        payload[wire.STATUS_RUN_AT] = run & 0xFF
        payload[wire.STATUS_RUN_AT + 1] = run >> 8
        self.link.send(wire.STATUS_SIZE)

    def answer(self, length):
        """One command from the host; each gets ACK or NAK with its request number."""
        kind = self.link.received[0]
        size = _COMMAND_SIZES.get(kind, 0)
        if not size:
            self._answers.nak(kind, 0, wire.NAK_UNKNOWN_COMMAND)
        elif length != size:
            self._answers.nak(kind, 0, wire.NAK_MALFORMED)
        elif kind == wire.IDENTIFY:
            self._identify()
        elif not self.identified:
            self._answers.nak(kind, self._request(), wire.NAK_NOT_IDENTIFIED)
        elif kind == self._done_command and self._request() == self._done_request:
            self._answers.ack(kind, self._request())  # our ACK was lost: not done twice
        else:
            self._do(kind, self._request())

    def _do(self, kind, request):
        if kind == wire.START:
            self._start(request)
        elif kind == wire.STOP:
            self._stop(request)
        elif kind == wire.PROFILE:
            self._set_profile(request)
        elif kind == wire.RESEND:
            self._resend.answer(request)
        else:
            self._answers.ack(kind, request)  # CLOCK: what it asks for stands in every ACK

    def _acknowledge_once(self, kind, request):
        self._done_command, self._done_request = kind, request
        self._answers.ack(kind, request)

    def _request(self):
        received = self.link.received
        return received[wire.START_REQUEST_AT] | (received[wire.START_REQUEST_AT + 1] << 8)

    def _identify(self):
        if not self._is_identify():
            self._answers.nak(wire.IDENTIFY, 0, wire.NAK_MALFORMED)
            return
        self.board.ignore_ctrl_c()
        self.identified = True
        self._done_command = 0  # a new session numbers its requests anew
        self._resend.cancel()
        self.link.send_copy(self._hello)  # who answers: a host that comes back need not wait for the next one
        self._answers.ack(wire.IDENTIFY, 0)

    def _is_identify(self):
        for i in range(len(wire.IDENTIFY_MAGIC)):
            if self.link.received[i + 1] != wire.IDENTIFY_MAGIC[i]:
                return False
        return True

    def _set_profile(self, request):
        """Site and device for the next attempt. Allocates, so never while sampling."""
        if self.sampler.running:
            self._answers.nak(wire.PROFILE, request, wire.NAK_ALREADY_SAMPLING)
            return
        profile = detector.unpack_profile(self.link.received)
        if profile is None:
            self._answers.nak(wire.PROFILE, request, wire.NAK_MALFORMED)
        else:
            self.detector.configure(self.rate_mhz, profile)
            self._acknowledge_once(wire.PROFILE, request)

    def _start(self, request):
        if self.sampler.running:
            self._answers.nak(wire.START, request, wire.NAK_ALREADY_SAMPLING)
        elif not self.healthy:
            self._answers.nak(wire.START, request, wire.NAK_SENSOR_FAULT)
        elif self.link.received[wire.START_MODE_AT] > wire.MODE_BLIND:
            self._answers.nak(wire.START, request, wire.NAK_MALFORMED)
        elif not self._is_calibrated_enough():
            self._answers.nak(wire.START, request, wire.NAK_NO_CALIBRATION)
        else:
            self.heap_free = self.board.collect_garbage()
            self._sent_events = 0
            self.sampler.start((self.sampler.control[kernels.RUN] + 1) & 0xFFFF)
            self._acknowledge_once(wire.START, request)

    def _is_calibrated_enough(self):
        asked_without = self.link.received[wire.START_OPTIONS_AT] & wire.START_UNCALIBRATED
        return self.calibration_id != 0 or asked_without != 0

    def _stop(self, request):
        """What is still here goes out first, so that ACK tells the host that nothing more will come."""
        if not self.sampler.running:
            self._answers.nak(wire.STOP, request, wire.NAK_NOT_SAMPLING)
            return
        self.sampler.stop()
        self.send_events()
        waiting = kernels.samples_waiting(self.sampler.control)
        while waiting:
            self._send_samples(min(waiting, kernels.BLOCK_SAMPLES))
            waiting = kernels.samples_waiting(self.sampler.control)
        self._acknowledge_once(wire.STOP, request)
        self.heap_free = self.board.collect_garbage()


def hello(board, rate_mhz, calibration_id):
    """HELLO payload; built once, so that it can be repeated while sampling."""
    return struct.pack(
        wire.HELLO_FORMAT,
        wire.HELLO,
        board.reset_cause,
        wire.PROTOCOL_VERSION,
        wire.SCHEMA_HASH,
        *settings.FIRMWARE_VERSION,
        wire.OPTION_DEPTH | wire.OPTION_PRESSURE,
        settings.DETECTOR_VERSION,
        detection.EVENT_CAPACITY,
        board.board_id,
        board.boot_id,
        calibration_id,
        rate_mhz,
        RING_SAMPLES,
        *_channel(
            wire.UNIT_NEWTON, 24, settings.FORCE_ZERO_COUNTS, settings.FORCE_NANO_N_PER_COUNT, rate_mhz > 0
        ),
        *_channel(wire.UNIT_MILLIMETRE, 14, settings.DEPTH_ZERO_COUNTS, settings.DEPTH_NANO_MM_PER_COUNT),
        *_channel(
            wire.UNIT_KILOPASCAL, 14, settings.PRESSURE_ZERO_COUNTS, settings.PRESSURE_NANO_KPA_PER_COUNT
        ),
        board.interpreter.encode(),
    )


def _channel(unit, bits, zero_counts, nano_units_per_count, fitted=True):
    return unit, bits, int(fitted), 0, zero_counts, nano_units_per_count
