"""What the host may ask: each command is done once and answered with ACK or NAK.

A repeated request is acknowledged again, not done again: an ACK that was lost must not end an attempt.
What allocates, or writes flash, is refused while sampling.
"""

from bone import detector, wire

_SIZES = {
    wire.IDENTIFY: wire.IDENTIFY_SIZE,
    wire.START: wire.START_SIZE,
    wire.STOP: wire.STOP_SIZE,
    wire.PROFILE: wire.PROFILE_SIZE,
    wire.RESEND: wire.RESEND_SIZE,
    wire.CLOCK: wire.CLOCK_SIZE,
    wire.READ_CALIBRATION: wire.READ_CALIBRATION_SIZE,
    wire.WRITE_CALIBRATION: wire.WRITE_CALIBRATION_SIZE,
    wire.TARE: wire.TARE_SIZE,
    wire.EXIT: wire.EXIT_SIZE,
    wire.READ_HEALTH: wire.READ_HEALTH_SIZE,
}
_ARGUMENT_AT = wire.START_MODE_AT  # one byte behind the type, in every command that has one
_REQUEST_AT = wire.START_REQUEST_AT  # of all commands but IDENTIFY
_RECORD_AT = 4  # of CALIBRATION and WRITE_CALIBRATION
RECORD_BYTES = wire.WRITE_CALIBRATION_SIZE - _RECORD_AT


