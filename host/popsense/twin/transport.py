"""The simulated bone as a transport: `sim://SITE?operator=expert&seed=1&device=powered&pace=max`.

converter=hx711 simulates the low-cost build at 80 samples/s, hx711-10 at 10; the default is ads1220.

Time on this transport is the twin's own. With pace=max it runs as fast as the firmware computes, with
pace=real it keeps to the wall clock. Same address, same bytes.
"""

import reprlib
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl, urlsplit

from popsense.errors import LinkLost, UsageError
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA, SITES
from popsense.twin.board import usb
from popsense.twin.converters import CONVERTERS
from popsense.twin.defects import POWER_ON, Defect, Restart
from popsense.twin.insertion import Truth
from popsense.twin.interrupts import interrupts_deferred
from popsense.twin.script import SensorScript
from popsense.twin.sim_board import QUANTUM_US, SimBoard, TwinAddress

EXAMPLE = f"Use for instance sim://{ADULT_PROXIMAL_TIBIA.name}?operator=expert&seed=7."
MAX_SEED = 2**64 - 1


def parse_address(url: str) -> TwinAddress:
    """UsageError that names the part that is wrong and what is allowed."""
    try:
        parts = urlsplit(url)
    except ValueError as error:  # brackets, in which an address may hold nothing but IPv6
        raise UsageError(f"{url!r} is no address of a simulated bone", EXAMPLE) from error
    if parts.netloc not in SITES:
        raise UsageError(
            f"unknown site {parts.netloc!r} in {url}", f"Use one of: {', '.join(sorted(SITES))}."
        )
    known = {"operator", "device", "seed", "pace", "interpreter", "converter"}
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise UsageError(f"an option stands twice in {url}", "Give each option once.")
    if unknown := sorted(options.keys() - known):
        raise UsageError(f"unknown option {unknown[0]!r} in {url}", f"Use: {', '.join(sorted(known))}.")
    if options.get("pace", "max") not in QUANTUM_US:
        raise UsageError(f"unknown pace {options['pace']!r} in {url}", "Use pace=max or pace=real.")
    if (converter := options.get("converter", "ads1220")) not in CONVERTERS:
        raise UsageError(f"unknown converter {converter!r} in {url}", f"Use one of: {', '.join(CONVERTERS)}.")
    seed = parse_seed(options.pop("seed", "0"))
    return TwinAddress(SITES[parts.netloc], seed=seed, **options)


def parse_seed(text: str) -> int:
    """UsageError for what is no whole number, or one over MAX_SEED."""
    if text.isdecimal() and len(text) <= len(str(MAX_SEED)) and int(text) <= MAX_SEED:
        return int(text)
    raise UsageError(
        f"seed {reprlib.repr(text)} is no whole number from 0 to {MAX_SEED}", "Use for instance seed=7."
    )


class SimTransport:
    """A byte pipe to the firmware in its child process; see link.transport.Transport for the contract.

    The port is opened at once and the board is switched off with `close`.
    """

    def __init__(
        self,
        address: TwinAddress,
        script: SensorScript | None = None,
        sleep: Callable[[float], None] = time.sleep,
        defects: Sequence[Defect] = (),
        start: Restart = POWER_ON,
    ) -> None:
        self.board = SimBoard(address, script, sleep, defects, start)
        self._outgoing = bytearray()
        self._incoming = bytearray()  # no local variable: Ctrl-C comes while keep_pace sleeps
        self._begin = False
        self._closed = False

    @property
    def name(self) -> str:
        return f"simulated {self.board.address.site.title.lower()}"

    @property
    def address(self) -> TwinAddress:
        return self.board.address

    @property
    def script(self) -> SensorScript:
        return self.board.script

    @property
    def origin_us(self) -> int | None:
        """Device clock (not wrapped) at the script's first sample; None before the operator began."""
        return self.board.origin_us

    @property
    def truth(self) -> Truth:
        """What really happened, in seconds from the script's first sample."""
        return self.script.truth

    def now(self) -> float:
        """Virtual seconds since power-on."""
        return self.board.now_us / 1e6

    def read(self, timeout_s: float) -> bytes:
        """What the board wrote, as soon as there is some; b"" after `timeout_s` of virtual time without."""
        deadline_us = self.board.now_us + int(timeout_s * 1e6)
        while True:
            data = self._run(self.board.quantum_us)
            if data or self.board.now_us >= deadline_us:
                return data

    def write(self, data: bytes) -> None:
        """Bytes reach the board at the start of the next read."""
        self._check_open()
        self._outgoing += data

    def operator_may_begin(self) -> None:
        """The simulated hand takes the needle with the next read."""
        self._begin = True

    def wait(self, seconds: float) -> None:
        """What the board writes meanwhile is read later, as from the driver of a real port."""
        until_us = self.board.now_us + int(seconds * 1e6)
        while self.board.now_us < until_us:
            self._exchange(min(self.board.quantum_us, until_us - self.board.now_us))
            self.board.keep_pace()

    def reopen(self) -> None:
        """LinkLost while the board has no power."""
        self._check_open()
        self._outgoing.clear()
        self._incoming.clear()

    def close(self) -> None:
        self._closed = True
        self.board.power_off()

    def _check_open(self) -> None:
        if self._closed or not self.board.is_powered:
            raise LinkLost("the simulated board is switched off", "Open the address again.")

    def _run(self, grant_us: int) -> bytes:
        self._check_open()
        self._exchange(grant_us)
        self.board.keep_pace()
        data = bytes(self._incoming)
        self._incoming.clear()
        return data

    def _exchange(self, grant_us: int) -> None:
        with interrupts_deferred():  # Ctrl-C inside an exchange would lose its bytes
            outgoing, self._outgoing = bytes(self._outgoing), bytearray()
            begin, self._begin = self._begin, False
            flags = usb.FLAG_DTR | usb.FLAG_READING | (usb.FLAG_BEGIN if begin else 0)
            self._incoming += self.board.run(grant_us, outgoing, flags)


def open_sim(url: str) -> SimTransport:
    """The transport behind a sim:// address."""
    return SimTransport(parse_address(url))
