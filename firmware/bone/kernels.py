"""Viper kernels of the sampler: a sample into the ring, a block out of it. No allocation, no floats.

Rules of all files with viper in them (also framing.py and detection.py), because the same source runs on
the board (32-bit words, ptr32 loads signed), on the unix port (64-bit words, ptr32 loads unsigned) and on
CPython through a shim:
- a word that is read back and compared holds 0 <= value < 2^30, or only a difference is used, of 30 bits;
- signed results are stored for the wire only;
- a viper body sees only its arguments and the const() names of this file, so those are repeated from wire.py
  (a test compares them).
"""

from array import array

import micropython
from micropython import const

_RING_SAMPLES = const(8192)  # sample_ring.RING_SAMPLES
_RING_MASK = const(8191)
_RING_GUARD = const(64)  # samples the interrupt may write while a block is being copied
KEPT_SAMPLES = const(8128)  # _RING_SAMPLES - _RING_GUARD: so far back any sample can be asked for again
BLOCK_SAMPLES = const(20)
BLOCK_US = const(20000)
_BLOCK_WORDS = const(4)  # header of SAMPLE_BLOCK
_BLOCK_TYPE = const(0x02)
_FORCE_MAX = const(0xFFFFFF)
_ANALOG_MAX = const(16380)  # 4 * 4095
_TICKS_MASK = const(0x3FFFFFFF)
_FLAG_FORCE_SATURATED = const(0x01)
_FLAG_DEPTH_SATURATED = const(0x02)
_FLAG_PRESSURE_SATURATED = const(0x04)
_FLAG_AFTER_GAP = const(0x08)

# Control words of the sampler.
NEXT = const(0)  # index that the next sample gets; free-running, 32 bits
SENT = const(1)  # index of the next sample to send live
OVERRUNS = const(2)  # samples overwritten before they were sent
MISSED = const(3)  # conversions that were not read
LAST_TICKS = const(4)
PERIOD_US = const(5)  # 0 = unknown: gaps are not looked for
RUN = const(6)  # number of the START that the samples belong to, 16 bits
FULL = const(7)  # 1 = the run's first samples are gone
RESEND_NEXT = const(8)  # index of the next sample to send again
RESEND_LEFT = const(9)  # how many of them; must stand behind RESEND_NEXT
RESEND_EVENT = const(10)  # number of the next event to send again
RESEND_EVENTS_LEFT = const(11)  # must stand behind RESEND_EVENT
SUPPLY = const(12)  # code of a third of the supply, 12 bits, 0 = not known; the last: it belongs to no run
CONTROL_WORDS = const(13)

# Words of the main loop's turn, and what may be due in it.
T_BEGAN = const(0)  # ticks at which the latest turn began
T_COUNTS = const(1)  # 0 = the latest turn says nothing of the loop
T_LONGEST = const(2)  # longest turn since this was set to 0, us
T_SENT_EVENTS = const(3)  # number of the next event to send
T_HEARD = const(4)  # ticks at which the console was looked at, and the chores were done
T_CHORES = const(5)
T_RUNNING = const(6)  # 1 = sampling
TURN_WORDS = const(7)
DUE_SAMPLES = const(0xFF)  # so many samples
DUE_EVENTS = const(0x100)
DUE_RESEND = const(0x200)
DUE_HEAR = const(0x400)
DUE_CHORES = const(0x800)
_HEAR_US = const(3900)  # every second nap
_CHORES_US = const(50000)
_D_EVENTS = const(13)  # of the detector's state, detection.py

# Words of the sample at hand: what acquisition.py hands to ring and detector.
S_TICKS = const(0)  # of its data-ready interrupt
S_FORCE = const(1)  # offset binary
S_DEPTH = const(2)
S_PRESSURE = const(3)
S_TURN = const(4)  # counts the samples from 0 to LAST_TURN; at 0 the supply is read too
LAST_TURN = const(63)
SAMPLE_WORDS = const(5)


