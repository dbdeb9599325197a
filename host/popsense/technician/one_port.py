"""Which board a command of the technician means."""

from collections.abc import Sequence

from popsense.errors import DeviceError, UsageError
from popsense.technician.ports import OTHER_PROGRAMS, Port, ports_to_ask


def one_port(named: str | None, attached: Sequence[Port], command: str) -> Port:
    """The port that is named (any board's address will do), else that of the only board there is.

    command: such as "check", for the remedy. DeviceError where none is, UsageError where more are.
    """
    found = ports_to_ask([named] if named else [], attached, only_named=named is not None)
    boards = [port for port in found if port.named or port.product_id not in OTHER_PROGRAMS]
    if not boards:
        raise DeviceError("no board found", "Plug one in; popsense doctor looks for the cause.")
    if len(boards) > 1:
        names = ", ".join(port.name for port in boards)
        raise UsageError(
            f"there are {len(boards)} boards: {names}", f"Name one: popsense {command} --port PORT."
        )
    return boards[0]
