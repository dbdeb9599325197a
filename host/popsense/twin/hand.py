"""The simulated hand: a mass on spring and damper that controls force, and what it does in order.

The hand aims at a point (its equilibrium) and moves that point so that its force follows a reference. When
the bone gives way the spring carries the needle on, and the aim runs on until the reaction time is over:
overshoot is the sum of both and is set nowhere. Times in s, positions in mm from the skin, forces in N.
"""

from collections.abc import Iterator

from popsense.twin.bone import Needle, Specimen
from popsense.twin.operators import Noise, Operator

START_MM = -4.0  # needle held above the skin
REST_S = 0.6  # before the hand comes near; the sensors are tared in it
END_S = 0.5
LOST_FRACTION = 0.5  # the mechanical event that a hand reacts to: resistance at half of its last peak
GRIP_S = 0.2  # a hand closes on the needle, or lets go, in this time; uncalibrated
PULL_S = 0.6  # duration of aspiration; uncalibrated
PUSH_S = 0.3  # duration of the flush; uncalibrated
TOUCH_MM_PER_S_PER_N = 4.0  # feeling for the bone is a fast loop at a low force; uncalibrated
EASE_MM_PER_S_PER_N = 1.0  # stopping: how fast the aim retreats per newton still pushed; uncalibrated
EASE_MM_PER_S = 40.0  # and at most; uncalibrated


class Hand:
    """Spring and damper towards a moving aim. `grip` 1 = holds, 0 = lets go (only stray force remains)."""

    def __init__(self, operator: Operator, step_s: float) -> None:
        self._stiffness = operator.stiffness_n_per_mm
        self._damping = operator.damping_n_s_per_mm
        self._step_s = step_s
        self.aim_mm = START_MM
        self.rate_mm_per_s = 0.0
        self.grip = 1.0
        self.extra_n = 0.0  # tremor or stray force, renewed each sample
        self.force_n = 0.0
        self._spring_n = 0.0

    def push(self, hub_mm: float, hub_mm_per_s: float) -> float:
        """Moves the aim by one step; gives the force of the hand on the hub in N."""
        rate = self.rate_mm_per_s
        self.aim_mm += rate * self._step_s
        # Damping stays without grip: tubing, syringe and a finger still steady the hub.
        self._spring_n = self.grip * self._stiffness * (self.aim_mm - hub_mm)
        self.force_n = self._spring_n + self._damping * (rate - hub_mm_per_s) + self.extra_n
        return self.force_n

    def steer(self, reference_n: float, gain_mm_per_s_per_n: float, limit_mm_per_s: float) -> None:
        """Sets the aim's speed so that the spring's force approaches reference_n.

        Not the whole force: the damper answers the aim's speed at once, which would be a loop without delay.
        """
        wanted = gain_mm_per_s_per_n * (reference_n - self._spring_n)
        self.rate_mm_per_s = max(-limit_mm_per_s, min(limit_mm_per_s, wanted))

    def ease(self) -> None:
        """The aim retreats until the hand no longer pushes."""
        self.steer(0.0, EASE_MM_PER_S_PER_N, EASE_MM_PER_S)


