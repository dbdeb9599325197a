"""The detector's steps as viper kernels, one a phase; parameters: detector.py. Rules as in kernels.py."""

import micropython
from micropython import const

_TICKS_MASK = const(0x3FFFFFFF)
_S_TICKS = const(0)  # words of the sample at hand, kernels.py
_S_FORCE = const(1)
_S_DEPTH = const(2)

EVENT_CAPACITY = const(64)  # a power of two
_EVENT_RING_MASK = const(63)
EVENT_BYTES = const(40)  # of the packet
KEPT_EVENT_BYTES = const(36)  # all but the last word, which is the run's
_EVENT_WORDS = const(9)
_EVENT_TYPE = const(0x03)
_EVENT_CONTACT = const(1)
_EVENT_POP = const(2)
_EVENT_RELEASED = const(3)
_EVENT_LOSS = const(4)
_EVENT_FAR = const(5)
_EVENT_WITHDRAWAL = const(6)
_EVENT_UNCERTAIN = const(7)
_EVENT_RE_PUNCTURE = const(8)
_EVENT_USED_HOLE = const(9)
_EVENT_OVERLOAD = const(10)
_BASIS_FORCE = const(0x01)
_BASIS_DEPTH = const(0x02)

# Words of the detector's state.
D_PHASE = const(0)
_PHASE_WAITING = const(1)
_PHASE_CONTACT = const(2)
_PHASE_INSIDE = const(3)
D_SEEN = const(1)  # samples since START; the one being looked at is D_SEEN - 1
D_FORCE = const(2)  # low-passed force code
D_DEPTH = const(3)  # low-passed depth counts, times 64
D_FORCE_ZERO = const(4)  # sum while in baseline, mean afterwards
D_DEPTH_ZERO = const(5)  # the same, times 64
D_PEAK = const(6)  # running peak of the low-passed force code
D_PEAK_TICKS = const(7)
D_COUNT = const(8)  # samples for which the awaited condition has held
D_QUIET = const(9)  # samples for which the condition that ends the phase has held
D_CONTACT_TICKS = const(10)
D_MOVING = const(11)  # force code since the pop while the tip went deeper, averaged: friction and marrow
D_DONE = const(12)  # bits of what was told in this phase
_DONE_LOSS = const(1)
_DONE_FAR = const(2)
_DONE_UNCERTAIN = const(4)
_NOT_FAR = const(5)
D_EVENTS = const(13)  # number of the next event
D_ADVANCE = const(14)  # depth above its zero without plug flex, plus _ADVANCE_BIAS
D_FLEX = const(15)  # plug flex that was taken off, never negative
D_OUT = const(16)  # samples for which the whole bevel has been out; inside: for which the force has stayed
D_PUNCTURED = const(17)  # 1 = the tip has been through the cortex since START
D_OVERLOADED = const(18)  # 1 = overload was told and the force has not fallen since
D_DEEPEST = const(19)  # largest D_ADVANCE since the pop
D_FIRST_PEAK = const(20)  # peak above the zero of the pop since START
D_STILL = const(21)  # samples since the tip last went deeper
D_REST_LOW = const(22)  # range of the low-passed force at rest: noise and hum
D_REST_HIGH = const(23)
D_FAR_RISE = const(24)  # second rise that makes a far-cortex contact: as little as the noise allows
D_FAR_AT = const(25)  # D_ADVANCE at which the far cortex was told
DETECTOR_WORDS = const(26)
_THROUGH = const(110)  # depth counts (0.25 mm)
_DEEPER = const(20)  # depth counts (46 um): less is noise
_ADVANCE_BIAS = const(32768)
_DEPTH_SHIFT = const(6)

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
P_BASELINE_SHIFT = const(15)  # the baseline is the mean of 2 to this power samples
P_FORCE_GAIN = const(16)  # of the low-passes, 1/1024 a sample
P_DEPTH_GAIN = const(17)
P_DECAY_GAIN = const(18)  # with which the peak follows a falling force
P_FAR_STAYS = const(19)
P_DROP_OUT_PERMILLE = const(20)
P_OUT = const(21)
P_OUT_SAMPLES = const(22)
P_USED = const(23)
P_OVERLOAD = const(24)
P_DEPTH = const(25)  # 1 = the depth may be used
P_FAR_STAYS_SAMPLES = const(26)
P_STILL_SAMPLES = const(27)
P_FAR_LEAST = const(28)
PARAMETER_WORDS = const(29)


