"""The ways to a board: registers serial://, socket:// and sim://, and opens an address."""

from popsense.link.serial_transport import SerialTransport
from popsense.link.transport import Transport, open_transport, register
from popsense.twin.transport import open_sim

register("serial", SerialTransport)
register("socket", SerialTransport)
register("sim", open_sim)


def open_url(url: str) -> Transport:
    """The transport behind an address. UsageError, PortError or TwinError where it cannot be opened."""
    return open_transport(url)
