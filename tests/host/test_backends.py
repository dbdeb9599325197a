"""The registry of back ends, as filled."""

from pathlib import Path

import pytest

from popsense.backends import Attempted, attempted, open_url
from popsense.errors import PortError, RecordingError, UsageError
from popsense.link.transport import open_transport, register
from popsense.recording.replay import ReplayTransport
from popsense.twin.transport import SimTransport
from tests.host.attempts.boards import address


def test_a_simulated_bone_is_a_back_end():
    board = open_url(address())
    assert isinstance(board, SimTransport)
    board.close()


RECORDING = "replay://tests/formats/parquet-1.parquet"


def test_a_recording_is_a_back_end():
    board = open_url(f"{RECORDING}?speed=4")
    assert isinstance(board, ReplayTransport)
    board.close()


@pytest.mark.parametrize("url", ["serial:///dev/popsense-nonexistent", "socket://127.0.0.1:1"])
def test_ports_are_back_ends(url: str):
    with pytest.raises(PortError) as caught:
        open_url(url)
    assert caught.value.remedy


@pytest.mark.parametrize("url", ["", "ttyACM0", "/dev/ttyACM0", "sim:adult-proximal-tibia", "usb://1", "://"])
def test_anything_else_is_no_address_and_the_known_ones_are_named(url: str):
    with pytest.raises(UsageError, match="is no address of a board") as caught:
        open_url(url)
    assert all(f"{scheme}://" in caught.value.remedy for scheme in ("serial", "sim", "socket", "replay"))


def test_the_last_registration_of_a_scheme_holds():
    made = [open_url(RECORDING), open_url(RECORDING)]
    for one in made:
        register("mine", lambda url, one=one: one)
    assert open_transport("mine://anything") is made[1]


@pytest.mark.parametrize(
    ("url", "known"),
    [
        (address("novice", seed=4), Attempted("adult-proximal-tibia", "powered", "novice")),
        (RECORDING, Attempted("adult-proximal-tibia", "manual", "sample")),
        ("serial:///dev/ttyACM0", None),
        ("socket://127.0.0.1:1", None),
    ],
)
def test_the_address_of_an_attempt_tells_whose_it_is(url: str, known: Attempted | None):
    assert attempted(url) == known


def test_whose_attempt_it_is_cannot_be_told_of_another_file(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no recording")
    with pytest.raises(RecordingError):
        attempted(f"replay://{tmp_path}/notes.txt")
