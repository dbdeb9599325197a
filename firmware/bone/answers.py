"""ACK and NAK: what the device says to a command. Made in the link's buffer, nothing is allocated."""

from bone import detection, kernels, wire

_FIRST_KEPT_WORD = wire.NAK_FIRST_KEPT_AT // 4


class Answers:
    """Every answer tells the run; an ACK also how far it is and what the device's clock says."""

    def __init__(self, board, sampler, detector, link):
        self._ticks_us = board.ticks_us
        self._sampler = sampler
        self._detector = detector
        self._link = link
        self._ticks = kernels.words(1)

    def ack(self, command, request):
        payload, control = self._begin(wire.ACK, command, request), self._sampler.control
        payload[wire.ACK_STATE_AT] = wire.STATE_SAMPLING if self._sampler.running else wire.STATE_IDLE
        payload[wire.ACK_RESERVED_AT] = 0
        self._ticks[0] = self._ticks_us()
        kernels.copy_words(control, kernels.NEXT, payload, wire.ACK_NEXT_SAMPLE_AT // 4, 1)
        kernels.copy_words(self._detector.state, detection.D_EVENTS, payload, wire.ACK_NEXT_EVENT_AT // 4, 1)
        kernels.copy_words(control, kernels.MISSED, payload, wire.ACK_MISSED_AT // 4, 1)
        kernels.copy_words(self._ticks, 0, payload, wire.ACK_TICKS_US_AT // 4, 1)
        self._link.send(wire.ACK_SIZE)

    def nak(self, command, request, reason):
        payload = self._begin(wire.NAK, command, request)
        payload[wire.NAK_REASON_AT] = reason
        payload[wire.NAK_RESERVED_AT] = 0
        for k in range(4):
            payload[wire.NAK_FIRST_KEPT_AT + k] = 0
        self._link.send(wire.NAK_SIZE)

    def not_kept(self, request, what):
        """NAK of RESEND with the oldest sample or event that is still there."""
        payload, control = self._begin(wire.NAK, wire.RESEND, request), self._sampler.control
        payload[wire.NAK_REASON_AT] = wire.NAK_NOT_KEPT
        payload[wire.NAK_RESERVED_AT] = 0
        if what == wire.STORED_SAMPLES:
            kernels.first_kept(
                control, kernels.NEXT, kernels.KEPT_SAMPLES, control[kernels.FULL],
                control, kernels.RESEND_NEXT, payload, _FIRST_KEPT_WORD,
            )  # fmt: skip
        else:
            kernels.first_kept(
                self._detector.state, detection.D_EVENTS, detection.EVENT_CAPACITY, 0,
                control, kernels.RESEND_EVENT, payload, _FIRST_KEPT_WORD,
            )  # fmt: skip
        self._link.send(wire.NAK_SIZE)

    def _begin(self, kind, command, request):
        """Type, command, request and run: at the same places in both."""
        payload, run = self._link.payload, self._sampler.control[kernels.RUN]
        payload[0] = kind
        payload[wire.ACK_COMMAND_AT] = command
        payload[wire.ACK_REQUEST_AT] = request & 0xFF
        payload[wire.ACK_REQUEST_AT + 1] = request >> 8
        payload[wire.ACK_RUN_AT] = run & 0xFF
        payload[wire.ACK_RUN_AT + 1] = run >> 8
        return payload
