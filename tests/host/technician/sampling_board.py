"""A board that answers a technician and, between START and STOP, gives the samples of a function of time."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np

from popsense_protocol.codec import Packet, encode
from popsense_protocol.framing import encode_frame
from popsense_protocol.layouts import SAMPLE_DTYPE
from popsense_protocol.packets import CALIBRATION_POINTS, FORCE_OFFSET_COUNTS
from tests.host.link.scripted import RUN, ScriptedTransport, ack, channel, hello, nak

RATE_HZ = 988.0
BLOCK = 20
FORCE_NANO, DEPTH_NANO, PRESSURE_NANO = 232_831, 2_289_377, 11_446_886
ZEROS = {"force": 0, "depth": 1638, "pressure": 6006}
UNITS_PER_COUNT = {"force": FORCE_NANO * 1e-9, "depth": DEPTH_NANO * 1e-9, "pressure": PRESSURE_NANO * 1e-9}
# time (s) since START -> N, mm, kPa, shape of time each
Signal = Callable[[np.ndarray], dict[str, np.ndarray]]
HEALTHY = {
    "state": "idle", "run": RUN, "faults": 0, "faults_of_run": 0, "supply_mv": 4900, "force_zero_counts": 0,
    "force_noise_counts": 250, "bridge_counts": 0, "loop_us": 3000, "heap_free_bytes": 80_000,
    "cut_writes": 0,
}  # fmt: skip


def quiet(time_s: np.ndarray) -> dict[str, np.ndarray]:
    """A bone at rest with the noise of the reference build."""
    rng = np.random.default_rng(int(time_s[0] * 1e6) + 1)
    noise = rng.standard_normal((3, time_s.size))
    return {"force": 0.06 * noise[0], "depth": 0.007 * noise[1], "pressure": 0.034 * noise[2]}


def counts_of(sensor: str, units: np.ndarray) -> np.ndarray:
    return np.rint(units / UNITS_PER_COUNT[sensor] + ZEROS[sensor]).astype(int)


def calibrated(made: date, valid_days: int = 365, number: int = 7) -> dict[str, Any]:
    """A record of two points of a force cell: 0 N and 100 N by the nominal scale."""
    points = [0, 429_496]
    return {
        "count": 2, "id": number, "day": (made - date(1970, 1, 1)).days, "valid_days": valid_days,
        "residual_microunits": 0, "counts": points + [0] * (CALIBRATION_POINTS - 2),
        "milliunits": [0, 100_000] + [0] * (CALIBRATION_POINTS - 2),
    }  # fmt: skip


def health_frame(**changed: Any) -> bytes:
    """HEALTH of a board that is well, with some fields changed."""
    return encode_frame(encode("HEALTH", **(HEALTHY | changed)))


def calibration_frame(question: Packet, records: Mapping[str, Any]) -> bytes:
    """CALIBRATION, empty where there is no record of that sensor."""
    sensor = str(question.fields.sensor)
    record = records.get(sensor, NO_RECORD)
    return encode_frame(encode("CALIBRATION", sensor=sensor, request=question.fields.request, record=record))


NO_RECORD = {
    "count": 0, "id": 0, "day": 0, "valid_days": 0, "residual_microunits": 0,
    "counts": [0] * CALIBRATION_POINTS, "milliunits": [0] * CALIBRATION_POINTS,
}  # fmt: skip


def with_channels(**changed: Any) -> bytes:
    """HELLO with the nominal scales of the reference build."""
    scales = {"force": FORCE_NANO, "depth": DEPTH_NANO, "pressure": PRESSURE_NANO}
    units = {"force": "newton", "depth": "millimetre", "pressure": "kilopascal"}
    channels = {
        name: {
            **channel(units[name]),
            "settle_samples": 1,
            "zero_counts": ZEROS[name],
            "nano_units_per_count": nano,
        }
        for name, nano in scales.items()
    }
    return hello(**({"sample_rate_mhz": int(RATE_HZ * 1000)} | channels | changed))


class SamplingBoard(ScriptedTransport):
    """faults: codes that HEALTH tells. records: of CALIBRATION, by sensor. refuses: command -> reason.

    signals: one for each START, the last one for all that follow. missed: conversions not read, told in
    every block. flags: of every sample. started: was in mid-attempt when we came.
    """

    def __init__(
        self,
        *signals: Signal,
        faults: tuple[int, ...] = (),
        records: dict[str, Any] | None = None,
        refuses: dict[str, str] | None = None,
        health: dict[str, Any] | None = None,
        says: bytes = b"",
        rate_hz: float = RATE_HZ,
        missed: int = 0,
        overruns: int = 0,
        flags: int = 0,
        started: bool = False,
    ) -> None:
        super().__init__(says or with_channels(), answer=self._answer)
        self._signals = list(signals) or [quiet]
        self._health = {"faults": sum(1 << code for code in faults)} | (health or {})
        self._records = records or {}
        self._refuses = refuses or {}
        self._period_us = 1e6 / rate_hz
        self._missed, self._overruns, self._flags = missed, overruns, flags
        self.sampling = started
        self.runs = 0
        self._sent = 0
        self._since_s = 0.0

    def read(self, timeout_s: float) -> bytes:
        data = super().read(timeout_s)
        return data or self._due()

    def _due(self) -> bytes:
        if not self.sampling:
            return b""
        frames = b""
        signal = self._signals[min(self.runs, len(self._signals)) - 1]
        while self._sent + BLOCK <= (self.now() - self._since_s) * 1e6 / self._period_us:
            frames += self._block(signal)
        return frames + self._status() if frames else b""

    def _status(self) -> bytes:
        fields = {"state": "sampling", "run": RUN + self.runs, "next_sample": self._sent, "next_event": 0}
        zero = dict.fromkeys(("uptime_ms", "bad_frames", "heap_free_bytes"), 0)
        told = {"missed": self._missed, "overruns": self._overruns}
        return encode_frame(encode("STATUS", **fields, **zero, **told))

    def _block(self, signal: Signal) -> bytes:
        time_us = (self._sent + np.arange(BLOCK)) * self._period_us
        counts = {name: counts_of(name, values) for name, values in signal(time_us / 1e6).items()}
        samples = np.zeros(BLOCK, dtype=SAMPLE_DTYPE)
        samples["force_and_flags"] = (counts["force"] + FORCE_OFFSET_COUNTS) | self._flags << 24
        samples["depth"], samples["pressure"] = counts["depth"], counts["pressure"]
        where = {"first_sample": self._sent, "first_ticks_us": round(time_us[0])}
        head = encode("SAMPLE_BLOCK", run=RUN + self.runs, missed=self._missed, samples=[], **where)
        self._sent += BLOCK
        # Whole blocks by numpy: construct would take most of the tests' time.
        return encode_frame(head[:1] + bytes([BLOCK]) + head[2:] + samples.tobytes())

    def _answer(self, command: Packet) -> list[bytes]:
        name = command.name
        if name in self._refuses:
            return [nak(command, self._refuses[name])]
        if name == "START":
            return self._start(command)
        if name == "STOP":
            last, self.sampling = self._due(), False
            return [last, self._ack(command)]
        return [*self._told(command), self._ack(command)]

    def _start(self, command: Packet) -> list[bytes]:
        if self.sampling:
            return [nak(command, "already_sampling")]
        self.runs += 1
        self.sampling, self._sent, self._since_s = True, 0, self.now()
        return [self._ack(command)]

    def _told(self, command: Packet) -> list[bytes]:
        if command.name == "READ_HEALTH":
            if self.sampling and command.fields.options:
                return [nak(command, "already_sampling")]
            return [health_frame(**self._health)]
        if command.name == "READ_CALIBRATION":
            return [calibration_frame(command, self._records)]
        return []

    def _ack(self, command: Packet) -> bytes:
        state = "sampling" if self.sampling else "idle"
        return ack(command, next_sample=self._sent, run=RUN + self.runs, state=state, missed=self._missed)
