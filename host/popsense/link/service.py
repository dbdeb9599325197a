"""What a technician asks of an idle board: its health, its calibration, a tare; and to leave the firmware."""

from typing import Any, Literal

from popsense.errors import LinkLost
from popsense.link.session import Session
from popsense.model import SensorName

Answering = Literal["HEALTH", "CALIBRATION"]


class Service:
    """Over an open session. Every method: CommandRefused on NAK, LinkLost where the board does not answer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def health(self, self_test: bool = False) -> Any:
        """The fields of HEALTH. self_test: after the power-on self-test once more; refused while sampling."""
        return self._answer("READ_HEALTH", "HEALTH", options=int(self_test))

    def calibration(self, sensor: SensorName) -> Any:
        """The record in CALIBRATION; its id is 0 and its count 0 where the board has none."""
        return self._answer("READ_CALIBRATION", "CALIBRATION", sensor=sensor).record

    def write_calibration(self, sensor: SensorName, record: dict[str, Any]) -> None:
        """Stored on the board's flash before this returns; count 0 removes what is there."""
        self._session.command("WRITE_CALIBRATION", sensor=sensor, record=record)

    def tare(self) -> Any:
        """HEALTH with the new zero. Refused (loaded, noisy) where the cell is not at rest."""
        return self._answer("TARE", "HEALTH")

    def leave(self) -> None:
        """EXIT: the board restarts into MicroPython's prompt, with no watchdog. The way to it is lost."""
        self._session.command("EXIT")

    def _answer(self, command: str, name: Answering, **fields: Any) -> Any:
        """The packet that came before the ACK. It may be lost alone; then it is asked for again."""
        for _ in range(2):
            packets = self._session.command(command, **fields)
            found = [packet.fields for packet in packets if packet.name == name]
            if found:
                return found[-1]
        raise LinkLost(f"no answer to {command}", "Check the cable, then open the board again.")