def words(count):
    """`count` signed 32-bit words, zero."""
    return array("i", [0] * count)


@micropython.viper
def push(sample_o, ring_o, stamps_o, control_o):
    """The sample at hand into the ring, with its flags.

    The ring always takes it: what a slow host has not fetched is overwritten and counted by the reader, so
    that the latest 8 s are there for resending.
    """
    sample = ptr32(sample_o)
    ring = ptr32(ring_o)
    stamps = ptr32(stamps_o)
    control = ptr32(control_o)
    ticks = sample[S_TICKS]
    code = sample[S_FORCE]
    depth = sample[S_DEPTH]
    pressure = sample[S_PRESSURE]
    flags = 0
    if code == 0 or code == _FORCE_MAX:
        flags = _FLAG_FORCE_SATURATED
    if depth == 0 or depth == _ANALOG_MAX:
        flags |= _FLAG_DEPTH_SATURATED
    if pressure == 0 or pressure == _ANALOG_MAX:
        flags |= _FLAG_PRESSURE_SATURATED
    index = control[NEXT]
    period = control[PERIOD_US]
    if period and (index or control[FULL]):
        late = ((ticks - control[LAST_TICKS]) & _TICKS_MASK) - period - (period >> 1)
        if late >= 0:
            flags |= _FLAG_AFTER_GAP
            control[MISSED] = control[MISSED] + 1 + late // period
    slot = index & _RING_MASK
    ring[slot << 1] = code | (flags << 24)
    ring[(slot << 1) + 1] = depth | (pressure << 16)
    stamps[slot] = ticks
    control[LAST_TICKS] = ticks
    control[NEXT] = index + 1


@micropython.viper
def due(now: int, turn_o, stamps_o, control_o, state_o) -> int:
    """What the main loop has to do: DUE_*, and how many samples make a block now (a full one, or old ones).

    One look at everything: with nothing due, in 9 turns of 10, it is all that a turn takes.
    """
    turn = ptr32(turn_o)
    control = ptr32(control_o)
    state = ptr32(state_o)
    lasted = (now - turn[T_BEGAN]) & _TICKS_MASK
    if turn[T_COUNTS] and lasted > turn[T_LONGEST]:
        turn[T_LONGEST] = lasted
    turn[T_BEGAN] = now
    turn[T_COUNTS] = 1
    found = 0
    if state[_D_EVENTS] != turn[T_SENT_EVENTS]:
        found = DUE_EVENTS
    if turn[T_RUNNING]:
        stamps = ptr32(stamps_o)
        first = control[SENT]
        taken = control[NEXT]
        if taken < 0 or taken > KEPT_SAMPLES:
            control[FULL] = 1
        waiting = (taken - first) & _TICKS_MASK
        if waiting >= BLOCK_SAMPLES:
            found |= BLOCK_SAMPLES
        elif waiting and ((now - stamps[first & _RING_MASK]) & _TICKS_MASK) >= BLOCK_US:
            found |= waiting
    elif control[RESEND_LEFT] or control[RESEND_EVENTS_LEFT]:
        found |= DUE_RESEND
    # Not all in one turn, else an event waits for all of it; but not never where there is always a block.
    patience = 1 if found else 0
    if ((now - turn[T_HEARD]) & _TICKS_MASK) >= _HEAR_US << patience:
        turn[T_HEARD] = now
        found |= DUE_HEAR
        patience += 1
    if ((now - turn[T_CHORES]) & _TICKS_MASK) >= _CHORES_US << patience:
        turn[T_CHORES] = now
        found |= DUE_CHORES
    return found


@micropython.viper
def samples_waiting(control_o) -> int:
    control = ptr32(control_o)
    return (control[NEXT] - control[SENT]) & _TICKS_MASK


