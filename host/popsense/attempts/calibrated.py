"""Which calibration a recording was made with, and whether it held on that day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from popsense.calibration.convert import NOMINAL, Calibration, ChannelScale, Conversion, resting, table_of
from popsense.calibration.record import SENSORS, CalibrationRecord, record_of_json, why_uncalibrated
from popsense.errors import RecordingError
from popsense.model import RawTrace, SensorName
from popsense.procedure.sites import SiteProfile
from popsense.recording.recording import Recording

Records = Mapping[SensorName, CalibrationRecord | None]


@dataclass(frozen=True)
class Baseline:
    """Readings of the needle at rest, from which the board's detector counts."""

    force_counts: float
    depth_counts: float


def baseline_of(raw: RawTrace) -> Baseline:
    """Medians at rest; 0 counts where the recording holds nothing of it."""
    rest = resting(raw)
    if not rest.any():
        return Baseline(0.0, 0.0)
    return Baseline(float(np.median(raw.force_counts[rest])), float(np.median(raw.depth_counts[rest])))


def calibration_of(recording: Recording, site: SiteProfile) -> Calibration:
    """Tables where the board had a record, else its nominal scales. RecordingError for a damaged header."""
    header, records = recording.header, stored_records(recording)
    conversions = {name: _conversion(header["channels"][name], records.get(name)) for name in SENSORS}
    return Calibration(
        **conversions,
        plug_compliance_mm_per_n=site.plug_compliance.value,
        id=header["calibration_id"],
        doubt=_doubt(header, records, day_of(recording)),
    )


def stored_records(recording: Recording) -> Records:
    """Of the header; empty for a recording from before boards had calibrations. RecordingError."""
    stored = recording.header.get("calibration")
    if stored is None:
        return {}
    try:
        return {name: record_of_json(name, stored[name]) for name in SENSORS}
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(
            f"{recording.path} holds a calibration that cannot be read ({error})", "It cannot be scored."
        ) from error


def day_of(recording: Recording) -> date:
    """On which it was made, UTC. RecordingError."""
    try:
        return datetime.fromisoformat(recording.header["created"]).astimezone(UTC).date()
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordingError(
            f"{recording.path} does not tell when it was made", "It cannot be scored."
        ) from error


def _doubt(header: Mapping[str, Any], records: Records, on: date) -> str:
    """Why results are uncalibrated; empty where they are not."""
    if not records:
        return "the recording does not hold the records" if header["calibration_id"] else NOMINAL
    because = why_uncalibrated(records, {name: header["channels"][name]["fitted"] for name in SENSORS}, on)
    return because or ("" if header["calibration_id"] else "the board told no calibration")


def _conversion(channel: Mapping[str, Any], record: CalibrationRecord | None) -> Conversion:
    if record is not None:
        return table_of(record)
    return ChannelScale(channel["zero_counts"], channel["units_per_count"])
