"""The self-test of an idle board, and TARE: converter, bridge, zero, noise, the analog channels.

The bridge is tested with the ADS1220's burn-out currents, 10 uA out of the one input and into the other (TI
SBAS501C, "Sensor Detection"): a whole bridge lets the reading rise by its resistance, a broken one drives it
to the end of the range, a short circuit shows nothing. That test leaves the ring alone, so that it may follow
a STOP; zero and noise are taken from samples in the ring, which belong to no run. All of it allocates.
"""

from bone import kernels, settings, wire

FORCE_OFFSET = 0x800000  # code of 0 counts
_FULL_SCALE = 0x7FFFFF - 0x10000  # so near to the end of the range
_SETTLE_MS = 4  # conversions take 1 ms; the filter before the converter is quicker
_READS = 5
_TARE_MS = 400  # and until there are _TARE_LEAST samples, for as long as the converter needs to give them
_TARE_LEAST = 16


class SelfTest:
    """zero_counts, noise_counts, bridge_counts: what HEALTH tells; 0 where not measured."""

    def __init__(self, board, sampler, faults, force):
        self.zero_counts = 0
        self.noise_counts = 0
        self.bridge_counts = 0
        self._board = board
        self._sampler = sampler
        self._faults = faults
        self._force = force

    def run(self, scales, samples):
        """Everything, with the first `samples` of the ring, taken just before. About 20 ms."""
        answers = self.test_converter()
        if answers:
            self.test_bridge()
        # It answers and gives nothing: its data-ready line is cut, or stuck at this level.
        mute = answers and not samples
        self._faults.set(wire.FAULT_DATA_READY_TIMEOUT, mute, self._board.force_ready())
        if samples and answers:
            mean, noise = self._rest(samples)
            if abs(scales.force_mn(mean)) <= settings.LOADED_MN:
                self.zero_counts = mean
            self.noise_counts = noise
            self._faults.set(wire.FAULT_FORCE_NOISY, noise > scales.force_counts(settings.NOISY_MN), noise)
            self._test_analog(samples)

    def test_converter(self):
        """True where it answers with the registers that were written."""
        answers = self._force.answers()
        self._faults.set(wire.FAULT_FORCE_CONVERTER, not answers)
        return answers

    def test_bridge(self):
        """The rise under the burn-out currents; nothing where the converter has none."""
        if not hasattr(self._force, "burn_out"):
            return
        before = self._reading()
        self._force.burn_out(True)
        burnt = self._reading()
        self._force.burn_out(False)
        rise = self.bridge_counts = burnt - before
        is_open = rise > settings.BRIDGE_OPEN_COUNTS or abs(burnt) >= _FULL_SCALE
        self._faults.set(wire.FAULT_FORCE_CELL_OPEN, is_open, rise)
        is_shorted = not is_open and rise < settings.BRIDGE_SHORTED_COUNTS
        self._faults.set(wire.FAULT_FORCE_CELL_SHORTED, is_shorted, rise)

    def tare(self, scales, run):
        """0, or the reason (wire.NAK_*) why the cell is not at rest. Its samples are a run of that number."""
        sampler = self._sampler
        sampler.start(run)
        waited_ms, most_ms = 0, max(_TARE_MS, self._force.measure_timeout_ms)
        while waited_ms < _TARE_MS or (sampler.control[kernels.NEXT] < _TARE_LEAST and waited_ms < most_ms):
            self._board.sleep_ms(10)
            self._board.feed_watchdog()
            waited_ms += 10
        sampler.stop()
        samples = sampler.control[kernels.NEXT]
        if samples < _TARE_LEAST:
            return wire.NAK_SENSOR_FAULT
        mean, noise = self._rest(samples)
        self._faults.set(wire.FAULT_FORCE_STUCK, noise == 0, mean)
        if noise == 0:
            return wire.NAK_SENSOR_FAULT  # no converter is so quiet
        noisy = noise > scales.force_counts(settings.TARE_NOISY_MN)
        self._faults.set(wire.FAULT_FORCE_NOISY, noisy, noise)
        if noisy:
            return wire.NAK_NOISY
        if abs(scales.force_mn(mean)) > settings.LOADED_MN:
            return wire.NAK_LOADED
        self.zero_counts, self.noise_counts = mean, noise
        return 0

    def _reading(self):
        """Counts without the interrupt. One may be torn by a conversion: the outermost are left out."""
        force, sleep_ms = self._force, self._board.sleep_ms
        force.start()
        sleep_ms(_SETTLE_MS)
        found = []
        for _ in range(_READS):
            sleep_ms(1)
            force.read()
            raw = force.raw
            found.append(((raw[0] << 16 | raw[1] << 8 | raw[2]) ^ FORCE_OFFSET) - FORCE_OFFSET)
        force.stop()
        return sum(sorted(found)[1:-1]) // (_READS - 2)

    def _rest(self, samples):
        """Mean and standard deviation of the force, counts."""
        ring = self._sampler.ring
        first = self._code(ring, 0)
        total = squares = 0
        for k in range(samples):
            off = self._code(ring, k) - first  # so that the squares stay small
            total += off
            squares += off * off
        variance = (squares - total * total // samples) // (samples - 1)
        return first - FORCE_OFFSET + total // samples, int(variance**0.5)

    def _code(self, ring, k):
        at = 8 * k
        return ring[at] | ring[at + 1] << 8 | ring[at + 2] << 16

    def _test_analog(self, samples):
        """Depth and pressure inside of their live zone, at rest."""
        for code, at in ((wire.FAULT_DEPTH_OPEN, 4), (wire.FAULT_PRESSURE_SATURATED, 6)):
            ring, total = self._sampler.ring, 0
            for k in range(samples):
                total += ring[8 * k + at] | ring[8 * k + at + 1] << 8
            mean = total // samples
            out = not settings.ANALOG_LEAST_COUNTS <= mean <= settings.ANALOG_MOST_COUNTS
            self._faults.set(code, out, mean)
