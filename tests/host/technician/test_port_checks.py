"""Each first-hour failure of a port has its check and its remedy."""

import errno
from datetime import date

import pytest

from popsense.errors import LinkLost, PortError, TwinError, UsageError
from popsense.technician.checks import Check
from popsense.technician.port_checks import NAMES, check_port
from popsense.technician.ports import Port
from popsense.technician.system import Access, System
from popsense_protocol.packets import PROTOCOL_VERSION
from tests.host.link.scripted import channel, hello
from tests.host.technician.machines import (
    NAMED,
    PICO,
    FakeBoard,
    all_calibrated,
    failures,
    machine,
    only_failure,
)
from tests.host.technician.sampling_board import NO_RECORD, calibrated
from tests.host.technician.test_discovery import refusal

SPI_PROMPT = b"\r\n>>> "
BANNER = b'MicroPython v1.24.1 on 2024-11-29; Raspberry Pi Pico with RP2040\r\nType "help()"\r\n>>> '
STOPPED = b'Traceback (most recent call last):\r\n  File "main.py", line 13, in <module>\r\n'


def looked_at(port: Port, board: FakeBoard, **computer: object) -> list[Check]:
    checks = check_port(port, machine((port.address, board), **computer))
    assert [check.name for check in checks] == list(NAMES)
    assert {check.subject for check in checks} == {port.name}
    assert all(check.remedy for check in failures(checks))
    assert board.closed
    assert board.heard or b"\x03" not in board.written, "to a board of ours only, which takes it for a frame"
    return checks


def refused(error: Exception, **computer: object) -> Check:
    checks = check_port(PICO, machine((PICO.address, error), **computer))
    assert [check.name for check in checks] == list(NAMES)
    failure = only_failure(checks)
    behind = checks[NAMES.index(failure.name) + 1 :]
    assert {check.outcome for check in behind} <= {"not applicable"}
    return failure


def test_a_healthy_board_passes_every_check():
    checks = looked_at(PICO, FakeBoard(hello()))
    assert {check.outcome for check in checks} == {"ok"}
    assert "popsense 1.2.3 on scripted 1, board 0001020304050607" in checks[4].seen


# ---- opening -------------------------------------------------------------------------------------------


def test_no_permission_names_the_group_that_owns_the_port():
    failure = refused(refusal(errno.EACCES), access=Access("uucp", True))
    assert failure.name == "permission"
    assert "uucp" in failure.seen
    assert failure.remedy[0] == "sudo usermod -aG uucp $USER"
    assert "log out" in failure.remedy[1]


@pytest.mark.parametrize("access", [Access("root", True), Access("dialout", False), Access("", True)])
def test_no_permission_where_no_group_may_gives_the_udev_rule(access: Access):
    failure = refused(refusal(errno.EACCES), access=access)
    assert failure.name == "permission"
    assert any('MODE="0660"' in line for line in failure.remedy)


def test_a_held_port_names_the_program_that_holds_it():
    failure = refused(refusal(errno.EBUSY), holders=("minicom -D /dev/ttyACM0 (process 4711)",))
    assert failure.name == "not in use"
    assert failure.seen == "held by minicom -D /dev/ttyACM0 (process 4711)"
    assert failure.remedy == ("Close minicom -D /dev/ttyACM0 (process 4711).",)


def test_a_held_port_whose_holder_is_hidden_lists_the_usual_ones():
    failure = refused(refusal(errno.EBUSY))
    assert failure.seen == "held by another program"
    assert "mpremote" in failure.remedy[0]


def test_a_modem_manager_needs_only_patience():
    failure = refused(refusal(errno.EBUSY), holders=("/usr/sbin/ModemManager (process 700)",))
    assert "half a minute" in failure.remedy[0]


def test_a_port_that_is_shared_fails_although_it_opens():
    checks = looked_at(PICO, FakeBoard(hello()), holders=("cat /dev/ttyACM0 (process 9)",))
    failure = only_failure(checks)
    assert failure.name == "not in use"
    assert "each gets a part of the bytes" in failure.seen
    assert checks[4].outcome == "ok"


@pytest.mark.parametrize("error", [refusal(errno.ENOENT), refusal(0), TwinError("broke down", "Try again.")])
def test_a_port_that_cannot_be_opened_gives_the_reason(error: PortError):
    failure = refused(error)
    assert (failure.name, failure.seen, failure.remedy) == ("port", str(error), (error.remedy,))


