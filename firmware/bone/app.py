"""The main loop: sends what the interrupt gathered, answers commands, repeats HELLO and STATUS.

Ctrl-C works until the first valid IDENTIFY, so that mpremote can always break in before a host speaks.
While sampling the loop allocates nothing; garbage is collected at START and STOP only.
"""

import struct

from bone import detection, detector, kernels, settings, wire
from bone.ads1220 import Ads1220
from bone.depth_sensor import DepthSensor
from bone.link import Link
from bone.marrow_pressure import MarrowPressure
from bone.sample_ring import RING_SAMPLES
from bone.sampler import Sampler

IDLE_HELLO_MS = 200
BUSY_HELLO_MS = 1000
STATUS_MS = 1000


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
        rate_mhz = self.sampler.measure_rate() if force.fitted else 0
        self.rate_mhz = rate_mhz
        self.detector.configure(rate_mhz)
        self.healthy = rate_mhz > 0
        self.identified = False
        self.heap_free = board.collect_garbage()
        self._hello = hello(board, rate_mhz)
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
        """Events first, then one block, then what the host asks; sleeps 1 ms when nothing was sent."""
        busy = self.send_events() or self.send_block()
        length = self.link.receive()
        if length:
            self.answer(length)
        self.repeat()
        if not busy:
            self.board.sleep_ms(1)

    def send_events(self):
        """Every event not yet sent, oldest first; those that the ring of 64 lost are skipped."""
        last = self.detector.state[detection.D_EVENTS]
        if self._sent_events == last:
            return False
        if last - self._sent_events > detection.EVENT_CAPACITY:
            self._sent_events = last - detection.EVENT_CAPACITY
        while self._sent_events < last:
            self.link.send(detection.take_event(self._sent_events, self.detector.events, self.link.payload))
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
            kernels.take_block(count, sampler.ring, sampler.stamps, sampler.control, self.link.payload)
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
        kernels.copy_words(status, 0, self.link.payload, 0, len(status))
        self.link.send(wire.STATUS_SIZE)

    def answer(self, length):
        """One command from the host; each gets ACK or NAK with its request number."""
        received = self.link.received
        kind = received[0]
        if kind == wire.IDENTIFY:
            self._identify(length)
        elif kind != wire.START and kind != wire.STOP and kind != wire.PROFILE:
            self._nak(kind, 0, wire.NAK_UNKNOWN_COMMAND)
        elif length != (wire.PROFILE_SIZE if kind == wire.PROFILE else wire.START_SIZE):  # STOP is as long
            self._nak(kind, 0, wire.NAK_MALFORMED)
        elif not self.identified:
            self._nak(kind, self._request(), wire.NAK_NOT_IDENTIFIED)
        elif kind == self._done_command and self._request() == self._done_request:
            self._ack(kind, self._request())  # asked again because our ACK was lost: not done twice
        elif kind == wire.START:
            self._start(self._request())
        elif kind == wire.PROFILE:
            self._set_profile(self._request())
        else:
            self._stop(self._request())

    def _acknowledge_once(self, kind, request):
        self._done_command, self._done_request = kind, request
        self._ack(kind, request)

    def _request(self):
        received = self.link.received
        return received[wire.START_REQUEST_AT] | (received[wire.START_REQUEST_AT + 1] << 8)

    def _identify(self, length):
        if not self._is_identify(length):
            self._nak(wire.IDENTIFY, 0, wire.NAK_MALFORMED)
            return
        self.board.ignore_ctrl_c()
        self.identified = True
        self._done_command = 0  # a new session numbers its requests anew
        self._ack(wire.IDENTIFY, 0)

    def _is_identify(self, length):
        if length != wire.IDENTIFY_SIZE:
            return False
        for i in range(len(wire.IDENTIFY_MAGIC)):
            if self.link.received[i + 1] != wire.IDENTIFY_MAGIC[i]:
                return False
        return True

    def _set_profile(self, request):
        """Site and device for the next attempt. Allocates, so never while sampling."""
        if self.sampler.running:
            self._nak(wire.PROFILE, request, wire.NAK_ALREADY_SAMPLING)
            return
        profile = detector.unpack_profile(self.link.received)
        if profile is None:
            self._nak(wire.PROFILE, request, wire.NAK_MALFORMED)
        else:
            self.detector.configure(self.rate_mhz, profile)
            self._acknowledge_once(wire.PROFILE, request)

    def _start(self, request):
        if self.sampler.running:
            self._nak(wire.START, request, wire.NAK_ALREADY_SAMPLING)
        elif not self.healthy:
            self._nak(wire.START, request, wire.NAK_SENSOR_FAULT)
        elif self.link.received[wire.START_MODE_AT] > wire.MODE_BLIND:
            self._nak(wire.START, request, wire.NAK_MALFORMED)
        else:
            self.heap_free = self.board.collect_garbage()
            self._sent_events = 0
            self.sampler.start()
            self._acknowledge_once(wire.START, request)

    def _stop(self, request):
        """What is still here goes out first, so that ACK tells the host that nothing more will come."""
        if not self.sampler.running:
            self._nak(wire.STOP, request, wire.NAK_NOT_SAMPLING)
            return
        self.sampler.stop()
        self.send_events()
        waiting = kernels.samples_waiting(self.sampler.control)
        while waiting:
            self._send_samples(min(waiting, kernels.BLOCK_SAMPLES))
            waiting = kernels.samples_waiting(self.sampler.control)
        self._acknowledge_once(wire.STOP, request)
        self.heap_free = self.board.collect_garbage()

    def _ack(self, command, request):
        payload = self.link.payload
        payload[0] = wire.ACK
        payload[wire.ACK_COMMAND_AT] = command
        payload[wire.ACK_REQUEST_AT] = request & 0xFF
        payload[wire.ACK_REQUEST_AT + 1] = request >> 8
        kernels.copy_words(self.sampler.control, kernels.NEXT, payload, wire.ACK_NEXT_SAMPLE_AT // 4, 1)
        kernels.copy_words(self.detector.state, detection.D_EVENTS, payload, wire.ACK_NEXT_EVENT_AT // 4, 1)
        self.link.send(wire.ACK_SIZE)

    def _nak(self, command, request, reason):
        payload = self.link.payload
        payload[0] = wire.NAK
        payload[wire.NAK_COMMAND_AT] = command
        payload[wire.NAK_REQUEST_AT] = request & 0xFF
        payload[wire.NAK_REQUEST_AT + 1] = request >> 8
        payload[wire.NAK_REASON_AT] = reason
        self.link.send(wire.NAK_SIZE)


def hello(board, rate_mhz):
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
        0,  # no calibration on the device yet
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
