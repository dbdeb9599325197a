"""Bad input: one clear line on standard error, exit code 2, and no file is changed or lost."""

import errno
import os
import pty
import shutil
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import serial

from popsense.recording.closing import close_recording
from popsense.recording.journal import JournalWriter
from popsense.recording.reader import read_journal, read_recording
from popsense_protocol.codec import TYPE_OF_NAME, schema_hash
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.packets import PROTOCOL_VERSION
from tests.architecture.tree import ROOT
from tests.host.attempts.boards import address, journal_bytes, spoiled
from tests.host.cli.programs import CommandLine

SITE = ("--site", "adult-proximal-tibia")
RUBRIC = ROOT / "host/popsense/scoring/rubrics/adult-proximal-tibia.toml"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Refused:
    """Runs a command that must fail as the rules say; returns its one line."""

    def __init__(self, command_line: CommandLine, folder: Path) -> None:
        self._run, self.folder = command_line, folder

    def __call__(self, *arguments: str | Path) -> str:
        before = everything(self.folder)
        done = self._run(*arguments)
        after = everything(self.folder)
        assert done.code == 2, done
        (line,) = done.err.splitlines()
        assert line.startswith("popsense: ")
        assert line.count(". ") >= 1, "a remedy follows"
        assert done.out == ""
        assert after == before
        return line


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("popsense.link.session.HELLO_TIMEOUT_S", 0.3)
    return Refused(CommandLine(monkeypatch, capfd), tmp_path)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "expert.journal"
    path.write_bytes(journal_bytes())
    return path