@micropython.viper
def take_event(number: int, run: int, events_o, out_o) -> int:
    """EVENT payload of that number into `out`; returns its bytes. The caller checks that it is still kept."""
    events = ptr32(events_o)
    out = ptr32(out_o)
    slot = (number & _EVENT_RING_MASK) * _EVENT_WORDS
    k = 0
    while k < _EVENT_WORDS:
        out[k] = events[slot + k]
        k += 1
    out[_EVENT_WORDS] = run
    return EVENT_BYTES


@micropython.viper
def detect(sample_o, state_o, parameters_o, events_o):
    """One sample: low-passes force and depth, takes plug flex off, watches for overload; then the phase."""
    sample = ptr32(sample_o)
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    ticks = sample[_S_TICKS]
    code = sample[_S_FORCE]
    depth = sample[_S_DEPTH] << _DEPTH_SHIFT
    if state[D_SEEN]:
        # Force in steps of 16 counts (4 mN), so that 24 bits times 10 stay inside 31.
        # Both shifts round down, so a fall to code 0 would end below it: no stored word may.
        force = state[D_FORCE] + ((((code - state[D_FORCE]) >> 4) * parameters[P_FORCE_GAIN]) >> 6)
        state[D_FORCE] = force if force > 0 else 0
        state[D_DEPTH] = state[D_DEPTH] + (((depth - state[D_DEPTH]) * parameters[P_DEPTH_GAIN]) >> 10)
    else:
        state[D_FORCE] = code
        state[D_DEPTH] = depth
    state[D_SEEN] = state[D_SEEN] + 1
    phase = state[D_PHASE]
    if phase == 0:
        detect_baseline(ticks, state_o, parameters_o, events_o)
        return
    level = state[D_FORCE] - state[D_FORCE_ZERO]
    flex = ((level >> 10) * parameters[P_FLEX]) >> 12
    state[D_FLEX] = flex if flex > 0 else 0
    advance = (state[D_DEPTH] - state[D_DEPTH_ZERO]) >> _DEPTH_SHIFT
    state[D_ADVANCE] = advance - flex + _ADVANCE_BIAS
    if level < parameters[P_OVERLOAD] >> 1:
        state[D_OVERLOADED] = 0
    elif level >= parameters[P_OVERLOAD] and state[D_OVERLOADED] == 0:
        state[D_OVERLOADED] = 1
        emit(_EVENT_OVERLOAD, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)
    if phase == _PHASE_WAITING:
        detect_waiting(ticks, state_o, parameters_o, events_o)
    elif phase == _PHASE_CONTACT:
        detect_contact(ticks, state_o, parameters_o, events_o)
    else:
        detect_inside(ticks, state_o, parameters_o, events_o)