def test_a_slip_in_an_address_is_no_finding():
    with pytest.raises(UsageError):
        check_port(PICO, machine((PICO.address, UsageError("no address", "Give one."))))


# ---- DTR -----------------------------------------------------------------------------------------------


def test_a_board_that_speaks_only_after_dtr_was_renewed():
    checks = looked_at(PICO, FakeBoard(after_dtr=hello()))
    failure = only_failure(checks)
    assert failure.name == "DTR"
    assert "switched off and on" in failure.seen
    assert "virtual machine" in failure.remedy[1]
    assert checks[4].outcome == "ok"


def test_a_bridge_without_a_board_is_told_to_switch_dtr_on():
    port = Port("socket://127.0.0.1:5000", named=True)
    board = FakeBoard(has_dtr=False)
    failure = only_failure(looked_at(port, board))
    assert failure.name == "firmware"
    assert "DTR" in failure.remedy[0]
    assert board.written == b"", "what is behind a bridge was not named as a board's port"


# ---- who answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", [PICO, NAMED])
@pytest.mark.parametrize("after_return", [SPI_PROMPT, BANNER])
def test_stock_micropython_is_offered_the_firmware(port: Port, after_return: bytes):
    board = FakeBoard(after_return=after_return)
    failure = only_failure(looked_at(port, board))
    assert board.written == b"\r"
    assert failure.name == "firmware"
    assert "MicroPython's prompt" in failure.seen
    assert f"popsense flash --port {port.name}" in failure.remedy
    assert any("Ctrl-D" in line for line in failure.remedy), "our firmware may only be stopped"


def test_a_prompt_that_comes_by_itself_is_not_asked_for():
    board = FakeBoard(BANNER)
    assert "prompt" in only_failure(looked_at(PICO, board)).seen
    assert board.written == b""


@pytest.mark.parametrize("behind", [BANNER, b""], ids=["prompt", "prompt lost"])
def test_a_firmware_stopped_by_ctrl_c_is_told_how_to_go_on(behind: bytes):
    board = FakeBoard(STOPPED + b"KeyboardInterrupt: \r\n" + behind)
    failure = only_failure(looked_at(PICO, board))
    assert failure.seen == "stopped by Ctrl-C"
    assert "Ctrl-D" in failure.remedy[0]


def test_a_firmware_stopped_by_an_error_tells_it():
    board = FakeBoard(after_return=STOPPED + b"ImportError: no module named 'bone.link'\r\n" + BANNER)
    failure = only_failure(looked_at(PICO, board))
    assert failure.seen == "stopped by an error: ImportError: no module named 'bone.link'"
    assert "popsense flash --port /dev/ttyACM0" in failure.remedy


@pytest.mark.parametrize(
    ("product_id", "says", "seen", "remedy"),
    [
        (0x0005, b"temperature 21.5\r\n", "a program that is not ours", "popsense flash"),
        (0x000B, b"Adafruit CircuitPython\r\n", "CircuitPython answers", "UF2"),
        (0x1003, b"x" * 3000, "neither a popsense board nor MicroPython", "Choose another port"),
        (0x000A, b"", "nothing comes", "UF2"),
        (0x1003, b"", "nothing comes", "BOOTSEL"),
    ],
)
def test_what_else_runs_on_the_board(product_id: int, says: bytes, seen: str, remedy: str):
    board = FakeBoard(says)
    failure = only_failure(looked_at(Port("serial:///dev/ttyACM0", 0x2E8A, product_id), board))
    assert seen in failure.seen
    assert any(remedy in line for line in failure.remedy)
    assert board.written == b"", "neither MicroPython's USB id nor named"


def test_another_device_on_a_named_port_is_not_written_to():
    board = FakeBoard(b"$GPGGA,123519,4807.038,N\r\n")
    assert "Choose another port" in only_failure(looked_at(NAMED, board)).remedy[0]
    assert board.written == b""


def test_a_board_that_stays_silent_even_when_asked():
    board = FakeBoard()
    checks = looked_at(PICO, board)
    assert board.written == b"\r"
    assert checks[3].outcome == "not applicable"
    assert "plug" in only_failure(checks).remedy[0]


def test_a_board_that_goes_while_it_is_listened_to():
    class Going(FakeBoard):
        def read(self, timeout_s: float) -> bytes:
            raise LinkLost("it is gone", "Check the cable.")

    failure = only_failure(looked_at(PICO, Going()))
    assert (failure.name, failure.remedy) == ("firmware", ("Check the cable.",))


