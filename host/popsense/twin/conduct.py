"""What the simulated operator does, in order: find the bone, work, stop, confirm, remove.

Every `yield` lets one control instant pass.
"""

from collections.abc import Iterator

from popsense.twin.hand import GRIP_S, REST_S, START_MM, TOUCH_MM_PER_S_PER_N, Hand
from popsense.twin.needle import Needle
from popsense.twin.operators import Operator
from popsense.twin.specimen import Specimen
from popsense.twin.unsteadiness import Noise

END_S = 0.5
LOST_FRACTION = 0.5  # the mechanical event that a hand reacts to: its force at half of its last peak
PULL_S = 0.6  # duration of aspiration; uncalibrated
PUSH_S = 0.3  # duration of the flush; uncalibrated
SKIN_N = 5.0  # with which a needle is brought through the skin; uncalibrated
APPROACH_N = 2.5  # so far under that force the hand begins to slow down; uncalibrated
LEAN_AFTER_S = 2.0  # who gets nowhere for so long leans harder; uncalibrated
LEAN_PER_S = 0.25  # growth of the thrust per second from then on; uncalibrated
GIVES_UP_S = 9.0  # who is still not through gives up; uncalibrated
EASE_S = 0.35  # a hesitation: the hand goes back to a part of its force and stays; uncalibrated
LET_GO_S = 0.03  # a hand that slips off
RETURN_MM_PER_S = 12.0  # a needle moved in its own hole; uncalibrated


