"""Which sensors say nothing that could be used, from what the board told of them and from its flags."""

from collections.abc import Mapping
from typing import Any

from popsense.model import RawTrace, SensorName
from popsense.recording.attempt import SATURATED

DEAD_SHARE = 0.5  # of all samples: a cable off, not a hand that pushes too hard


def dead_sensors(channels: Mapping[str, Any], raw: RawTrace) -> dict[SensorName, str]:
    """Sensor -> what is wrong with it. channels: those of the recording's header."""
    reasons: dict[SensorName, str] = {
        name: _reason(name, channels[name]["fitted"], raw) for name in SATURATED
    }
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(sensor: SensorName, fitted: bool, raw: RawTrace) -> str:
    if not fitted:
        return f"the {sensor} sensor is not fitted"
    saturated = (raw.flags & SATURATED[sensor]) > 0
    if saturated.sum() > DEAD_SHARE * saturated.size:
        return f"the {sensor} sensor was out of range in most samples"
    return ""
