"""Who pushes: parameters of the simulated operators.

Where motor control has been measured the figure comes from there (A: analogue, nobody has measured it for
this procedure; "[K]" known to the field but the paper was not read for this project). The split between
expert and novice, and everything without a source, is an uncalibrated assumption. No figure sets an
overshoot, and none was fitted to one: it emerges in `hand` from force, stiffness, damping and delays. These
figures were committed before the first cohort was run. Telling these operators apart checks our software; it
is no evidence that the trainer measures skill.

- Stiffness k = cocontraction * (0.2 + 0.017 F) + bracing, N/mm. The line in the force F: joint stiffness is
  linear in torque (Tee, Burdet, Chew & Milner, Biol Cybern 2004;90:368; coefficients Gomi & Osu, J Neurosci
  1998;18:8965 [K]), put into a push away from the shoulder; it meets a pistol grip's 1.2 to 1.7 N/mm at
  full effort (Lin, Radwin & Richard, Ergonomics 2001;44:295, and Int J Ind Ergon 2003;31:413). Bracing the
  hand on the limb: no stiffness published (N); 6 (3 to 12) N/mm for a surgeon, 0 to 4 for a novice are our
  choice, made by someone who knew the overshoot of drilling studies: no independent prediction of them.
- Damping ratio 0.3 to 0.8 of an active arm [K].
- Reaction: 150 to 220 ms to a tactile event, SD 20 to 40 [K]; nothing voluntary before 120 ms of an
  unexpected unloading (Dufosse, Hugon & Massion, Exp Brain Res 1985;60:330).
- Delay of the force loop: corrections take about 150 ms (Slifkin, Vaillancourt & Newell, J Neurophysiol
  2000;84:1708); long-latency reflexes 50 to 100 ms [K].
- Unsteadiness: force varies with a CV of 1 to 5 % (4.1 to 4.5 +/- 3 %: Baweja, Exp Brain Res 2009, doi
  10.1007/s00221-009-1883-5); tremor 8 to 10 Hz, amplitude linear in force (Sutton & Sykes, J Physiol 1967,
  doi 10.1113/jphysiol.1967.sp008276), 0.2 to 1 % of it [K].
- Fatigue: endurance 14.9 f^-1.83 s at the fraction f of the strongest push (shoulder: Frey Law & Avin,
  Ergonomics 2010, PMC2891087, coefficients [K]); unsteadiness times 1 + 2 (t / endurance)^2, at most 3.
- Strongest push along a handle 113 +/- 19 to 136 +/- 25 N (doi 10.1518/001872008X250692).
"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from popsense.errors import UsageError
from popsense.twin.device import Device

JITTER_FIELDS = ("thrust_n", "ramp_s", "bracing_n_per_mm", "approach_mm_per_s", "hold_s", "pause_s",
                 "suction_kpa", "flush_kpa", "withdraw_mm_per_s", "strongest_n")  # fmt: skip
FREE_N_PER_MM, FREE_PER_MM = 0.2, 0.017  # a free arm's stiffness: at rest, and per newton pushed


@dataclass(frozen=True)
class Operator:
    """One way of working. Forces are for the adult tibia and the powered driver; see `drawn`."""

    name: str
    thrust_n: float  # working force in the cortex
    ramp_s: float  # time to reach it after bone contact
    taper: float  # part of the thrust given up late in the cortex, 0 to 1
    taper_from: float  # depth in the cortex at which that begins, fraction
    cocontraction: float
    bracing_n_per_mm: float
    damping_ratio: float
    delay_s: float  # from a change of force to the hand's correction of its aim
    follow_per_s: float  # how fast that correction closes a gap in force
    advance_limit_mm_per_s: float  # fastest deliberate advance
    reaction_s: float  # from the loss of resistance to the hand's stop
    reaction_cv: float
    tremor: float  # rms fraction of the working force
    wander: float  # slow unsteadiness of the force, rms fraction
    strongest_n: float
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
    preset: float = 0.4  # where a preset device is set to, as part of the cavity
    hesitations: int = 0  # how often he eases off on the way and pushes again
    eases_to: float = 0.3  # part of the force that stays meanwhile
    toggle: float = 0.0  # rocking of the wrist: relative swing of the axial force
    toggle_hz: float = 2.0
    ignores_pop: bool = False  # goes on to the plate behind the far cortex
    lingers_s: float = 0.0  # leans on the standing needle, relaxing
    returns: int = 0  # draws back by returns_mm and comes again, so often
    returns_mm: float = 0.0
    slips_off: bool = False  # lets go at once
    dislodges_mm: float = 0.0  # drags the needle out by so much between aspiration and flush
    flushes: bool = True
    pushes_on_removal_mm: float = 0.0
    # Set by `drawn` from the figures above and the task.
    effort: float = 1.0
    stiffness_n_per_mm: float = 0.0
    damping_n_s_per_mm: float = 0.0
    tremor_n: float = 0.0

    @property
    def follow_mm_per_s_per_n(self) -> float:
        """Speed of the hand's aim per newton of missing force."""
        return self.follow_per_s / self.stiffness_n_per_mm

    def drawn(self, device: Device, effort: float, spread: float, rng: np.random.Generator) -> "Operator":
        """The same operator on one attempt. Order of draws: JITTER_FIELDS, reaction, two depths, preset.

        effort: how hard this bone is pushed, relative to the adult tibia. spread multiplies all variation.
        """
        sigma = spread * self.jitter * np.clip(rng.standard_normal(len(JITTER_FIELDS)), -2.0, 2.0)
        drawn = {
            name: getattr(self, name) * float(f) for name, f in zip(JITTER_FIELDS, np.exp(sigma), strict=True)
        }
        thrust_n = drawn["thrust_n"] = drawn["thrust_n"] * device.thrust_scale * effort
        drawn["strongest_n"] *= device.strength_scale
        drawn["touch_n"] = self.touch_n * effort
        stiffness = self.cocontraction * (FREE_N_PER_MM + FREE_PER_MM * thrust_n) + drawn["bracing_n_per_mm"]
        drawn["stiffness_n_per_mm"] = stiffness
        drawn["damping_n_s_per_mm"] = 2.0 * self.damping_ratio * sqrt(stiffness * device.moving_mass_kg / 1e3)
        drawn["stray_n"] = self.stray_n * effort  # who pushes a smaller bone less also touches it more gently
        drawn["tremor_n"] = 0.1 + self.tremor * thrust_n
        slower = spread * self.reaction_cv * np.clip(rng.standard_normal(), -2.0, 2.0)
        drawn["reaction_s"] = self.reaction_s * float(np.exp(slower))
        # Depth is felt, not seen: all landmarks are off by a few percent of the cortex.
        error = 0.05 * spread * np.clip(rng.standard_normal(3), -2.0, 2.0)
        drawn["taper_from"] = min(0.85, self.taper_from + float(error[0]))
        if self.gives_up_at < 1.0:
            # A hand that means to stay inside the cortex does: else it would be another operator.
            drawn["gives_up_at"] = min(0.95, max(0.1, self.gives_up_at + float(error[1])))
        drawn["preset"] = self.preset + float(error[2])
        return replace(self, effort=effort, **drawn)


