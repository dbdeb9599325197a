"""What a way to a board must offer, and the registry of the ways there are.

`link` only declares; `popsense.backends` fills the registry. A simulated bone is a back end like any other.
"""

from collections.abc import Callable
from typing import Protocol

from popsense.errors import UsageError


class Transport(Protocol):
    """A byte pipe to one board, with the clock by which its time-outs count."""

    @property
    def name(self) -> str:
        """For people: what this is."""
        ...

    def now(self) -> float:
        """Monotonic seconds; virtual on a twin."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """What has come, as soon as there is some; b"" after the time-out. LinkLost where the way is gone."""
        ...

    def write(self, data: bytes) -> None:
        """All of `data`. LinkLost where the way is gone."""
        ...

    def operator_may_begin(self) -> None:
        """The board samples now. A simulated hand begins; a person is told by whoever calls this."""
        ...

    def wait(self, seconds: float) -> None:
        """Lets time pass on this clock."""
        ...

    def reopen(self) -> None:
        """Opens the same way again, under whatever name it has come back. LinkLost while it is not there."""
        ...

    def close(self) -> None:
        """Safe to call twice."""
        ...


Opener = Callable[[str], Transport]
_openers: dict[str, Opener] = {}


def register(scheme: str, opener: Opener) -> None:
    """Makes `scheme://...` known; the last registration of a scheme holds."""
    _openers[scheme] = opener


def open_transport(url: str) -> Transport:
    """The transport behind an address. UsageError for an unknown scheme."""
    return _openers[known_scheme(url)](url)


def known_scheme(url: str) -> str:
    """The scheme of an address that `open_transport` can open, else UsageError."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme in _openers:
        return scheme
    known = ", ".join(f"{name}://" for name in sorted(_openers))
    remedy = f"Use one that begins with: {known}."
    if url and ":" not in url:
        remedy = f"{remedy} If it is a serial port: serial://{url}."
    raise UsageError(f"{url!r} is no address of a board", remedy)
