"""`Flasher` from port to HELLO: who is asked to leave, who is left alone, who is met afterwards."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from popsense.errors import (
    DeviceError,
    LinkLost,
    NotOurDeviceError,
    PopsenseError,
    ProtocolMismatch,
    UsageError,
)
from popsense.technician.flash.approach import RETURN_S
from popsense.technician.flash.install import Done, Flasher, port_to_flash
from popsense.technician.ports import Port
from popsense_protocol.codec import TYPE_OF_NAME, decode
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.packets import PROTOCOL_VERSION
from tests.host.link.scripted import answer_frame, hello
from tests.host.technician.flash_board import PICO_ABOUT, MemoryBoard, copied, small_release
from tests.host.technician.machines import NAMED, PICO

OLD, NEW = small_release("1.2.2"), small_release("1.2.3")  # the scripted HELLO says 1.2.3
BRIDGE = Port("socket://127.0.0.1:5000", named=True)
SAMPLES = encode_frame(bytes([TYPE_OF_NAME["SAMPLE_BLOCK"]]) + bytes(40))
FOREIGN = b"$GPGGA,123519,4807.038,N\r\n"


class Pico:
    """One board: what it says by itself, its manners towards commands, and its files behind the prompt.

    mode: firmware, prompt, raw prompt, quiet. on_exit: leaves; stuck: starts again; unknown or sampling: NAK.
    """

    name = "/dev/ttyACM0"

    def __init__(
        self, mode: str = "firmware", says: bytes = b"", state: str = "idle", on_exit: str = "leaves"
    ) -> None:
        self.mode, self.says, self.state, self.on_exit = mode, says or hello(), state, on_exit
        self.after_reset = "firmware"
        self.away = 0
        self.written = b""
        self.is_open = False
        self.board = MemoryBoard(copied(OLD))
        self.board.reset = self.reset  # pyright: ignore[reportAttributeAccessIssue]
        self.resets = 0
        self._now_s = 0.0
        self._answers: deque[bytes] = deque()
        self._decoder = FrameDecoder()

    def opened(self) -> "Pico":
        self.is_open, self.resets = True, 0
        return self

    def now(self) -> float:
        return self._now_s

    def wait(self, seconds: float) -> None:
        self._now_s += seconds

    def read(self, timeout_s: float) -> bytes:
        assert self.is_open
        if self.away:
            raise LinkLost("it is gone", "Check the cable.")
        self._now_s += 0.2 if self.mode == "firmware" else timeout_s
        if self._answers:
            return self._answers.popleft()
        return self.says if self.mode == "firmware" else b""

    def write(self, data: bytes) -> None:
        assert b"\x03" not in data, "mpremote alone sends it"
        self.written += data
        if self.mode == "raw prompt" and b"\x02" in data:
            self.mode = "prompt"
        if self.mode == "prompt" and b"\r" in data:
            self._answers.append(b"\r\n>>> ")
        for payload in self._decoder.feed(data) if self.mode == "firmware" else []:
            self._answers.append(self._answered(decode(payload).name))

    def _answered(self, name: str) -> bytes:
        if name == "IDENTIFY":
            return answer_frame("ACK", TYPE_OF_NAME[name], 0, state=self.state)
        assert name == "EXIT"
        if self.on_exit == "unknown":
            return answer_frame("NAK", TYPE_OF_NAME[name], 0, reason="unknown_command")
        if self.on_exit == "sampling":
            return answer_frame("NAK", TYPE_OF_NAME[name], 1, reason="already_sampling")
        self.mode, self.away = "prompt" if self.on_exit == "leaves" else "firmware", 3
        return answer_frame("ACK", TYPE_OF_NAME[name], 1, state="idle")

    def reopen(self) -> None:
        self._answers.clear()
        self.is_open = True
        if self.away:
            self.away -= 1
            raise LinkLost("not back yet", "Plug it in.")

    def reset(self) -> None:
        if not self.resets:
            self.mode, self.away = self.after_reset, 2
        self.resets += 1

    def operator_may_begin(self) -> None:
        raise AssertionError("nobody samples here")

    def close(self) -> None:
        self.is_open = False


@dataclass
class Bench:
    """A flasher on this board, and what it told."""

    pico: Pico
    port: Port = PICO
    refuses: PopsenseError | None = None

    def flasher(self) -> Flasher:
        return Flasher(self.port, lambda url: self.pico.opened(), lambda text: None, self._open)

    def _open(self, name: str) -> MemoryBoard:
        assert not self.pico.is_open, "a port has one user"
        assert name == self.pico.name
        if self.refuses is not None:
            raise self.refuses
        return self.pico.board


def flashed(pico: Pico, port: Port = PICO) -> Done:
    return Bench(pico, port).flasher().copy(NEW)


def untouched(pico: Pico) -> bool:
    return pico.board.files == copied(OLD) and pico.resets == 0


def test_a_running_firmware_is_asked_to_leave_and_the_new_one_is_met():
    pico = Pico()
    done = flashed(pico)
    assert (done.action, done.version_before, done.version_after) == ("copied", "1.2.3", "1.2.3")
    assert {one.state for one in done.files} == {"same"}
    assert pico.board.files.items() >= copied(NEW).items()
    assert not pico.is_open


@pytest.mark.parametrize("mode", ["prompt", "raw prompt"])
@pytest.mark.parametrize("port", [PICO, NAMED, BRIDGE], ids=["pico", "named", "bridge"])
def test_at_a_prompt_it_goes_straight_on(mode: str, port: Port):
    pico = Pico(mode)
    done = flashed(pico, port)
    assert (done.version_before, done.version_after) == (PICO_ABOUT.firmware, "1.2.3")


def test_what_is_there_already_is_only_started_again():
    pico = Pico()
    pico.board.files = copied(NEW)
    assert flashed(pico).action == "already there"
    assert pico.resets > 0


# ---- left alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pico",
    [
        Pico(state="sampling"),
        Pico(on_exit="sampling"),
        Pico(says=hello(protocol_version=PROTOCOL_VERSION - 1) + SAMPLES),
    ],
    ids=["says so", "refuses to leave", "another protocol"],
)
def test_a_board_that_samples_is_left_alone(pico: Pico):
    with pytest.raises(DeviceError, match="is sampling"):
        flashed(pico)
    assert untouched(pico)
    assert not pico.is_open


def test_a_firmware_that_knows_no_exit_is_for_the_user_to_unplug():
    pico = Pico(on_exit="unknown")
    with pytest.raises(DeviceError, match="cannot be asked to leave") as refusal:
        flashed(pico)
    assert "before any other program talks to it" in refusal.value.remedy
    assert "GPIO 22" in refusal.value.remedy
    assert untouched(pico)


def test_a_firmware_that_starts_again_instead_of_leaving_is_told():
    pico = Pico(on_exit="stuck")
    with pytest.raises(DeviceError, match="started again instead of leaving") as refusal:
        flashed(pico)
    assert "GPIO 22" in refusal.value.remedy
    assert untouched(pico)


def test_a_board_that_does_not_come_back_is_given_up():
    pico = Pico()
    pico.reopen = lambda: (_ for _ in ()).throw(LinkLost("not back", "Plug it in."))
    with pytest.raises(DeviceError, match="did not come back"):
        flashed(pico)
    assert RETURN_S <= pico.now() < RETURN_S + 5


@pytest.mark.parametrize("changed", [{"protocol_version": PROTOCOL_VERSION - 1}, {"schema_hash": 1}])
def test_a_firmware_of_another_protocol_is_stopped_by_ctrl_c_and_told_nothing(changed: dict[str, int]):
    pico = Pico(says=hello(**changed))
    bench = Bench(pico)
    bench.refuses = LinkLost("no raw prompt", "Unplug it.")
    with pytest.raises(DeviceError, match="cannot be stopped by Ctrl-C") as refusal:
        bench.flasher().copy(NEW)
    assert "GPIO 22" in refusal.value.remedy
    assert pico.written == b"", "IDENTIFY would switch Ctrl-C off"


@pytest.mark.parametrize("port", [NAMED, BRIDGE], ids=["named", "bridge"])
@pytest.mark.parametrize(
    "pico", [lambda: Pico("quiet"), lambda: Pico(says=FOREIGN)], ids=["silent", "foreign"]
)
def test_no_ctrl_c_goes_to_what_is_not_known_to_be_micropython(port: Port, pico: Callable[[], Pico]):
    board = pico()
    bench = Bench(board, port)
    bench.refuses = AssertionError("mpremote must not open it")  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(NotOurDeviceError):
        bench.flasher().copy(NEW)
    assert b"\x03" not in board.written
    assert board.mode == "quiet" or board.written == b"", "what speaks for itself is not asked"


@pytest.mark.parametrize(
    "pico", [lambda: Pico("quiet"), lambda: Pico(says=FOREIGN)], ids=["silent", "foreign"]
)
def test_whatever_program_runs_on_micropythons_usb_id_may_be_stopped(pico: Callable[[], Pico]):
    board = pico()
    board.board.reset = lambda: (board.reset(), setattr(board, "says", hello()))
    assert flashed(board).action == "copied"


def test_a_board_that_will_not_do_is_started_again_as_it_was():
    pico = Pico()
    pico.board.told = replace(PICO_ABOUT, watchdog_running=True)
    with pytest.raises(DeviceError, match="watchdog"):
        flashed(pico)
    assert pico.board.files == copied(OLD)
    assert (pico.mode, pico.resets) == ("firmware", 1)


# ---- afterwards ----------------------------------------------------------------------------------------


def test_a_firmware_that_does_not_start_is_told_with_the_way_back():
    pico = Pico()
    pico.after_reset = "prompt"
    with pytest.raises(DeviceError, match="does not start: MicroPython's prompt answers") as refusal:
        flashed(pico)
    assert "popsense flash --rollback" in refusal.value.remedy


def test_a_board_that_stays_silent_afterwards_is_told():
    pico = Pico()
    pico.after_reset = "quiet"
    with pytest.raises(DeviceError, match="does not start: no HELLO comes"):
        flashed(pico)


def test_another_version_than_was_copied_is_told():
    pico = Pico()
    with pytest.raises(DeviceError, match=r"runs 1\.2\.3, not 2\.0\.0"):
        Bench(pico).flasher().copy(small_release("2.0.0"))


def test_a_comparison_changes_nothing_and_starts_the_firmware_again():
    pico = Pico()
    pico.board.steps_left = 0
    done = Bench(pico).flasher().compare(NEW)
    assert (done.action, done.differs, pico.mode) == ("compared", True, "firmware")
    assert not replace(done, files=[one for one in done.files if one.state == "same"]).differs


@pytest.mark.parametrize(
    "says", [hello(), hello(protocol_version=PROTOCOL_VERSION - 1)], ids=["same", "older"]
)
def test_a_rollback_may_meet_a_firmware_of_another_protocol(says: bytes):
    pico = Pico()
    bench = Bench(pico)
    bench.flasher().copy(NEW)
    pico.board.reset = lambda: (pico.reset(), setattr(pico, "says", says))
    done = bench.flasher().roll_back(NEW)
    assert (done.action, done.version_after) == ("rolled back", "1.2.2")
    assert any(one.state != "same" for one in done.files)
    assert pico.board.files.items() >= copied(OLD).items()


def test_a_new_firmware_of_another_protocol_is_an_error():
    pico = Pico()
    pico.board.reset = lambda: (pico.reset(), setattr(pico, "says", hello(protocol_version=99)))
    with pytest.raises(ProtocolMismatch):
        flashed(pico)


# ---- which port ----------------------------------------------------------------------------------------


def attached(number: int, product_id: int = 5) -> Port:
    return Port(f"serial:///dev/ttyACM{number}", 0x2E8A, product_id)


def test_the_only_board_is_taken():
    others = [Port("serial:///dev/ttyS0"), attached(1, 0x000B), attached(2)]
    assert port_to_flash(None, others) == attached(2)


def test_a_named_port_is_taken_with_its_usb_id():
    assert port_to_flash("/dev/ttyACM1", [attached(0), attached(1)]).runs_micropython
    assert port_to_flash("socket://127.0.0.1:5", [attached(0)]).address == "socket://127.0.0.1:5"


@pytest.mark.parametrize(
    ("named", "here", "error", "remedy"),
    [
        (None, [], DeviceError, "popsense doctor"),
        (None, [attached(0), attached(1)], UsageError, "--port"),
        ("sim://adult-proximal-tibia", [], UsageError, "serial port"),
        ("replay://x", [], UsageError, "serial port"),
    ],
)
def test_no_board_two_boards_and_no_boards_at_all_are_errors(
    named: str | None, here: list[Port], error: type[PopsenseError], remedy: str
):
    with pytest.raises(error) as refusal:
        port_to_flash(named, here)
    assert remedy in refusal.value.remedy