@micropython.viper
def detect_baseline(ticks: int, state_o, parameters_o, events_o):
    """At first the needle is not near: the mean of these samples is the zero of both channels."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    force = state[D_FORCE]
    state[D_FORCE_ZERO] = state[D_FORCE_ZERO] + force
    state[D_DEPTH_ZERO] = state[D_DEPTH_ZERO] + state[D_DEPTH]
    count = state[D_COUNT] + 1
    if count == 1 or force < state[D_REST_LOW]:
        state[D_REST_LOW] = force
    if count == 1 or force > state[D_REST_HIGH]:
        state[D_REST_HIGH] = force
    state[D_COUNT] = count
    if count >> parameters[P_BASELINE_SHIFT]:
        state[D_FORCE_ZERO] = state[D_FORCE_ZERO] >> parameters[P_BASELINE_SHIFT]
        state[D_DEPTH_ZERO] = state[D_DEPTH_ZERO] >> parameters[P_BASELINE_SHIFT]
        state[D_ADVANCE] = _ADVANCE_BIAS
        state[D_COUNT] = 0
        noise = state[D_REST_HIGH] - state[D_REST_LOW]
        rise = parameters[P_FAR_LEAST] + noise + noise
        state[D_FAR_RISE] = rise if rise < parameters[P_FAR_RISE] else parameters[P_FAR_RISE]
        state[D_PHASE] = _PHASE_WAITING


@micropython.viper
def detect_waiting(ticks: int, state_o, parameters_o, events_o):
    """Until the force has been that of bone contact for long enough; a second one is a re-puncture.

    A tip that comes out without any contact went through a used hole.
    """
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    level = state[D_FORCE] - state[D_FORCE_ZERO]
    if parameters[P_DEPTH]:
        out = state[D_ADVANCE] - _ADVANCE_BIAS >= parameters[P_OUT]
        state[D_OUT] = state[D_OUT] + 1 if out else 0
        if state[D_OUT] >= parameters[P_OUT_SAMPLES]:
            enter(_EVENT_USED_HOLE, ticks, state_o, parameters_o, events_o)
            return
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
    state[D_OUT] = 0
    state[D_DONE] = 0
    emit(_EVENT_CONTACT, level, 0, 0, ticks, state_o, parameters_o, events_o)
    if state[D_PUNCTURED]:
        emit(_EVENT_RE_PUNCTURE, level, 0, 0, ticks, state_o, parameters_o, events_o)


@micropython.viper
def detect_contact(ticks: int, state_o, parameters_o, events_o):
    """Pop: fall from the running peak together with tip advance. Released: the force is gone, no advance.

    The further the tip is out, the smaller the fall that is asked for; where only a cavity can be, none (the
    event then says that it goes by depth alone). A whole bevel out without it is an uncertain pop, and so is
    a second one in the same attempt: it may be the first one's hole, and surely is (used hole) under three
    quarters of that one's peak, or under a force not worth the name. Force gone with the tip out but no such
    peak: loss of resistance, no pop. Without a depth channel a quick fall has to do.
    """
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    zero = state[D_FORCE_ZERO]
    force = state[D_FORCE]
    level = force - zero
    advance = state[D_ADVANCE] - _ADVANCE_BIAS
    by_depth = parameters[P_DEPTH]
    # A plug may flex three times as much as its profile says.
    needed = parameters[P_ADVANCE] + (state[D_FLEX] << 1)
    exited = 1
    out = 0
    if by_depth:
        exited = 1 if advance >= needed else 0
        out = 1 if advance >= parameters[P_OUT] and exited else 0
    if force > state[D_PEAK]:
        state[D_PEAK] = force
        state[D_PEAK_TICKS] = ticks
    elif by_depth == 0 or advance < needed >> 1:
        # Still inside the cortex: a hand that tapers its force takes the peak along, a pop does not.
        state[D_PEAK] = state[D_PEAK] - ((((state[D_PEAK] - force) >> 4) * parameters[P_DECAY_GAIN]) >> 6)
    peak = state[D_PEAK] - zero
    fall = state[D_PEAK] - force
    asked = parameters[P_DROP_OUT_PERMILLE] if out else parameters[P_DROP_PERMILLE]
    if out and advance >= parameters[P_FAR_ADVANCE]:
        asked = 0
    used = parameters[P_USED]
    if used < state[D_FIRST_PEAK] - (state[D_FIRST_PEAK] >> 2):
        used = state[D_FIRST_PEAK] - (state[D_FIRST_PEAK] >> 2)
    # In steps of 256 counts (60 mN), so that 500 N times 1000 stays inside 31 bits.
    fell = (fall >> 8) * 1000 >= (peak >> 8) * asked
    state[D_OUT] = state[D_OUT] + 1 if out else 0
    late = state[D_OUT] >= parameters[P_OUT_SAMPLES]
    if exited and fell and peak >= parameters[P_ARM]:
        state[D_COUNT] = state[D_COUNT] + 1
    else:
        state[D_COUNT] = 0
    kind = 0
    if state[D_COUNT] >= parameters[P_POP_SAMPLES]:
        kind = _EVENT_POP
    if by_depth and peak < used and (kind or late):
        kind = _EVENT_USED_HOLE
    if kind:
        if kind == _EVENT_POP:
            if state[D_PUNCTURED]:
                kind = _EVENT_UNCERTAIN
            else:
                state[D_FIRST_PEAK] = peak
        enter(kind, ticks, state_o, parameters_o, events_o)
        return
    if by_depth and late and (state[D_DONE] & _DONE_UNCERTAIN) == 0:
        state[D_DONE] = state[D_DONE] | _DONE_UNCERTAIN
        # Here and no earlier: a peak that a pull took below the zero is no divisor, but a used hole by now.
        drop = ((fall >> 8) * 1000) // ((peak >> 8) + 1)
        emit(_EVENT_UNCERTAIN, level, drop, state[D_PEAK_TICKS], ticks, state_o, parameters_o, events_o)
    state[D_QUIET] = state[D_QUIET] + 1 if level < parameters[P_RELEASE] else 0
    if state[D_QUIET] < parameters[P_RELEASE_SAMPLES]:
        return
    if by_depth and exited:  # so gentle an exit that there was no fall to call a pop
        enter(_EVENT_LOSS, ticks, state_o, parameters_o, events_o)
    else:
        state[D_COUNT] = 0
        state[D_QUIET] = 0
        state[D_PHASE] = _PHASE_WAITING
        # A tip that was seen to be out, whatever the force did, and is back again has been withdrawn.
        gone = _EVENT_RELEASED
        if state[D_DONE] & _DONE_UNCERTAIN:
            gone = _EVENT_WITHDRAWAL
            state[D_PUNCTURED] = 1
        emit(gone, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)
        state[D_PEAK] = 0
        state[D_CONTACT_TICKS] = 0


@micropython.viper
def enter(kind: int, ticks: int, state_o, parameters_o, events_o):
    """The tip is through the cortex: tells how (kind) and begins the phase inside."""
    state = ptr32(state_o)
    peak = state[D_PEAK] - state[D_FORCE_ZERO] if state[D_PEAK] else 0
    fall = state[D_PEAK] - state[D_FORCE]
    drop = ((fall >> 8) * 1000) // ((peak >> 8) + 1) if kind != _EVENT_LOSS and fall > 0 and peak > 0 else 0
    since = state[D_PEAK_TICKS] if drop else state[D_CONTACT_TICKS]
    state[D_PHASE] = _PHASE_INSIDE
    state[D_MOVING] = state[D_FORCE]
    state[D_DEEPEST] = state[D_ADVANCE]
    state[D_STILL] = 0
    state[D_OUT] = 0
    state[D_COUNT] = 0
    state[D_QUIET] = 0
    state[D_DONE] = 0 if kind == _EVENT_POP else _DONE_LOSS
    state[D_PUNCTURED] = 1
    level = state[D_FORCE] - state[D_FORCE_ZERO]
    emit(kind, level, drop, since, ticks, state_o, parameters_o, events_o)


@micropython.viper
def detect_inside(ticks: int, state_o, parameters_o, events_o):
    """After the pop: loss of resistance, far-cortex contact, withdrawal; the latter ends the phase."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    zero = state[D_FORCE_ZERO]
    force = state[D_FORCE]
    level = force - zero
    advance = state[D_ADVANCE] - _ADVANCE_BIAS
    by_depth = parameters[P_DEPTH]
    state[D_STILL] = state[D_STILL] + 1
    if state[D_ADVANCE] >= state[D_DEEPEST] + _DEEPER:
        # On its way in: what it meets is friction and marrow, which a needle pushed again meets too.
        state[D_DEEPEST] = state[D_ADVANCE]
        state[D_STILL] = 0
        state[D_MOVING] = state[D_MOVING] + ((force - state[D_MOVING]) >> 2)
    done = state[D_DONE]
    peak = state[D_PEAK] - zero
    fall = state[D_PEAK] - force
    if (done & _DONE_LOSS) == 0:
        lost = (fall >> 8) * 1000 >= (peak >> 8) * parameters[P_LOSS_PERMILLE]
        state[D_COUNT] = state[D_COUNT] + 1 if lost else 0
        if state[D_COUNT] >= parameters[P_LOSS_SAMPLES]:
            state[D_DONE] = done | _DONE_LOSS
            drop = ((fall >> 8) * 1000) // ((peak >> 8) + 1)
            emit(_EVENT_LOSS, level, drop, state[D_PEAK_TICKS], ticks, state_o, parameters_o, events_o)
    # Half of what a pop needs, and no force: a tip that springs back a little has not left.
    back = by_depth == 0 or advance < parameters[P_ADVANCE] >> 1
    state[D_QUIET] = state[D_QUIET] + 1 if back and level < parameters[P_RELEASE] else 0
    if state[D_QUIET] >= parameters[P_WITHDRAWN_SAMPLES]:
        state[D_PHASE] = _PHASE_WAITING
        state[D_COUNT] = 0
        state[D_OUT] = 0
        emit(_EVENT_WITHDRAWAL, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)
        state[D_PEAK] = 0
        state[D_CONTACT_TICKS] = 0
        return
    if by_depth and advance >= parameters[P_FAR_ADVANCE]:
        state[D_OUT] = state[D_OUT] + 1 if level >= parameters[P_FAR_STAYS] else 0
        rise = force - state[D_MOVING]
        if level < rise:
            rise = level  # counted from the zero where the needle was being pulled
        if done & _DONE_FAR:
            # What lets the tip go on without resistance was no wall.
            calm = rise < state[D_FAR_RISE] >> 1 and level < parameters[P_FAR_STAYS]
            if calm and state[D_ADVANCE] >= state[D_FAR_AT] + _THROUGH:
                state[D_DONE] = state[D_DONE] & _NOT_FAR
                state[D_OUT] = 0
            return
        # A needle that has stood for a while is touched by syringes and fingers, not by bone.
        arrives = rise >= state[D_FAR_RISE] and state[D_STILL] < parameters[P_STILL_SAMPLES]
        if arrives or state[D_OUT] >= parameters[P_FAR_STAYS_SAMPLES]:
            state[D_DONE] = state[D_DONE] | _DONE_FAR
            state[D_FAR_AT] = state[D_ADVANCE]
            emit(_EVENT_FAR, level, 0, state[D_CONTACT_TICKS], ticks, state_o, parameters_o, events_o)


@micropython.viper
def emit(kind: int, level: int, drop: int, since: int, ticks: int, state_o, parameters_o, events_o):
    """A finished EVENT packet into the event ring; `since` is the tick from which its duration counts."""
    state = ptr32(state_o)
    parameters = ptr32(parameters_o)
    events = ptr32(events_o)
    number = state[D_EVENTS]
    at = (number & _EVENT_RING_MASK) * _EVENT_WORDS
    basis = _BASIS_FORCE | _BASIS_DEPTH if parameters[P_DEPTH] else _BASIS_FORCE
    if kind == _EVENT_POP and drop < parameters[P_DROP_OUT_PERMILLE]:
        basis = _BASIS_DEPTH
    events[at] = _EVENT_TYPE | (kind << 8) | (parameters[P_VERSION] << 16) | (basis << 24)
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
