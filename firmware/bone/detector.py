"""The pop / loss-of-resistance state machine, version 1: parameters in counts, events with their evidence.

Phases: baseline (averages the unloaded cell), waiting, contact, inside. The steps are viper kernels; an event
is written as a finished EVENT packet into a ring of 64, so that sending it again needs no memory.
A pop is a fall from the running peak *together with* tip advance beyond the inner face: easing off has no
advance, plug flex has no fall.
"""

from bone import detection, kernels
from bone import settings as s


class Detector:
    """Stepped in the interrupt with every sample; `events` and `state` are read by the link."""

    def __init__(self):
        self.events = bytearray(detection.EVENT_CAPACITY * detection.EVENT_BYTES)
        self.state = kernels.words(detection.DETECTOR_WORDS)
        self.parameters = kernels.words(detection.PARAMETER_WORDS)
        self._steps = (
            detection.detect_baseline,
            detection.detect_waiting,
            detection.detect_contact,
            detection.detect_inside,
        )

    def configure(self, rate_mhz):
        """Physical settings -> counts and samples at the measured rate. Allocates: never while sampling."""
        p = self.parameters
        p[detection.P_VERSION] = s.DETECTOR_VERSION
        p[detection.P_CONTACT] = _force_counts(s.CONTACT_MN)
        p[detection.P_RELEASE] = _force_counts(s.RELEASE_MN)
        p[detection.P_ARM] = _force_counts(s.ARM_MN)
        p[detection.P_DROP_PERMILLE] = s.POP_DROP_PERMILLE
        p[detection.P_ADVANCE] = _depth_counts(s.POP_ADVANCE_UM)
        p[detection.P_LOSS_PERMILLE] = s.LOSS_PERMILLE
        p[detection.P_FAR_ADVANCE] = _depth_counts(s.FAR_ADVANCE_UM)
        p[detection.P_FAR_RISE] = _force_counts(s.FAR_RISE_MN)
        p[detection.P_FLEX] = _flex_factor()
        p[detection.P_CONTACT_SAMPLES] = _samples(s.CONTACT_MS, rate_mhz)
        p[detection.P_RELEASE_SAMPLES] = _samples(s.RELEASE_MS, rate_mhz)
        p[detection.P_POP_SAMPLES] = _samples(s.POP_PERSIST_MS, rate_mhz)
        p[detection.P_LOSS_SAMPLES] = _samples(s.LOSS_MS, rate_mhz)
        p[detection.P_WITHDRAWN_SAMPLES] = _samples(s.WITHDRAWN_MS, rate_mhz)

    def reset(self):
        """Back to the baseline phase, event number 0."""
        for word in range(detection.DETECTOR_WORDS):
            self.state[word] = 0

    def step(self, code, depth, ticks):
        """One sample: force code (offset binary) and depth counts."""
        state = self.state
        detection.detect_filter(code, depth, state, self.parameters)
        self._steps[state[detection.D_PHASE]](ticks, state, self.parameters, self.events)


def _force_counts(millinewton):
    return millinewton * 1000000 // s.FORCE_NANO_N_PER_COUNT


def _depth_counts(micrometre):
    return micrometre * 1000000 // s.DEPTH_NANO_MM_PER_COUNT


def _samples(milliseconds, rate_mhz):
    return max(1, (milliseconds * rate_mhz + 500000) // 1000000)


def _flex_factor():
    """Depth counts of plug flex per 1024 force counts, times 4096."""
    nano_n = 1024 * s.FORCE_NANO_N_PER_COUNT
    nano_mm = nano_n * s.PLUG_COMPLIANCE_NM_PER_N // 1000000
    return 4096 * nano_mm // s.DEPTH_NANO_MM_PER_COUNT
