"""Data-ready interrupt -> ring -> detector -> cues. The channels of a sample are read in one interrupt.

While sampling nothing here allocates; the interrupt is hard, so a garbage collection does not delay it.
"""

import micropython

from bone import cues as cueing
from bone import detection, kernels
from bone.acquisition import acquisition

_MEASURE_LEAST_SAMPLES = 16  # of a slow converter


class Sampler:
    """Fills ring and stamps, owns the counters; detector and cues are stepped with every sample."""

    def __init__(self, board, ring, force, depth, pressure, detector, cues):
        self.ring = ring.samples
        self.stamps = ring.stamps
        self.control = kernels.words(kernels.CONTROL_WORDS)
        self.sample = kernels.words(kernels.SAMPLE_WORDS)
        self._board = board
        self._force = force
        self._detector = detector
        self._parts = (
            acquisition(board, force, depth, pressure),
            kernels.push,
            detection.detect,
            cueing.cue,
            self.sample,
            self.control,
            self.ring,
            self.stamps,
            detector.state,
            detector.parameters,
            detector.events,
            cues.words,
            cues.show,
        )
        self._interrupt = self.on_data_ready  # bound once: binding allocates
        self.running = False
        self.rate_mhz = 0

    @micropython.viper
    def on_data_ready(self, _pin):
        """Interrupt body: one sample into the ring, one step of the detector, the cue that follows from it.

        What it works on comes in one piece: every look-up of a name or an attribute costs a microsecond.
        """
        acquire, push, detect, cue, sample, control, ring, stamps, state, parameters, events, words, show = (
            self._parts
        )
        acquire(sample, control)
        push(sample, ring, stamps, control)
        detect(sample, state, parameters, events)
        pins = int(cue(sample, state, events, words))
        if pins:
            show(pins)

    def measure_rate(self):
        """Measured sample rate in thousandths of a sample per second; 0 where no data-ready edge comes."""
        self.start()
        wanted, timeout_ms, waited = self._force.measure_samples, self._force.measure_timeout_ms, 0
        while self.control[kernels.NEXT] < wanted and waited < timeout_ms:
            self._board.sleep_ms(1)
            waited += 1
        self.stop()
        measured = min(self.control[kernels.NEXT], wanted)
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
        for word in range(kernels.SUPPLY):
            control[word] = 0
        control[kernels.RUN] = run
        control[kernels.PERIOD_US] = 1000000000 // self.rate_mhz if self.rate_mhz else 0
        self._detector.reset()

    def stop(self):
        self._board.force_ready.irq(handler=None)
        self._force.stop()
        self.running = False
