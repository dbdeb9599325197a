"""Viper kernels of health: what is wrong with the samples of one block. Rules as in kernels.py.

Each condition has a *level*: up with a bad sample, down by one with a good one, and never over its limit. A
fault begins where its level reaches the limit and is over when the level is back at 0, so that none flickers.
A reading that stands still is counted in samples, and one that differs ends it at once.
"""

import micropython
from micropython import const

_RING_MASK = const(8191)  # kernels._RING_MASK
_KEPT_SAMPLES = const(8128)  # kernels.KEPT_SAMPLES
_NEXT = const(0)  # kernels.NEXT
_SENT = const(1)  # kernels.SENT
_TICKS_MASK = const(0x3FFFFFFF)
_FLAG_FORCE_SATURATED = const(0x01)
_FORCE_MAX = const(0xFFFFFF)
_CODES_A_PERIOD = const(1023)  # wide codes of the RP2040's converter: 512, 1536, 2560, 3584 (erratum E11)
_WIDE_CODE = const(512)
_WIDE_REACH = const(16)  # the step of 9 LSB and its surroundings, in which a quiet input may stand still

# Conditions: levels in the state, limits of them; 1 << condition is its bit in the result.
SATURATED = const(0)
STUCK = const(1)
GARBAGE = const(2)
OVERLOAD = const(3)
DEPTH_OUT = const(4)
DEPTH_STUCK = const(5)  # must stand behind DEPTH_OUT, and so for the pressure
PRESSURE_OUT = const(6)
PRESSURE_STUCK = const(7)
CONDITIONS = const(8)

# Further words of the state.
FORCE = const(8)  # code of the latest sample
DEPTH = const(9)
PRESSURE = const(10)
JUMP = const(11)  # largest step of the force in the latest block
PEAK = const(12)  # largest force code of it
PRESENT = const(13)  # the latest result
STATE_WORDS = const(14)
NONE = const(1 << 25)  # FORCE, DEPTH, PRESSURE before the first sample

# Further words of the limits.
JUMP_COUNTS = const(8)  # more from one sample to the next is no force
OVERLOAD_CODE = const(9)  # force code
OVERLOAD_OVER_CODE = const(10)  # under it an overload is over
ANALOG_LEAST = const(11)  # live zone of depth and of pressure, counts
ANALOG_MOST = const(12)
JUMP_WEIGHT = const(13)  # by which a jump raises its level
LIMIT_WORDS = const(14)


@micropython.viper
def examine_force(count: int, ring_o, control_o, state_o, limits_o):
    """The levels of the force over the next `count` samples that are to be sent."""
    ring = ptr32(ring_o)
    control = ptr32(control_o)
    state = ptr32(state_o)
    limits = ptr32(limits_o)
    at = control[_SENT]
    lost = ((control[_NEXT] - at) & _TICKS_MASK) - _KEPT_SAMPLES
    if lost > 0:
        at += lost  # overwritten: take_block leaves them out, too
    end = at + count
    state[JUMP] = 0
    state[PEAK] = 0
    while at != end:
        word = ring[(at & _RING_MASK) << 1]
        at += 1
        code = word & _FORCE_MAX
        jump = code - state[FORCE]
        if jump < 0:
            jump = 0 - jump
        if jump <= _FORCE_MAX and jump > state[JUMP]:
            state[JUMP] = jump
        if code > state[PEAK]:
            state[PEAK] = code
        if jump <= _FORCE_MAX and jump > limits[JUMP_COUNTS]:
            state[GARBAGE] = state[GARBAGE] + limits[JUMP_WEIGHT]
            if state[GARBAGE] > limits[GARBAGE]:
                state[GARBAGE] = limits[GARBAGE]
        elif state[GARBAGE]:
            state[GARBAGE] = state[GARBAGE] - 1
        if (word >> 24) & _FLAG_FORCE_SATURATED:
            state[STUCK] = 0
            if state[SATURATED] < limits[SATURATED]:
                state[SATURATED] = state[SATURATED] + 1
        else:
            if state[SATURATED]:
                state[SATURATED] = state[SATURATED] - 1
            if jump:
                state[STUCK] = 0
            elif state[STUCK] < limits[STUCK]:
                state[STUCK] = state[STUCK] + 1
        if code > limits[OVERLOAD_CODE]:
            if state[OVERLOAD] < limits[OVERLOAD]:
                state[OVERLOAD] = state[OVERLOAD] + 1
        elif code < limits[OVERLOAD_OVER_CODE] and state[OVERLOAD]:
            state[OVERLOAD] = state[OVERLOAD] - 1
        state[FORCE] = code


@micropython.viper
def examine_analog(count: int, shift: int, latest: int, out: int, ring_o, control_o, state_o, limits_o):
    """The levels of depth (shift 0) or pressure (16) over the same samples.

    latest: DEPTH or PRESSURE. out: the condition DEPTH_OUT or PRESSURE_OUT.
    """
    ring = ptr32(ring_o)
    control = ptr32(control_o)
    state = ptr32(state_o)
    limits = ptr32(limits_o)
    at = control[_SENT]
    lost = ((control[_NEXT] - at) & _TICKS_MASK) - _KEPT_SAMPLES
    if lost > 0:
        at += lost
    end = at + count
    stuck = out + 1
    while at != end:
        value = (ring[((at & _RING_MASK) << 1) + 1] >> shift) & 0xFFFF
        at += 1
        near = ((value >> 2) & _CODES_A_PERIOD) - _WIDE_CODE
        if near < 0:
            near = 0 - near
        if value < limits[ANALOG_LEAST] or value > limits[ANALOG_MOST]:
            state[stuck] = 0
            if state[out] < limits[out]:
                state[out] = state[out] + 1
        else:
            if state[out]:
                state[out] = state[out] - 1
            if near <= _WIDE_REACH or value != state[latest]:
                state[stuck] = 0
            elif state[stuck] < limits[stuck]:
                state[stuck] = state[stuck] + 1
        state[latest] = value


@micropython.viper
def conditions(state_o, limits_o) -> int:
    """Bits of the conditions that are present now."""
    state = ptr32(state_o)
    limits = ptr32(limits_o)
    was = state[PRESENT]
    present = 0
    k = 0
    while k < CONDITIONS:
        level = state[k]
        if level >= limits[k] or (level and (was >> k) & 1):
            present |= 1 << k
        k += 1
    state[PRESENT] = present
    return present
