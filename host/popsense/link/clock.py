"""The device's clock on the host's: offset and drift by regression over round trips. No I/O.

A round trip tells that the device read its clock between sending and receiving; the midpoint is the best
guess, half the round trip the bound of its error. Quick round trips tell more: those slower than twice the
quickest are left out, as in Cristian's algorithm (Distributed Computing 3, 1989).
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from popsense_protocol.counters import TICKS_MODULUS, unwrapped

MOST_TRIPS = 4096  # over an hour at one a second; older ones are forgotten
SLOW = 2.0  # a round trip so many times the quickest is not used ...
LEAST_USED = 0.25  # ... but for the quickest quarter: one lucky round trip must not stand alone
MOST_DRIFT = 500e-6  # crystals are within 100 ppm each; more is a step
EVERY_S = 1.0
FIRST_EVERY_S = 0.2  # until there are enough round trips for a first fit
FIRST_TRIPS = 5
LEAST_FOR_DRIFT_S = 5.0  # over less time the drift is not worth its name


@dataclass(frozen=True)
class RoundTrip:
    """Host seconds at which the question went out and the answer came; device_us without the wrap."""

    sent_s: float
    received_s: float
    device_us: int


@dataclass(frozen=True)
class ClockFit:
    """host_s = offset_s + device_us * 1e-6 * (1 + drift_ppm * 1e-6).

    residual_us: rms of what the line leaves. bound_us: half the slowest round trip that was used; by so
    much each of its points may be off where the two ways differ, and no regression takes that away.
    trips: how many were used, since the last step. steps: how often one of the clocks stood still or
    jumped, as the host's does in a suspend.
    """

    offset_s: float
    drift_ppm: float
    residual_us: float
    bound_us: float
    trips: int
    steps: int = 0

    def host_s(self, device_us: float) -> float:
        """Host time of a device time (us, without the wrap)."""
        return self.offset_s + device_us * 1e-6 * (1.0 + self.drift_ppm * 1e-6)


class ClockSync:
    """Collects round trips; `fit` is the line through them."""

    def __init__(self) -> None:
        self.trips: deque[RoundTrip] = deque(maxlen=MOST_TRIPS)
        self.steps = 0

    def add(self, sent_s: float, received_s: float, ticks_us: int) -> RoundTrip:
        """One answer. ticks_us: modulo 2^30, less than 9 minutes of device time after the last one."""
        trip = RoundTrip(sent_s, received_s, self._unwrapped(ticks_us, (sent_s + received_s) / 2))
        if self.trips and _is_step(self.trips[-1], trip):
            self.steps += 1
            self.trips.clear()  # no line goes through both sides of a step
        self.trips.append(trip)
        return trip

    def fit(self) -> ClockFit | None:
        """None before the first round trip."""
        return replace(fit_clock(list(self.trips)), steps=self.steps) if self.trips else None

    def _unwrapped(self, ticks_us: int, host_s: float) -> int:
        """Where an outage lasted longer than half a wrap, the host's clock tells how many there were."""
        if not self.trips:
            return ticks_us
        last = self.trips[-1]
        expected = last.device_us + (host_s - (last.sent_s + last.received_s) / 2) * 1e6
        return unwrapped(ticks_us, round(expected), TICKS_MODULUS)


def _is_step(last: RoundTrip, trip: RoundTrip) -> bool:
    """More apart than two round trips and two crystals can explain."""
    host_s = (trip.sent_s + trip.received_s - last.sent_s - last.received_s) / 2
    device_s = (trip.device_us - last.device_us) * 1e-6
    unknown_s = (trip.received_s - trip.sent_s + last.received_s - last.sent_s) / 2
    return abs(host_s - device_s) > unknown_s + MOST_DRIFT * abs(host_s) + 1e-3


def fit_clock(trips: list[RoundTrip]) -> ClockFit:
    """Least squares over the quick round trips; the drift is 0 where they span under LEAST_FOR_DRIFT_S."""
    took = np.array([trip.received_s - trip.sent_s for trip in trips])
    used = took <= max(SLOW * took.min(), float(np.quantile(took, LEAST_USED)), 1e-3)
    host = np.array([(trip.sent_s + trip.received_s) / 2 for trip in trips])[used]
    device = np.array([trip.device_us * 1e-6 for trip in trips])[used]
    drift = 0.0
    if np.ptp(device) >= LEAST_FOR_DRIFT_S:
        # Deviations from the mean: seconds since power-on squared would eat the digits of microseconds.
        around = device - device.mean()
        drift = float(around @ (host - device - (host - device).mean()) / (around @ around))
    offset = float((host - device * (1.0 + drift)).mean())
    left = host - offset - device * (1.0 + drift)
    return ClockFit(
        offset_s=offset,
        drift_ppm=drift * 1e6,
        residual_us=float(np.sqrt((left**2).mean())) * 1e6,
        bound_us=float(took[used].max()) / 2 * 1e6,
        trips=int(used.sum()),
    )


class ClockAsker:
    """When to ask the device for its clock, and which answer belongs to which question."""

    def __init__(self) -> None:
        self.sync = ClockSync()
        self._asked: dict[int, float] = {}
        self._answers = 0
        self._next_s = 0.0

    def is_due(self, now: float) -> bool:
        return now >= self._next_s

    def asked(self, request: int, now: float) -> None:
        """CLOCK went out under this request number."""
        self._asked[request] = now
        self._next_s = now + (EVERY_S if self._answers >= FIRST_TRIPS else FIRST_EVERY_S)

    def answered(self, request: int, received_s: float, ticks_us: int) -> RoundTrip | None:
        """The round trip; None for an answer to nothing that was asked."""
        sent_s = self._asked.pop(request, None)
        if sent_s is None:
            return None
        self._asked.clear()  # an earlier question was lost
        self._answers += 1
        return self.sync.add(sent_s, received_s, ticks_us)

    def forget(self) -> None:
        """A new session: what was asked before it will not be answered."""
        self._asked.clear()
