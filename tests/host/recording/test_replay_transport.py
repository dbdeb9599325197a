"""The way to a recording that is played: its speed, its end, its address."""

import math
import shutil
from pathlib import Path

import pytest

from popsense.errors import LinkLost, RecordingError, UsageError
from popsense.recording.closing import close_recording
from popsense.recording.reader import read_recording
from popsense.recording.replay import ReplayTransport, open_replay, parse_replay_address
from tests.host.link.client import Client, samples_of
from tests.host.recording.journals import write_journal
from tests.host.recording.replays import FORMATS
from tests.host.recording.wires import RATE_HZ, Attempt, status

# ---- the way ---------------------------------------------------------------------------------------------


class Wall:
    """A clock on the wall that only sleep moves, a little late as sleep is."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds + 0.0001


def opened(url: str, wall: Wall) -> ReplayTransport:
    return open_replay(url, lambda: wall.now_s, wall.sleep)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write_journal(tmp_path / "whole.journal", [Attempt(5000).wire()])


@pytest.mark.parametrize("speed", [0.5, 1, 4, 20])
def test_speed_is_how_much_faster_its_time_goes_by(journal: Path, speed: float):
    wall = Wall()
    client = Client(opened(f"replay://{journal}?speed={speed}", wall))
    client.connect()
    client.start()
    began, clock = wall.now_s, client.ask("CLOCK").fields.ticks_us
    client.read_for(2)
    assert wall.now_s - began == pytest.approx(2 / speed, rel=0.1)
    assert client.ask("CLOCK").fields.ticks_us - clock == pytest.approx(2e6, rel=0.1)
    assert len(samples_of(client.packets)) == pytest.approx(2 * RATE_HZ, rel=0.1)


def test_a_read_sleeps_until_something_comes_and_no_longer(journal: Path):
    wall = Wall()
    client = Client(opened(f"replay://{journal}?speed=4", wall))
    client.connect()
    wall.slept.clear()
    assert [packet.name for packet in client.read(10)] == ["HELLO"]
    assert wall.slept == pytest.approx([0.05], rel=0.1)


def test_with_speed_max_nobody_sleeps(journal: Path):
    wall = Wall()
    client = Client(opened(f"replay://{journal}?speed=max", wall))
    client.connect()
    client.start()
    assert sorted(samples_of(client.read_for(6))) == list(range(5000))
    assert wall.slept == []


def test_a_closed_port_loses_what_is_said_meanwhile_and_the_ring_keeps_it(journal: Path):
    transport = opened(f"replay://{journal}?speed=max", Wall())
    client = Client(transport)
    client.connect()
    run = client.start().fields.run
    client.read_for(1)
    transport.close()
    transport.wait(1)
    with pytest.raises(LinkLost):
        transport.read(0.1)
    transport.reopen()
    client.read_for(0.1)
    came = samples_of(client.packets)
    missing = sorted(set(range(max(came))) - set(came))
    assert len(missing) == pytest.approx(RATE_HZ, abs=40)
    client.ask("IDENTIFY")
    client.ask("RESEND", what="samples", run=run, first=missing[0], count=len(missing))
    client.read_for(2)
    assert set(missing) <= set(samples_of(client.packets))


@pytest.mark.parametrize("form", ["journal-2.journal", "parquet-1.parquet"])
def test_either_form_of_a_recording_is_played(form: str):
    transport = open_replay(f"replay://{FORMATS / form}?speed=max")
    assert transport.name == f"recording {form}"
    client = Client(transport)
    client.connect()
    client.start()
    client.read_for(2)
    stored = read_recording(FORMATS / form).stored
    assert sorted(samples_of(client.packets)) == stored.sample_index.tolist()


# ---- a recording that was cut off ------------------------------------------------------------------------


@pytest.fixture
def cut_off(tmp_path: Path) -> ReplayTransport:
    """2000 samples, and a STATUS that told of 2100."""
    wire = Attempt(2000).wire(stopped=False) + status(2100)
    journal = write_journal(tmp_path / "cut.journal", [wire], outcome=None)
    return opened(f"replay://{journal}?speed=max", Wall())


def started(transport: ReplayTransport) -> Client:
    client = Client(transport)
    client.connect()
    client.start()
    return client


def test_where_a_recording_was_cut_off_the_way_is_lost_for_good(cut_off: ReplayTransport):
    client = started(cut_off)
    with pytest.raises(LinkLost, match=r"recording cut\.journal was cut off here") as lost:
        client.read_for(60)
    assert lost.value.remedy
    assert sorted(samples_of(client.packets)) == list(range(2000))
    last = client.packets[-1]
    assert (last.name, last.fields.next_sample) == ("STATUS", 2100)
    assert cut_off.now() == pytest.approx(2100 / RATE_HZ, abs=0.01)
    for act in (cut_off.reopen, lambda: cut_off.read(1), lambda: cut_off.write(b"\0")):
        cut_off.wait(1)
        with pytest.raises(LinkLost, match="was cut off here"):
            act()


def test_a_cut_off_recording_that_is_closed_meanwhile_cannot_be_opened_again(cut_off: ReplayTransport):
    started(cut_off)
    cut_off.close()
    cut_off.wait(1)
    cut_off.reopen()
    cut_off.close()
    cut_off.wait(5)
    with pytest.raises(LinkLost, match="was cut off here"):
        cut_off.reopen()


def test_what_came_before_the_cut_is_read_although_something_was_said_since(cut_off: ReplayTransport):
    client = started(cut_off)
    client.read_for(1.5)
    cut_off.wait(3)
    cut_off.write(b"\0")
    client.read(0)
    assert sorted(samples_of(client.packets)) == list(range(2000))


def test_a_stop_in_the_last_second_before_the_cut_is_not_answered(cut_off: ReplayTransport):
    client = started(cut_off)
    client.read_for(1.5)
    with pytest.raises(LinkLost, match="was cut off here"):
        client.ask("STOP")
    assert sorted(samples_of(client.packets)) == list(range(2000))
    assert client.packets[-1].name == "STATUS"


def test_a_stop_long_before_the_cut_is_done(cut_off: ReplayTransport):
    client = started(cut_off)
    client.read_for(0.5)
    assert client.ask("STOP").fields.state == "idle"
    client.read_for(10)


# ---- the address -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path", "speed"),
    [
        ("replay://a.parquet", "a.parquet", 1),
        ("replay://a/b.parquet?speed=4", "a/b.parquet", 4),
        ("replay:///var/lab/a.journal?speed=0.25", "/var/lab/a.journal", 0.25),
        ("replay:///C:/lab/a.parquet?speed=max", "C:/lab/a.parquet", math.inf),
        ("replay://C:\\lab\\a.parquet", "C:\\lab\\a.parquet", 1),
        ("replay:///data/x/C:/a", "/data/x/C:/a", 1),
        ("replay://what%3F%20100%25.parquet?speed=1e2", "what? 100%.parquet", 100),
        ("replay://über.parquet", "über.parquet", 1),
    ],
)
def test_an_address_names_a_file_and_a_speed(url: str, path: str, speed: float):
    found = parse_replay_address(url)
    assert (str(found.path), found.speed) == (path, speed)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("", "names no recording"),
        ("?speed=4", "names no recording"),
        ("a%00b", "names no recording"),
        ("a?speed=0", "speed '0' is no number"),
        ("a?speed=-1", "speed '-1' is no number"),
        ("a?speed=nan", "speed 'nan' is no number"),
        ("a?speed=inf", "speed 'inf' is no number"),
        ("a?speed=1e9", "speed '1e9' is no number"),
        ("a?speed=", "speed '' is no number"),
        ("a?speed=4&speed=5", "stands twice"),
        ("a?sped=4", "unknown option 'sped'"),
    ],
)
def test_what_is_wrong_in_an_address_is_named(rest: str, message: str):
    with pytest.raises(UsageError, match=message) as caught:
        parse_replay_address(f"replay://{rest}")
    assert caught.value.remedy


def test_of_a_journal_that_was_closed_meanwhile_its_parquet_is_played(journal: Path):
    close_recording(journal)
    assert open_replay(f"replay://{journal}").name == "recording whole.parquet"


def test_a_missing_file_and_a_foreign_one_say_so(tmp_path: Path):
    with pytest.raises(RecordingError, match="cannot read"):
        open_replay(f"replay://{tmp_path}/none.parquet")
    shutil.copy(__file__, tmp_path / "foreign.parquet")
    with pytest.raises(RecordingError, match="is no popsense recording"):
        open_replay(f"replay://{tmp_path}/foreign.parquet")
