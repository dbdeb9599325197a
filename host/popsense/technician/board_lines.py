"""What a board says of itself, judged: firmware, faults, supply, memory, calibrations. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from popsense.calibration.record import SENSORS, CalibrationRecord, state_text, word_for
from popsense.link.calibration import Records
from popsense.link.fault_wording import present_faults, wording_of
from popsense.link.hello import Hello
from popsense.model import SensorName
from popsense.technician.check_line import CheckLine, Limit, failed, judged, passed, skipped
from popsense_protocol.packets import PROTOCOL_VERSION

# A USB port gives 4.40 to 5.25 V (USB 2.0, 7.2.2); a Pico's diode takes up to 0.4 V of it.
SUPPLY = Limit(4000.0, 5300.0, "USB 2.0, 7.2.2, less the diode of a Raspberry Pi Pico (0.4 V, uncalibrated)")
LOOP = Limit(None, 20_000.0, "uncalibrated: a block of samples fills in 20 ms")
HEAP = Limit(10_000.0, None, "uncalibrated: an emulated board has 89 KB free")
CUT_WRITES = Limit(0.0, 0.0, "no loss is needed by anything")
REMEDY_SUPPLY = "Use another cable, or a port of the computer itself instead of a hub."
REMEDY_FLASH = "Install the firmware anew: popsense flash."


def firmware_line(hello: Hello) -> CheckLine:
    seen = f"{hello.firmware_version}, protocol {PROTOCOL_VERSION}, {hello.interpreter}"
    return passed("firmware and protocol", seen)


def cost_lines(hello: Hello) -> list[CheckLine]:
    """What a slow force converter costs, all in one line; none where it costs nothing."""
    cost = hello.sampling_cost
    return [passed("a slow force converter", " ".join(cost.sentences))] if cost and cost.is_slow else []


def fault_lines(faults: int, unseen: str = "") -> list[CheckLine]:
    """One line a fault, or one that there is none. faults: bits of HEALTH.

    unseen: why there may be more than the board told; then none is nothing to rely on.
    """
    found = [wording_of(name) for name in present_faults(faults)]
    if not found:
        return [
            skipped("faults", unseen) if unseen else passed("faults", "none, by self-test and while sampling")
        ]
    return [failed(f"fault: {one.title}", one.told(), one.remedy) for one in found]


def health_lines(health: Any) -> list[CheckLine]:
    """Supply, main loop, memory, writes that were cut. health: HEALTH, asked for behind some sampling."""
    supply = skipped("supply", "this board does not measure it")
    if health.supply_mv:
        supply = judged("supply", health.supply_mv, "mV", SUPPLY, REMEDY_SUPPLY)
    heap = skipped("free memory", "this board does not tell")
    if health.heap_free_bytes:
        heap = judged("free memory", health.heap_free_bytes, "bytes", HEAP, REMEDY_FLASH)
    return [
        supply,
        judged("longest turn of the main loop", health.loop_us, "us", LOOP, REMEDY_FLASH),
        judged(
            "writes cut short", health.cut_writes, "", CUT_WRITES, "Close other programs, and check again."
        ),
        heap,
    ]


def calibration_lines(records: Records, fitted: Iterable[str], today: date) -> list[CheckLine]:
    """One line a fitted sensor."""
    return [_calibration(sensor, records[sensor], today) for sensor in SENSORS if sensor in fitted]


def _calibration(sensor: SensorName, record: CalibrationRecord | None, today: date) -> CheckLine:
    name, seen = f"{sensor} calibration", state_text(record, today)
    if record is None or word_for(record, today) != "calibrated":
        how = f"Calibrate it: popsense calibrate {sensor}."
        return failed(name, f"{seen}: scores are uncalibrated", how)
    return passed(name, f"number {record.id} of {record.day}, {seen}")
