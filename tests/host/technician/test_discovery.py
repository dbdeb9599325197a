"""`find_boards`: one result a port, whatever the others do."""

import errno
import threading
from datetime import date

import pytest

from popsense.errors import LinkLost, PopsenseError, PortError, TwinError, UsageError
from popsense.link.transport import Transport
from popsense.technician.discovery import ask, find_boards
from popsense.technician.ports import Port
from popsense_protocol.packets import PROTOCOL_VERSION
from tests.host.link.scripted import channel, hello
from tests.host.technician.machines import PICO, FakeBoard, Together, opener
from tests.host.technician.sampling_board import calibrated

TODAY = date(2026, 11, 21)
MISSING = {"id": 0, "state": "missing", "made": None, "valid_until": None}
ALL = {sensor: calibrated(TODAY) for sensor in ("force", "depth", "pressure")}


def refusal(code: int) -> PortError:
    error = PortError("refused", "Do something.")
    error.__cause__ = OSError(code, "as the system says")
    return error


def port(number: int) -> Port:
    return Port(f"serial:///dev/ttyACM{number}", 0x2E8A, 5)


@pytest.mark.parametrize("state", ["idle", "sampling"])
def test_a_board_tells_who_it_is_and_whether_it_samples(state: str):
    board = FakeBoard(
        hello(calibration_id=44), state=state, faults=(2,), records={"force": calibrated(TODAY)}
    )
    found = ask(PICO, opener((PICO.address, board)))
    assert (found.status, found.problem) == (state, None)
    assert found.as_json(TODAY) == {
        "port": "/dev/ttyACM0",
        "address": "serial:///dev/ttyACM0",
        "usb_id": "2e8a:0005",
        "usb_serial_number": "E660",
        "product": "Board in FS mode",
        "status": state,
        "board": {
            "firmware_version": "1.2.3",
            "board_id": "0001020304050607",
            "boot_id": "00000abc",
            "calibration_id": 44,
            "interpreter": "scripted 1",
            "sample_rate_hz": 988.5,
            "sampling_costs": [],
        },
        "calibration": {
            "force": {"id": 7, "state": "calibrated", "made": "2026-11-21", "valid_until": "2027-11-21"},
            "depth": MISSING,
            "pressure": MISSING,
        },
        "health": {
            "ok": False,
            "faults": [{"code": "force_cell_open", "title": "load cell unplugged"}],
            "problem": None,
        },
        "problem": None,
    }
    assert board.closed
    assert set(board.heard) == {"IDENTIFY", "READ_CALIBRATION", "READ_HEALTH"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (refusal(errno.EBUSY), "held by another program"),
        (refusal(errno.EACCES), "no permission"),
        (refusal(errno.ENOENT), "no such port"),
        (refusal(errno.EIO), "cannot be opened"),
        (UsageError("no address", "Give one."), "cannot be opened"),
        (TwinError("broke down", "Try again."), "lost"),
        (FakeBoard(), "no popsense board"),
        (FakeBoard(b"$GPGGA,123519\r\n"), "no popsense board"),
        (FakeBoard(hello(protocol_version=PROTOCOL_VERSION + 1)), "another protocol"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_each_problem_has_its_word_and_its_remedy(answer: Transport | PopsenseError, status: str):
    found = ask(PICO, opener((PICO.address, answer)))
    assert (found.status, found.hello) == (status, None)
    problem = found.as_json(TODAY)["problem"]
    assert problem["message"]
    assert problem["remedy"]
    assert isinstance(answer, PopsenseError) or (answer.closed and answer.written == b"")


@pytest.mark.parametrize("refuses", ["", "unknown_command"])
def test_a_board_whose_force_converter_is_dead_is_not_well(refuses: str):
    found = ask(PICO, opener((PICO.address, FakeBoard(hello(sample_rate_mhz=0), refuses=refuses))))
    assert found.as_json(TODAY)["health"] == {"ok": False, "faults": [], "problem": "no force samples"}


def test_an_older_firmware_is_listed_all_the_same():
    found = ask(PICO, opener((PICO.address, FakeBoard(hello(), refuses="unknown_command"))))
    said = found.as_json(TODAY)
    assert (said["status"], said["health"], found.faults) == ("idle", None, None)


def test_a_board_that_refuses_while_it_samples_is_not_lost():
    board = FakeBoard(hello(), state="sampling", refuses="already_sampling")
    found = ask(PICO, opener((PICO.address, board)))
    assert (found.status, found.records, found.faults) == ("sampling", None, None)
    assert found.calibration(TODAY) == "unknown"


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({}, "none"),
        ({"force": calibrated(TODAY)}, "no depth, pressure"),
        (ALL, "until 2027-11-21"),
        (ALL | {"depth": calibrated(TODAY, valid_days=10)}, "until 2026-12-01"),
        (ALL | {"depth": calibrated(date(2025, 11, 20))}, "ended 2026-11-20"),
        (ALL | {"depth": calibrated(date(2025, 11, 21))}, "until 2026-11-21"),
    ],
)
def test_the_calibration_in_words_is_that_of_the_sensor_that_ends_first(records, words: str):
    found = ask(PICO, opener((PICO.address, FakeBoard(hello(), records=records))))
    assert found.calibration(TODAY) == words


def test_a_sensor_that_is_not_fitted_needs_no_calibration():
    without = channel("kilopascal") | {"fitted": 0}
    records = {"force": calibrated(TODAY), "depth": calibrated(TODAY)}
    found = ask(PICO, opener((PICO.address, FakeBoard(hello(pressure=without), records=records))))
    assert found.calibration(TODAY) == "until 2027-11-21"


def test_one_bad_port_does_not_hide_the_others():
    open_url = opener((port(0).address, refusal(errno.EBUSY)), (port(2).address, FakeBoard()))
    found = find_boards([port(n) for n in range(4)], open_url)
    assert [one.port.name for one in found] == [f"/dev/ttyACM{n}" for n in range(4)]
    assert [one.status for one in found] == ["held by another program", "idle", "no popsense board", "idle"]


def test_a_board_that_goes_while_it_is_asked_is_lost():
    class Going(FakeBoard):
        def read(self, timeout_s: float) -> bytes:
            raise LinkLost("it is gone", "Check the cable.")

    assert ask(PICO, opener((PICO.address, Going()))).status == "lost"


def test_ports_are_asked_at_the_same_time():
    barrier = threading.Barrier(8)
    boards = [(port(n).address, Together(barrier)) for n in range(8)]
    found = find_boards([port(n) for n in range(8)], opener(*boards))
    assert {one.status for one in found} == {"idle"}


def test_no_port_is_no_board():
    assert find_boards([], opener()) == []
