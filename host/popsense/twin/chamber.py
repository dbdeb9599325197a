"""The marrow chamber: what the pressure sensor feels of aspiration, flush, leak, extravasation and blockage.

A linear model: a chamber that a line fills, an outflow restrictor empties and a bad seal may empty too.
Gauge pressures in kPa. The sensor's range and noise are not here (`sensors.py`).
"Uncalibrated" = chosen so that curves look plausible, replace by bench measurements.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from popsense.errors import UsageError
from popsense.model import FloatArray
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA

KPA_PER_MMHG = 0.133322
RESTING_KPA = 60.0 * KPA_PER_MMHG  # E, adult tibia, quartiles 30.5 to 83.5 mmHg, HealthPartners rn1191
RESTING_FALL_PER_S = 0.01 / 60.0  # about 1 % a minute; E, same source
BREATH_OF_PULSE = 0.5  # respiratory swing, share of the pulse; seen but not sized there (E), uncalibrated
LINE_TAU_S = 0.08  # syringe and tubing fill the chamber this fast, outlet open; uncalibrated
TISSUE_TAU_S = 5.0  # tissue takes up what went beside the bone this slowly; uncalibrated
BACK_SHARE = 0.25  # of the pocket's pressure that comes back through the bevel; uncalibrated

# One heart beat, phase 0 to 1: systole, a notch, the smaller wave behind it. Drawn by hand, uncalibrated.
SYSTOLE = (0.18, 6.0, 1.0)  # phase, sharpness, height
DICROTIC = (0.47, 8.0, 0.35)


@dataclass(frozen=True)
class Fluid:
    """One pull or push of the syringe: the chamber is driven toward `kpa` from start_s to end_s.

    kpa: above the resting pressure, as it comes about with the outlet open and the seal tight.
    reach: share of it that the bevel lets into the chamber. outside: share of a flush that leaves the bevel
    beside the bone; with some of the bevel in the chamber (reach above 0) its back pressure is felt there.
    """

    start_s: float
    end_s: float
    kpa: float
    reach: float = 1.0
    outside: float = 0.0


@dataclass(frozen=True)
class Chamber:
    """How this chamber fills and empties; UsageError for values that no chamber can have.

    outflow_tau_s: emptying through the restrictor. line_tau_s: filling, must be shorter.
    leak: share of the plateau that a bad seal costs, 0 (tight) to under 1. blocked: the outlet is shut.
    reservoir_kpa: raised reservoir behind the outlet, None = not fitted: then there is no pulse either.
    pulse_kpa: height of the arterial wave, lowest to highest (uncalibrated); heart_hz, breath_hz: per second.
    """

    outflow_tau_s: float = ADULT_PROXIMAL_TIBIA.outflow_tau.value
    line_tau_s: float = LINE_TAU_S
    leak: float = 0.0
    blocked: bool = False
    reservoir_kpa: float | None = None
    pulse_kpa: float = 1.0
    heart_hz: float = 1.2
    breath_hz: float = 0.25

    def __post_init__(self) -> None:
        if not 0.0 < self.line_tau_s < self.outflow_tau_s:
            raise UsageError(
                f"a chamber cannot fill in {self.line_tau_s} s and empty in {self.outflow_tau_s} s",
                "Give positive time constants, the line's the shorter one.",
            )
        if not 0.0 <= self.leak < 1.0:
            raise UsageError(f"the leak {self.leak} is no share", "Give a leak from 0 to less than 1.")

    @property
    def leak_flow(self) -> float:
        """What the seal lets through, compared with all that fills and empties a tight, open chamber."""
        return self.leak / (1.0 - self.leak)

    @property
    def plateau_share(self) -> float:
        """Plateau of a flush compared with a tight, open chamber; the time to fill goes with it.

        (1 - leak) with an open outlet. Above 1 where a blocked outlet no longer relieves the line.
        """
        outlet = self.line_tau_s / self.outflow_tau_s if self.blocked else 0.0
        return 1.0 / (1.0 + self.leak_flow - outlet)

    @property
    def emptying_tau_s(self) -> float:
        """Time constant by outlet and seal together; inf where nothing leaves."""
        outlet = 0.0 if self.blocked else 1.0
        per_outflow = outlet + self.leak_flow * self.outflow_tau_s / self.line_tau_s
        return self.outflow_tau_s / per_outflow if per_outflow else np.inf

    @property
    def resting_kpa(self) -> float:
        """Mean pressure at rest, at time 0: what the reservoir keeps up against the leak; 0 without one."""
        if self.reservoir_kpa is None or self.blocked:
            return 0.0
        return self.reservoir_kpa * self.emptying_tau_s / self.outflow_tau_s


def chamber_kpa(time_s: FloatArray, actions: Sequence[Fluid], chamber: Chamber | None = None) -> FloatArray:
    """Gauge pressure of the chamber, kPa, shape of time_s; at rest 0, unless a reservoir is fitted.

    time_s: shape (n,), rising, from before the first action. actions: in the order of their starts.
    chamber None = Chamber(): tight and open, without reservoir. Linear: rest, what goes into the chamber
    and what comes back from beside the bone are added.
    """
    chamber = chamber or Chamber()
    inside = [replace(one, kpa=one.kpa * one.reach * _kept(one) * chamber.plateau_share) for one in actions]
    filling_tau_s = chamber.line_tau_s * chamber.plateau_share
    pressure_kpa = _response_kpa(time_s, inside, filling_tau_s, chamber.emptying_tau_s)
    return pressure_kpa + _back_kpa(time_s, actions, chamber) + _resting_kpa(time_s, chamber)


def _kept(fluid: Fluid) -> float:
    """Share that is not lost beside the bone; suction loses nothing, since tissue closes the opening."""
    return 1.0 - fluid.outside if fluid.kpa > 0.0 else 1.0


def _response_kpa(
    time_s: FloatArray, actions: Sequence[Fluid], rise_tau_s: float, fall_tau_s: float
) -> FloatArray:
    """Toward each action's pressure with one time constant, between them toward 0 with the other."""
    pressure_kpa = np.zeros_like(time_s)
    for action in actions:
        before_kpa = float(np.interp(action.start_s, time_s, pressure_kpa))
        driven_s = np.clip(time_s - action.start_s, 0.0, action.end_s - action.start_s)
        reached_kpa = action.kpa + (before_kpa - action.kpa) * np.exp(-driven_s / rise_tau_s)
        ebb = np.exp(-np.maximum(0.0, time_s - action.end_s) / fall_tau_s)
        pressure_kpa = np.where(time_s >= action.start_s, reached_kpa * ebb, pressure_kpa)
    return pressure_kpa


