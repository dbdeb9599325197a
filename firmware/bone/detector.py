"""The pop / loss-of-resistance state machine, version 2: parameters in counts, events with their evidence.

Phases: baseline (averages the unloaded cell), waiting, contact, inside. The steps are viper kernels; an event
is written as a finished EVENT packet into a ring of 64, so that sending it again needs no memory.
A pop is a fall from the running peak *together with* tip advance beyond the inner face: easing off has no
advance, plug flex has no fall. All times are in milliseconds and hold at any sample rate.
"""

import struct

from bone import detection, kernels, wire
from bone import settings as s
from bone.calibration import Scales

_MOST_BASELINE_SHIFT = 6  # 64 samples: their sum stays under 2^30
_LEAST_BASELINE_SHIFT = 3
_GAIN_ONE = 1024
_MOST = 1 << 24  # of any profile field: no conversion to counts leaves 30 bits
_MOST_FLEX_NM_PER_N = 9000  # so that D_ADVANCE, with its bias, stays positive over the whole range of codes


class Detector:
    """What the interrupt's steps work on; `events` and `state` are read by the link."""

    def __init__(self):
        self.events = bytearray(detection.EVENT_CAPACITY * detection.KEPT_EVENT_BYTES)
        self.state = kernels.words(detection.DETECTOR_WORDS)
        self.parameters = kernels.words(detection.PARAMETER_WORDS)
        self._sample = kernels.words(kernels.SAMPLE_WORDS)

    def take_event(self, number, run, out):
        """EVENT payload of that number into `out`; returns its bytes, 0 where it was overwritten."""
        length = detection.take_event(number, run, self.events, out)
        # Asked behind the copy: the interrupt may have come in its midst.
        return length if self.state[detection.D_EVENTS] - number <= detection.EVENT_CAPACITY else 0

    def configure(self, rate_mhz, profile=s.PROFILE, scales=None):
        """Settings and the site's profile -> counts and samples at the measured rate.

        profile: fields of PROFILE by name, those left out as in settings. scales: calibration.Scales,
        None for the nominal ones. Allocates: never while sampling.
        """
        p = self.parameters
        scales = scales or Scales()
        p[detection.P_VERSION] = s.DETECTOR_VERSION
        p[detection.P_LOSS_PERMILLE] = s.LOSS_PERMILLE
        self._set_profile(profile, rate_mhz, scales)
        p[detection.P_CONTACT_SAMPLES] = _samples(s.CONTACT_MS, rate_mhz)
        p[detection.P_RELEASE_SAMPLES] = _samples(s.RELEASE_MS, rate_mhz)
        p[detection.P_LOSS_SAMPLES] = _samples(s.LOSS_MS, rate_mhz)
        p[detection.P_WITHDRAWN_SAMPLES] = _samples(s.WITHDRAWN_MS, rate_mhz)
        p[detection.P_OUT_SAMPLES] = _samples(s.OUT_MS, rate_mhz)
        p[detection.P_BASELINE_SHIFT] = _baseline_shift(rate_mhz)
        p[detection.P_FORCE_GAIN] = _gain(s.SMOOTH_US, rate_mhz)
        p[detection.P_DEPTH_GAIN] = p[detection.P_FORCE_GAIN]
        p[detection.P_FAR_LEAST] = scales.force_counts(s.FAR_LEAST_MN)
        p[detection.P_STILL_SAMPLES] = _samples(s.STILL_MS, rate_mhz)
        p[detection.P_FAR_STAYS_SAMPLES] = _samples(s.FAR_STAYS_MS, rate_mhz)

    def _set_profile(self, profile, rate_mhz, scales):
        p = self.parameters

        def value(name):
            return profile.get(name, s.PROFILE[name])

        by_depth = value("depth_fitted")
        p[detection.P_DEPTH] = 1 if by_depth else 0
        p[detection.P_CONTACT] = scales.force_counts(value("contact_mn"))
        p[detection.P_RELEASE] = scales.force_counts(value("release_mn"))
        p[detection.P_ARM] = scales.force_counts(value("arm_mn"))
        p[detection.P_USED] = scales.force_counts(value("used_mn"))
        p[detection.P_OVERLOAD] = scales.force_counts(value("overload_mn"))
        p[detection.P_FAR_RISE] = scales.force_counts(value("far_rise_mn"))
        p[detection.P_FAR_STAYS] = scales.force_counts(value("far_stays_mn"))
        p[detection.P_ADVANCE] = scales.depth_counts(value("advance_um"))
        p[detection.P_OUT] = scales.depth_counts(value("out_um"))
        p[detection.P_FAR_ADVANCE] = scales.depth_counts(value("far_advance_um"))
        p[detection.P_FLEX] = scales.flex_factor(value("flex_nm_per_n"))
        p[detection.P_DROP_PERMILLE] = value("drop_permille") if by_depth else s.FORCE_ONLY_DROP_PERMILLE
        p[detection.P_DROP_OUT_PERMILLE] = value("drop_out_permille")
        # Force alone cannot tell a pop from easing off but by its speed, and by staying low.
        p[detection.P_DECAY_GAIN] = _gain(s.DECAY_US if by_depth else s.FORCE_ONLY_DECAY_US, rate_mhz)
        persist_ms = s.POP_PERSIST_MS if by_depth else s.FORCE_ONLY_PERSIST_MS
        p[detection.P_POP_SAMPLES] = max(s.POP_LEAST_SAMPLES, _samples(persist_ms, rate_mhz))

    def reset(self):
        """Back to the baseline phase, event number 0."""
        for word in range(detection.DETECTOR_WORDS):
            self.state[word] = 0

    def step(self, code, depth, ticks):
        """One sample of force code (offset binary) and depth counts, as the interrupt does it."""
        sample = self._sample
        sample[kernels.S_TICKS] = ticks
        sample[kernels.S_FORCE] = code
        sample[kernels.S_DEPTH] = depth
        detection.detect(sample, self.state, self.parameters, self.events)


