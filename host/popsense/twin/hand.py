"""The simulated hand: a mass on spring and damper that controls force through a delay, and tires.

The hand aims at a point (its equilibrium) and moves that point so that the force it *felt a delay ago*
follows a reference. When the bone gives way the spring carries the needle on, and the aim runs after the
lost force until the reaction is over: overshoot is the sum of both and is set nowhere. A spring-loaded device
replaces the hand's spring by its own for the length of a shot; the hand then only presses its body on the
skin. Times in s, positions in mm from the skin, forces in N.
"""

from math import inf

from popsense.twin.device import Device
from popsense.twin.operators import Operator
from popsense.twin.shot import Shot
from popsense.twin.unsteadiness import Noise

START_MM = -4.0  # needle held above the skin
REST_S = 0.6  # before the hand comes near; the sensors are tared in it
GRIP_S = 0.2  # a hand closes on the needle, or lets go, in this time; uncalibrated
TOUCH_MM_PER_S_PER_N = 0.6  # feeling for the bone, bounded by the delay of the loop; uncalibrated
EASE_MM_PER_S_PER_N = 0.6  # stopping: how fast the aim retreats per newton still felt; uncalibrated
EASE_MM_PER_S = 40.0  # and at most; uncalibrated
# Fatigue: sources in `operators`.
ENDURANCE_S, ENDURANCE_POWER = 14.9, -1.83  # seconds at the strongest push; with the fraction of it
REST_PART = 0.05  # of the strongest push: below it a hand does not tire; uncalibrated
TIRED_GROWTH, TIRED_MOST = 2.0, 3.0


class Hand:
    """Spring and damper towards a moving aim. `grip` 1 = holds, 0 = lets go (only stray force remains)."""

    def __init__(self, operator: Operator, device: Device, noise: Noise, step_s: float) -> None:
        self._stiffness = operator.stiffness_n_per_mm
        self._damping = operator.damping_n_s_per_mm
        self._operator, self._noise = operator, noise
        self.step_s = step_s
        self.aim_mm = START_MM
        self.rate_mm_per_s = 0.0
        self.grip = 1.0
        self.mass_kg = device.moving_mass_kg  # inf = locked: the hub keeps its place
        self.end_mm = inf  # the hub goes no further
        self.shot: Shot | None = None  # while it runs, the spring of the device takes the hand's place
        self.body_n = 0.0  # the body of a device pressed on the skin, past the needle
        self.driving = False  # the motor runs or the wrist turns: only then does bone get cut
        self.rock_n = 0.0  # axial force of a rocking wrist, past the loop that controls the push
        self.extra_n = 0.0  # tremor, vibration or stray force, renewed each control instant
        self.force_n = 0.0
        self.fatigue = 1.0  # factor on unsteadiness
        self._spring_n = 0.0
        self._spent = 0.0  # part of the endurance used up
        self._felt = [0.0] * max(1, round(operator.delay_s / noise.sample_s))
        self._turn = 0

    def push(self, hub_mm: float, hub_mm_per_s: float) -> float:
        """Moves the aim by one step; gives the force of the hand (or of the shot) on the hub in N."""
        if self.shot is not None:
            return self.shot.push(hub_mm, hub_mm_per_s)
        rate = self.rate_mm_per_s
        self.aim_mm += rate * self.step_s
        # Damping stays without grip: tubing, syringe and a finger still steady the hub.
        self._spring_n = self.grip * self._stiffness * (self.aim_mm - hub_mm)
        self.force_n = self._spring_n + self._damping * (rate - hub_mm_per_s) + self.extra_n
        return self.force_n

    def feel(self, now: int, stray: bool = False) -> None:
        """One control instant: nerves carry the force on, muscles tire, tremor is renewed."""
        felt, noise = self._felt, self._noise
        felt[self._turn] = self._spring_n
        self._turn = (self._turn + 1) % len(felt)
        self._tire(noise.sample_s)
        if stray:
            self.extra_n = self._operator.stray_n * noise.stray[now]
            return
        self.extra_n = self.rock_n + self._operator.tremor_n * self.fatigue * noise.tremor[now]
        if self.driving:
            self.extra_n += noise.vibration_n[now]

    def _tire(self, sample_s: float) -> None:
        """Endurance falls steeply with the part of the strongest push that is asked for."""
        part = self._spring_n / self._operator.strongest_n
        if part > REST_PART:
            self._spent += sample_s / (ENDURANCE_S * part**ENDURANCE_POWER)
            self.fatigue = min(TIRED_MOST, 1.0 + TIRED_GROWTH * self._spent * self._spent)

    @property
    def felt_n(self) -> float:
        """The force of the spring one delay ago, N."""
        return self._felt[self._turn]

    def steer(self, reference_n: float, gain_mm_per_s_per_n: float, limit_mm_per_s: float) -> None:
        """Sets the aim's speed so that the spring's force, as felt, approaches reference_n."""
        wanted = gain_mm_per_s_per_n * (reference_n - self.felt_n)
        self.rate_mm_per_s = max(-limit_mm_per_s, min(limit_mm_per_s, wanted))

    def ease(self) -> None:
        """The aim retreats until the hand no longer pushes."""
        self.steer(0.0, EASE_MM_PER_S_PER_N, EASE_MM_PER_S)
