"""What a sensor is calibrated against: masses, gauge blocks, a reference gauge; and how to ask for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from popsense.calibration.record import MOST_POINTS
from popsense.errors import UsageError
from popsense.model import SensorName

STANDARD_GRAVITY = 9.80665  # m/s2, by definition (CGPM 1901); on Earth 9.764 to 9.834
LEAST_GRAVITY, MOST_GRAVITY = 9.7, 9.9
DEFAULTS: Mapping[SensorName, str] = {
    "force": "0,1,2,5,10 kg",
    "depth": "0,5,10,15,20,25 mm",
    "pressure": "0,50 kPa",
}
LARGEST: Mapping[SensorName, float] = {"force": 1000.0, "depth": 100.0, "pressure": 500.0}  # N, mm, kPa
AT_ZERO: Mapping[SensorName, str] = {
    "force": "Take everything off the cap",
    "depth": "Set the follower flush with the inner face (0 mm)",
    "pressure": "Open the chamber to the air",
}
ELSEWHERE: Mapping[SensorName, str] = {
    "force": "Put {} on the cap",
    "depth": "Push the follower in by the gauge block of {}",
    "pressure": "Bring the chamber to {} on the reference gauge",
}


@dataclass(frozen=True)
class Reference:
    """value: in the sensor's unit. text: as it was given, with its own unit."""

    value: float
    text: str


def parse_references(
    sensor: SensorName, text: str, gravity: float = STANDARD_GRAVITY
) -> tuple[Reference, ...]:
    """From "0,1,2,5,10 kg". UsageError where they are no numbers, do not rise, or are too few or too many."""
    numbers, unit = _split(text, f"{sensor} references", f"{DEFAULTS[sensor]!r}")
    factor = _factor(sensor, unit, gravity)
    values = [_number(number) for number in numbers]
    for before, after in pairwise(values):
        if after == before:
            raise UsageError(f"{after:g} {unit} is there twice", "Name each reference once.")
        if after < before:
            raise UsageError(f"{after:g} {unit} follows {before:g} {unit}", "Name them in rising order.")
    if not 2 <= len(values) <= MOST_POINTS:
        raise UsageError(f"{len(values)} references", f"Name 2 to {MOST_POINTS}.")
    found = tuple(Reference(value * factor, f"{value:g} {unit}") for value in values)
    _check_range(sensor, found)
    return found


def parse_uncertainty(sensor: SensorName, text: str, gravity: float = STANDARD_GRAVITY) -> float:
    """Standard uncertainty in the sensor's unit, from "0.5 g". UsageError."""
    numbers, unit = _split(text, "uncertainty", "'0.5 g', '2 um' or '0.1 kPa'")
    value = _number(numbers[0]) * _factor(sensor, unit, gravity)
    if len(numbers) != 1 or value < 0:
        raise UsageError(f"{text!r} is no uncertainty", "Give one number that is not negative, and its unit.")
    return value


def prompt(sensor: SensorName, reference: Reference) -> str:
    """What the technician has to do, as a sentence without its full stop."""
    return AT_ZERO[sensor] if reference.value == 0 else ELSEWHERE[sensor].format(reference.text)


def _split(text: str, what: str, example: str) -> tuple[list[str], str]:
    stripped = text.strip()
    unit = stripped.lstrip("+-0123456789., eE").strip()
    numbers = stripped[: len(stripped) - len(unit)].strip()
    if not unit or not numbers:
        raise UsageError(f"{text!r} are no {what}", f"Give numbers and one unit, as in {example}.")
    return numbers.split(","), unit


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{text.strip()!r} is no number", "Write it as in 2.5; commas separate.") from error
    if not isfinite(value):
        raise UsageError(f"{text.strip()!r} is no number", "Write it as in 2.5; commas separate.")
    return value


def _factor(sensor: SensorName, unit: str, gravity: float) -> float:
    """Sensor's unit a unit."""
    if not LEAST_GRAVITY <= gravity <= MOST_GRAVITY:
        raise UsageError(
            f"{gravity:g} m/s2 is the gravity of no place on Earth",
            f"Leave --gravity out, or give {LEAST_GRAVITY:g} to {MOST_GRAVITY:g}.",
        )
    factors: dict[SensorName, dict[str, float]] = {
        "force": {"kg": gravity, "g": gravity / 1000, "N": 1.0},
        "depth": {"mm": 1.0, "um": 0.001},
        "pressure": {"kPa": 1.0, "Pa": 0.001, "mmHg": 0.133322},
    }
    known = factors[sensor]
    if unit not in known:
        raise UsageError(f"{unit!r} is no unit of {sensor}", f"Use {', '.join(known)}.")
    return known[unit]


def _check_range(sensor: SensorName, references: tuple[Reference, ...]) -> None:
    low, high = references[0], references[-1]
    if sensor == "force" and low.value != 0:
        raise UsageError(f"the first mass is {low.text}", "Begin with 0: the empty cap.")
    if sensor == "pressure" and not any(reference.value == 0 for reference in references):
        raise UsageError("no reference is 0", "Measure the open chamber too: 0 kPa.")
    if max(-low.value, high.value) > LARGEST[sensor]:
        raise UsageError(f"{high.text} is beyond what the {sensor} sensor bears", "Use smaller references.")