def test_a_board_that_goes_when_it_is_asked_for_the_prompt_was_silent():
    class Going(FakeBoard):
        def write(self, data: bytes) -> None:
            raise LinkLost("it is gone", "Check the cable.")

    assert "nothing comes" in only_failure(looked_at(PICO, Going())).seen


# ---- protocol and sensor -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "remedy", "step"),
    [
        ({"protocol_version": PROTOCOL_VERSION - 1}, "Update the board's firmware.", "popsense flash"),
        ({"schema_hash": 1}, "Install firmware and program of the same release.", "popsense flash"),
        ({"protocol_version": PROTOCOL_VERSION + 1}, "Update this program.", "Install popsense"),
    ],
)
def test_another_protocol_says_which_side_to_update(changed: dict[str, int], remedy: str, step: str):
    board = FakeBoard(hello(**changed))
    checks = looked_at(PICO, board)
    failure = only_failure(checks)
    assert failure.name == "protocol"
    assert failure.remedy[0] == remedy
    assert any(step in line for line in failure.remedy)
    assert ("popsense flash --port" in " ".join(failure.remedy)) == (step == "popsense flash")
    assert checks[4].outcome == "ok"
    assert board.written == b"", "Ctrl-C must go on working for popsense flash"


def test_an_older_firmware_of_the_same_protocol_is_offered_the_newer():
    checks = looked_at(PICO, FakeBoard(hello(firmware_version=[0, 0, 9])))
    failure = only_failure(checks)
    assert failure.name == "firmware"
    assert "popsense 0.0.9 on scripted 1" in failure.seen
    assert failure.remedy == ("popsense flash --port /dev/ttyACM0",)
    assert {check.outcome for check in checks[5:]} == {"ok"}


def test_without_the_firmwares_files_no_board_is_called_old(monkeypatch: pytest.MonkeyPatch):
    def gone() -> None:
        raise TwinError("the firmware's files are missing", "Reinstall popsense.")

    monkeypatch.setattr("popsense.technician.port_checks.firmware_root", gone)
    assert not failures(looked_at(PICO, FakeBoard(hello(firmware_version=[0, 0, 9]))))


def test_a_board_without_its_force_sensor():
    failure = only_failure(looked_at(PICO, FakeBoard(hello(sample_rate_mhz=0))))
    assert failure.name == "force sensor"
    assert "load cell" in failure.remedy[0]


def test_each_fault_of_the_board_has_its_words_and_its_remedy():
    failure = only_failure(looked_at(PICO, FakeBoard(hello(), faults=(2, 15))))
    assert (failure.name, failure.seen) == ("faults", "load cell unplugged, supply too low")
    cell, supply, then = failure.remedy
    assert "four wires" in cell
    assert "another cable" in supply
    assert then == "Then: popsense check --port /dev/ttyACM0"


@pytest.mark.parametrize("made", [None, date(2020, 1, 1)])
def test_a_calibration_that_is_missing_or_expired_says_how_to_make_it(made: date | None):
    records = all_calibrated() | {"depth": calibrated(made) if made else NO_RECORD}
    failure = only_failure(looked_at(PICO, FakeBoard(hello(), records=records)))
    assert failure.name == "calibration"
    assert ("depth expired since" if made else "depth missing") in failure.seen
    assert "popsense calibrate depth --port /dev/ttyACM0" in failure.remedy
    assert not any("calibrate force" in line for line in failure.remedy)


def test_an_older_firmware_that_tells_neither_faults_nor_calibration_fails_neither():
    checks = looked_at(PICO, FakeBoard(hello(), refuses="unknown_command"))
    assert not failures(checks)
    assert [check.outcome for check in checks[-2:]] == ["not applicable", "not applicable"]


def test_a_simulated_board_needs_no_calibration():
    port = Port("sim://adult-proximal-tibia", named=True)
    assert not failures(looked_at(port, FakeBoard(hello(), records={})))


def test_the_machine_that_nobody_fakes_is_this_one():
    assert System().ports.__module__ == "popsense.technician.ports"


def test_a_slow_force_converter_works_and_its_cost_is_told():
    slow = {**channel("newton"), "settle_samples": 4}
    checks = looked_at(PICO, FakeBoard(hello(sample_rate_mhz=80_000, force=slow)))
    assert not failures(checks)
    (found,) = (check for check in checks if check.name == "force sensor")
    assert found.seen.startswith("80 samples/s: a sample every 12.5 ms")
    assert "1.2 mm at 100 mm/s, unseen" in found.seen
