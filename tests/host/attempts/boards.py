"""Ways to a simulated board, as tests want them: short, and going wrong on purpose."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from popsense.attempts.record import AttemptPlan, Recorded, record_attempt
from popsense.errors import LinkLost
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.settings import Settings
from popsense.twin.transport import SimTransport, open_sim

PLAN = AttemptPlan(ADULT_PROXIMAL_TIBIA, "assessment", "powered", "expert", uncalibrated=True)
SETTINGS = Settings()


def address(operator: str = "expert", device: str = "powered", seed: int = 3, more: str = "") -> str:
    return f"sim://{ADULT_PROXIMAL_TIBIA.name}?operator={operator}&device={device}&seed={seed}{more}"


class Spoiled:
    """A transport that does `act` instead of its read number `at`; all else as the simulated board.

    A link that `act` loses is lost for ever.

    operator_begins: False leaves the simulated hand at rest for ever.
    """

    def __init__(
        self,
        board: SimTransport,
        act: Callable[[], None] = lambda: None,
        at: int = -1,
        operator_begins: bool = True,
    ) -> None:
        self.board, self._act, self._at, self._begins = board, act, at, operator_begins
        self._gone: LinkLost | None = None
        self.reads = 0
        self.received = bytearray()

    @property
    def name(self) -> str:
        return self.board.name

    def now(self) -> float:
        return self.board.now()

    def read(self, timeout_s: float) -> bytes:
        self.reads += 1
        if self.reads == self._at:
            self._try_act()
        if self._gone is not None:
            raise self._gone
        data = self.board.read(timeout_s)
        self.received += data
        return data

    def _try_act(self) -> None:
        try:
            self._act()
        except LinkLost as loss:
            self._gone = loss

    def write(self, data: bytes) -> None:
        self.board.write(data)

    def operator_may_begin(self) -> None:
        if self._begins:
            self.board.operator_may_begin()

    def wait(self, seconds: float) -> None:
        self.board.wait(seconds)

    def reopen(self) -> None:
        if self._gone is not None:
            raise self._gone
        self.board.reopen()

    def close(self) -> None:
        self.board.close()


@contextmanager
def spoiled(
    act: Callable[[], None] = lambda: None, at: int = -1, operator_begins: bool = True, **where: str
) -> Iterator[Spoiled]:
    """A board that is switched off at the end, whatever happens."""
    with closing(open_sim(address(**where))) as board:
        yield Spoiled(board, act, at, operator_begins)


def raiser(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def record(path: Path, url: str | None = None) -> tuple[Recorded, SimTransport]:
    """One attempt of the simulated bone in a journal at `path`, and the transport, closed."""
    with closing(open_sim(url or address())) as board:
        return record_attempt(board, PLAN, path, SETTINGS), board


@cache
def journal_bytes() -> bytes:
    """A whole recording of an expert, made once per run; write it where the test wants it."""
    with TemporaryDirectory() as folder:
        return record(Path(folder) / "expert.journal")[0].path.read_bytes()
