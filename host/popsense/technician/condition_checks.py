"""The checks of what a board tells of itself: its faults, its calibrations."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from popsense.calibration.record import SENSORS, state_text, word_for
from popsense.link.calibration import Records
from popsense.link.fault_wording import wording_of
from popsense.link.hello import Hello
from popsense.link.session import Session
from popsense.technician.checks import Check, failed, not_applicable, ok
from popsense.technician.discovery import condition
from popsense.technician.ports import Port
from popsense.technician.remedies import quoted

NOT_TOLD = "the board does not tell: it samples, or its firmware is older"


def check_condition(port: Port, hello: Hello | None, session: Session | None) -> list[Check]:
    """Faults, then calibration, without a self-test. None where no board of ours answered."""
    if hello is None or session is None:
        return []
    records, faults = condition(session)
    today = datetime.now(UTC).date()
    return [_faults(port, faults), _calibration(port, hello, records, today)]


def _faults(port: Port, faults: Sequence[str] | None) -> Check:
    if faults is None:
        return not_applicable("faults", NOT_TOLD)
    if not faults:
        return ok("faults", f"the board tells none; before a session: {_check(port)}")
    words = [wording_of(name) for name in faults]
    remedy = [f"{one.told()} {one.remedy}" for one in words]
    return failed("faults", ", ".join(one.title for one in words), *remedy, f"Then: {_check(port)}")


def _calibration(port: Port, hello: Hello, records: Records | None, today: date) -> Check:
    if port.address.startswith("sim://"):
        return not_applicable("calibration", "a simulated board needs none")
    if records is None:
        return not_applicable("calibration", NOT_TOLD)
    fitted = {sensor: records[sensor] for sensor in SENSORS if hello.fields[sensor].fitted}
    seen = "; ".join(f"{sensor} {state_text(record, today)}" for sensor, record in fitted.items())
    wanting = [sensor for sensor, record in fitted.items() if word_for(record, today) != "calibrated"]
    if not wanting:
        return ok("calibration", seen)
    steps = [f"popsense calibrate {sensor} --port {quoted(port.name)}" for sensor in wanting]
    return failed(
        "calibration", seen, "Scores of this board are uncalibrated.", *steps, f"Then: {_check(port)}"
    )


def _check(port: Port) -> str:
    return f"popsense check --port {quoted(port.name)}"
