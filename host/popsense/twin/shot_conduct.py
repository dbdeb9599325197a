"""What the operator of a spring-loaded device does: press it on the skin, fire, lift it off."""

from collections.abc import Iterator
from math import inf

from popsense.twin.conduct import Conduct
from popsense.twin.device import Device, Spring
from popsense.twin.hand import GRIP_S, START_MM, Hand
from popsense.twin.needle import Needle
from popsense.twin.operators import Operator
from popsense.twin.shot import Shot
from popsense.twin.specimen import Specimen
from popsense.twin.unsteadiness import Noise

PRESS_N = 25.0  # body of the device on the skin; uncalibrated


class ShotConduct(Conduct):
    """The same attempt with a one-shot device; the needle waits in its body, above the skin."""

    def __init__(
        self, operator: Operator, spring: Spring, hand: Hand, needle: Needle, bone: Specimen, noise: Noise
    ) -> None:
        super().__init__(operator, hand, needle, bone, noise)
        self._spring = spring
        self._mass_kg = hand.mass_kg

    def _insert(self) -> Iterator[None]:
        """The body is pressed on the skin, the needle shot to its preset depth, the body lifted off."""
        me, hand = self._operator, self._hand
        hand.mass_kg = inf
        press_n = PRESS_N * me.effort
        for _ in range(1 + me.hesitations):
            yield from self._press(press_n, me.ramp_s, 0.3 + me.pause_s)
            if me.hesitations:
                yield from self._press(me.eases_to * press_n, 0.2, 0.2)
        if me.gives_up_at > 0.0:
            yield from self._shoot(press_n)
        self._mark("stop")
        yield from self._press(0.0, GRIP_S, 0.0)
        hand.mass_kg, hand.grip, hand.body_n = self._mass_kg, 0.0, 0.0

    def _press(self, press_n: float, change_s: float, hold_s: float) -> Iterator[None]:
        """From the present force of the body on the skin to another one, which is then held."""
        me, hand, noise = self._operator, self._hand, self._noise
        from_n = hand.body_n
        for k in self._instants(change_s + hold_s):
            part = min(1.0, k * self._sample_s / change_s)
            level_n = from_n + (press_n - from_n) * part
            shake = 1.0 + me.wander * noise.wander[self._now]
            hand.body_n = max(0.0, level_n * shake + me.tremor_n * noise.tremor[self._now])
            self._now += 1
            yield

    def _shoot(self, press_n: float) -> Iterator[None]:
        me, hand, bone, spring = self._operator, self._hand, self._bone, self._spring
        set_mm = bone.outer_mm + me.gives_up_at * (bone.inner_mm - bone.outer_mm)
        if me.gives_up_at > 1.0:
            set_mm = bone.inner_mm + me.preset * (bone.far_mm - bone.inner_mm)
        hand.shot = Shot(spring, START_MM, set_mm)
        hand.end_mm, hand.mass_kg = set_mm, spring.moving_mass_kg
        for k in self._instants(max(0.1, me.reaction_s)):
            kick = spring.recoil * 0.5 ** (k * self._sample_s / spring.recoil_tau_s)
            hand.body_n = press_n * (1.0 - kick)
            self._now += 1
            yield
        hand.shot, hand.mass_kg, hand.end_mm = None, inf, inf


def conduct_of(
    operator: Operator, device: Device, hand: Hand, needle: Needle, bone: Specimen, noise: Noise
) -> Conduct:
    """The sequence that fits the device."""
    if device.spring is None:
        return Conduct(operator, hand, needle, bone, noise)
    return ShotConduct(operator, device.spring, hand, needle, bone, noise)
