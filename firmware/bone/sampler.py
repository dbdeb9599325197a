"""Data-ready interrupt -> ring. The three channels of one sample are read in one interrupt.

While sampling nothing here allocates; the interrupt is hard, so a garbage collection does not delay it.
"""

from bone import kernels

_MEASURE_SAMPLES = 64
_MEASURE_LEAST_SAMPLES = 16  # a slow converter: 80 a second gives 24 in the time
_MEASURE_TIMEOUT_MS = 300


class Sampler:
    """Fills ring and stamps, owns the counters; the detector is stepped with every sample."""

    def __init__(self, board, ring, force, depth, pressure, detector):
        self.ring = ring.samples
        self.stamps = ring.stamps
        self.control = kernels.words(kernels.CONTROL_WORDS)
        self._board = board
        self._force = force
        self._depth = depth
        self._pressure = pressure
        self._detector = detector
        self._ticks_us = board.ticks_us
        self._interrupt = self.on_data_ready  # bound once: binding allocates
        self.running = False
        self.rate_mhz = 0

    def on_data_ready(self, _pin):
        """Interrupt body: one sample into the ring, one step of the detector."""
        ticks = self._ticks_us()
        self._force.read()
        depth = self._depth.counts()
        code = kernels.push(
            self._force.raw, depth, self._pressure.counts(), ticks, self.ring, self.stamps, self.control
        )
        self._detector.step(code, depth, ticks)

    def measure_rate(self):
        """Measured sample rate in thousandths of a sample per second; 0 where no data-ready edge comes."""
        self.start()
        waited = 0
        while self.control[kernels.NEXT] < _MEASURE_SAMPLES and waited < _MEASURE_TIMEOUT_MS:
            self._board.sleep_ms(1)
            waited += 1
        self.stop()
        measured = min(self.control[kernels.NEXT], _MEASURE_SAMPLES)
        self._clear(0)  # what was taken here belongs to no run; and the detector ran without its parameters
        if measured < _MEASURE_LEAST_SAMPLES:
            return 0
        span = (measured - 1) * 4
        first = int.from_bytes(self.stamps[0:4], "little")
        last = int.from_bytes(self.stamps[span : span + 4], "little")
        elapsed_us = self._board.ticks_diff(last, first)
        self.rate_mhz = (measured - 1) * 1000000000 // elapsed_us
        return self.rate_mhz

    def start(self, run=0):
        """Sample index and counters from 0, converter on, interrupt armed. run: 16 bits."""
        self._clear(run)
        self.running = True
        # The interrupt reads the bus: commands go out only while it is not armed.
        self._force.start()
        self._board.force_ready.irq(handler=self._interrupt, trigger=self._board.ready_edge, hard=True)

    def _clear(self, run):
        control = self.control
        for word in range(kernels.CONTROL_WORDS):
            control[word] = 0
        control[kernels.RUN] = run
        control[kernels.PERIOD_US] = 1000000000 // self.rate_mhz if self.rate_mhz else 0
        self._detector.reset()

    def stop(self):
        self._board.force_ready.irq(handler=None)
        self._force.stop()
        self.running = False
