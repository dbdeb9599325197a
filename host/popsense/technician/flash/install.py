"""`popsense flash` from port to HELLO: approach, copy, reset, meet the firmware again."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from popsense.errors import DeviceError, LinkLost, NotOurDeviceError, ProtocolMismatch, UsageError
from popsense.link.hello import Hello
from popsense.link.transport import Transport
from popsense.technician.discovery import OpenUrl
from popsense.technician.flash import copying
from popsense.technician.flash.approach import BY_HAND, Met, await_firmware, reach_prompt
from popsense.technician.flash.board import BoardFiles
from popsense.technician.flash.copying import Compared, Tell
from popsense.technician.flash.release import Release
from popsense.technician.flash.repl import ReplBoard
from popsense.technician.ports import OTHER_PROGRAMS, Port, ports_to_ask

OpenBoard = Callable[[str], BoardFiles]


@dataclass(frozen=True)
class Done:
    """How it went. version_before, version_after: "" where none is known.

    action: copied, "already there", rolled back, compared. files: those on the board against this release's.
    """

    port: Port
    action: str
    version_before: str
    version_after: str
    files: Sequence[Compared]

    @property
    def differs(self) -> bool:
        return any(file.state != "same" for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """Layout in the help of `popsense flash`."""
        return {
            "port": self.port.name,
            "address": self.port.address,
            "action": self.action,
            "version_before": self.version_before or None,
            "version_after": self.version_after or None,
            "files": [file.as_json() for file in self.files],
        }


@dataclass(frozen=True)
class Flasher:
    """One port and the ways to it; tests put others in their place."""

    port: Port
    open_url: OpenUrl
    tell: Tell
    open_board: OpenBoard = ReplBoard

    def copy(self, release: Release) -> Done:
        """Puts this release onto the board, and hears its HELLO."""
        with self._at_prompt() as (transport, met, board):
            before = _version(met, board)
            copying.check_board(board.about(), release)
            outcome = copying.copy_release(board, release, self.tell)
            action = "already there" if outcome is None else "copied"
            files = copying.compare(outcome or copying.read_contents(board), release)
            board.reset()
            after = self._meet(transport).firmware_version
        if after != release.version:
            raise DeviceError(
                f"the board says that it runs {after}, not {release.version}",
                "Unplug it, plug it in, then run popsense flash again.",
            )
        return Done(self.port, action, before, after, files)

    def roll_back(self, release: Release) -> Done:
        """Puts the former firmware back, which may be none of ours or speak another protocol."""
        with self._at_prompt() as (transport, met, board):
            before = _version(met, board)
            copying.check_board(board.about())
            after = copying.roll_back(board, self.tell)
            files = copying.compare(copying.read_contents(board), release)
            board.reset()
            if after:
                self._meet_former(transport)
        return Done(self.port, "rolled back", before, after, files)

    def compare(self, release: Release) -> Done:
        """Changes nothing; the firmware is stopped meanwhile, and started again."""
        with self._at_prompt() as (transport, met, board):
            before = _version(met, board)
            copying.check_board(board.about())
            files = copying.compare(copying.read_contents(board), release)
            board.reset()
            if met.hello is not None:
                self._meet(transport)
        return Done(self.port, "compared", before, before, files)

    @contextmanager
    def _at_prompt(self) -> Generator[tuple[Transport, Met, BoardFiles]]:
        self.tell(f"asking the board on {self.port.name} to leave its firmware")
        transport = self.open_url(self.port.address)
        try:
            met = reach_prompt(transport, self.port)
            transport.close()  # a port has one user
            board = self._board(transport.name, met)
            try:
                yield transport, met, board
            finally:
                board.reset()  # whatever went wrong, a firmware that is there shall run
        finally:
            transport.close()

    def _board(self, name: str, met: Met) -> BoardFiles:
        try:
            return self.open_board(name)
        except LinkLost as error:
            if not met.by_ctrl_c:
                raise
            raise NotOurDeviceError(f"what runs on {name} cannot be stopped by Ctrl-C", BY_HAND) from error

    def _meet(self, transport: Transport) -> Hello:
        self.tell("starting the firmware")
        return await_firmware(transport)

    def _meet_former(self, transport: Transport) -> None:
        try:
            self._meet(transport)
        except ProtocolMismatch:
            self.tell("it speaks another protocol than this program")


def port_to_flash(named: str | None, attached: Sequence[Port]) -> Port:
    """The port that is named (an address will do), else the only board's there is."""
    if named is not None and not named.startswith(("serial://", "socket://")) and "://" in named:
        raise UsageError(f"{named!r} is no board to flash", "Name a serial port, or socket://HOST:PORT.")
    found = ports_to_ask([named] if named else [], attached, only_named=named is not None)
    boards = [port for port in found if port.named or port.product_id not in OTHER_PROGRAMS]
    if not boards:
        raise DeviceError("no board found", "Plug one in; popsense doctor looks for the cause.")
    if len(boards) > 1:
        names = ", ".join(port.name for port in boards)
        raise UsageError(f"there are {len(boards)} boards: {names}", "Name one: popsense flash --port PORT.")
    return boards[0]


def _version(met: Met, board: BoardFiles) -> str:
    return met.hello.firmware_version if met.hello is not None else board.about().firmware
