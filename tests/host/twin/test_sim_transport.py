"""The simulated bone as a transport: its address, its clock, its end."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from popsense.errors import LinkLost, TwinError, UsageError
from popsense.link.connection import Nobody
from popsense.link.session import Session
from popsense.twin.sim_board import TwinAddress
from popsense.twin.transport import SimTransport, open_sim, parse_address
from popsense_protocol.codec import Packet, decode
from popsense_protocol.framing import FrameDecoder
from tests.host.attempts.boards import address

SITE = "adult-proximal-tibia"


class Listener(Nobody):
    """Keeps the bytes."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def wire(self, host_time_s: float, data: bytes) -> None:
        self.received.append(data)


@contextmanager
def opened(url: str) -> Iterator[SimTransport]:
    with closing(open_sim(url)) as board:
        yield board


def wire(url: str, seconds: float = 3.0) -> bytes:
    """All bytes of an attempt's beginning: HELLO, IDENTIFY, START, then blocks."""
    with opened(url) as board:
        witness = Listener()
        session = Session(board, witness)
        session.connect()
        session.start("assessment", uncalibrated=True)
        board.operator_may_begin()
        while board.now() < seconds:
            list(session.receive())
        session.stop()
        return b"".join(witness.received)


# ---- address -------------------------------------------------------------------------------------------


def test_an_address_has_defaults():
    parsed = parse_address(f"sim://{SITE}")
    assert parsed == TwinAddress(parsed.site, "expert", "powered", 0, "max", "auto")


def test_every_part_of_an_address_counts():
    url = f"sim://{SITE}?operator=novice&device=manual&seed=7&pace=real&interpreter=cpython&converter=hx711"
    parsed = parse_address(url)
    assert parsed == TwinAddress(parsed.site, "novice", "manual", 7, "real", "cpython", "hx711")
    assert parsed.site.name == SITE


@pytest.mark.parametrize(
    ("url", "said", "remedy"),
    [
        ("sim://", "unknown site ''", SITE),
        ("sim://femur", "unknown site 'femur'", SITE),
        ("sim://?seed=1", "unknown site ''", SITE),
        (f"sim://{SITE}?sed=1", "unknown option 'sed'", "seed"),
        (f"sim://{SITE}?seed=-1", "seed '-1'", "seed=7"),
        (f"sim://{SITE}?seed=1.5", "seed '1.5'", "seed=7"),
        (f"sim://{SITE}?seed=", "seed ''", "seed=7"),
        (f"sim://{SITE}?pace=slow", "unknown pace 'slow'", "pace=real"),
        (f"sim://{SITE}?pace=", "unknown pace ''", "pace=max"),
        (f"sim://{SITE}?operator=surgeon", "'surgeon'", "plunger"),
        (f"sim://{SITE}?operator=", "''", "plunger"),
        (f"sim://{SITE}?device=hammer", "'hammer'", "manual"),
        (f"sim://{SITE}?interpreter=pypy", "'pypy'", "micropython"),
        (f"sim://{SITE}?converter=hx712", "unknown converter 'hx712'", "hx711-10"),
    ],
)
def test_a_mistake_in_the_address_is_named_with_its_remedy(url: str, said: str, remedy: str):
    with pytest.raises(UsageError) as caught:
        open_sim(url).close()
    assert said in str(caught.value)
    assert remedy in caught.value.remedy


# ---- bytes ---------------------------------------------------------------------------------------------


def test_the_same_address_gives_the_same_bytes():
    first = wire(address(seed=9))
    assert first == wire(address(seed=9))
    assert first != wire(address(seed=10))
    assert len(first) > 20_000


def packets(data: bytes) -> list[Packet]:
    return [decode(payload) for payload in FrameDecoder().feed(data)]


