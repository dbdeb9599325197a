"""Cues for the learner, switched in the interrupt: a light and a buzzer, in guided attempts only.

STOP (light on, one long tone) when the tip is through the cortex; or, where the profile goes on (adult
humerus), GO ON (light blinks, two beeps) and STOP at its depth. A pop counts as through, and so does an
uncertain pop, a used hole and a loss of resistance without a pop: the tip is in the cavity all the same, and
whoever waits for a clearer sign goes too far. Far-cortex contact is STOP in any case. All is off after the
withdrawal. Durations and meanings are uncalibrated. The rules of kernels.py hold.
"""

import micropython
from micropython import const

from bone import kernels, wire

_KIND = const(0)  # 0 = not armed: nothing is looked at
_GO_ON = const(1)  # D_ADVANCE from which STOP follows
_EVENT = const(2)  # number of the next event to look at
_PHASE = const(3)
_WAITING = const(0)
_GOING_ON = const(1)
_STOPPED = const(2)
_ROW = const(4)  # of the patterns
_SINCE = const(5)  # ticks at which it began
_BUSY = const(6)  # 1 = time or depth can change the row
_PATTERNS = const(7)
_ROW_WORDS = const(3)

_CUE_STOP = const(1)
_CUE_GO_ON_THEN_STOP = const(2)
_LED = const(1)
_BUZZER = const(2)
_LED_AND_BUZZER = const(3)
_CHANGED = const(4)

_OFF = const(0)
_STOP = const(1)
_GOES_ON = const(3)
# Pins that are on, for how long (us, 0 = until something happens), then the row with this number.
_ROWS = (
    (0, 0, 0),
    (_LED_AND_BUZZER, 600000, 2),
    (_LED, 0, 2),
    (_LED_AND_BUZZER, 125000, 4),
    (0, 125000, 5),
    (_LED_AND_BUZZER, 125000, 6),
    (0, 125000, 7),
    (_LED, 125000, 8),
    (0, 125000, 7),
)

_TICKS_MASK = const(0x3FFFFFFF)
_S_TICKS = const(0)  # kernels.py
_D_EVENTS = const(13)  # detection.py
_D_ADVANCE = const(14)
_ADVANCE_BIAS = const(32768)
_EVENT_RING_MASK = const(63)
_EVENT_WORDS = const(9)
_EVENT_POP = const(2)
_EVENT_LOSS = const(4)
_EVENT_FAR = const(5)
_EVENT_WITHDRAWAL = const(6)
_EVENT_UNCERTAIN = const(7)
_EVENT_USED_HOLE = const(9)

_TEST_MS = 20


class Cues:
    """Owns both pins. `words` and `show` are for the interrupt."""

    def __init__(self, board):
        self._led = board.cue_led
        self._buzzer = board.cue_buzzer
        self._kind = 0
        self._go_on = 0
        self.show = self._show  # bound once: binding allocates
        self.words = kernels.words(_PATTERNS + len(_ROWS) * _ROW_WORDS)
        for row in range(len(_ROWS)):
            for k in range(_ROW_WORDS):
                self.words[_PATTERNS + row * _ROW_WORDS + k] = _ROWS[row][k]

    def configure(self, profile, scales):
        """From the profile of site and device, for the next attempt. scales: calibration.Scales.

        Without a depth channel nobody could say when to stop, so there "go on" is not said either.
        """
        kind = profile["cue"]
        lost = kind == _CUE_GO_ON_THEN_STOP and not profile["depth_fitted"]
        self._kind = 0 if lost else kind
        self._go_on = scales.depth_counts(profile["go_on_um"]) + _ADVANCE_BIAS

    def arm(self, mode):
        """For an attempt that is about to start; any mode but guided stays dark. Not while sampling."""
        self.disarm()
        self.words[_GO_ON] = self._go_on
        self.words[_EVENT] = 0
        self.words[_PHASE] = _WAITING
        self.words[_ROW] = _OFF
        self.words[_BUSY] = 0
        self.words[_KIND] = self._kind if mode == wire.MODE_GUIDED else 0

    def disarm(self):
        """Both pins off, and so they stay until armed."""
        self.words[_KIND] = 0
        self._show(0)

    def test(self, sleep_ms):
        """One blink and one click, for the self-test at power-on. Not while sampling."""
        self._show(_LED_AND_BUZZER)
        sleep_ms(_TEST_MS)
        self._show(0)

    def _show(self, pins):
        self._led(pins & _LED)
        self._buzzer((pins & _BUZZER) >> 1)


@micropython.viper
def cue(sample_o, state_o, events_o, cue_o) -> int:
    """Where the pins change with this sample: _CHANGED and those that are on, for Cues.show; else 0."""
    cue = ptr32(cue_o)
    if cue[_KIND] == 0:
        return 0
    state = ptr32(state_o)
    last = state[_D_EVENTS]
    if cue[_EVENT] == last and cue[_BUSY] == 0:
        return 0
    sample = ptr32(sample_o)
    events = ptr32(events_o)
    row = cue[_ROW]
    phase = cue[_PHASE]
    while cue[_EVENT] != last:
        kind = (events[(cue[_EVENT] & _EVENT_RING_MASK) * _EVENT_WORDS] >> 8) & 0xFF
        cue[_EVENT] = cue[_EVENT] + 1
        out = kind == _EVENT_POP or kind == _EVENT_UNCERTAIN or kind == _EVENT_USED_HOLE
        if kind == _EVENT_WITHDRAWAL:
            phase = _WAITING
            row = _OFF
        elif phase == _WAITING and (out or kind == _EVENT_LOSS) and cue[_KIND] == _CUE_GO_ON_THEN_STOP:
            phase = _GOING_ON
            row = _GOES_ON
        elif (phase == _WAITING and (out or kind == _EVENT_LOSS)) or (
            phase == _GOING_ON and kind == _EVENT_FAR
        ):
            phase = _STOPPED
            row = _STOP
    if phase == _GOING_ON and state[_D_ADVANCE] >= cue[_GO_ON]:
        phase = _STOPPED
        row = _STOP
    cue[_PHASE] = phase
    ticks = sample[_S_TICKS]
    at = _PATTERNS + row * _ROW_WORDS
    if row == cue[_ROW]:
        lasts = cue[at + 1]
        if lasts == 0 or ((ticks - cue[_SINCE]) & _TICKS_MASK) < lasts:
            return 0
        row = cue[at + 2]
        at = _PATTERNS + row * _ROW_WORDS
    cue[_ROW] = row
    cue[_SINCE] = ticks
    cue[_BUSY] = 1 if phase == _GOING_ON or cue[at + 1] else 0
    return _CHANGED | cue[at]