@contextmanager
def port(says: bytes = b"") -> Iterator[str]:
    """A serial port on which something says the same all the time."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    ended = threading.Event()

    def talk() -> None:
        while not ended.wait(0.01):
            with suppress(BlockingIOError):  # nobody reads
                os.write(master, says)

    speaker = threading.Thread(target=talk)
    speaker.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        speaker.join()
        os.close(slave)
        os.close(master)


def hello(version: int = PROTOCOL_VERSION, schema: int | None = None) -> bytes:
    """HELLO of our simulated board as another release would send it."""
    with spoiled() as board:
        board.read(5.0)
        payload = next(p for p in FrameDecoder().feed(bytes(board.received)) if p[0] == TYPE_OF_NAME["HELLO"])
    schema = schema_hash() if schema is None else schema
    other = payload[:2] + version.to_bytes(2, "little") + schema.to_bytes(4, "little")
    return encode_frame(other + payload[8:])


# ---- ports ---------------------------------------------------------------------------------------------


def test_no_such_port(refused: Refused):
    line = refused("record", "serial:///dev/popsense-nonexistent", *SITE)
    assert "there is no port /dev/popsense-nonexistent" in line


def test_no_address_of_a_board(refused: Refused):
    assert "sim://" in refused("record", "/dev/ttyACM0", *SITE)


def test_a_port_that_says_nothing(refused: Refused):
    with port() as name:
        line = refused("record", f"serial://{name}", *SITE)
    assert f"no board answers on {name}" in line
    assert f"popsense doctor {name}" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    "babble", [b"MicroPython v1.24\r\n>>> ", b"\0\1\2\0\xff\0", b"x" * 3000], ids=["repl", "zeros", "long"]
)
def test_a_port_of_something_else(refused: Refused, babble: bytes):
    with port(babble) as name:
        assert "but no popsense board" in refused("record", f"serial://{name}", *SITE)


def test_no_permission(refused: Refused, monkeypatch: pytest.MonkeyPatch):
    opening = os.open

    def forbidden(path: str, *arguments: int, **more: int) -> int:
        if str(path) == "/dev/ttyACM7":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opening(path, *arguments, **more)

    monkeypatch.setattr(os, "open", forbidden)
    line = refused("record", "serial:///dev/ttyACM7", *SITE)
    assert "no permission on /dev/ttyACM7" in line
    assert "dialout" in line


def test_a_port_held_by_another_program(refused: Refused):
    with port() as name, serial.Serial(name, exclusive=True):
        assert f"{name} is held by another program" in refused("record", f"serial://{name}", *SITE)


def test_a_file_is_no_port(refused: Refused, journal: Path):
    assert "is no serial port" in refused("record", f"serial://{journal}", *SITE)


@pytest.mark.parametrize(
    ("version", "schema", "said"),
    [
        (PROTOCOL_VERSION + 1, None, "Update this program"),
        (0, None, "Update the board's firmware"),
        (PROTOCOL_VERSION, 0, "Install firmware and program of the same release"),
    ],
)
def test_a_board_of_another_protocol(refused: Refused, version: int, schema: int | None, said: str):
    with port(hello(version, schema)) as name:
        assert said in refused("record", f"serial://{name}", *SITE)


# ---- options -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", ["", "x", "1..", "..3", "5..2", "-1", "1...3", "1.5", "0..1..2"])
def test_seeds(refused: Refused, seeds: str):
    assert "--seeds" in refused("demo", "--once", "--json", f"--seeds={seeds}")


def test_more_seeds_than_memory(refused: Refused):
    line = refused("demo", "--once", "--json", "--seeds=0..999999999")
    assert "1,000,000,000 seeds; at most 10,000" in line
    assert "at most 10,000" in refused("demo", "--once", "--json", "--seeds=1..10001")


@pytest.mark.parametrize("seed", ["9" * 5000, str(2**64)])
def test_a_seed_that_is_too_large(refused: Refused, seed: str):
    for arguments in (("demo", f"--seeds={seed}"), ("demo", f"--seeds=0..{seed}")):
        line = refused(*arguments)
        assert "no whole number from 0 to 18446744073709551615" in line
        assert len(line) < 200
    assert "no whole number" in refused("record", f"sim://adult-proximal-tibia?seed={seed}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sim://[bad",), "is no address of a simulated bone"),
        (("sim://[::1",), "is no address of a simulated bone"),
        (("usb://[bad", *SITE), "is no address of a board"),
        (("socket://", *SITE), "does not name host and port"),
        (("socket://here", *SITE), "does not name host and port"),
        (("socket://here:x", *SITE), "does not name host and port"),
        (("socket://here:70000", *SITE), "does not name host and port"),
        (("socket://[::1", *SITE), "does not name host and port"),
        (("socket://here:1?x", *SITE), "does not name host and port"),
        (("socket://nowhere.invalid:1", *SITE), "socket://nowhere.invalid:1 cannot be opened"),
        (("serial://", *SITE), "names no port"),
        (("serial://loop://", *SITE), "names no port"),
        (("serial://COM5", *SITE, "--device", "banana"), "Use --device with one of: manual, powered"),
        ((address(), "--device", "banana"), "Use --device with one of: manual, powered"),
        (
            (address(), "--device", "manual"),
            "--device 'manual' contradicts the address, which says 'powered'",
        ),
        ((address(), "--operator", "T07"), "--operator 'T07' contradicts the address, which says 'expert'"),
        ((address(), "--operator", ""), "--operator '' contradicts"),
        ((address(), "--mode", "exam"), "unknown mode 'exam'"),
        ((address(), "--site", "femur"), "unknown site 'femur'"),
        (("sim://femur",), "femur"),
        (
            ("serial:///dev/ttyACM0",),
            "no site given. Use --site with one that can be scored: adult-proximal-tibia",
        ),
        (("serial://COM5", "--site", "sternum"), "no rubric for site 'sternum'"),
        (("sim://adult-humerus?operator=expert&seed=1",), "no rubric for site 'adult-humerus'"),
        (
            ("sim://adult-proximal-tibia?device=spring_loaded",),
            "is for the device 'spring_loaded'. Use --device",
        ),
        ((address("surgeon"),), "surgeon"),
        ((address(device="hammer"),), "hammer"),
        ((address(more="&seeds=3"),), "unknown option 'seeds'"),
        ((address(more="&interpreter=pypy"),), "pypy"),
    ],
)
def test_what_to_record(refused: Refused, arguments: tuple[str, ...], said: str):
    assert said in refused("record", *arguments)


def test_settings(refused: Refused):
    (refused.folder / "popsense.toml").write_text("contact_timeout = 3\n", encoding="utf-8")
    assert "contact_timeout" in refused("record", address())
    (refused.folder / "popsense.toml").write_text("contact_timeout_s = \n", encoding="utf-8")
    assert "popsense.toml" in refused("record", address())


# ---- recordings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["score", "report"])
def test_no_recording(refused: Refused, command: str):
    assert "cannot read absent.journal" in refused(command, "absent.journal")
    assert "cannot read" in refused(command, refused.folder)


@pytest.mark.parametrize("command", ["score", "report"])
@pytest.mark.parametrize("content", [b"", b"dear diary", b"popsense diary 2\n", bytes(1000)])
def test_a_foreign_file(refused: Refused, command: str, content: bytes):
    (refused.folder / "a.journal").write_bytes(content)
    assert "is no popsense recording" in refused(command, "a.journal")


@pytest.mark.parametrize(("version", "remedy"), [(1, "Record again"), (3, "Update popsense")])
def test_a_recording_of_another_format(refused: Refused, version: int, remedy: str):
    (refused.folder / "a.journal").write_bytes(b"popsense journal %d\n" % version)
    line = refused("score", "a.journal")
    assert f"has recording format {version}, this program reads 2" in line
    assert remedy in line


def test_a_recording_cut_in_its_header(refused: Refused, journal: Path):
    for length in (19, 30, 200):
        journal.write_bytes(journal_bytes()[:length])
        assert "is cut off before its header" in refused("score", journal)


def test_a_recording_cut_before_the_first_sample(refused: Refused, tmp_path: Path, journal: Path):
    header = read_recording(journal).header
    JournalWriter(tmp_path / "b.journal", header).close(0.0, {"outcome": "link_lost", "detail": ""})
    assert "holds no samples" in refused("score", "b.journal")


@pytest.mark.parametrize("command", ["score", "report"])
def test_a_recording_cut_later_is_shown_with_what_is_missing(
    refused: Refused, command: str, journal: Path, monkeypatch, capfd
):
    cut = journal_bytes()[:50_001]
    journal.write_bytes(cut)
    done = CommandLine(monkeypatch, capfd)(command, journal)
    assert (done.code, done.err) == (0, "")
    said = done.out if command == "score" else journal.with_suffix(".html").read_text(encoding="utf-8")
    assert "cut off" in said
    assert command == "score" or "The recording was cut off." in said
    assert journal.read_bytes() == cut


@pytest.mark.parametrize("name", ["site", "mode", "channels", "versions", "calibration_id"])
def test_a_header_that_lacks_something(refused: Refused, tmp_path: Path, journal: Path, name: str):
    """As a program of somebody else may write it."""
    whole = read_recording(journal)
    header = {key: value for key, value in whole.header.items() if key != name}
    writer = JournalWriter(tmp_path / "b.journal", header)
    writer.wire(0.0, read_journal(journal).wire)
    writer.close(1.0, {"outcome": "removed", "detail": ""})
    assert f"does not tell its {name}" in refused("score", "b.journal")


# ---- rubrics -------------------------------------------------------------------------------------------


def test_a_rubric_with_a_typo(refused: Refused, journal: Path):
    rubric = refused.folder / "mine.toml"
    rubric.write_text(RUBRIC.read_text(encoding="utf-8").replace("weight", "wieght", 1), encoding="utf-8")
    for command in ("score", "report"):
        line = refused(command, journal, "--rubric", rubric)
        assert "wieght" in line
        assert "mine.toml" in line


def test_no_rubric(refused: Refused, journal: Path):
    assert "absent.toml" in refused("score", journal, "--rubric", "absent.toml")


def test_a_rubric_that_is_no_toml(refused: Refused, journal: Path):
    (refused.folder / "mine.toml").write_text("items = [", encoding="utf-8")
    assert "is not TOML" in refused("score", journal, "--rubric", "mine.toml")


# ---- what would be written -----------------------------------------------------------------------------


def test_a_recording_is_never_overwritten(refused: Refused, journal: Path):
    close_recording(journal)
    assert "are never overwritten" in refused("record", address(), "--out", journal)


def test_a_report_replaces_no_recording_and_no_rubric(refused: Refused, journal: Path):
    rubric = shutil.copy(RUBRIC, refused.folder / "mine.toml")
    for target in (journal, rubric):
        assert "exists and is no page" in refused("report", journal, "--out", target)


def test_a_place_that_cannot_be_written(refused: Refused, journal: Path):
    for target in (journal / "a.html", "/proc/popsense/a.html", refused.folder):
        assert "cannot write" in refused("report", journal, "--out", target)
    for target in ("/proc/popsense/a.journal", "/dev/null/a.journal"):
        refused("record", address(), "--out", target)
    refused("demo", "--once", "--json", "--jobs", "1", "--out", "/proc/popsense")


def test_a_demo_does_not_overwrite_the_last_one(refused: Refused):
    (refused.folder / "out").mkdir()
    (refused.folder / "out" / "expert-0001.journal").write_bytes(b"dear")
    assert "are never overwritten" in refused("demo", "--once", "--json", "--jobs", "1", "--out", "out")