def test_cpython_gives_the_same_packets_as_micropython(require):
    require("micropython")
    real, shim = (packets(wire(address(more=f"&interpreter={name}"))) for name in ("micropython", "cpython"))
    hellos = [(a.fields, b.fields) for a, b in zip(real, shim, strict=True) if a.name == "HELLO"]
    assert hellos
    for a, b in hellos:
        assert a.interpreter.startswith("micropython")
        assert b.interpreter.startswith("cpython")
        a.interpreter = b.interpreter = ""
    status = [packet.name for packet in real if packet.name == "STATUS"]
    for packet in [*real, *shim]:
        if packet.name in ("STATUS", "HEALTH"):
            packet.fields.heap_free_bytes = 0  # of the interpreter, and not of the protocol
    assert [(p.name, dict(p.fields)) for p in real] == [(p.name, dict(p.fields)) for p in shim], status


# ---- clock ---------------------------------------------------------------------------------------------


def test_silence_costs_the_time_out_and_no_more(monkeypatch: pytest.MonkeyPatch):
    with opened(address()) as board:
        exchange = board.board._child.exchange
        monkeypatch.setattr(
            board.board._child, "exchange", lambda *given: exchange(*given)._replace(data=b"")
        )
        for timeout_s in (0.0, 0.1, 0.25, 1.0):
            before = board.now()
            assert board.read(timeout_s) == b""
            assert timeout_s <= board.now() - before + 1e-9
            assert board.now() - before < timeout_s + 0.102  # one step of virtual time more at most


def test_time_is_virtual_and_moves_only_while_reading():
    with opened(address()) as board:
        before = board.now()
        board.write(b"")
        board.operator_may_begin()
        assert board.now() == before
        board.read(0.1)
        assert board.now() > before


class WallClock:
    """Stands for the module `time`: sleeping moves it, computing does not."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now_s += seconds


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    clock = WallClock()
    monkeypatch.setattr("popsense.twin.sim_board.time", clock)
    return clock


def test_real_pace_keeps_to_the_wall_clock(wall: WallClock):
    with closing(SimTransport(parse_address(address(more="&pace=real")), sleep=wall.sleep)) as board:
        Session(board).connect()
        wall.naps.clear()  # at power-on the firmware sleeps for longer at a stretch
        while board.now() < 1.0:
            board.read(0.1)
            assert board.now() == pytest.approx(wall.now_s - 1000.0, abs=1e-6)
    assert max(wall.naps) <= 0.021  # seldom enough to be cheap, often enough to look alive


def test_real_pace_catches_up_when_the_computer_was_slow(wall: WallClock):
    with closing(SimTransport(parse_address(address(more="&pace=real")), sleep=wall.sleep)) as board:
        wall.now_s += 0.5
        while board.now() < 0.5:
            assert wall.naps == []
            board.read(0.02)


def test_full_pace_never_sleeps(wall: WallClock):
    with closing(SimTransport(parse_address(address()), sleep=wall.sleep)) as board:
        while board.now() < 1.0:
            board.read(0.1)
    assert wall.naps == []


# ---- end -----------------------------------------------------------------------------------------------


def test_nothing_goes_through_a_closed_board():
    board = open_sim(address())
    board.close()
    board.close()
    with pytest.raises(LinkLost):
        board.read(0.1)
    with pytest.raises(LinkLost):
        board.write(b"x")


def test_closing_ends_the_process_and_removes_its_folder():
    board = open_sim(address())
    process, folder = board.board._child._process, Path(board.board._child._folder.name)
    assert folder.is_dir()
    assert process.poll() is None
    board.close()
    assert process.poll() is not None
    assert not folder.exists()


def test_a_board_that_dies_is_reported():
    with opened(address()) as board:
        board.board._child._process.kill()
        with pytest.raises(TwinError, match="the simulated board stopped") as caught:
            board.read(0.1)
        assert caught.value.remedy


@pytest.mark.slow
def test_the_board_ends_with_a_host_that_was_killed(tmp_path: Path):
    program = (
        "import os, sys; from popsense.twin.transport import open_sim\n"
        f"board = open_sim({address()!r}); print(board.board._child._process.pid, flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 9
    assert not is_running(int(done.stdout))


def is_running(pid: int) -> bool:
    """Gives an orphan a moment to notice that its pipe is closed."""
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z":
            return False
        time.sleep(0.02)
    return True
