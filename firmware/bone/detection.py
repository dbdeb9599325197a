"""The detector's steps as viper kernels; the rules of kernels.py hold. No allocation, no floats.

One step a phase; `detector.py` chooses it and gives the parameters.
"""

import micropython
from micropython import const

_TICKS_MASK = const(0x3FFFFFFF)

EVENT_CAPACITY = const(64)  # a power of two
_EVENT_RING_MASK = const(63)
EVENT_BYTES = const(36)
_EVENT_WORDS = const(9)
_EVENT_TYPE = const(0x03)
_EVENT_CONTACT = const(1)
_EVENT_POP = const(2)
_EVENT_RELEASED = const(3)
_EVENT_LOSS = const(4)
_EVENT_FAR = const(5)
_EVENT_WITHDRAWAL = const(6)

# Words of the detector's state.
D_PHASE = const(0)
_PHASE_WAITING = const(1)
_PHASE_CONTACT = const(2)
_PHASE_INSIDE = const(3)
D_SEEN = const(1)  # samples since START; the one being looked at is D_SEEN - 1
D_FORCE = const(2)  # low-passed force code
D_DEPTH = const(3)  # low-passed depth counts
D_FORCE_ZERO = const(4)  # sum while in baseline, mean afterwards
D_DEPTH_ZERO = const(5)
D_PEAK = const(6)  # running peak of the low-passed force code
D_PEAK_TICKS = const(7)
D_COUNT = const(8)  # samples for which the awaited condition has held
D_QUIET = const(9)  # samples for which the condition that ends the phase has held
D_CONTACT_TICKS = const(10)
D_LOWEST = const(11)  # lowest force code since the pop
D_DONE = const(12)  # 1 = loss of resistance was told, 2 = far cortex was told
D_EVENTS = const(13)  # number of the next event
D_ADVANCE = const(14)  # depth above its zero without plug flex, plus _ADVANCE_BIAS
DETECTOR_WORDS = const(15)
_ADVANCE_BIAS = const(32768)
_BASELINE_SAMPLES = const(64)
_BASELINE_SHIFT = const(6)
_PEAK_DECAY_SHIFT = const(7)  # the peak follows a falling force with 128 samples' time constant

# Words of the detector's parameters; what they mean stands in settings.py.
P_VERSION = const(0)
P_CONTACT = const(1)
P_RELEASE = const(2)
P_ARM = const(3)
P_DROP_PERMILLE = const(4)
P_ADVANCE = const(5)
P_LOSS_PERMILLE = const(6)
P_FAR_ADVANCE = const(7)
P_FAR_RISE = const(8)
P_FLEX = const(9)
P_CONTACT_SAMPLES = const(10)
P_RELEASE_SAMPLES = const(11)
P_POP_SAMPLES = const(12)
P_LOSS_SAMPLES = const(13)
P_WITHDRAWN_SAMPLES = const(14)
PARAMETER_WORDS = const(15)


@micropython.viper
def take_event(number: int, events_o, out_o) -> int:
    """EVENT payload of that number into `out`; returns its bytes. The caller checks that it is still kept."""
    events = ptr32(events_o)
    out = ptr32(out_o)
    slot = (number & _EVENT_RING_MASK) * _EVENT_WORDS
    k = 0
    while k < _EVENT_WORDS:
        out[k] = events[slot + k]
        k += 1
    return EVENT_BYTES


@micropython.viper
def detect_filter(code: int, depth: int, state_o, parameters_o):
    """Low-passes force and depth over about 4 samples, takes plug flex off the depth, counts the sample."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    if state[D_SEEN]:
        state[D_FORCE] = state[D_FORCE] + ((code - state[D_FORCE]) >> 2)
        state[D_DEPTH] = state[D_DEPTH] + ((depth - state[D_DEPTH]) >> 2)
    else:
        state[D_FORCE] = code
        state[D_DEPTH] = depth
    state[D_SEEN] = state[D_SEEN] + 1
    level = state[D_FORCE] - state[D_FORCE_ZERO]
    flex = ((level >> 10) * parameters[P_FLEX]) >> 12
    state[D_ADVANCE] = state[D_DEPTH] - state[D_DEPTH_ZERO] - flex + _ADVANCE_BIAS


@micropython.viper
def detect_baseline(ticks: int, state_o, parameters_o, events_o):
    """The first 64 samples: the needle is not near, their mean is the zero of both channels."""
    state = ptr32(state_o)
    state[D_FORCE_ZERO] = state[D_FORCE_ZERO] + state[D_FORCE]
    state[D_DEPTH_ZERO] = state[D_DEPTH_ZERO] + state[D_DEPTH]
    count = state[D_COUNT] + 1
    state[D_COUNT] = count
    if count == _BASELINE_SAMPLES:
        state[D_FORCE_ZERO] = state[D_FORCE_ZERO] >> _BASELINE_SHIFT
        state[D_DEPTH_ZERO] = state[D_DEPTH_ZERO] >> _BASELINE_SHIFT
        state[D_COUNT] = 0
        state[D_PHASE] = _PHASE_WAITING


@micropython.viper
def detect_waiting(ticks: int, state_o, parameters_o, events_o):
    """Until the force has been that of bone contact for long enough."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    level = state[D_FORCE] - state[D_FORCE_ZERO]
    if level < parameters[P_CONTACT]:
        state[D_COUNT] = 0
        return
    state[D_COUNT] = state[D_COUNT] + 1
    if state[D_COUNT] < parameters[P_CONTACT_SAMPLES]:
        return
    state[D_PHASE] = _PHASE_CONTACT
    state[D_CONTACT_TICKS] = ticks
    state[D_PEAK] = state[D_FORCE]
    state[D_PEAK_TICKS] = ticks
    state[D_COUNT] = 0
    state[D_QUIET] = 0
    emit(_EVENT_CONTACT, level, 0, 0, ticks, state_o, parameters_o, events_o)