_EXPERT = Operator(
    name="expert", thrust_n=58.0, ramp_s=0.9, taper=0.45, taper_from=0.45,
    cocontraction=1.5, bracing_n_per_mm=6.0, damping_ratio=0.5, delay_s=0.10, follow_per_s=3.0,
    advance_limit_mm_per_s=15.0, reaction_s=0.16, reaction_cv=0.16, tremor=0.003, wander=0.02,
    strongest_n=130.0, approach_mm_per_s=10.0, touch_n=5.5, gives_up_at=9.0, hold_s=0.30, pause_s=0.40,
    stray_n=0.3, suction_kpa=-10.0, flush_kpa=26.0, withdraw_mm_per_s=22.0, jitter=0.08,
)  # fmt: skip
_NOVICE = replace(
    _EXPERT, name="novice", thrust_n=66.0, ramp_s=0.7, taper=0.1, taper_from=0.6, cocontraction=1.0,
    bracing_n_per_mm=3.0, damping_ratio=0.35, delay_s=0.15, follow_per_s=2.2, advance_limit_mm_per_s=18.0,
    reaction_s=0.23, reaction_cv=0.20, tremor=0.007, wander=0.04, strongest_n=110.0, approach_mm_per_s=14.0,
    touch_n=6.5, hold_s=0.45, pause_s=0.60, stray_n=0.7, suction_kpa=-7.0, flush_kpa=19.0,
    withdraw_mm_per_s=17.0, jitter=0.15,
)  # fmt: skip
_EARLY = replace(
    _EXPERT, name="early_stopper", thrust_n=60.0, taper=0.3, reaction_s=0.23, tremor=0.005, wander=0.04,
    gives_up_at=0.58, pause_s=0.50, stray_n=0.5, suction_kpa=-9.0, flush_kpa=22.0, jitter=0.10,
)  # fmt: skip

