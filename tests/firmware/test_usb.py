"""The fake USB port is as small and as impatient as the real one (256 bytes, 500 ms)."""

import io
from typing import Any

import pytest

from popsense.twin.board.usb import FLAG_DTR, FLAG_READING, LockstepConsole
from popsense.twin.child import DATA_RECORD, END_RECORD, HOST_RECORD


class World:
    """Counts the milliseconds that a write waits; `host` is called in each."""

    def __init__(self) -> None:
        self.slept_ms = 0
        self.now_ns = self.origin_us = self.horizon_ns = 0
        self.ended = False
        self.at_horizon: Any = None

    def sleep_ms(self, milliseconds: int) -> None:
        self.slept_ms += milliseconds


class Port:
    """A console with the host's records in hand."""

    def __init__(self) -> None:
        self.world = World()
        self.host, self.out = io.BytesIO(), io.BytesIO()
        self.console = LockstepConsole(self.world, self.host, self.out)

    def host_says(self, flags: int, data: bytes = b"", grant_us: int = 1000) -> bytes:
        """One exchange; the bytes that came out of the FIFO with it."""
        at = self.host.tell()
        self.host.write(HOST_RECORD.pack(grant_us, len(data), flags) + data)
        self.host.seek(at)
        return self.emitted(self.console.exchange)

    def emitted(self, action: Any, *arguments: Any) -> bytes:
        start = self.out.tell()
        action(*arguments)
        records, found = io.BytesIO(self.out.getvalue()[start:]), b""
        while kind := records.read(1):
            if kind == b"D":
                found += records.read(*DATA_RECORD.unpack(records.read(DATA_RECORD.size)))
            else:
                records.read(END_RECORD.size)
        return found

    def write(self, data: bytes) -> bytes:
        return self.emitted(self.console.write, data, len(data))


@pytest.fixture
def port() -> Port:
    return Port()


def test_a_host_that_reads_gets_everything_at_once(port: Port):
    port.host_says(FLAG_DTR | FLAG_READING)
    assert port.write(b"x" * 700) == b"x" * 700
    assert port.world.slept_ms == 0


def test_without_dtr_all_is_discarded_at_once(port: Port):
    port.host_says(FLAG_READING)
    assert port.write(b"x" * 700) == b""
    assert port.world.slept_ms == 0
    assert port.host_says(FLAG_DTR | FLAG_READING) == b""


def test_a_write_waits_500_ms_and_then_discards_the_rest(port: Port):
    port.host_says(FLAG_DTR)
    assert port.write(b"a" * 200) == b""
    assert port.world.slept_ms == 0
    port.write(b"b" * 100)
    assert port.world.slept_ms == 500
    port.write(b"c" * 100)
    assert port.world.slept_ms == 1000
    assert port.host_says(FLAG_DTR | FLAG_READING) == b"a" * 200 + b"b" * 56
    assert port.write(b"d") == b"d"


def test_a_host_that_begins_to_read_in_time_loses_nothing(port: Port):
    port.host_says(FLAG_DTR)
    waits = iter([*[FLAG_DTR] * 300, FLAG_DTR | FLAG_READING])
    port.world.sleep_ms = lambda milliseconds: port.host_says(next(waits))
    data = bytes(200) + b"e" * 200
    assert port.write(data) == data
    assert list(waits) == []


def test_bytes_of_the_host_are_read_in_order_over_exchanges(port: Port):
    port.host_says(FLAG_DTR, b"ab")
    assert port.console.read_byte() == ord("a")
    port.host_says(FLAG_DTR, b"c")
    read = []
    while port.console.any():
        read.append(port.console.read_byte())
    assert bytes(read) == b"bc"
    assert port.world.horizon_ns == 1_000_000