@micropython.viper
def detect_contact(ticks: int, state_o, parameters_o, events_o):
    """Pop: fall from the running peak together with tip advance. Released: the force is gone, no advance.

    Force gone with advance but without a fall from a peak worth the name: loss of resistance, no pop.
    """
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    zero = state[D_FORCE_ZERO]
    level = state[D_FORCE] - zero
    advance = state[D_ADVANCE] - _ADVANCE_BIAS
    if state[D_FORCE] > state[D_PEAK]:
        state[D_PEAK] = state[D_FORCE]
        state[D_PEAK_TICKS] = ticks
    elif advance < parameters[P_ADVANCE] >> 1:
        # Still inside the cortex: a hand that tapers its force takes the peak along, a pop does not.
        state[D_PEAK] = state[D_PEAK] - ((state[D_PEAK] - state[D_FORCE]) >> _PEAK_DECAY_SHIFT)
    peak = state[D_PEAK] - zero
    fall = state[D_PEAK] - state[D_FORCE]
    # In steps of 256 counts (60 mN), so that 500 N times 1000 stays inside 31 bits.
    fell = (fall >> 8) * 1000 >= (peak >> 8) * parameters[P_DROP_PERMILLE]
    if peak >= parameters[P_ARM] and fell and advance >= parameters[P_ADVANCE]:
        state[D_COUNT] = state[D_COUNT] + 1
        if state[D_COUNT] >= parameters[P_POP_SAMPLES]:
            state[D_PHASE] = _PHASE_INSIDE
            state[D_LOWEST] = state[D_FORCE]
            state[D_COUNT] = 0
            state[D_QUIET] = 0
            state[D_DONE] = 0
            drop = ((fall >> 8) * 1000) // ((peak >> 8) + 1)
            emit(_EVENT_POP, level, drop, state[D_PEAK_TICKS], ticks, state_o, parameters_o, events_o)
        return
    state[D_COUNT] = 0
    state[D_QUIET] = state[D_QUIET] + 1 if level < parameters[P_RELEASE] else 0
    if state[D_QUIET] < parameters[P_RELEASE_SAMPLES]:
        return
    state[D_COUNT] = 0
    state[D_QUIET] = 0
    if advance >= parameters[P_ADVANCE]:  # so gentle an exit that there was no fall to call a pop
        state[D_PHASE] = _PHASE_INSIDE
        state[D_LOWEST] = state[D_FORCE]
        state[D_DONE] = 1
        emit(_EVENT_LOSS, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)
    else:
        state[D_PHASE] = _PHASE_WAITING
        emit(_EVENT_RELEASED, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)


@micropython.viper
def detect_inside(ticks: int, state_o, parameters_o, events_o):
    """After the pop: loss of resistance, far-cortex contact, withdrawal; the latter ends the phase."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    zero = state[D_FORCE_ZERO]
    force = state[D_FORCE]
    level = force - zero
    advance = state[D_ADVANCE] - _ADVANCE_BIAS
    if force < state[D_LOWEST]:
        state[D_LOWEST] = force
    done = state[D_DONE]
    peak = state[D_PEAK] - zero
    fall = state[D_PEAK] - force
    if (done & 1) == 0:
        lost = (fall >> 8) * 1000 >= (peak >> 8) * parameters[P_LOSS_PERMILLE]
        state[D_COUNT] = state[D_COUNT] + 1 if lost else 0
        if state[D_COUNT] >= parameters[P_LOSS_SAMPLES]:
            state[D_DONE] = done | 1
            drop = ((fall >> 8) * 1000) // ((peak >> 8) + 1)
            emit(_EVENT_LOSS, level, drop, state[D_PEAK_TICKS], ticks, state_o, parameters_o, events_o)
    if (done & 2) == 0 and advance >= parameters[P_FAR_ADVANCE]:
        if force - state[D_LOWEST] >= parameters[P_FAR_RISE]:
            state[D_DONE] = state[D_DONE] | 2
            emit(_EVENT_FAR, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)
    # Half of what a pop needs, and no force: a tip that springs back a little has not left.
    out = advance < parameters[P_ADVANCE] >> 1 and level < parameters[P_RELEASE]
    state[D_QUIET] = state[D_QUIET] + 1 if out else 0
    if state[D_QUIET] >= parameters[P_WITHDRAWN_SAMPLES]:
        state[D_PHASE] = _PHASE_WAITING
        state[D_COUNT] = 0
        emit(_EVENT_WITHDRAWAL, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)


@micropython.viper
def emit(kind: int, level: int, drop: int, since: int, ticks: int, state_o, parameters_o, events_o):
    """A finished EVENT packet into the event ring; `since` is the tick from which its duration counts."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    events = ptr32(events_o)
    number = state[D_EVENTS]
    at = (number & _EVENT_RING_MASK) * _EVENT_WORDS
    events[at] = _EVENT_TYPE | (kind << 8) | (parameters[P_VERSION] << 16)
    events[at + 1] = number
    events[at + 2] = state[D_SEEN] - 1
    events[at + 3] = ticks
    peak = state[D_PEAK] - state[D_FORCE_ZERO]
    events[at + 4] = peak if peak > 0 else 0
    events[at + 5] = level
    events[at + 6] = drop
    events[at + 7] = state[D_ADVANCE] - _ADVANCE_BIAS
    events[at + 8] = (ticks - since) & _TICKS_MASK if since else 0
    state[D_EVENTS] = number + 1
