"""Which faults are present and were seen, and that each change is told once: bone/faults.py alone."""

from types import SimpleNamespace
from typing import Any

import pytest

from popsense_protocol.codec import decode
from tests.firmware.in_process import load_bone

BONE = load_bone("faults", "kernels", "wire")
QUEUE = BONE.faults._QUEUE
OVERLOAD, LOW_HEAP = BONE.wire.FAULT_OVERLOAD, BONE.wire.FAULT_LOW_HEAP


class Link:
    """Takes what is sent. deaf: nobody reads, from the next write on."""

    def __init__(self) -> None:
        self.payload = bytearray(64)
        self.deaf = self.deaf_at_the_next = False
        self.told: list[Any] = []

    def send(self, count: int) -> None:
        self.deaf = self.deaf_at_the_next
        self.told.append(decode(bytes(self.payload[:count])).fields)


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def faults(link: Link) -> Any:
    control = BONE.kernels.words(BONE.kernels.CONTROL_WORDS)
    return BONE.faults.Faults(SimpleNamespace(ticks_us=lambda: 77), SimpleNamespace(control=control), link)


def tell_all(faults: Any) -> None:
    while faults.send_one():
        pass


def test_a_fault_that_is_found_again_and_again_is_told_once(faults: Any, link: Link):
    for _ in range(3):
        faults.set(OVERLOAD, True, 460_000)
        tell_all(faults)
    faults.set(OVERLOAD, False)
    tell_all(faults)
    assert [(str(one.code), one.raised, one.number) for one in link.told] == [
        ("overload", 1, 0),
        ("overload", 0, 1),
    ]
    assert (link.told[0].value, link.told[0].ticks_us) == (460_000, 77)


def test_what_is_over_belongs_to_its_run_still_and_to_the_next_no_more(faults: Any):
    faults.set(OVERLOAD, True)
    faults.set(LOW_HEAP, True)
    faults.set(OVERLOAD, False)
    assert (faults.now, faults.of_run) == (1 << LOW_HEAP, 1 << LOW_HEAP | 1 << OVERLOAD)
    faults.begin_run()
    assert faults.of_run == 1 << LOW_HEAP


def test_more_changes_than_can_wait_are_in_health_all_the_same(faults: Any, link: Link):
    link.deaf = True
    for _ in range(QUEUE):
        faults.set(OVERLOAD, not faults.now)
    faults.set(LOW_HEAP, True)
    assert faults.of_run & 1 << LOW_HEAP
    link.deaf = False
    tell_all(faults)
    assert len(link.told) == QUEUE


def test_what_nobody_read_is_told_again(faults: Any, link: Link):
    faults.set(OVERLOAD, True)
    link.deaf_at_the_next = True
    tell_all(faults)
    link.deaf = link.deaf_at_the_next = False
    tell_all(faults)
    assert [one.number for one in link.told] == [0, 0]
