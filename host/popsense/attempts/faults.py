"""What the board told of itself during an attempt, in sentences; which sensors it leaves in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from popsense.link.fault_wording import wording_of
from popsense.model import SensorName
from popsense.recording.attempt import DecodedAttempt, DeviceFault

# Behind these a sensor's readings mean nothing. A missed conversion is a gap in time, an overload a force.
SENSOR_OF: Mapping[str, SensorName] = {
    "force_converter": "force",
    "force_cell_open": "force",
    "force_cell_shorted": "force",
    "force_saturated": "force",
    "force_stuck": "force",
    "force_garbage": "force",
    "depth_open": "depth",
    "depth_stuck": "depth",
    "pressure_saturated": "pressure",
    "pressure_stuck": "pressure",
}


@dataclass(frozen=True)
class ToldFault:
    """One stretch in which a fault was present, s since sample 0.

    began_s: None where it is not known (present before START, or its FAULT never came). ended_s: None where
    it went on to the end. value: what was measured when it began, None as began_s.
    """

    code: str
    began_s: float | None
    ended_s: float | None
    value: int | None

    @property
    def sentence(self) -> str:
        """For the user: what it was and when."""
        words = wording_of(self.code)
        return f"{words.told(self.value)[:-1]}, {self._when}."

    @property
    def remedy(self) -> str:
        return wording_of(self.code).remedy

    @property
    def _when(self) -> str:
        if self.began_s is None:
            return "at some time of the attempt"
        if self.ended_s is None:
            return f"from {self.began_s:.2f} s on"
        return f"from {self.began_s:.2f} s to {self.ended_s:.2f} s"


def told_faults(attempt: DecodedAttempt) -> tuple[ToldFault, ...]:
    """In the order in which they began; those without a time first."""
    found: list[ToldFault] = []
    for fault in attempt.faults:
        if fault.raised:
            found.append(ToldFault(fault.code, _time_s(attempt, fault), None, fault.value))
        else:
            _end(found, fault.code, _time_s(attempt, fault))
    told = {fault.code for fault in found}
    unknown = [ToldFault(code, None, None, None) for code in attempt.faults_seen if code not in told]
    return (*unknown, *found)


def faulty_sensors(attempt: DecodedAttempt) -> dict[SensorName, str]:
    """Sensor -> the first fault of its own, for Trace.faults."""
    reasons: dict[SensorName, str] = {}
    for fault in told_faults(attempt):
        sensor = SENSOR_OF.get(fault.code)
        if sensor is not None and sensor not in reasons:
            reasons[sensor] = f"sensor suspect ({sensor}): {_lower(fault.sentence[:-1])}"
    return reasons


def _end(found: list[ToldFault], code: str, ended_s: float) -> None:
    for k, fault in enumerate(found):
        if fault.code == code and fault.ended_s is None:
            found[k] = ToldFault(code, fault.began_s, ended_s, fault.value)


def _time_s(attempt: DecodedAttempt, fault: DeviceFault) -> float:
    """Of the sample that came next; at the end of the run, of the last one."""
    return float(np.interp([fault.next_sample], attempt.raw.sample_index, attempt.raw.time_s)[0])


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
