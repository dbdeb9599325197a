"""The main loop: sends what the interrupt gathered, hears commands, repeats HELLO, STATUS and HEALTH.

Ctrl-C works until the first valid IDENTIFY, so that mpremote can always break in before a host speaks.
While sampling the loop allocates nothing; garbage is collected at START and STOP only.
"""

import struct

from micropython import const

from bone import detection, detector, kernels, settings, wire
from bone.ads1220 import Ads1220
from bone.answers import Answers
from bone.calibration import Calibrations
from bone.commands import Commands
from bone.cues import Cues
from bone.depth_sensor import DepthSensor
from bone.faults import Faults
from bone.health import Health
from bone.link import Link
from bone.marrow_pressure import MarrowPressure
from bone.resend import Resend
from bone.sample_ring import RING_SAMPLES
from bone.sampler import Sampler
from bone.self_test import SelfTest

IDLE_HELLO_MS = 200
BUSY_HELLO_MS = 1000
STATUS_MS = 1000
# An event is on its way within 3 ms of its sample; shorter naps cost more of the processor.
_NAP_MS = const(2)
_RESENDS = kernels.DUE_SAMPLES | kernels.DUE_RESEND


class App:
    """Wires the parts of one board and runs them."""

    def __init__(self, board, ring):
        self.board = board
        self.detector = detector.Detector()
        self.cues = Cues(board)
        force = force_converter(board)
        depth = DepthSensor(board.depth_adc)
        pressure = MarrowPressure(board.pressure_adc)
        self.sampler = Sampler(board, ring, force, depth, pressure, self.detector, self.cues)
        self.link = Link(board)
        self.answers = Answers(board, self.sampler, self.detector, self.link)
        self.resend = Resend(self.sampler, self.detector, self.link, self.answers)
        self.faults = Faults(board, self.sampler, self.link)
        self.tests = SelfTest(board, self.sampler, self.faults, force)
        self.health = Health(board, self.sampler, self.link, self.faults, self.tests)
        self.calibrations = Calibrations(board.calibration_folder, force.nano_n_per_count)
        self.commands = Commands(self)
        self._force = force
        # Bound once: the loop turns 500 times a second, and each look-up costs a microsecond.
        self._ticks_us, self._sleep_ms = board.ticks_us, board.sleep_ms
        self._act = self.act  # binding allocates
        self._stamps, self._control = self.sampler.stamps, self.sampler.control
        self._state = self.detector.state
        self._turn = kernels.words(kernels.TURN_WORDS)
        self._profile = settings.PROFILE
        self._test(board.boot_id & 0xFFFF)  # the runs of another boot must not look like ours
        self._status = kernels.words(wire.STATUS_SIZE // 4)
        self._last_hello = self._last_status = board.ticks_ms()
        self._health_due = False
        self.collect_garbage()

    def run(self):
        """One turn after another, for ever."""
        self.turns(0)

    def step(self):
        self.turns(1)

    def turns(self, count):
        """So many turns: whatever is due; where nothing has to go out at once, it sleeps. 0: for ever.

        With local names only: nine turns of ten find nothing, and each look-up costs a microsecond.
        """
        look, act = kernels.due, self._act
        ticks_us, sleep_ms = self._ticks_us, self._sleep_ms
        turn, stamps = self._turn, self._stamps
        control, state = self._control, self._state
        while True:
            due = look(ticks_us(), turn, stamps, control, state)
            if not (due and act(due)):
                sleep_ms(_NAP_MS)
            if count:
                count -= 1
                if not count:
                    return

    def act(self, due):
        """Events, one live block, behind it one resent; what the host asks; chores. due: of kernels.due.

        True where that took so long that there may be something new to do.
        """
        link = self.link
        waited_ms = link.waited_ms
        if due == kernels.DUE_HEAR and not link.heard():
            return False
        if due & kernels.DUE_EVENTS:
            self.send_events()
        if due & kernels.DUE_SAMPLES:
            self._send_samples(due & kernels.DUE_SAMPLES)
        if due & _RESENDS:
            self.resend.send_one()
        if due & kernels.DUE_HEAR and link.heard():
            self.hear()
        if due & kernels.DUE_CHORES:
            self.do_chores()
        if link.waited_ms != waited_ms:
            self._turn[kernels.T_COUNTS] = 0  # a host that kept it waiting says nothing of the firmware
        return True

    def hear(self):
        """One command, if a whole one has come."""
        length = self.link.receive()
        if length:
            self.health.heard_host()
            self.commands.answer(length)

    def do_chores(self):
        """What need not be done in each turn; a fault is told here."""
        now_ms = self.board.ticks_ms()
        self.faults.send_one()
        self.repeat(now_ms)
        self.health.watch(now_ms, self._turn[kernels.T_LONGEST])
        self._turn[kernels.T_LONGEST] = 0
        if self.health.is_without_samples():
            self.cues.show(0)  # a tone that was on would stay on: the interrupt moves the cues
        if self.health.host_is_gone():
            self.abandon()
        self.board.feed_watchdog()

    # ---- what goes out -----------------------------------------------------------------------------------

    def send_hello(self):
        self.link.send_copy(self._hello)

    def send_events(self):
        """Every event not yet sent, oldest first; those that the ring of 64 lost are skipped."""
        last, run, words = self._state[detection.D_EVENTS], self._control[kernels.RUN], self._turn
        while words[kernels.T_SENT_EVENTS] < last:
            length = self.detector.take_event(words[kernels.T_SENT_EVENTS], run, self.link.payload)
            if length:
                self.link.send(length)
            words[kernels.T_SENT_EVENTS] += 1

    def _send_samples(self, count):
        sampler = self.sampler
        self.health.examine(count)
        self.link.send(
            kernels.take_block(
                count, kernels.SENT, sampler.ring, sampler.stamps, sampler.control, self.link.payload
            )
        )

    def repeat(self, now):
        """HELLO and, while sampling, STATUS and HEALTH at their intervals; one of them a call."""
        running = self.sampler.running
        every = BUSY_HELLO_MS if running else IDLE_HELLO_MS
        if self._health_due:
            self._health_due = False
            if running and not self.link.deaf:  # what nobody reads must not keep the samples waiting
                self.health.send()
        elif self.board.ticks_diff(now, self._last_hello) >= every:
            self._last_hello = now
            self.send_hello()
        elif running and self.board.ticks_diff(now, self._last_status) >= STATUS_MS:
            self._last_status = now
            self.send_status(now)
            self._health_due = True

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
        status[wire.STATUS_HEAP_FREE_BYTES_AT // 4] = self.health.heap_free
        payload, run = self.link.payload, control[kernels.RUN]
        kernels.copy_words(status, 0, payload, 0, len(status))
        payload[wire.STATUS_RUN_AT] = run & 0xFF
        payload[wire.STATUS_RUN_AT + 1] = run >> 8
        self.link.send(wire.STATUS_SIZE)

    # ---- what the host asks for --------------------------------------------------------------------------

    def start(self, mode):
        """A new run; 0, or the reason (wire.NAK_*) why not."""
        if not (self.tests.test_converter() and self.rate_mhz):
            return wire.NAK_SENSOR_FAULT
        self.collect_garbage()
        self.health.begin_run()
        self.cues.arm(mode)
        self.board.arm_watchdog()
        self._turn[kernels.T_COUNTS] = self._turn[kernels.T_LONGEST] = self._turn[kernels.T_SENT_EVENTS] = 0
        self.sampler.start(self._next_run())
        self._turn[kernels.T_RUNNING] = 1
        return 0

    def stop(self):
        """The run ends; what was not sent goes out, with the health of the run."""
        self._stop_sampling()
        self.send_events()
        waiting = kernels.samples_waiting(self.sampler.control)
        while waiting:
            self._send_samples(min(waiting, kernels.BLOCK_SAMPLES))
            waiting = kernels.samples_waiting(self.sampler.control)
        self._end_run()
        while self.faults.send_one():
            pass
        self.health.send()

    def abandon(self):
        """The same for a host that is gone: nothing is sent, all stays for one that comes back."""
        self._stop_sampling()
        self._end_run()
        self.collect_garbage()

    def _stop_sampling(self):
        self.sampler.stop()
        self._turn[kernels.T_RUNNING] = 0
        self.cues.disarm()

    def _end_run(self):
        """The sensors once more, with the ring left alone."""
        if self.tests.test_converter():
            self.tests.test_bridge()

    def set_profile(self, profile):
        """Site and device; allocates."""
        self._profile = profile
        self._configure()

    def store_calibration(self, sensor, record):
        """0, or the reason (wire.NAK_*) why it cannot be kept."""
        reason = self.calibrations.store(sensor, record)
        self.faults.set(wire.FAULT_FLASH_FAILED, reason == wire.NAK_FLASH_FAILED)
        if not reason:
            self._take_calibration_id()
            self._configure()
        return reason

    def tare(self):
        """0, or the reason why the cell cannot be tared now. Its samples are a run of their own: nobody's."""
        if not (self.tests.test_converter() and self.rate_mhz):
            return wire.NAK_SENSOR_FAULT
        reason = self.tests.tare(self.calibrations.scales(), self._next_run())
        self._turn[kernels.T_SENT_EVENTS] = self._state[detection.D_EVENTS]
        self._configure()
        return reason

    def self_test(self):
        """The one of power-on once more. Its samples overwrite the ring, so that the run is another one."""
        self._test(self._next_run())

    def _test(self, run):
        """HELLO goes out as soon as what it tells is known; what the rest finds stands in HEALTH."""
        self.rate_mhz = self.sampler.measure_rate() if self._force.fitted else 0
        self.sampler.control[kernels.RUN] = run
        self._turn[kernels.T_SENT_EVENTS] = 0
        self._take_calibration_id()
        self.send_hello()
        self.cues.test(self.board.sleep_ms)
        # What the rate was measured over still stands in the ring.
        samples = self._force.measure_samples if self.rate_mhz else 0
        self.tests.run(self.calibrations.scales(), samples)
        self._configure()

    def _next_run(self):
        return (self.sampler.control[kernels.RUN] + 1) & 0xFFFF

    def collect_garbage(self):
        """Takes milliseconds: at START and STOP, never while sampling."""
        self.health.found_heap(self.board.collect_garbage())

    def _take_calibration_id(self):
        self.calibration_id = self.calibrations.combined_id((True, True, True))
        self.faults.set(
            wire.FAULT_CALIBRATION_CORRUPT, self.calibrations.corrupt != 0, self.calibrations.corrupt
        )
        self._hello = hello(self.board, self.rate_mhz, self.calibration_id, self._force)

    def _configure(self):
        scales = self.calibrations.scales()
        self.detector.configure(self.rate_mhz, self._profile, scales)
        self.cues.configure(self._profile, scales)
        self.health.configure(scales, self._profile, self.rate_mhz)


def force_converter(board):
    """The one that answers, its pin the data-ready one; where none does, an ADS1220 that is not fitted."""
    force = Ads1220(board.spi, board.force_cs, board.sleep_ms)
    if force.fitted:
        return force
    from bone.hx711 import Hx711  # the reference build spends neither time nor memory on it

    other = Hx711(board.hx711_dout, board.hx711_sck, board.sleep_ms)
    if not other.fitted:
        return force
    board.force_ready = other.ready_pin
    return other


def hello(board, rate_mhz, calibration_id, force):
    """HELLO payload; built once, so that it can be repeated while sampling."""
    return struct.pack(
        wire.HELLO_FORMAT,
        wire.HELLO,
        board.reset_cause,
        wire.PROTOCOL_VERSION,
        wire.SCHEMA_HASH,
        *settings.FIRMWARE_VERSION,
        wire.OPTION_DEPTH | wire.OPTION_PRESSURE | force.option,
        settings.DETECTOR_VERSION,
        detection.EVENT_CAPACITY,
        board.board_id,
        board.boot_id,
        calibration_id,
        rate_mhz,
        RING_SAMPLES,
        *_channel(
            wire.UNIT_NEWTON,
            24,
            settings.FORCE_ZERO_COUNTS,
            force.nano_n_per_count,
            rate_mhz > 0,
            force.settle_samples,
        ),
        *_channel(wire.UNIT_MILLIMETRE, 14, settings.DEPTH_ZERO_COUNTS, settings.DEPTH_NANO_MM_PER_COUNT),
        *_channel(
            wire.UNIT_KILOPASCAL, 14, settings.PRESSURE_ZERO_COUNTS, settings.PRESSURE_NANO_KPA_PER_COUNT
        ),
        board.interpreter.encode(),
    )


def _channel(unit, bits, zero_counts, nano_units_per_count, fitted=True, settle_samples=1):
    return unit, bits, int(fitted), settle_samples, zero_counts, nano_units_per_count
