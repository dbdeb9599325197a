"""What a slow force converter costs: how far off figures may be, and which can no longer be assessed.

The three channels are read when the force is ready, so a slow converter slows all of them. It blurs twice:
by its own filter, over `settle_samples` periods, and by the analysis, whose shortest window is LEAST_PERIODS.
Errors are those of 150 simulated attempts, each read with the reference build and with an HX711: 95 of 100
figures lie nearer together. No real HX711 has been measured: uncalibrated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sin

LEAST_PERIODS = 5  # of any window of the analysis, so that 80 samples/s still smooth
REFERENCE_BLUR_S = 0.010  # up to here a converter costs nothing: the reference build has 6 ms
BLURS_S = (REFERENCE_BLUR_S, 0.1125, 0.9)  # reference, HX711 at 80/s and at 10/s

# Metric -> error at 80/s and at 10/s, in its unit; of flags (0/1) the share of attempts that differ.
ERRORS: Mapping[str, tuple[float, float]] = {
    "penetration_time_s": (0.384, 0.699),
    "peak_force_n": (6.56, 72.7),
    "steadiness_percent": (0.997, 3.97),
    "taper_ratio": (0.0316, 0.146),
    "loss_of_resistance_percent": (68.9, 106.0),
    "stopped_by_operator": (0.0071, 0.0429),
    "reaction_time_s": (0.211, 0.548),
    "overshoot_mm": (0.518, 1.09),
    "overshoot_percent_of_cavity": (2.88, 6.07),
    "readvance_mm": (0.419, 0.446),
    "deepest_protrusion_mm": (0.75, 1.40),
    "far_cortex_contact": (0.0071, 0.0214),
    "insertion_time_s": (0.386, 0.386),
    "aspiration_drop_kpa": (0.0319, 0.325),
    "flush_rise_kpa": (0.0857, 4.9),
    "flush_decay_s": (0.0179, 0.198),
    "stray_force_n": (0.243, 5.03),
    "removal_time_s": (0.0267, 0.406),
}
# The narrowest band that a rubric of ours has for it (a test compares), in its unit.
NARROWEST_BAND: Mapping[str, float] = {
    "overshoot_percent_of_cavity": 10.0,
    "reaction_time_s": 0.15,
    "readvance_mm": 1.0,
    "taper_ratio": 0.10,
    "steadiness_percent": 2.0,
    "penetration_time_s": 0.8,
    "aspiration_drop_kpa": 3.0,
    "flush_rise_kpa": 5.0,
}
MOST_FLAGS_DIFFER = 0.05  # of a flag that decides an attempt; uncalibrated
FLAGS = ("stopped_by_operator", "far_cortex_contact")  # breakthrough and bevel differed in no attempt

SLOW_MM_PER_S = 5.0  # a bevel leaving the cortex under a careful hand (twin)
FAST_MM_PER_S = 100.0  # a plunge; uncalibrated
OUT_S = 0.06  # the board's OUT_MS: a tip so long out without a fall of the force is an uncertain pop
LAGS = (
    "The force lags behind the tip: at 10 samples/s the board called each of 140 pops uncertain first, and "
    "in 22 of 110 attempts a far cortex that was not there."
)
TREMOR_HZ = 10.0  # physiological tremor, 8 to 12 Hz (twin/unsteadiness.py)


@dataclass(frozen=True)
class SamplingCost:
    """Of one converter. settle_samples: conversions until a step shows in full, at least 1."""

    rate_hz: float
    settle_samples: int

    @property
    def period_s(self) -> float:
        return 1.0 / self.rate_hz

    @property
    def settling_s(self) -> float:
        """A step of the force takes so long to show."""
        return self.settle_samples * self.period_s

    @property
    def blur_s(self) -> float:
        """Whatever is shorter is not told apart: filter and shortest window of the analysis."""
        return (self.settle_samples + LEAST_PERIODS) * self.period_s

    @property
    def is_slow(self) -> bool:
        """Whether it costs anything that is worth saying."""
        return self.blur_s > REFERENCE_BLUR_S

    @property
    def tremor_share(self) -> float:
        """What is left of a tremor of TREMOR_HZ in the force as it is sampled, 0 to 1."""
        turn = pi * TREMOR_HZ * self.settling_s
        return abs(sin(turn)) / turn

    def unseen_mm(self, mm_per_s: float) -> float:
        """The tip goes so deep between two samples."""
        return mm_per_s * self.period_s

    def error(self, metric: str) -> float:
        """95 of 100 figures are off by less, in the metric's unit; 0 where nothing was measured.

        Straight lines between the measured converters; the last one goes on.
        """
        if metric not in ERRORS:
            return 0.0
        at_80, at_10 = ERRORS[metric]
        free_s, blur_80_s, blur_10_s = BLURS_S
        if self.blur_s <= blur_80_s:
            return at_80 * max(0.0, self.blur_s - free_s) / (blur_80_s - free_s)
        slope = max(0.0, at_10 - at_80) / (blur_10_s - blur_80_s)
        return at_80 + slope * (self.blur_s - blur_80_s)

    @property
    def errors(self) -> tuple[str, ...]:
        """Metrics that it makes less sure."""
        return tuple(metric for metric in ERRORS if self.error(metric) > 0)

    def is_lost(self, metric: str) -> bool:
        """Whether the figure may be off by more than half of its narrowest band, to either side."""
        if metric in FLAGS:
            return self.error(metric) > MOST_FLAGS_DIFFER
        return metric in NARROWEST_BAND and 2.0 * self.error(metric) > NARROWEST_BAND[metric]

    @property
    def note(self) -> str:
        """Why a lost metric is not assessed."""
        return f"{self.rate_hz:.3g} samples/s are too few for it"

    @property
    def lost(self) -> tuple[str, ...]:
        """Metrics that are not assessed."""
        return tuple(metric for metric in ERRORS if self.is_lost(metric))

    @property
    def sentences(self) -> tuple[str, ...]:
        """In plain words, with figures; none where it costs nothing."""
        if not self.is_slow:
            return ()
        under_n, left = _figure(self.error("peak_force_n")), f"{100 * self.tremor_share:.0f} %"
        slow_mm, fast_mm = (_figure(self.unseen_mm(speed)) for speed in (SLOW_MM_PER_S, FAST_MM_PER_S))
        return (
            f"{self.rate_hz:.3g} samples/s: a sample every {_ms(self.period_s)}{self._settling_text()}; "
            "the reference build takes 988 samples/s.",
            f"By depth, pop and stop are dated to +-{_ms(self.period_s / 2)}; by force the board's pop is "
            f"{_ms(self.settling_s / 2)} late; reaction time is +-{_ms(self.error('reaction_time_s'))}.",
            f"Between two samples the tip goes {slow_mm} mm at {SLOW_MM_PER_S:g} mm/s and {fast_mm} mm at "
            f"{FAST_MM_PER_S:g} mm/s, unseen.",
            f"Peaks of the force are under-read by up to {under_n} N; of a tremor of {TREMOR_HZ:g} Hz "
            f"{left} is left.",
            *([LAGS] if self.settling_s > OUT_S else []),
            "These are figures of simulated attempts, uncalibrated.",
        )

    def _settling_text(self) -> str:
        settled_ms = 1000.0 * self.settling_s
        return (
            f", and a step of the force shows in full after {settled_ms:.3g} ms"
            if self.settle_samples > 1
            else ""
        )


def _ms(seconds: float) -> str:
    return f"{_figure(1000.0 * seconds)} ms"


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 10.0 else f"{value:.3g}"


def cost_of(rate_hz: float, settle_samples: int = 1) -> SamplingCost | None:
    """None where the rate is not known, or there is no force sensor. settle_samples 0 = not told: 1."""
    return SamplingCost(rate_hz, max(1, settle_samples)) if rate_hz > 0 else None