class Conduct:
    """The attempt as a sequence. `moments`: when things were done, s."""

    def __init__(self, operator: Operator, hand: Hand, needle: Needle, bone: Specimen, noise: Noise) -> None:
        self._operator, self._bone = operator, bone
        self._hand, self._needle, self._noise = hand, needle, noise
        self._sample_s = noise.sample_s
        self._now = 0  # index of the control instant about to pass
        self.moments: dict[str, float] = {}

    def steps(self) -> Iterator[None]:
        """The whole attempt, rest to rest; one item per control instant."""
        yield from self._wait(REST_S)
        yield from self._insert()
        yield from self._confirm()
        yield from self._remove()
        yield from self._wait(END_S)

    def _tick(self, stray: bool = False) -> None:
        self._hand.feel(self._now, stray)
        self._now += 1

    def _mark(self, name: str) -> None:
        self.moments[name] = self._now * self._sample_s

    def _instants(self, duration_s: float) -> range:
        return range(round(duration_s / self._sample_s))

    def _wait(self, duration_s: float) -> Iterator[None]:
        self._hand.extra_n = 0.0
        for _ in self._instants(duration_s):
            self._now += 1
            yield

    def _insert(self) -> Iterator[None]:
        """From the skin to letting go of the needle."""
        yield from self._find_bone()
        yield from self._work()
        yield from self._linger()
        yield from self._return()
        yield from self._let_go()

    def _find_bone(self) -> Iterator[None]:
        """Through skin and tissue until the bone answers with the touching force."""
        me, hand, bone = self._operator, self._hand, self._bone
        while self._needle.tip_mm < bone.outer_mm:
            # At the approach's speed until something resists; the delay of the loop makes a bump of it.
            hand.steer(max(SKIN_N, me.touch_n), me.approach_mm_per_s / APPROACH_N, me.approach_mm_per_s)
            self._tick()
            yield
        while hand.felt_n < 0.8 * me.touch_n:
            hand.steer(me.touch_n, TOUCH_MM_PER_S_PER_N, me.approach_mm_per_s)
            self._tick()
            yield

    def _work(self) -> Iterator[None]:
        """Loads and cuts until the loss of resistance (or what is taken for it) plus the reaction time."""
        me, hand = self._operator, self._hand
        begun, left_s, pauses = self._now, me.reaction_s, me.hesitations
        event = self._event()
        hand.driving = True
        while left_s > 0.0 and (self._now - begun) * self._sample_s < GIVES_UP_S:
            if next(event):
                left_s -= self._sample_s
            elif pauses > 0 and self._depth() > self._pause_at(pauses):
                pauses -= 1
                yield from self._hesitate()
            self._aim_at_thrust(begun)
            self._tick()
            yield
        hand.driving, hand.rock_n = False, 0.0
        self._mark("stop")

    def _pause_at(self, pauses: int) -> float:
        """Depth of the next hesitation, with so many to come: evenly over the way that he goes."""
        return min(1.0, self._operator.gives_up_at) * (1.0 - pauses / (self._operator.hesitations + 1.0))

    def _depth(self) -> float:
        """Part of the cortex behind the tip, not clipped."""
        return (self._needle.in_plug_mm - self._bone.outer_mm) / (self._bone.inner_mm - self._bone.outer_mm)

    def _event(self) -> Iterator[bool]:
        """False until resistance is lost behind the inner face, or the operator believes so; then True."""
        me, needle, hand = self._operator, self._needle, self._hand
        while self._depth() < min(1.0, me.gives_up_at):
            yield False
        peak_n = hand.force_n
        while self._depth() < me.gives_up_at and hand.force_n > LOST_FRACTION * peak_n:
            peak_n = max(peak_n, hand.force_n)
            yield False
        while me.ignores_pop and needle.tip_mm < self._bone.stop_mm - 0.1:
            yield False
        if self._depth() < 1.0:  # nothing gave way: the finger leaves the trigger, the wrist stops turning
            hand.driving = False
        while True:
            yield True

    def _hesitate(self) -> Iterator[None]:
        """Eases off to a part of the force, waits, and goes on."""
        me, hand = self._operator, self._hand
        hand.driving = False
        level_n = me.eases_to * hand.felt_n
        for _ in self._instants(EASE_S):
            hand.steer(level_n, me.follow_mm_per_s_per_n, me.advance_limit_mm_per_s)
            self._tick()
            yield
        hand.driving = True

    def _aim_at_thrust(self, begun: int) -> None:
        me = self._operator
        worked_s = (self._now - begun) * self._sample_s
        up = min(1.0, worked_s / me.ramp_s)
        lean = 1.0 + LEAN_PER_S * max(0.0, worked_s - LEAN_AFTER_S)
        full_n = min(me.strongest_n, me.thrust_n * self._taper() * lean)
        level_n = me.touch_n + (full_n - me.touch_n) * up * up * (3.0 - 2.0 * up)
        wave = me.wander * self._hand.fatigue * self._noise.wander[self._now]
        self._hand.rock_n = level_n * self._toggle(worked_s)
        level_n *= max(0.0, 1.0 + wave)
        self._hand.steer(level_n, me.follow_mm_per_s_per_n, me.advance_limit_mm_per_s)

    def _toggle(self, worked_s: float) -> float:
        """Relative force of a rocking wrist: a triangle at toggle_hz."""
        phase = (worked_s * self._operator.toggle_hz) % 1.0
        return self._operator.toggle * (4.0 * abs(phase - 0.5) - 1.0)

    def _taper(self) -> float:
        """Factor on the thrust: the deeper in the cortex, the lighter. He knows depth by feed and pitch."""
        me = self._operator
        return 1.0 - me.taper * max(0.0, min(1.0, (self._depth() - me.taper_from) / (0.95 - me.taper_from)))

    def _linger(self) -> Iterator[None]:
        """Leans on a needle that stands: the motor is off, the force sinks as the hand relaxes."""
        me, hand = self._operator, self._hand
        level_n = hand.felt_n
        for k in self._instants(me.lingers_s):
            sinking = 1.0 - 0.6 * k * self._sample_s / me.lingers_s
            hand.steer(level_n * sinking, me.follow_mm_per_s_per_n, me.advance_limit_mm_per_s)
            self._tick()
            yield

    def _return(self) -> Iterator[None]:
        """Draws the needle back by `returns_mm` and brings it again to where it was, `returns` times."""
        for _ in range(self._operator.returns):
            here_mm = self._needle.tip_mm
            yield from self._move_to(here_mm - self._operator.returns_mm)
            yield from self._move_to(here_mm)

    def _move_to(self, tip_mm: float) -> Iterator[None]:
        """A gripping hand moves the tip at RETURN_MM_PER_S; what does not come is given up after a second."""
        hand, way = self._hand, 1.0 if tip_mm > self._needle.tip_mm else -1.0
        for _ in self._instants(1.0 + abs(tip_mm - self._needle.tip_mm) / RETURN_MM_PER_S):
            if (tip_mm - self._needle.tip_mm) * way <= 0.0:
                break
            hand.rate_mm_per_s = way * RETURN_MM_PER_S
            self._tick()
            yield
        hand.rate_mm_per_s = 0.0

    def _let_go(self) -> Iterator[None]:
        hand = self._hand
        if not self._operator.slips_off:
            for _ in self._instants(self._operator.hold_s):
                hand.ease()
                self._tick()
                yield
        hand.rate_mm_per_s = 0.0
        opening_s = LET_GO_S if self._operator.slips_off else GRIP_S
        for _ in self._instants(opening_s):
            hand.grip = max(0.0, hand.grip - self._sample_s / opening_s)
            self._tick(stray=True)
            yield
        hand.grip = 0.0

    def _confirm(self) -> Iterator[None]:
        """Aspirate, flush: done in the belief of being in, whether or not the bevel is."""
        pause_s = self._operator.pause_s
        yield from self._handle(pause_s)
        self._mark("aspiration")
        yield from self._handle(PULL_S + pause_s)
        yield from self._dislodge()
        if self._operator.flushes:
            self._mark("flush")
        yield from self._handle(PUSH_S + 3.0 * pause_s)

    def _handle(self, duration_s: float) -> Iterator[None]:
        for _ in self._instants(duration_s):
            self._tick(stray=True)
            yield

    def _dislodge(self) -> Iterator[None]:
        """Syringe and tubing drag the needle out by `dislodges_mm`."""
        if self._operator.dislodges_mm > 0.0:
            yield from self._hold()
            yield from self._move_to(self._needle.tip_mm - self._operator.dislodges_mm)
            self._hand.grip = 0.0

    def _hold(self) -> Iterator[None]:
        """Takes hold of the needle where it stands."""
        hand = self._hand
        hand.aim_mm, hand.rate_mm_per_s = self._needle.tip_mm, 0.0
        for _ in self._instants(GRIP_S):
            hand.grip = min(1.0, hand.grip + self._sample_s / GRIP_S)
            self._tick()
            yield

    def _remove(self) -> Iterator[None]:
        """Takes hold and draws the needle out at a steady speed; some push first, to loosen it."""
        hand = self._hand
        self._mark("removal")
        yield from self._hold()
        if self._operator.pushes_on_removal_mm > 0.0:
            yield from self._move_to(self._needle.tip_mm + self._operator.pushes_on_removal_mm)
        while self._needle.tip_mm > START_MM:
            hand.rate_mm_per_s = -self._operator.withdraw_mm_per_s
            self._tick()
            yield
        hand.rate_mm_per_s = 0.0
