"""The ways to a board: registers serial://, socket:// and sim://, and opens an address."""

from popsense.link.serial_transport import SerialTransport
from popsense.link.transport import Transport, known_scheme, open_transport, register
from popsense.twin.transport import open_sim

register("serial", SerialTransport)
register("socket", SerialTransport)
register("sim", open_sim)


def is_simulated(url: str) -> bool:
    """True for sim://. UsageError for what `open_url` could not open for its form alone."""
    return known_scheme(url) == "sim"


def open_url(url: str) -> Transport:
    """The transport behind an address. UsageError, PortError or TwinError where it cannot be opened."""
    return open_transport(url)