def unpack_profile(received):
    """The fields of a PROFILE packet by name, None where one cannot be meant. Allocates."""
    values = struct.unpack_from(wire.PROFILE_FORMAT, received)
    depth_fitted, fields = values[1], values[3:]
    if depth_fitted > 1 or max(fields) > _MOST:
        return None
    profile = {"depth_fitted": depth_fitted}
    for k in range(len(fields)):
        profile[s.PROFILE_FIELDS[k]] = fields[k]
    if profile["drop_permille"] > 1000 or profile["drop_out_permille"] > 1000:
        return None
    if profile["flex_nm_per_n"] > _MOST_FLEX_NM_PER_N:
        return None
    if profile["cue"] > wire.CUE_GO_ON_THEN_STOP:
        return None
    return profile


def _samples(milliseconds, rate_mhz):
    return max(1, (milliseconds * rate_mhz + 500000) // 1000000)


def _gain(tau_us, rate_mhz):
    """Share of the gap that a low-pass of that time constant closes in one sample, in 1/1024, at least 1.

    T / (tau + T / 2), which is 1 - exp(-T / tau) within 1 % of the whole; 1 where T is 2 tau and more.
    """
    if rate_mhz <= 0:
        return _GAIN_ONE
    period_us = 1000000000 // rate_mhz
    gain = _GAIN_ONE * period_us // (tau_us + period_us // 2) if tau_us else _GAIN_ONE
    return min(_GAIN_ONE, max(1, gain))


def _baseline_shift(rate_mhz):
    """The longest baseline of 8 to 64 samples that fits into the rest before an attempt."""
    shift = _MOST_BASELINE_SHIFT
    while shift > _LEAST_BASELINE_SHIFT and (1 << shift) * 1000000 > s.BASELINE_MS * rate_mhz:
        shift -= 1
    return shift
