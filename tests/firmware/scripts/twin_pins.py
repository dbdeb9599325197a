"""The firmware on the twin's board with nobody at its port. In: {script, period_ns, rest_samples, mode}.

Out: [GPIO, level, us of virtual time] of light and buzzer where they changed, [kind, ticks in us] of the
events, and both GPIO numbers.
"""

import json
import sys

from bone.sample_ring import SampleRing

ring = SampleRing()  # first, as in main.py

import machine  # noqa: E402
from world import World  # noqa: E402

from bone import app, board, detection  # noqa: E402


class DeafPort:
    """A host that is not there."""

    def any(self):
        return False

    def write(self, buffer, count):
        pass


def attempt(options):
    world = World(options["script"], options["period_ns"], options["rest_samples"])
    world.horizon_ns = 1 << 60
    machine.install(world, DeafPort(), bytes(8))
    board.time = world
    bone = app.App(board.Board(), ring)
    changes = []
    bone.start(options["mode"])
    machine.on_pin_change = lambda gpio, level, ns: changes.append([gpio, level, ns // 1000])
    world.begin()
    while not world.ended:
        world.sleep_ms(10)  # the main loop hangs: nothing but interrupts
    machine.on_pin_change = None
    events, found = bone.detector.events, []
    for number in range(bone.detector.state[detection.D_EVENTS]):
        at = number * detection.KEPT_EVENT_BYTES
        found.append([events[at + 1], int.from_bytes(events[at + 12 : at + 16], "little")])
    cue_pins = (board.CUE_LED_GPIO, board.CUE_BUZZER_GPIO)
    return [[change for change in changes if change[0] in cue_pins], found, cue_pins]


for line in sys.stdin:
    print(json.dumps(attempt(json.loads(line))))
