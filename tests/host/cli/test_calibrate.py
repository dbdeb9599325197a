"""`popsense calibrate` with the real firmware on the simulated board; masses and blocks are the test's."""

import io
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from popsense.cli import calibrating
from popsense.errors import CommandRefused, DeviceError, UsageError
from popsense.link.calibration import read_calibration
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.technician.ports import Port
from popsense.twin.transport import SimTransport, open_sim
from tests.conftest import Require
from tests.firmware.in_process import load_bone
from tests.host.attempts.boards import address
from tests.host.cli.programs import CommandLine, Done
from tests.host.technician.benches import Bench

UP_AND_DOWN = (0, 1, 2, 1, 0)
MASSES = ("--references", "0,1,2 kg")


class Plugged:
    """A board that stays plugged in when a command has done with it."""

    def __init__(self, board: SimTransport) -> None:
        self._board = board

    def __getattr__(self, name: str) -> Any:
        return (lambda: None) if name == "close" else getattr(self._board, name)


@pytest.fixture
def board(require: Require, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugged]:
    require("micropython")
    with closing(open_sim(address())) as found:
        plugged = Plugged(found)
        system = SimpleNamespace(ports=lambda: [Port("serial:///dev/ttyACM0", 0x2E8A, 5)])
        system.open_url = lambda url: plugged
        monkeypatch.setattr(calibrating, "System", lambda: system)
        yield plugged


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return CommandLine(monkeypatch, capfd)


def with_masses(monkeypatch: pytest.MonkeyPatch, *kilograms: int, answers: str = "\n" * 9) -> Bench:
    """A bench that gives those, one a reading; what the technician types."""
    bench = Bench(lambda _: 1_000 + 42_000 * kilograms[bench.readings])
    monkeypatch.setattr(calibrating, "BoardSource", lambda session: bench)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    return bench


def kept(board: Plugged) -> Any:
    session = Session(board)  # type: ignore[arg-type]
    session.connect()
    return read_calibration(session)["force"]


def calibrated(run: CommandLine, monkeypatch: pytest.MonkeyPatch, *options: str) -> Done:
    with_masses(monkeypatch, *UP_AND_DOWN)
    done = run("calibrate", "force", *MASSES, "--yes", *options)
    assert (done.code, done.err) == (0, "")
    return done


