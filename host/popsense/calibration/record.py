"""One sensor's calibration: which reading means what, who may rely on it and until when. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal

from popsense.model import SensorName

MOST_POINTS = 16
SENSORS: tuple[SensorName, ...] = ("force", "depth", "pressure")
UNITS: Mapping[SensorName, str] = {"force": "N", "depth": "mm", "pressure": "kPa"}
VALID_DAYS = 365  # uncalibrated; a centre sets its own interval
EPOCH = date(1970, 1, 1)

CLOCKS_APART = timedelta(days=1)  # two computers' clocks, uncalibrated; more, and one of them is wrong

CalibrationWord = Literal["calibrated", "expired", "dated ahead", "missing"]


@dataclass(frozen=True)
class Point:
    """A reading and what it means: mN, um or Pa."""

    counts: int
    milliunits: int


@dataclass(frozen=True)
class CalibrationRecord:
    """Straight lines between and beyond the points. id: not 0. residual: in the sensor's unit, the largest
    distance of a reference from its line, 0 where it is not known. day: on which it was made, UTC.
    """

    sensor: SensorName
    id: int
    day: date
    valid_days: int
    residual: float
    points: tuple[Point, ...]

    @property
    def last_day(self) -> date:
        """On which it may still be relied on."""
        try:
            return self.day + timedelta(days=self.valid_days)
        except OverflowError:
            return date.max

    @property
    def residual_text(self) -> str:
        """As in "0.0125 N"; two points alone tell none."""
        if len(self.points) == 2 and not self.residual:
            return "not known (2 points)"
        return f"{self.residual:.4f} {UNITS[self.sensor]}"

    def is_expired(self, on: date) -> bool:
        return on > self.last_day

    def is_ahead(self, of: date) -> bool:
        """Made after a day on which it is said to have been in use."""
        return self.day - of > CLOCKS_APART

    def to_fields(self) -> dict[str, Any]:
        """Fields of the packets' record."""
        empty = [0] * (MOST_POINTS - len(self.points))
        return {
            "count": len(self.points),
            "id": self.id,
            "day": (self.day - EPOCH).days,
            "valid_days": self.valid_days,
            "residual_microunits": round(self.residual * 1e6),
            "counts": [point.counts for point in self.points] + empty,
            "milliunits": [point.milliunits for point in self.points] + empty,
        }

    def to_json(self) -> dict[str, Any]:
        """For a recording's header."""
        return {
            "id": self.id,
            "day": self.day.isoformat(),
            "valid_days": self.valid_days,
            "residual": self.residual,
            "counts": [point.counts for point in self.points],
            "milliunits": [point.milliunits for point in self.points],
        }


def record_of_fields(sensor: SensorName, fields: Any) -> CalibrationRecord | None:
    """From the packets' record; None where it has no points, or such as no board of ours keeps."""
    count = int(fields.count)
    points = _points(list(fields.counts)[:count], list(fields.milliunits)[:count])
    if not _is_a_line(points) or not fields.id:
        return None
    try:
        day = EPOCH + timedelta(days=int(fields.day))
    except OverflowError:
        day = date.max
    residual = fields.residual_microunits / 1e6
    return CalibrationRecord(sensor, int(fields.id), day, int(fields.valid_days), residual, points)


def record_of_json(sensor: SensorName, stored: Mapping[str, Any] | None) -> CalibrationRecord | None:
    """As `to_json` wrote it; None for null. ValueError, KeyError, TypeError where it is none of ours."""
    if stored is None:
        return None
    points = _points(stored["counts"], stored["milliunits"])
    if not _is_a_line(points):
        raise ValueError(f"the {sensor} calibration is no line")
    return CalibrationRecord(
        sensor,
        int(stored["id"]),
        date.fromisoformat(stored["day"]),
        int(stored["valid_days"]),
        float(stored["residual"]),
        points,
    )


def empty_fields() -> dict[str, Any]:
    """The packets' record of a sensor that has none."""
    names = ("count", "id", "day", "valid_days", "residual_microunits")
    return dict.fromkeys(names, 0) | {"counts": [0] * MOST_POINTS, "milliunits": [0] * MOST_POINTS}


def word_for(record: CalibrationRecord | None, on: date) -> CalibrationWord:
    """Whether a sensor may be relied on that day."""
    if record is None:
        return "missing"
    if record.is_ahead(of=on):
        return "dated ahead"
    return "expired" if record.is_expired(on) else "calibrated"


def state_text(record: CalibrationRecord | None, on: date, on_text: str = "") -> str:
    """As in "calibrated until 2027-03-01", "expired since 2026-03-02" or "missing".

    on_text: what that day is called; empty: by its date.
    """
    word = word_for(record, on)
    if record is None or word == "missing":
        return "missing"
    if word == "dated ahead":
        return f"dated {record.day}, after {on_text or on}: check the computer's clock"
    if word == "expired":
        return f"expired since {_day_after(record.last_day)}"
    return f"calibrated until {record.last_day}"


def missing_sensors(
    records: Mapping[SensorName, CalibrationRecord | None], fitted: Mapping[SensorName, bool]
) -> list[SensorName]:
    """Those that are fitted and have no record."""
    return [name for name, record in records.items() if record is None and fitted[name]]


def why_uncalibrated(
    records: Mapping[SensorName, CalibrationRecord | None], fitted: Mapping[SensorName, bool], on: date
) -> str:
    """As in "no calibration of depth; calibration of force expired since 2026-03-02"; empty where all hold.

    fitted: False for a sensor that the build does not have, which needs none. on: day of the attempt.
    """
    missing = missing_sensors(records, fitted)
    doubted = [
        f"calibration of {name} {state_text(record, on, 'the attempt')}"
        for name, record in records.items()
        if fitted[name] and word_for(record, on) in ("expired", "dated ahead")
    ]
    return "; ".join([*([f"no calibration of {listed(missing)}"] if missing else []), *doubted])


def listed(names: Sequence[str]) -> str:
    """As in "force, depth and pressure"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)


def _points(counts: Sequence[int], milliunits: Sequence[int]) -> tuple[Point, ...]:
    pairs = zip(counts, milliunits, strict=True)
    return tuple(Point(int(count), int(milliunit)) for count, milliunit in pairs)


def _is_a_line(points: Sequence[Point]) -> bool:
    pairs = list(pairwise(points))
    return bool(pairs) and all(
        before.counts < after.counts and before.milliunits <= after.milliunits for before, after in pairs
    )