@micropython.viper
def take_block(count: int, cursor: int, ring_o, stamps_o, control_o, out_o) -> int:
    """SAMPLE_BLOCK payload of `count` samples into `out`; returns its bytes.

    cursor: SENT or RESEND_NEXT, the control word with the first index; it moves on. Live samples that were
    overwritten are counted and skipped; resent ones are skipped before (skip_overwritten).
    """
    ring = ptr32(ring_o)
    stamps = ptr32(stamps_o)
    control = ptr32(control_o)
    out = ptr32(out_o)
    first = control[cursor]
    lost = ((control[NEXT] - first) & _TICKS_MASK) - KEPT_SAMPLES
    if lost > 0 and cursor == SENT:
        control[OVERRUNS] = control[OVERRUNS] + lost
        first += lost
    out[0] = _BLOCK_TYPE | (count << 8) | (control[RUN] << 16)
    out[1] = control[MISSED]
    out[2] = first
    out[3] = stamps[first & _RING_MASK]
    to = _BLOCK_WORDS
    k = 0
    while k < count:
        slot = ((first + k) & _RING_MASK) << 1
        out[to] = ring[slot]
        out[to + 1] = ring[slot + 1]
        to += 2
        k += 1
    control[cursor] = first + count
    return to << 2


@micropython.viper
def accept_resend(received_o, taken_o, taken_word: int, kept: int, full: int, control_o, cursor: int) -> int:
    """Takes on what RESEND asks for: 2 all of it, 1 its later part (the rest is overwritten), 0 nothing.

    received: the packet, whose words 2 and 3 are first and count. taken_o[taken_word]: number of the next
    sample or event, the latest `kept` of which are there; all of them unless full. `cursor` and the word
    behind it say what to send.
    """
    received = ptr32(received_o)
    taken = ptr32(taken_o)
    control = ptr32(control_o)
    last = taken[taken_word]
    first = received[2]
    count = received[3]
    far = ((last - first) >> 30) & 3  # the index has 32 bits: what is 2^30 away is not the same sample
    back = (last - first) & _TICKS_MASK
    control[cursor + 1] = 0
    if far or count <= 0 or count > back:
        return 0
    if full == 0 and last >= 0 and last <= kept and back > last:
        return 0  # before sample 0 the ring holds another run
    gone = back - kept
    if gone < 0:
        gone = 0
    if gone >= count:
        return 0
    control[cursor] = first + gone
    control[cursor + 1] = count - gone
    return 1 if gone else 2


@micropython.viper
def skip_overwritten(taken_o, taken_word: int, kept: int, margin: int, control_o, cursor: int) -> int:
    """How many of those to be resent are overwritten by now, and left out with `margin` more: no race."""
    taken = ptr32(taken_o)
    control = ptr32(control_o)
    left = control[cursor + 1]
    lost = ((taken[taken_word] - control[cursor]) & _TICKS_MASK) - kept
    if left == 0 or lost <= 0:
        return 0
    lost += margin
    if lost > left:
        lost = left
    control[cursor] = control[cursor] + lost
    control[cursor + 1] = left - lost
    return lost


@micropython.viper
def first_kept(taken_o, taken_word: int, kept: int, full: int, control_o, cursor: int, out_o, out_word: int):
    """Oldest that can still be had, into a word of `out`: the next to be resent, or where nothing is
    under way the oldest in the ring. full: more than the ring holds were taken, whatever the index says.
    """
    taken = ptr32(taken_o)
    control = ptr32(control_o)
    out = ptr32(out_o)
    last = taken[taken_word]
    if control[cursor + 1]:
        out[out_word] = control[cursor]
    elif full or last < 0 or last > kept:
        out[out_word] = last - kept
    else:
        out[out_word] = 0


@micropython.viper
def copy_words(source_o, source_word: int, target_o, target_word: int, count: int):
    source = ptr32(source_o)
    target = ptr32(target_o)
    k = 0
    while k < count:
        target[target_word + k] = source[source_word + k]
        k += 1
