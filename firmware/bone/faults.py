"""Which faults are present, which were seen; each change is told once, as FAULT.

Nothing here allocates. What a host missed it learns from HEALTH, whose bits stay for the whole run.
"""

from bone import kernels, wire

_QUEUE = 16  # changes that wait to be told; more at once are told by HEALTH alone
_WORDS = wire.FAULT_SIZE // 4
_RUN = wire.FAULT_RUN_AT // 4
_NEXT_SAMPLE = wire.FAULT_NEXT_SAMPLE_AT // 4
_TICKS = wire.FAULT_TICKS_US_AT // 4
_VALUE = wire.FAULT_VALUE_AT // 4


class Faults:
    """`now` and `of_run`: bits 1 << code, of wire.FAULT_*."""

    def __init__(self, board, sampler, link):
        self.now = 0
        self.of_run = 0
        self._ticks_us = board.ticks_us
        self._sampler = sampler
        self._link = link
        self._queue = kernels.words(_QUEUE * _WORDS)
        self._first = 0  # number of the oldest change that was not told
        self._next = 0

    def set(self, code, present, value=0):
        """The state of one fault; a change is queued, with what was measured (32 bits, signed)."""
        bit = 1 << code
        if ((self.now & bit) != 0) == bool(present):
            return
        self.now ^= bit
        if present:
            self.of_run |= bit
        self._note(code, present, value)

    def begin_run(self):
        """START: what is still present belongs to the new run too."""
        self.of_run = self.now

    def send_one(self):
        """The oldest change that was not told; False where there is none, and while nobody reads."""
        if self._first == self._next or self._link.deaf:
            return False
        payload = self._link.payload
        at = (self._first % _QUEUE) * _WORDS
        kernels.copy_words(self._queue, at, payload, 0, _WORDS)
        payload[wire.FAULT_NUMBER_AT] = self._first & 0xFF
        payload[wire.FAULT_NUMBER_AT + 1] = (self._first >> 8) & 0xFF
        self._link.send(wire.FAULT_SIZE)
        if not self._link.deaf:
            self._first += 1
        return True

    def _note(self, code, present, value):
        if self._next - self._first == _QUEUE:
            return
        at = (self._next % _QUEUE) * _WORDS
        queue = self._queue
        queue[at] = wire.FAULT | (code << 8) | ((1 if present else 0) << 16)
        queue[at + _RUN] = self._sampler.control[kernels.RUN]  # of that moment
        kernels.copy_words(self._sampler.control, kernels.NEXT, queue, at + _NEXT_SAMPLE, 1)
        queue[at + _TICKS] = self._ticks_us()
        queue[at + _VALUE] = value
        self._next += 1
