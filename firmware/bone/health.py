"""What is watched while the board samples, and HEALTH, which tells it.

watch() comes with each turn of the main loop, examine() with each block: neither allocates. What the two see
goes to `faults`; self_test.py does what needs an idle board.
"""

from bone import health_kernels as hk
from bone import kernels, settings, wire

FORCE_OFFSET = 0x800000  # code of 0 counts
_LOOK_MS = 100  # what is slow is looked at so often
_CALM_LOOKS = 10  # looks without a new one, and a counted fault is over
# By condition of health_kernels.
CODES = (
    wire.FAULT_FORCE_SATURATED,
    wire.FAULT_FORCE_STUCK,
    wire.FAULT_FORCE_GARBAGE,
    wire.FAULT_OVERLOAD,
    wire.FAULT_DEPTH_OPEN,
    wire.FAULT_DEPTH_STUCK,
    wire.FAULT_PRESSURE_SATURATED,
    wire.FAULT_PRESSURE_STUCK,
)
_MOST_N = 1 << 19
_SUPPLY_MV = 3 * 3300  # of a full code: a third of VSYS is on ADC3, its reference 3.3 V (Pico datasheet)


class Health:
    """Judges; `self_test` is of self_test.SelfTest, whose results HEALTH tells too."""

    def __init__(self, board, sampler, link, faults, self_test):
        self.heap_free = 0
        self.supply_mv = 0  # the latest reading; 0 = not measured
        self._board = board
        self._sampler = sampler
        self._link = link
        self._faults = faults
        self._self_test = self_test
        self._words = kernels.words(wire.HEALTH_SIZE // 4)
        self._state = kernels.words(hk.STATE_WORDS)
        self._limits = kernels.words(hk.LIMIT_WORDS)
        self._counts_per_n = 1
        self._heard_ms = 0
        self._looked_ms = board.ticks_ms()
        self._began_us = 0
        self._last_ticks = 0
        self._loop_us = 0
        self._slow_us = 0
        self._low_supply = 0
        # Counters as they were at START and at the latest look, and how long they have been calm.
        self._cut_at_start = 0
        self._cut_seen = 0
        self._cut_calm = 0
        self._bad_seen = 0
        self._bad_calm = 0
        self._missed_seen = 0
        self._missed_calm = 0
        self._slow_calm = 0
        faults.set(wire.FAULT_WATCHDOG_RESET, board.reset_cause == wire.RESET_WATCHDOG)

    def configure(self, scales, profile, rate_mhz):
        """The limits in counts and samples. Allocates: never while sampling."""
        self._counts_per_n = max(1, scales.force_counts(1000))
        set_limits(self._limits, scales, profile, rate_mhz, self._self_test.zero_counts)

    def begin_run(self):
        """START: maxima and counts from zero; what is still present belongs to the new run too."""
        faults, link = self._faults, self._link
        faults.set(wire.FAULT_WATCHDOG_RESET, False)
        for code in CODES:
            faults.set(code, False)  # of the sensors nothing is known yet
        for code in (
            wire.FAULT_FORCE_NOISY,
            wire.FAULT_DATA_READY_TIMEOUT,
            wire.FAULT_CONVERSIONS_MISSED,
            wire.FAULT_HOST_SILENT,
        ):
            faults.set(code, False)
        faults.set(wire.FAULT_SLOW_LOOP, False)
        faults.begin_run()
        for word in range(hk.STATE_WORDS):
            self._state[word] = 0
        self._state[hk.FORCE] = self._state[hk.DEPTH] = self._state[hk.PRESSURE] = hk.NONE
        self._loop_us = 0
        self._slow_us = 0
        self._missed_seen = 0
        self._cut_at_start = self._cut_seen = link.cut_writes
        self._bad_seen = link.bad_frames
        self._began_us = self._board.ticks_us()
        self._last_ticks = 0
        self.heard_host()

    def found_heap(self, free_bytes):
        """After a collection."""
        self.heap_free = free_bytes
        self._faults.set(wire.FAULT_LOW_HEAP, 0 < free_bytes < settings.LOW_HEAP_BYTES, free_bytes)

    # ---- while sampling ----------------------------------------------------------------------------------

    def examine(self, count):
        """The samples that are about to be sent, from control[SENT] on."""
        sampler, state, limits = self._sampler, self._state, self._limits
        ring, control = sampler.ring, sampler.control
        hk.examine_force(count, ring, control, state, limits)
        hk.examine_analog(count, 0, hk.DEPTH, hk.DEPTH_OUT, ring, control, state, limits)
        hk.examine_analog(count, 16, hk.PRESSURE, hk.PRESSURE_OUT, ring, control, state, limits)
        was = state[hk.PRESENT]
        present = hk.conditions(state, limits)
        if present != was:
            condition = 0
            while condition < hk.CONDITIONS:
                if ((present ^ was) >> condition) & 1:
                    self._faults.set(CODES[condition], (present >> condition) & 1, self._value(condition))
                condition += 1

    def _value(self, condition):
        """What was measured: counts, of an overload mN."""
        state = self._state
        if condition == hk.GARBAGE:
            return state[hk.JUMP]
        if condition == hk.OVERLOAD:
            counts = state[hk.PEAK] - FORCE_OFFSET - self._self_test.zero_counts
            per_n = self._counts_per_n
            if counts // per_n >= _MOST_N:
                return _MOST_N * 1000  # a calibration that nobody means
            return counts // per_n * 1000 + counts % per_n * 1000 // per_n
        if condition < hk.GARBAGE:
            return state[hk.FORCE] - FORCE_OFFSET
        return state[hk.DEPTH] if condition < hk.PRESSURE_OUT else state[hk.PRESSURE]

    def watch(self, now_ms, turn_us):
        """From time to time. turn_us: the longest turn of the main loop since the latest call."""
        if turn_us > self._slow_us:
            self._slow_us = turn_us
        if self._board.ticks_diff(now_ms, self._looked_ms) >= _LOOK_MS:
            self._looked_ms = now_ms
            self._look()

    def _look(self):
        self._look_at_link()
        self._look_at_supply()
        if self._sampler.running:
            self._look_at_samples()
            self._look_at_loop()

    def _look_at_link(self):
        link, faults = self._link, self._faults
        cut = link.cut_writes
        self._cut_calm = 0 if cut != self._cut_seen else min(self._cut_calm + 1, _CALM_LOOKS)
        if cut != self._cut_seen:
            faults.set(wire.FAULT_HOST_NOT_READING, True, cut - self._cut_at_start)
        elif self._cut_calm == _CALM_LOOKS and not link.deaf:
            faults.set(wire.FAULT_HOST_NOT_READING, False, cut - self._cut_at_start)
        self._cut_seen = cut
        bad = link.bad_frames
        if bad - self._bad_seen >= settings.BAD_FRAMES:
            faults.set(wire.FAULT_COMMAND_GARBAGE, True, bad)
            self._bad_seen = bad
            self._bad_calm = 0
        else:
            self._bad_calm += 1
            if self._bad_calm >= _CALM_LOOKS:
                self._bad_calm = 0
                if bad == self._bad_seen:
                    faults.set(wire.FAULT_COMMAND_GARBAGE, False, bad)
                self._bad_seen = bad

    def _look_at_supply(self):
        """Several readings in a row under the limit; as many over it, and it is over."""
        if not self._read_supply():
            return
        supply_mv = self.supply_mv
        step = 1 if supply_mv < settings.SUPPLY_LEAST_MV else -1
        self._low_supply = min(max(self._low_supply + step, 0), settings.SUPPLY_READINGS)
        if self._low_supply == settings.SUPPLY_READINGS:
            self._faults.set(wire.FAULT_UNDERVOLTAGE, True, supply_mv)
        elif self._low_supply == 0:
            self._faults.set(wire.FAULT_UNDERVOLTAGE, False, supply_mv)

    def _read_supply(self):
        """True where there is a reading that was not judged yet. The interrupt takes one of 64 samples."""
        control = self._sampler.control
        code = control[kernels.SUPPLY]
        control[kernels.SUPPLY] = 0
        if not self._sampler.running and self._board.supply_adc:
            code = self._board.supply_adc.read_u16() >> 4
        if code:
            self.supply_mv = code * _SUPPLY_MV // 4096
        return code != 0

    def _look_at_samples(self):
        faults, control, board = self._faults, self._sampler.control, self._board
        missed = control[kernels.MISSED]
        if missed != self._missed_seen:
            faults.set(wire.FAULT_CONVERSIONS_MISSED, True, missed)
            self._missed_calm = 0
        else:
            self._missed_calm += 1
            if self._missed_calm >= _CALM_LOOKS:
                faults.set(wire.FAULT_CONVERSIONS_MISSED, False, missed)
        self._missed_seen = missed
        # NEXT may be too large a number for Python here; LAST_TICKS is 0 before the first sample.
        last = control[kernels.LAST_TICKS]
        if last != self._last_ticks:
            self._last_ticks = last
            faults.set(wire.FAULT_DATA_READY_TIMEOUT, False, board.force_ready())
            return  # and no sooner: a difference of ticks turns negative after 9 minutes
        silent_us = board.ticks_diff(board.ticks_us(), last or self._began_us)
        if silent_us > settings.READY_PERIODS * control[kernels.PERIOD_US]:
            faults.set(wire.FAULT_DATA_READY_TIMEOUT, True, board.force_ready())

    def _look_at_loop(self):
        slow_us, self._slow_us = self._slow_us, 0
        self._loop_us = max(self._loop_us, slow_us)
        if slow_us > settings.SLOW_LOOP_MS * 1000:
            self._faults.set(wire.FAULT_SLOW_LOOP, True, slow_us)
            self._slow_calm = 0
        else:
            self._slow_calm += 1
            if self._slow_calm >= _CALM_LOOKS:
                self._faults.set(wire.FAULT_SLOW_LOOP, False, slow_us)

    # ---- the host ----------------------------------------------------------------------------------------

    def is_without_samples(self):
        """True where no conversion has come for long."""
        return self._faults.now >> wire.FAULT_DATA_READY_TIMEOUT & 1

    def heard_host(self):
        """A command came."""
        self._heard_ms = self._board.ticks_ms()
        self._faults.set(wire.FAULT_HOST_SILENT, False)

    def host_is_gone(self):
        """True where it is time to stop unasked: a STOP that got lost must not sample for ever."""
        if not self._sampler.running:
            return False
        board = self._board
        silent_ms = board.ticks_diff(board.ticks_ms(), self._heard_ms)
        gone = silent_ms >= settings.HOST_SILENT_MS
        if gone:
            self._faults.set(wire.FAULT_HOST_SILENT, True, silent_ms)
        return gone

    def send(self):
        """HEALTH."""
        words, payload, test = self._words, self._link.payload, self._self_test
        run = self._sampler.control[kernels.RUN]
        if not self.supply_mv:
            self._read_supply()
        words[wire.HEALTH_FAULTS_AT // 4] = self._faults.now
        words[wire.HEALTH_FAULTS_OF_RUN_AT // 4] = self._faults.of_run
        words[wire.HEALTH_SUPPLY_MV_AT // 4] = self.supply_mv
        words[wire.HEALTH_FORCE_ZERO_COUNTS_AT // 4] = test.zero_counts
        words[wire.HEALTH_FORCE_NOISE_COUNTS_AT // 4] = test.noise_counts
        words[wire.HEALTH_BRIDGE_COUNTS_AT // 4] = test.bridge_counts
        words[wire.HEALTH_LOOP_US_AT // 4] = self._loop_us
        words[wire.HEALTH_HEAP_FREE_BYTES_AT // 4] = self.heap_free
        words[wire.HEALTH_CUT_WRITES_AT // 4] = self._link.cut_writes - self._cut_at_start
        kernels.copy_words(words, 0, payload, 0, len(words))
        payload[0] = wire.HEALTH
        payload[wire.HEALTH_STATE_AT] = wire.STATE_SAMPLING if self._sampler.running else wire.STATE_IDLE
        payload[wire.HEALTH_RUN_AT] = run & 0xFF
        payload[wire.HEALTH_RUN_AT + 1] = run >> 8
        self._link.send(wire.HEALTH_SIZE)


def set_limits(limits, scales, profile, rate_mhz, zero_counts):
    """profile: fields of PROFILE by name. zero_counts: of the unloaded cell."""
    sustained = max(3, settings.SUSTAINED_MS * rate_mhz // 1000000)
    still = max(settings.STUCK_SAMPLES, settings.STUCK_ANALOG_MS * rate_mhz // 1000000)
    overload = scales.force_counts(profile.get("overload_mn", settings.PROFILE["overload_mn"]))
    zero = FORCE_OFFSET + zero_counts
    limits[hk.SATURATED] = limits[hk.DEPTH_OUT] = limits[hk.PRESSURE_OUT] = sustained
    limits[hk.STUCK] = settings.STUCK_SAMPLES
    limits[hk.DEPTH_STUCK] = limits[hk.PRESSURE_STUCK] = still
    limits[hk.JUMP_COUNTS] = scales.force_counts(settings.JUMP_MN)
    limits[hk.JUMP_WEIGHT] = settings.JUMP_MEMORY
    limits[hk.GARBAGE] = settings.JUMP_MEMORY * (settings.GARBAGE_JUMPS - 1)
    limits[hk.OVERLOAD] = max(2, settings.OVERLOAD_MS * rate_mhz // 1000000)
    limits[hk.OVERLOAD_CODE] = min(zero + overload, 0xFFFFFF)
    limits[hk.OVERLOAD_OVER_CODE] = min(zero + overload // 2, 0xFFFFFF)
    limits[hk.ANALOG_LEAST] = settings.ANALOG_LEAST_COUNTS
    limits[hk.ANALOG_MOST] = settings.ANALOG_MOST_COUNTS