def test_what_was_measured_is_on_the_board_and_in_a_certificate(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    done = calibrated(run, monkeypatch, "--by", "A. Nurse", "--uncertainty", "0.5 g", "--days", "30")
    record = kept(board)
    assert [point.milliunits for point in record.points] == [0, 9_807, 19_613]
    assert [point.counts for point in record.points] == pytest.approx([1_000, 43_000, 85_000], abs=1)
    assert (record.valid_days, (record.last_day - record.day).days) == (30, 30)
    (page,) = Path("recordings").glob("calibration-*-force-*.html")
    assert f"certificate: {page}" in done.out
    for words in ("A. Nurse", "0.5 g", "none claimed", "Nobody has validated", str(record.id)):
        assert words in done.out
        assert words in page.read_text(encoding="utf-8")
    shown = run("calibrate", "show").out
    assert f"force: calibrated until {record.last_day}" in shown
    assert "depth: missing" in shown
    assert "calibration incomplete: depth and pressure missing" in shown


def test_who_does_not_want_it_keeps_the_old_one(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    calibrated(run, monkeypatch)
    old = kept(board)
    with_masses(monkeypatch, *UP_AND_DOWN, answers="\n" * 5 + "no\n")
    done = run("calibrate", "force", *MASSES)
    assert done.code == 3
    assert "Not written" in done.out
    assert kept(board) == old


@pytest.mark.slow
def test_ctrl_c_in_the_midst_keeps_the_old_one(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    calibrated(run, monkeypatch)
    old = kept(board)
    bench = with_masses(monkeypatch, *UP_AND_DOWN)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "rest", interrupted)
    done = run("calibrate", "force", *MASSES, "--yes")
    assert done.code == 3
    assert "keeps the calibration that it had" in done.out
    assert kept(board) == old


@pytest.mark.slow
def test_an_end_of_input_is_no_answer(run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch):
    with_masses(monkeypatch, *UP_AND_DOWN, answers="\n")
    done = run("calibrate", "force", *MASSES)
    assert done.code == 2
    assert "no answer came. Calibrate at a terminal; nothing was written" in done.err
    assert kept(board) is None


def test_masses_that_fall_are_refused_before_a_board_is_looked_for(run: CommandLine):
    done = run("calibrate", "force", "--references", "0,2,1 kg", "--port", "sim://nowhere")
    assert (done.code, done.out) == (2, "")
    assert "1 kg follows 2 kg. Name them in rising order." in done.err


def test_two_ports_are_one_too_many(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    ports = [Port(f"serial:///dev/ttyACM{k}", 0x2E8A, 5) for k in (0, 1)]
    monkeypatch.setattr(
        calibrating, "System", lambda: SimpleNamespace(ports=lambda: ports, open_url=open_sim)
    )
    done = run("calibrate", "show")
    assert done.code == 2
    assert "there are 2 boards: /dev/ttyACM0, /dev/ttyACM1" in done.err
    assert "popsense calibrate show --port PORT" in done.err


def test_a_board_at_rest_is_tared(run: CommandLine, board: Plugged):
    done = run("calibrate", "tare")
    assert (done.code, done.err) == (0, "")
    assert "tared: zero at " in done.out
    assert " N by the nominal scale); nothing is stored" in done.out


def test_the_help_of_tare_has_the_firmwares_limits(run: CommandLine):
    settings = load_bone("settings").settings
    words = " ".join(run("calibrate", "tare", "--help").out.split())
    assert f"over {settings.LOADED_MN / 1000:g} N or {settings.TARE_NOISY_MN / 1000:g} N of noise" in words


@pytest.mark.parametrize(
    ("sensor", "default"), [("force", "0,1,2,5,10 kg"), ("depth", "0,5,10"), ("pressure", "0,25,50 kPa")]
)
def test_the_help_of_each_sensor_has_its_defaults_and_the_exit_codes(
    run: CommandLine, sensor: str, default: str
):
    words = " ".join(run("calibrate", sensor, "--help").out.replace("│", " ").split())
    assert default in words
    assert "2 for an error, 3 where it was not written" in words


def test_a_place_that_takes_no_page_is_refused_before_the_first_reading(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    bench = with_masses(monkeypatch, *UP_AND_DOWN)
    (tmp_path / "kept.txt").write_text("not a page", encoding="utf-8")
    for place in (tmp_path, tmp_path / "kept.txt", tmp_path / "kept.txt" / "page.html"):
        done = run("calibrate", "force", *MASSES, "--yes", "--out", place)
        assert done.code == 2
        assert "Choose another place with --out." in done.err
    assert bench.readings == 0
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "not a page"


def test_where_the_page_fails_after_all_the_readings_stand_on_the_screen(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    def full(path: Path, page: str) -> None:
        raise UsageError("the disk is full", "Choose another place with --out.")

    monkeypatch.setattr(calibrating, "write_page", full)
    with_masses(monkeypatch, *UP_AND_DOWN)
    done = run("calibrate", "force", *MASSES, "--yes")
    assert done.code == 2
    assert "The board holds the calibration" in done.err
    readings = done.out.partition("The readings:")[2]
    assert readings.count(" counts, noise ") == len(UP_AND_DOWN)
    assert kept(board) is not None


def test_where_the_board_fails_the_page_says_so(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any) -> None:
        raise DeviceError("the flash is worn", "Take another board.")

    monkeypatch.setattr(calibrating, "write_calibration", broken)
    with_masses(monkeypatch, *UP_AND_DOWN)
    done = run("calibrate", "force", *MASSES, "--yes", "--out", "page.html")
    assert done.code == 2
    assert "the flash is worn. Take another board." in done.err
    assert "Written" not in done.out
    assert "not known: the flash is worn" in Path("page.html").read_text(encoding="utf-8")


def test_a_recording_is_refused_before_anything_is_asked(run: CommandLine, monkeypatch: pytest.MonkeyPatch):
    bench = with_masses(monkeypatch, *UP_AND_DOWN)
    done = run("calibrate", "force", *MASSES, "--port", "replay://any.parquet")
    assert (done.code, done.out, bench.asked) == (2, "", [])
    assert "a recording cannot be calibrated" in done.err


@pytest.mark.slow
def test_a_board_that_knows_no_calibrations_is_refused_before_anything_is_asked(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    def unknown(*_: Any) -> None:
        raise CommandRefused("the board does not know this command", "", "unknown_command")

    monkeypatch.setattr(Service, "calibration", unknown)
    bench = with_masses(monkeypatch, *UP_AND_DOWN)
    done = run("calibrate", "force", *MASSES)
    assert (done.code, done.out, bench.readings) == (2, "", 0)
    assert "Update its firmware" in done.err


def test_what_is_in_doubt_is_written_only_where_that_is_meant(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    half = ("--references", "0,0.5,1 kg")  # while 1 and 2 kg were put on
    with_masses(monkeypatch, *UP_AND_DOWN)
    done = run("calibrate", "force", *half, "--yes")
    assert done.code == 3
    assert "In doubt: the slope is 49" in done.out
    assert "add --accept" in done.out
    assert kept(board) is None
    with_masses(monkeypatch, *UP_AND_DOWN)
    assert run("calibrate", "force", *half, "--yes", "--accept").code == 0
    assert kept(board) is not None


def test_a_closed_standard_input_is_no_answer(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    with_masses(monkeypatch, *UP_AND_DOWN)
    monkeypatch.setattr(sys, "stdin", None)
    done = run("calibrate", "force", *MASSES)
    assert done.code == 2
    assert "no answer came. Calibrate at a terminal" in done.err


@pytest.mark.slow
def test_the_twins_own_readings_do_not_follow_masses_that_nobody_puts_on(
    run: CommandLine, board: Plugged, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 9))
    done = run("calibrate", "force", *MASSES, "--yes")
    assert done.code == 2
    assert "is not above that at 0 N" in done.err
    assert kept(board) is None