OPERATORS = {
    operator.name: operator
    for operator in (
        _EXPERT,
        # More force, hardly any taper, unsteady, slower; confirms slower and more weakly.
        _NOVICE,
        # Leans on the needle with a free arm: stored travel (force / stiffness) exceeds the cavity.
        replace(
            _EXPERT, name="plunger", thrust_n=150.0, ramp_s=0.7, taper=0.0, cocontraction=1.0,
            bracing_n_per_mm=0.5, damping_ratio=0.2, delay_s=0.15, advance_limit_mm_per_s=60.0,
            reaction_s=0.60, reaction_cv=0.15, tremor=0.007, wander=0.06, strongest_n=180.0,
            approach_mm_per_s=24.0, touch_n=8.0, stray_n=0.7, suction_kpa=-8.0, flush_kpa=22.0,
            preset=1.05,
        ),
        # Eases off, thinks, pushes again.
        replace(_NOVICE, name="hesitant", thrust_n=55.0, hesitations=2, ramp_s=0.9, delay_s=0.12),
        # Takes chatter inside the cortex for the pop, eases off, and goes on as if he were in.
        _EARLY,
        # Variants: one thing done differently.
        replace(_NOVICE, name="toggler", toggle=0.3),
        replace(_NOVICE, name="through_and_through", ignores_pop=True, thrust_n=90.0, preset=1.2),
        replace(_NOVICE, name="dislodger", dislodges_mm=12.0),
        replace(_EXPERT, name="forgets_to_flush", flushes=False),
        replace(_NOVICE, name="repuncturer", returns=1, returns_mm=40.0),
        replace(_EXPERT, name="pushes_on_removal", pushes_on_removal_mm=2.0),
        # Never through the cortex, each in a way that looks like a pop to somebody.
        replace(_EARLY, name="easer", gives_up_at=0.9, hesitations=4, eases_to=0.15),
        replace(_EARLY, name="leaner", gives_up_at=0.6, lingers_s=3.0),
        replace(_EARLY, name="slipper", gives_up_at=0.7, slips_off=True),
        replace(_EARLY, name="withdrawer", gives_up_at=0.8, returns=2, returns_mm=30.0),
        # Through once, then back into the cortex or out of it and in again by the same hole.
        replace(_EXPERT, name="returner", returns=2, returns_mm=12.0),
    )
}  # fmt: skip


def operator_named(name: str) -> Operator:
    """The operator of that name; UsageError names the possible ones."""
    if name not in OPERATORS:
        raise UsageError(f"no simulated operator is called {name!r}", f"Use one of: {', '.join(OPERATORS)}.")
    return OPERATORS[name]
