"""The ways to a board: registers serial://, socket://, sim:// and replay://, and opens an address."""

from dataclasses import dataclass

from popsense.link.serial_transport import SerialTransport
from popsense.link.transport import Transport, known_scheme, open_transport, register
from popsense.recording.reader import read_recording
from popsense.recording.replay import open_replay, parse_replay_address
from popsense.twin.transport import open_sim, parse_address

register("serial", SerialTransport)
register("socket", SerialTransport)
register("sim", open_sim)
register("replay", open_replay)


@dataclass(frozen=True)
class Attempted:
    """Whose attempt an address gives, by name."""

    site: str
    device: str
    operator: str


def attempted(url: str) -> Attempted | None:
    """What an address of an attempt (sim://, replay://) says of it; None for a board, which knows nobody.

    UsageError for what `open_url` could not open for its form, and for a file that is no recording.
    """
    scheme = known_scheme(url)
    if scheme == "sim":
        address = parse_address(url)
        return Attempted(address.site.name, address.device, address.operator)
    if scheme == "replay":
        header = read_recording(parse_replay_address(url).path).header
        return Attempted(*(str(header.get(name, "")) for name in ("site", "device", "operator")))
    return None


def open_url(url: str) -> Transport:
    """The transport behind an address. UsageError, PortError or TwinError where it cannot be opened."""
    return open_transport(url)