class Conduct:
    """The attempt as a sequence: each `yield` lets one sample pass. `moments`: when things were done, s."""

    def __init__(
        self, operator: Operator, hand: Hand, needle: Needle, specimen: Specimen, noise: Noise
    ) -> None:
        self._operator, self._hand, self._needle, self._specimen = operator, hand, needle, specimen
        self._noise = noise
        self._sample_s = noise.sample_s
        self._now = 0  # index of the sample about to pass
        self.moments: dict[str, float] = {}

    def steps(self) -> Iterator[None]:
        """The whole attempt, rest to rest; one item per sample."""
        yield from self._wait(REST_S)
        yield from self._find_bone()
        yield from self._work()
        yield from self._let_go()
        yield from self._confirm()
        yield from self._remove()
        yield from self._wait(END_S)

    def _tick(self, stray: bool = False) -> None:
        force_n = self._noise.stray_n if stray else self._noise.tremor_n
        self._hand.extra_n = force_n[self._now]
        self._now += 1

    def _mark(self, name: str) -> None:
        self.moments[name] = self._now * self._sample_s

    def _wait(self, duration_s: float) -> Iterator[None]:
        self._hand.extra_n = 0.0
        for _ in range(round(duration_s / self._sample_s)):
            self._now += 1
            yield

    def _find_bone(self) -> Iterator[None]:
        """Through skin and tissue until the bone answers with the touching force."""
        me, hand = self._operator, self._hand
        while self._needle.tip_mm < self._specimen.outer_mm or hand.force_n < 0.8 * me.touch_n:
            hand.steer(me.touch_n, TOUCH_MM_PER_S_PER_N, me.approach_mm_per_s)
            self._tick()
            yield

    def _work(self) -> Iterator[None]:
        """Loads and cuts until the loss of resistance (or what is taken for it) plus the reaction time."""
        begun, left_s = self._now, self._operator.reaction_s
        event = self._event()
        while left_s > 0.0:
            if next(event):
                left_s -= self._sample_s
            self._aim_at_thrust(begun)
            self._tick()
            yield
        self._mark("stop")

    def _event(self) -> Iterator[bool]:
        """False until resistance is lost behind the inner face, or the operator believes so; then True."""
        bone, needle, hand = self._specimen, self._needle, self._hand
        mistaken_mm = bone.outer_mm + self._operator.gives_up_at * (bone.inner_mm - bone.outer_mm)
        while needle.tip_mm < min(bone.inner_mm, mistaken_mm):
            yield False
        peak_n = hand.force_n
        while needle.tip_mm < mistaken_mm and hand.force_n > LOST_FRACTION * peak_n:
            peak_n = max(peak_n, hand.force_n)
            yield False
        while True:
            yield True

    def _aim_at_thrust(self, begun: int) -> None:
        me = self._operator
        up = min(1.0, (self._now - begun) * self._sample_s / me.ramp_s)
        level_n = me.touch_n + (me.thrust_n * self._taper() - me.touch_n) * up * up * (3.0 - 2.0 * up)
        meant_n = level_n * (1.0 + self._noise.wander[self._now])
        self._hand.steer(meant_n, me.follow_mm_per_s_per_n, me.advance_limit_mm_per_s)

    def _taper(self) -> float:
        """Factor on the thrust: the deeper in the cortex, the lighter. He knows depth by feed and pitch."""
        me, bone = self._operator, self._specimen
        depth = (self._needle.tip_mm - bone.outer_mm) / (bone.inner_mm - bone.outer_mm)
        return 1.0 - me.taper * max(0.0, min(1.0, (depth - me.taper_from) / (0.95 - me.taper_from)))

    def _let_go(self) -> Iterator[None]:
        for _ in range(round(self._operator.hold_s / self._sample_s)):
            self._hand.ease()
            self._tick()
            yield
        self._hand.rate_mm_per_s = 0.0
        for _ in range(round(GRIP_S / self._sample_s)):
            self._hand.grip = max(0.0, self._hand.grip - self._sample_s / GRIP_S)
            self._tick(stray=True)
            yield
        self._hand.grip = 0.0

    def _confirm(self) -> Iterator[None]:
        """Aspirate, flush: done in the belief of being in, whether or not the bevel is."""
        pause_s = self._operator.pause_s
        yield from self._handle(pause_s)
        self._mark("aspiration")
        yield from self._handle(PULL_S + pause_s)
        self._mark("flush")
        yield from self._handle(PUSH_S + 3.0 * pause_s)

    def _handle(self, duration_s: float) -> Iterator[None]:
        for _ in range(round(duration_s / self._sample_s)):
            self._tick(stray=True)
            yield

    def _remove(self) -> Iterator[None]:
        """Takes hold where the needle stands and draws it out at a steady speed."""
        hand = self._hand
        hand.aim_mm = self._needle.tip_mm
        self._mark("removal")
        while self._needle.tip_mm > START_MM:
            hand.grip = min(1.0, hand.grip + self._sample_s / GRIP_S)
            hand.rate_mm_per_s = -self._operator.withdraw_mm_per_s * hand.grip
            self._tick()
            yield
        hand.rate_mm_per_s = 0.0
