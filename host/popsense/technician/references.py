"""What a sensor is calibrated against: masses, gauge blocks, a reference gauge; and how to ask for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from popsense.calibration.record import MOST_POINTS
from popsense.calibration.uncertainty import STANDARD_GRAVITY
from popsense.errors import UsageError
from popsense.model import SensorName

TAKEN_GRAVITY = (9.7, 9.9)  # m/s2; what is outside was mistyped
DEFAULTS: Mapping[SensorName, str] = {
    "force": "0,1,2,5,10 kg",
    "depth": "0,5,10,15,20,25 mm",
    "pressure": "0,25,50 kPa",
}
# N, mm, kPa; uncalibrated but for the vacuum, which lies one standard atmosphere (CGPM 1954) below the air.
RANGES: Mapping[SensorName, tuple[float, float]] = {
    "force": (0.0, 1000.0),
    "depth": (-100.0, 100.0),
    "pressure": (-101.325, 500.0),
}
THOUSANDTHS: Mapping[SensorName, str] = {"force": "mN", "depth": "um", "pressure": "Pa"}
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
    """value: in the sensor's unit. text: as it was given, with its own unit. is_mass: not a force."""

    value: float
    text: str
    is_mass: bool = False


@dataclass(frozen=True)
class _Unit:
    """factor: sensor's unit a unit."""

    name: str
    factor: float
    is_mass: bool = False


def parse_references(
    sensor: SensorName, text: str, gravity: float = STANDARD_GRAVITY
) -> tuple[Reference, ...]:
    """From "0,1,2,5,10 kg". UsageError where they are no numbers, do not rise, or are too few or too many."""
    numbers, unit_text = _split(text, f"{sensor} references", f"{DEFAULTS[sensor]!r}")
    unit = _unit(sensor, unit_text, gravity)
    values = [_number(number) for number in numbers]
    if not 2 <= len(values) <= MOST_POINTS:
        raise UsageError(
            f"{len(values)} reference{'' if len(values) == 1 else 's'}", f"Name 2 to {MOST_POINTS}."
        )
    found = tuple(Reference(value * unit.factor, f"{value:g} {unit.name}", unit.is_mass) for value in values)
    _check_rising(sensor, found)
    _check_range(sensor, found)
    return found


def parse_uncertainty(sensor: SensorName, text: str, gravity: float = STANDARD_GRAVITY) -> float:
    """Standard uncertainty in the sensor's unit, from "0.5 g". UsageError."""
    numbers, unit = _split(text, "uncertainty", "'0.5 g', '2 um' or '0.1 kPa'")
    value = _number(numbers[0]) * _unit(sensor, unit, gravity).factor
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
    if not numbers:
        raise UsageError(f"{text!r} are no {what}", f"Give numbers and one unit, as in {example}.")
    if not unit:
        raise UsageError(f"the unit is missing in {text!r}", f"Put one behind the numbers, as in {example}.")
    return numbers.split(","), unit


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{text.strip()!r} is no number", "Write it as in 2.5; commas separate.") from error
    if not isfinite(value):
        raise UsageError(f"{text.strip()!r} is no number", "Write it as in 2.5; commas separate.")
    return value


def _unit(sensor: SensorName, text: str, gravity: float) -> _Unit:
    """In small and capital letters alike. NaN is no gravity either."""
    low, high = TAKEN_GRAVITY
    if not low <= gravity <= high:
        raise UsageError(
            f"{gravity:g} m/s2 is the gravity of no place on Earth",
            f"Leave --gravity out, or give {low:g} to {high:g}.",
        )
    units: dict[SensorName, tuple[_Unit, ...]] = {
        "force": (_Unit("kg", gravity, True), _Unit("g", gravity / 1000, True), _Unit("N", 1.0)),
        "depth": (_Unit("mm", 1.0), _Unit("um", 0.001)),
        "pressure": (_Unit("kPa", 1.0), _Unit("Pa", 0.001), _Unit("mmHg", 0.133322)),
    }
    wanted = text.casefold().replace("\N{GREEK SMALL LETTER MU}", "u")  # to which the micro sign folds
    for unit in units[sensor]:
        if unit.name.casefold() == wanted:
            return unit
    names = ", ".join(unit.name for unit in units[sensor])
    raise UsageError(f"{text!r} is no unit of {sensor}", f"Use {names}.")


def _check_rising(sensor: SensorName, references: Sequence[Reference]) -> None:
    for before, after in pairwise(references):
        if after.value == before.value:
            raise UsageError(f"{after.text} is there twice", "Name each reference once.")
        if after.value < before.value:
            raise UsageError(f"{after.text} follows {before.text}", "Name them in rising order.")
        if round(after.value * 1000) == round(before.value * 1000):
            raise UsageError(
                f"{after.text} is too near to {before.text}",
                f"Name references that are apart: the board keeps whole {THOUSANDTHS[sensor]}.",
            )


def _check_range(sensor: SensorName, references: Sequence[Reference]) -> None:
    if sensor == "force" and references[0].value != 0:
        raise UsageError(f"the first mass is {references[0].text}", "Begin with 0: the empty cap.")
    low, high = RANGES[sensor]
    for reference in references:
        if sensor == "pressure" and reference.value < low:
            raise UsageError(
                f"{reference.text} is below vacuum", "Give pressures against the air, not absolute."
            )
        if not low <= reference.value <= high:
            raise UsageError(
                f"{reference.text} is beyond what the {sensor} sensor bears", "Use smaller references."
            )
    if sensor == "pressure" and not any(reference.value == 0 for reference in references):
        raise UsageError("no reference is 0", "Measure the open chamber too: 0 kPa.")