class Commands:
    """`identified`: a host has shown that it is one of ours."""

    def __init__(self, app):
        self.identified = False
        self._app = app
        self._board = app.board
        self._link = app.link
        self._answers = app.answers
        self._sampler = app.sampler
        self._done_command = 0
        self._done_request = 0
        self._of_type = {
            wire.START: self._start,
            wire.STOP: self._stop,
            wire.PROFILE: self._set_profile,
            wire.RESEND: self._resend,
            wire.CLOCK: self._clock,
            wire.READ_CALIBRATION: self._read_calibration,
            wire.WRITE_CALIBRATION: self._write_calibration,
            wire.TARE: self._tare,
            wire.EXIT: self._exit,
            wire.READ_HEALTH: self._read_health,
        }
        # These do not allocate and may come while sampling; all others are refused then.
        self._while_sampling = (wire.STOP, wire.RESEND, wire.CLOCK, wire.READ_CALIBRATION, wire.READ_HEALTH)

    def answer(self, length):
        """One command, which is in the link's buffer."""
        kind = self._link.received[0]
        size = _SIZES.get(kind, 0)
        if not size:
            self._answers.nak(kind, 0, wire.NAK_UNKNOWN_COMMAND)
        elif length != size:
            self._answers.nak(kind, 0, wire.NAK_MALFORMED)
        elif kind == wire.IDENTIFY:
            self._identify()
        elif not self.identified:
            self._answers.nak(kind, self.request(), wire.NAK_NOT_IDENTIFIED)
        elif kind == self._done_command and self.request() == self._done_request:
            self._answers.ack(kind, self.request())  # our ACK was lost: not done twice
        elif self._sampler.running and kind not in self._while_sampling:
            self._answers.nak(kind, self.request(), wire.NAK_ALREADY_SAMPLING)
        else:
            self._of_type[kind](self.request())

    def request(self):
        """The number that the host gave to this command."""
        received = self._link.received
        return received[_REQUEST_AT] | (received[_REQUEST_AT + 1] << 8)

    def is_identify(self):
        for i in range(len(wire.IDENTIFY_MAGIC)):
            if self._link.received[i + 1] != wire.IDENTIFY_MAGIC[i]:
                return False
        return True

    def _acknowledge_once(self, kind, request):
        self._done_command, self._done_request = kind, request
        self._answers.ack(kind, request)

    def _acknowledge_or(self, reason, kind, request):
        """reason: of wire.NAK_*, 0 for none."""
        if reason:
            self._answers.nak(kind, request, reason)
        else:
            self._acknowledge_once(kind, request)

    def _identify(self):
        if not self.is_identify():
            self._answers.nak(wire.IDENTIFY, 0, wire.NAK_MALFORMED)
            return
        self._board.ignore_ctrl_c()
        self.identified = True
        self._done_command = 0  # a new session numbers its requests anew
        self._app.resend.cancel()
        self._app.send_hello()  # who answers: a host that comes back need not wait for the next one
        self._answers.ack(wire.IDENTIFY, 0)

    def _start(self, request):
        self._acknowledge_or(self._refusal_of_start(), wire.START, request)

    def _refusal_of_start(self):
        """Starts, and returns 0; else the reason why not."""
        received = self._link.received
        mode = received[wire.START_MODE_AT]
        if mode > wire.MODE_BLIND:
            return wire.NAK_MALFORMED
        asked_without = received[wire.START_OPTIONS_AT] & wire.START_UNCALIBRATED
        if not (self._app.calibration_id or asked_without):
            return wire.NAK_NO_CALIBRATION
        return self._app.start(mode)

    def _stop(self, request):
        """What is still here goes out first, so that ACK tells the host that nothing more will come."""
        if not self._sampler.running:
            self._answers.nak(wire.STOP, request, wire.NAK_NOT_SAMPLING)
            return
        self._app.stop()
        self._acknowledge_once(wire.STOP, request)
        self._app.collect_garbage()

    def _set_profile(self, request):
        """Site and device for the next attempt."""
        profile = detector.unpack_profile(self._link.received)
        if profile is None:
            self._answers.nak(wire.PROFILE, request, wire.NAK_MALFORMED)
        else:
            self._app.set_profile(profile)
            self._acknowledge_once(wire.PROFILE, request)

    def _resend(self, request):
        self._app.resend.answer(request)

    def _clock(self, request):
        self._answers.ack(wire.CLOCK, request)  # what it asks for stands in every ACK

    def _read_calibration(self, request):
        sensor = self._link.received[_ARGUMENT_AT]
        if sensor > wire.SENSOR_PRESSURE:
            self._answers.nak(wire.READ_CALIBRATION, request, wire.NAK_MALFORMED)
            return
        payload = self._link.payload
        payload[0] = wire.CALIBRATION
        payload[1] = sensor
        payload[2] = request & 0xFF
        payload[3] = request >> 8
        self._app.calibrations.pack_into(sensor, payload, _RECORD_AT)
        self._link.send(wire.CALIBRATION_SIZE)
        self._answers.ack(wire.READ_CALIBRATION, request)

    def _write_calibration(self, request):
        received = self._link.received
        sensor = received[_ARGUMENT_AT]
        if sensor > wire.SENSOR_PRESSURE:
            reason = wire.NAK_MALFORMED
        else:
            reason = self._app.store_calibration(
                sensor, bytes(received[_RECORD_AT : _RECORD_AT + RECORD_BYTES])
            )
        self._acknowledge_or(reason, wire.WRITE_CALIBRATION, request)

    def _tare(self, request):
        """HEALTH goes before the answer; where the cell is refused it has the figures of before."""
        reason = self._app.tare()
        self._app.health.send()
        self._acknowledge_or(reason, wire.TARE, request)

    def _exit(self, request):
        """Back to MicroPython's prompt: the next start stays there, and has no watchdog."""
        self._answers.ack(wire.EXIT, request)
        self._board.leave()

    def _read_health(self, request):
        if self._link.received[_ARGUMENT_AT] & wire.HEALTH_SELF_TEST:
            if self._sampler.running:
                self._answers.nak(wire.READ_HEALTH, request, wire.NAK_ALREADY_SAMPLING)
                return
            self._app.self_test()
            self._done_command, self._done_request = wire.READ_HEALTH, request  # slow on some converters
        self._app.health.send()
        self._answers.ack(wire.READ_HEALTH, request)
