"""The diagnostic before a session: what is asked of board and technician, in which order.

The lines themselves are judged in board_lines, rest_lines and hands_on_lines.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from popsense.calibration.convert import ChannelScale, table_of
from popsense.calibration.record import SENSORS
from popsense.errors import CommandRefused, ProtocolMismatch
from popsense.link.calibration import Records, read_calibration
from popsense.link.hello import Hello
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense.model import FloatArray, SensorName
from popsense.technician.board_lines import (
    calibration_lines,
    cost_lines,
    fault_lines,
    firmware_line,
    health_lines,
)
from popsense.technician.check_line import CheckLine, by_nominal_scale, failed, skipped
from popsense.technician.hands_on_lines import leak_line, weight_line
from popsense.technician.rest_lines import Rest, rest_lines
from popsense.technician.sampled import Sampled, sample
from popsense_protocol.packets import OPTION_RESERVOIR

REST_S = 10.0
LEAK_S = 14.0  # the first quarter is left out: 10 s are judged
WEIGHT_S = 20.0
LEAK_STEP = "Close the outlet of the chamber, bring it to 20 to 60 kPa with a syringe, close that too."
FORCE_CONVERTER = "Check the cable between board and converter, unplug the board and plug it in again."


@dataclass(frozen=True)
class Technician:
    """Who can be asked. do: shows the request and waits; False where it is to be skipped.

    mass_kg: for the known weight; None where there is none at hand. why_not: where nobody can be asked.
    """

    do: Callable[[str], bool]
    mass_kg: float | None = None
    why_not: str = ""


def nobody(why_not: str) -> Technician:
    """No step that needs a hand is done."""
    return Technician(lambda request: False, None, why_not)


def check_board(transport: Transport, technician: Technician, today: date) -> Iterator[CheckLine]:
    """Line after line, as soon as it is known. DeviceError where the board cannot be spoken to at all."""
    session = Session(transport, patience_s=0)
    try:
        hello = session.connect()
    except ProtocolMismatch as mismatch:
        yield failed("firmware and protocol", str(mismatch), mismatch.remedy)
        return
    yield firmware_line(hello)
    try:
        yield from _Checked(session, hello, today).lines(technician)
    finally:
        session.be_brief()


class _Checked:
    """One board under test."""

    def __init__(self, session: Session, hello: Hello, today: date) -> None:
        self._session, self._hello, self._today = session, hello, today
        self._service = Service(session)
        self._fitted: list[SensorName] = [sensor for sensor in SENSORS if hello.fields[sensor].fitted]
        self._records: Records = {}

    def lines(self, technician: Technician) -> Iterator[CheckLine]:
        tested = self._self_test()
        self._records = read_calibration(self._session)
        yield from calibration_lines(self._records, self._fitted, self._today)
        if not self._hello.sample_rate_hz:
            yield failed("samples", "the force converter gave none at power-on", FORCE_CONVERTER)
            yield from fault_lines(tested or 0, "nothing was sampled, in which faults could show")
            return
        yield from cost_lines(self._hello)
        rest = self._rest(sample(self._session, REST_S))
        health = self._health()
        yield from _faults(tested, health, rest)
        yield from health_lines(health) if health else ()
        yield from rest_lines(rest)
        yield self._leak(technician)
        yield self._weight(technician, rest)

    def _self_test(self) -> int | None:
        """Bits of the faults that it found; None: an older firmware, which knows of no health.

        A run of a program that died is stopped first.
        """
        try:
            return self._service.health(self_test=True).faults
        except CommandRefused as refusal:
            if refusal.reason != "already_sampling":
                return None
        sample(self._session, 0.0)
        return self._service.health(self_test=True).faults

    def _health(self) -> Any:
        try:
            return self._service.health()
        except CommandRefused:
            return None

    def _rest(self, sampled: Sampled) -> Rest:
        units: dict[SensorName, FloatArray] = {
            sensor: self._units(sensor, sampled) for sensor in self._fitted
        }
        reservoir = bool(self._hello.fields.options & OPTION_RESERVOIR)
        return Rest(sampled, units, self._hello.sample_rate_hz, reservoir, frozenset(self._nominal))

    @property
    def _nominal(self) -> list[SensorName]:
        """Sensors without a calibration."""
        return [sensor for sensor in self._fitted if self._records.get(sensor) is None]

    def _judged(self, sensor: SensorName, line: CheckLine) -> CheckLine:
        return by_nominal_scale(line) if sensor in self._nominal else line

    def _units(self, sensor: SensorName, sampled: Sampled) -> FloatArray:
        """N, mm or kPa, not tared; by the nominal scale where there is no calibration."""
        raw, record, channel = sampled.raw, self._records.get(sensor), self._hello.fields[sensor]
        counts = {"force": raw.force_counts, "depth": raw.depth_counts, "pressure": raw.pressure_counts}
        nominal = ChannelScale(channel.zero_counts, channel.nano_units_per_count * 1e-9)
        return (nominal if record is None else table_of(record)).convert(counts[sensor])

    def _leak(self, technician: Technician) -> CheckLine:
        name = "leak-down of the chamber"
        if "pressure" not in self._fitted:
            return skipped(name, "no pressure sensor is fitted")
        if not technician.do(LEAK_STEP):
            return skipped(name, technician.why_not or "as you asked")
        sampled = sample(self._session, LEAK_S)
        line = leak_line(sampled.raw.time_s, self._units("pressure", sampled))
        return self._judged("pressure", line)

    def _weight(self, technician: Technician, rest: Rest) -> CheckLine:
        mass_kg = technician.mass_kg
        if mass_kg is None:
            return skipped("known weight", technician.why_not or "no --mass was given")
        if not technician.do(f"Put the mass of {mass_kg:g} kg on the needle's axis and take your hands off."):
            return skipped("known weight", technician.why_not or "as you asked")
        loaded_n = self._units("force", sample(self._session, WEIGHT_S))
        return self._judged("force", weight_line(rest.units["force"], loaded_n, mass_kg))


def _faults(tested: int | None, health: Any, rest: Rest) -> list[CheckLine]:
    """Of the self-test and of the sampling; health: HEALTH behind it, None where the board knows none."""
    if tested is None or health is None:
        return fault_lines(tested or 0, "this firmware tells none: popsense flash brings a newer one")
    unseen = "" if rest.time_s.size else "no sample came, in which faults could show"
    return fault_lines(tested | health.faults | health.faults_of_run, unseen)
