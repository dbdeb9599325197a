"""What the host asks for a second time: samples from their ring, events from theirs.

Policy: one stretch of each at a time, a new request takes the old one's place. The application sends live
data first and at most one resent block for each live one. What was overwritten is refused with NAK, what is
left of the stretch is sent all the same, also where it is overtaken while it is being sent. Nothing
allocates.
"""

from bone import detection, kernels, wire

_ALL = 2  # of kernels.accept_resend


class Resend:
    """The stretches that are under way; they are words of the sampler's control, cleared with each START."""

    def __init__(self, sampler, detector, link, answers):
        self._sampler = sampler
        self._detector = detector
        self._link = link
        self._answers = answers
        self._samples_request = 0
        self._events_request = 0

    def cancel(self):
        """A new session: nobody waits any more."""
        control = self._sampler.control
        control[kernels.RESEND_LEFT] = 0
        control[kernels.RESEND_EVENTS_LEFT] = 0

    def answer(self, request):
        """RESEND in the link's buffer: ACK, or NAK where not all of it is kept; then what there is."""
        received, control, state = self._link.received, self._sampler.control, self._detector.state
        what = received[wire.RESEND_WHAT_AT]
        run = received[wire.RESEND_RUN_AT] | (received[wire.RESEND_RUN_AT + 1] << 8)
        if what > wire.STORED_EVENTS:
            self._answers.nak(wire.RESEND, request, wire.NAK_MALFORMED)
            return
        if run != control[kernels.RUN]:
            self.cancel()
            taken_on = 0  # what belongs to another START is gone
        elif what == wire.STORED_SAMPLES:
            self._samples_request = request
            full, kept = control[kernels.FULL], kernels.KEPT_SAMPLES
            taken_on = kernels.accept_resend(
                received, control, kernels.NEXT, kept, full, control, kernels.RESEND_NEXT
            )
        else:
            self._events_request = request
            kept = detection.EVENT_CAPACITY
            taken_on = kernels.accept_resend(
                received, state, detection.D_EVENTS, kept, 0, control, kernels.RESEND_EVENT
            )
        if taken_on == _ALL:
            self._answers.ack(wire.RESEND, request)
        else:
            self._answers.not_kept(request, what)

    def send_one(self):
        """One event and one block of what was asked for; False where nothing is under way."""
        sent_event = self._send_event()
        return self._send_block() or sent_event

    def _send_event(self):
        control, state = self._sampler.control, self._detector.state
        kept = detection.EVENT_CAPACITY
        if kernels.skip_overwritten(state, detection.D_EVENTS, kept, 0, control, kernels.RESEND_EVENT):
            self._answers.not_kept(self._events_request, wire.STORED_EVENTS)
            return True
        if not control[kernels.RESEND_EVENTS_LEFT]:
            return False
        number = control[kernels.RESEND_EVENT]
        length = self._detector.take_event(number, control[kernels.RUN], self._link.payload)
        if length:  # else the interrupt has just taken its place, and the next turn says so
            control[kernels.RESEND_EVENT] = number + 1
            control[kernels.RESEND_EVENTS_LEFT] -= 1
            self._link.send(length)
        return True

    def _send_block(self):
        sampler = self._sampler
        control, kept = sampler.control, kernels.KEPT_SAMPLES
        if kernels.skip_overwritten(
            control, kernels.NEXT, kept, kernels.BLOCK_SAMPLES, control, kernels.RESEND_NEXT
        ):
            self._answers.not_kept(self._samples_request, wire.STORED_SAMPLES)
            return True
        count = min(control[kernels.RESEND_LEFT], kernels.BLOCK_SAMPLES)
        if not count:
            return False
        control[kernels.RESEND_LEFT] -= count
        self._link.send(
            kernels.take_block(
                count, kernels.RESEND_NEXT, sampler.ring, sampler.stamps, control, self._link.payload
            )
        )
        return True
