"""The calibration that a board holds: read, written and read back. All over `Service`."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date

from popsense.calibration.record import (
    SENSORS,
    CalibrationRecord,
    empty_fields,
    listed,
    missing_sensors,
    record_of_fields,
    why_uncalibrated,
)
from popsense.errors import CommandRefused, DeviceError
from popsense.link.hello import Hello
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.model import SensorName

Records = Mapping[SensorName, CalibrationRecord | None]


def read_calibration(session: Session) -> Records:
    """Every sensor's record, None where it has none, or where the board knows nothing of calibrations."""
    service = Service(session)
    return {name: _read(service, name) for name in SENSORS}


def write_calibration(session: Session, sensor: SensorName, record: CalibrationRecord | None) -> None:
    """On the board when this returns, read back and compared; None removes what is there. DeviceError."""
    service = Service(session)
    service.write_calibration(sensor, empty_fields() if record is None else record.to_fields())
    if _read(service, sensor) != record:
        raise DeviceError(
            f"the board gives back another {sensor} calibration than it was given", "Calibrate it again."
        )


def calibration_warning(hello: Hello, records: Records, on: date) -> str:
    """Why scores of that day are uncalibrated; empty where every fitted sensor's record holds."""
    return why_uncalibrated(records, _fitted(hello), on)


def missing_calibrations(hello: Hello, records: Records) -> list[SensorName]:
    """The fitted sensors that have no record."""
    return missing_sensors(records, _fitted(hello))


@contextmanager
def naming_missing(hello: Hello, records: Records) -> Generator[None]:
    """A START that is refused for want of a calibration says of which sensors."""
    try:
        yield
    except CommandRefused as refusal:
        missing = missing_calibrations(hello, records)
        if refusal.reason != "no_calibration" or not missing:
            raise
        raise CommandRefused(
            f"the board has no calibration of {listed(missing)}",
            f"Calibrate it (popsense calibrate {', '.join(missing)}), "
            "or ask for an uncalibrated attempt: popsense record --uncalibrated.",
            refusal.reason,
        ) from refusal


def _fitted(hello: Hello) -> Mapping[SensorName, bool]:
    return {name: bool(hello.fields[name].fitted) for name in SENSORS}


def _read(service: Service, sensor: SensorName) -> CalibrationRecord | None:
    try:
        return record_of_fields(sensor, service.calibration(sensor))
    except CommandRefused as refusal:
        if refusal.reason != "unknown_command":
            raise
        return None
