"""The device's clock on the host's: offset and drift by regression over round trips. No I/O.

A round trip tells that the device read its clock between sending and receiving; the midpoint is the best
guess, half the round trip the bound of its error. Quick round trips tell more: those slower than twice the
quickest are left out, as in Cristian's algorithm (Distributed Computing 3, 1989).
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

TICKS_MODULUS = 1 << 30
MOST_TRIPS = 4096  # over an hour at one a second; older ones are forgotten
SLOW = 2.0  # a round trip so many times the quickest is not used ...
LEAST_USED = 0.25  # ... but for the quickest quarter: one lucky round trip must not stand alone
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

    residual_us: rms of what the line leaves. bound_us: half the quickest round trip, the error that no
    regression can take away where the two ways differ. trips: how many were used.
    """

    offset_s: float
    drift_ppm: float
    residual_us: float
    bound_us: float
    trips: int

    def host_s(self, device_us: float) -> float:
        """Host time of a device time (us, without the wrap)."""
        return self.offset_s + device_us * 1e-6 * (1.0 + self.drift_ppm * 1e-6)


class ClockSync:
    """Collects round trips; `fit` is the line through them."""

    def __init__(self) -> None:
        self.trips: deque[RoundTrip] = deque(maxlen=MOST_TRIPS)

    def add(self, sent_s: float, received_s: float, ticks_us: int) -> RoundTrip:
        """One answer. ticks_us: modulo 2^30, less than 9 minutes of device time after the last one."""
        trip = RoundTrip(sent_s, received_s, self._unwrapped(ticks_us, (sent_s + received_s) / 2))
        self.trips.append(trip)
        return trip

    def fit(self) -> ClockFit | None:
        """None before the first round trip."""
        return fit_clock(list(self.trips)) if self.trips else None

    def _unwrapped(self, ticks_us: int, host_s: float) -> int:
        """Where an outage lasted longer than half a wrap, the host's clock tells how many there were."""
        if not self.trips:
            return ticks_us
        last = self.trips[-1]
        expected = last.device_us + (host_s - (last.sent_s + last.received_s) / 2) * 1e6
        return round((expected - ticks_us) / TICKS_MODULUS) * TICKS_MODULUS + ticks_us


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
        bound_us=float(took.min()) / 2 * 1e6,
        trips=int(used.sum()),
    )
