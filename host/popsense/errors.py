"""Every error that popsense raises on purpose, under one root.

    PopsenseError
    +-- UsageError             what the user typed or supplied cannot be used
    |   +-- RubricError        a rubric file with a mistake in it
    |   +-- RecordingError     a file that is no recording of ours, or a damaged one
    +-- DeviceError            the board, or the way to it
    |   +-- PortError          the port cannot be opened
    |   +-- NotOurDeviceError  something else answers, or nothing does
    |   +-- ProtocolMismatch   a popsense board that speaks another protocol version
    |   +-- CommandRefused     the board answered NAK
    |   +-- LinkLost           the board fell silent or the port closed, and did not come back
    |       +-- BoardRestarted it came back without the attempt: reset, or power loss
    |       +-- BoardTaken     another program stopped it or started it anew
    +-- TwinError              the simulated board could not be started or broke down

A message says what happened; `remedy` says what to do next.
"""


class PopsenseError(Exception):
    """Root of all deliberate errors. `remedy` is one sentence, empty only where nothing can be done."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class UsageError(PopsenseError):
    """What the user typed or supplied cannot be used."""


class RubricError(UsageError):
    """A rubric file with a mistake in it."""


class RecordingError(UsageError):
    """A file that is no recording of ours, or one that cannot be read."""


class DeviceError(PopsenseError):
    """The board, or the way to it."""


class PortError(DeviceError):
    """The port cannot be opened."""


class NotOurDeviceError(DeviceError):
    """Something that is no popsense board answers, or nothing does."""


class ProtocolMismatch(DeviceError):
    """A popsense board that speaks another protocol version, or another schema of the same one."""


class CommandRefused(DeviceError):
    """The board answered NAK; `reason` is its word for it in the protocol."""

    def __init__(self, message: str, remedy: str = "", reason: str = "") -> None:
        super().__init__(message, remedy)
        self.reason = reason


class LinkLost(DeviceError):
    """The board fell silent, or the port closed."""


class BoardRestarted(LinkLost):
    """The board lost power or was reset: what it had not sent is gone."""


class BoardTaken(LinkLost):
    """Another program stopped the board, or started it anew."""


class TwinError(PopsenseError):
    """The simulated board could not be started or broke down."""
