"""Who pushes: parameters of the simulated operators.

Every figure in this file is an uncalibrated assumption. Together they were chosen so that overshoot lands
where published analogues lie (far-cortex drilling, adult bone: experts 5 to 6 mm, novices 7 to 12 mm, A
J Orthop Trauma 2012; epidural simulator 0.7 to 3.9 mm, A), and no figure sets an overshoot: that emerges
from force, stiffness, damping and reaction time in `hand`. Telling these operators apart checks our
software; it is no evidence that the trainer measures skill.
"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy import signal

from popsense.errors import UsageError
from popsense.model import FloatArray

WANDER_TAU_S = 0.4  # correlation of slow unsteadiness; uncalibrated
JITTER_FIELDS = ("thrust_n", "ramp_s", "stiffness_n_per_mm", "approach_mm_per_s", "hold_s", "pause_s",
                 "suction_kpa", "flush_kpa", "withdraw_mm_per_s")  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """One way of working. Forces are for the powered device; `Device.thrust_scale` applies to others."""

    name: str
    thrust_n: float  # working force in the cortex
    ramp_s: float  # time to reach it after bone contact
    taper: float  # part of the thrust given up late in the cortex, 0 to 1
    taper_from: float  # depth in the cortex at which that begins, fraction
    stiffness_n_per_mm: float  # braced hand high, limp hand low
    damping_n_s_per_mm: float
    follow_mm_per_s_per_n: float  # how fast the hand's aim moves per newton of missing force
    advance_limit_mm_per_s: float  # fastest deliberate advance
    reaction_s: float  # from the loss of resistance to the hand's stop
    reaction_cv: float
    tremor_n: float  # rms, 8 to 12 Hz
    wander: float  # slow unsteadiness of the force, rms fraction
    approach_mm_per_s: float
    touch_n: float  # force with which the bone is first felt for
    gives_up_at: float  # depth fraction at which chatter is taken for the pop; above 1 = never
    hold_s: float  # from the stop to letting go
    pause_s: float  # between the steps of confirmation
    stray_n: float  # rms force on the standing needle while syringes are handled
    suction_kpa: float  # chamber pressure that the pull aims at
    flush_kpa: float  # and the push
    withdraw_mm_per_s: float
    jitter: float  # CV of the drawn fields between attempts

    def drawn(self, thrust_scale: float, rng: np.random.Generator) -> "Operator":
        """The same operator on one attempt. Order of draws: JITTER_FIELDS, reaction, two depths."""
        factors = np.exp(self.jitter * np.clip(rng.standard_normal(len(JITTER_FIELDS)), -2.0, 2.0))
        drawn = {name: getattr(self, name) * float(f) for name, f in zip(JITTER_FIELDS, factors, strict=True)}
        # Who pushes harder is stiffer in proportion: joint stiffness rises with muscle force (assumption).
        for name in ("thrust_n", "stiffness_n_per_mm"):
            drawn[name] *= thrust_scale
        drawn["damping_n_s_per_mm"] = self.damping_n_s_per_mm * thrust_scale
        drawn["follow_mm_per_s_per_n"] = self.follow_mm_per_s_per_n / thrust_scale
        slower = self.reaction_cv * np.clip(rng.standard_normal(), -2.0, 2.0)
        drawn["reaction_s"] = self.reaction_s * float(np.exp(slower))
        # Depth is felt, not seen: both landmarks are off by a few percent of the cortex.
        error = 0.05 * np.clip(rng.standard_normal(2), -2.0, 2.0)
        drawn["taper_from"] = self.taper_from + float(error[0])
        drawn["gives_up_at"] = self.gives_up_at + float(error[1])
        return replace(self, **drawn)


_EXPERT = Operator(
    name="expert", thrust_n=58.0, ramp_s=0.5, taper=0.45, taper_from=0.45,
    stiffness_n_per_mm=11.0, damping_n_s_per_mm=0.35, follow_mm_per_s_per_n=0.25, advance_limit_mm_per_s=15.0,
    reaction_s=0.16, reaction_cv=0.12, tremor_n=0.4, wander=0.03,
    approach_mm_per_s=18.0, touch_n=5.5, gives_up_at=9.0, hold_s=0.30, pause_s=0.40, stray_n=0.3,
    suction_kpa=-10.0, flush_kpa=26.0, withdraw_mm_per_s=22.0, jitter=0.08,
)  # fmt: skip

OPERATORS = {
    "expert": _EXPERT,
    # More force, hardly any taper, unsteady, slower; confirms slower and more weakly.
    "novice": replace(
        _EXPERT, name="novice", thrust_n=66.0, ramp_s=0.7, taper=0.1, taper_from=0.6,
        stiffness_n_per_mm=9.5, follow_mm_per_s_per_n=0.22, advance_limit_mm_per_s=18.0,
        reaction_s=0.33, reaction_cv=0.16, tremor_n=1.2, wander=0.10, approach_mm_per_s=13.0, touch_n=6.5,
        hold_s=0.45, pause_s=0.60, stray_n=0.7, suction_kpa=-7.0, flush_kpa=19.0, withdraw_mm_per_s=17.0,
        jitter=0.15,
    ),
    # Leans on the needle with a limp wrist: stored travel (force / stiffness) exceeds the cavity.
    "plunger": replace(
        _EXPERT, name="plunger", thrust_n=150.0, ramp_s=0.5, taper=0.0, stiffness_n_per_mm=5.0,
        damping_n_s_per_mm=0.12, follow_mm_per_s_per_n=0.5, advance_limit_mm_per_s=60.0, reaction_s=0.60,
        reaction_cv=0.15, tremor_n=1.5, wander=0.08, approach_mm_per_s=24.0, touch_n=8.0, stray_n=0.7,
        suction_kpa=-8.0, flush_kpa=22.0,
    ),
    # Takes chatter inside the cortex for the pop, eases off, and goes on as if he were in.
    "early_stopper": replace(
        _EXPERT, name="early_stopper", thrust_n=60.0, taper=0.3, reaction_s=0.25, tremor_n=0.8, wander=0.06,
        gives_up_at=0.58, pause_s=0.50, stray_n=0.5, suction_kpa=-9.0, flush_kpa=22.0, jitter=0.10,
    ),
}  # fmt: skip


def operator_named(name: str) -> Operator:
    """The operator of that name; UsageError names the possible ones."""
    if name not in OPERATORS:
        raise UsageError(f"no simulated operator is called {name!r}", f"Use one of: {', '.join(OPERATORS)}.")
    return OPERATORS[name]


@dataclass(frozen=True)
class Noise:
    """What makes a hand unsteady, one value per sample for the longest possible attempt."""

    tremor_n: list[float]  # while it holds
    wander: list[float]  # relative error of the intended force
    stray_n: list[float]  # on the standing needle
    sample_s: float


def draw_noise(operator: Operator, n: int, rate_hz: float, rng: np.random.Generator) -> Noise:
    """The operator's unsteadiness at n sample instants. Order of draws: tremor, wander, stray."""
    tremor = operator.tremor_n * _tremor(n, rate_hz, rng)
    wander = operator.wander * _wander(n, rate_hz, rng)
    stray = operator.stray_n * _wander(n, rate_hz, rng)
    return Noise(tremor.tolist(), wander.tolist(), stray.tolist(), 1.0 / rate_hz)


def _tremor(n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Noise in the band 8 to 12 Hz, rms 1, shape (n,)."""
    b, a = signal.butter(1, [8.0, 12.0], btype="bandpass", fs=rate_hz)
    band = np.asarray(signal.lfilter(b, a, rng.standard_normal(n)), dtype=np.float64)
    return band / float(band.std())


def _wander(n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """First-order noise with correlation time WANDER_TAU_S, rms 1, shape (n,)."""
    keep = float(np.exp(-1.0 / (WANDER_TAU_S * rate_hz)))
    start = [keep * float(rng.standard_normal())]
    shocks = sqrt(1.0 - keep * keep) * rng.standard_normal(n)
    return np.asarray(signal.lfilter([1.0], [1.0, -keep], shocks, zi=start)[0], dtype=np.float64)
