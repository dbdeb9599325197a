"""The registry of back ends, as filled."""

import pytest

from popsense.backends import open_url
from popsense.errors import PortError, UsageError
from popsense.twin.transport import SimTransport
from tests.host.attempts.boards import address


def test_a_simulated_bone_is_a_back_end():
    board = open_url(address())
    assert isinstance(board, SimTransport)
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
    assert all(f"{scheme}://" in caught.value.remedy for scheme in ("serial", "sim", "socket"))
