"""What a metric's function gives: a number, or the reason in words why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unknown:
    """No figure. lost: because samples or a sensor are missing, not because of what the trainee did."""

    note: str
    lost: bool = False


Reading = float | Unknown

NO_CONTACT = Unknown("no contact with bone found")
NO_BREAKTHROUGH = Unknown("no breakthrough found")
NO_STOP = Unknown("no stop found after the breakthrough")
NOT_REMOVED = Unknown("the needle was still in at the end of the trace")
FAR_CORTEX_STOPPED_IT = Unknown("the far cortex stopped the needle, not the operator")
LOST = Unknown("samples are missing where this is measured", lost=True)
TOO_SHORT = Unknown("the trace is too short to analyse", lost=True)
