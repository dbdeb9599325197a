"""All checks of the first hour, in the order in which one would look."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from popsense.technician.checks import Check
from popsense.technician.installation import check_installation
from popsense.technician.port_checks import check_port, no_port
from popsense.technician.ports import Port, ports_to_ask
from popsense.technician.system import System
from popsense.technician.usb_checks import check_usb


def examine(named: str | None, recordings: Path, system: System) -> list[Check]:
    """Installation, USB, then every board's port, or the one that is named (an address will do).

    UsageError where the name is no address of a board.
    """
    ports = ports_to_ask([named] if named else [], system.ports(), only_named=named is not None)
    return [*check_installation(recordings, system), *check_usb(ports, system), *_check_ports(ports, system)]


def _check_ports(ports: list[Port], system: System) -> list[Check]:
    """Each port in a thread of its own: a silent one takes seconds."""
    if not ports:
        return no_port()
    with ThreadPoolExecutor(max_workers=len(ports)) as threads:
        return [check for checks in threads.map(check_port, ports, repeat(system)) for check in checks]