def _back_kpa(time_s: FloatArray, actions: Sequence[Fluid], chamber: Chamber) -> FloatArray:
    """Back pressure of what was pushed beside the bone: as quick to come as the flush, slow to go.

    The pocket in the tissue is large against the chamber: through a bad seal it falls lower, no faster.
    """
    share = BACK_SHARE * (1.0 - chamber.leak)
    beside = [
        replace(one, kpa=share * one.kpa * one.reach * one.outside)
        for one in actions
        if one.kpa > 0.0 and one.outside > 0.0
    ]
    return _response_kpa(time_s, beside, chamber.line_tau_s, TISSUE_TAU_S)


def _resting_kpa(time_s: FloatArray, chamber: Chamber) -> FloatArray:
    """Resting pressure with pulse and breath, falling as volunteers' did; 0 without a reservoir."""
    if chamber.reservoir_kpa is None or not chamber.resting_kpa:
        return np.zeros_like(time_s)
    arrives = chamber.resting_kpa / chamber.reservoir_kpa
    breath = 0.5 * BREATH_OF_PULSE * np.sin(2.0 * np.pi * chamber.breath_hz * time_s)
    swing_kpa = chamber.pulse_kpa * (_pulse(chamber.heart_hz * time_s) + breath)
    return chamber.resting_kpa * np.exp(-RESTING_FALL_PER_S * time_s) + arrives * swing_kpa


def _beat(phase: FloatArray) -> FloatArray:
    """Arterial wave over beats, bumps that repeat without a seam; phase in beats, same shape."""
    return sum(
        (
            height * np.exp(sharpness * (np.cos(2.0 * np.pi * (phase - at)) - 1.0))
            for at, sharpness, height in (SYSTOLE, DICROTIC)
        ),
        start=np.zeros_like(phase),
    )


ONE_BEAT = _beat(np.linspace(0.0, 1.0, 1000, endpoint=False))


def _pulse(phase: FloatArray) -> FloatArray:
    """The wave with mean 0 and height 1 from lowest to highest; phase in beats, same shape."""
    return (_beat(phase) - ONE_BEAT.mean()) / np.ptp(ONE_BEAT)
