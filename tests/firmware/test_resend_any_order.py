"""Stalls, requests and new sessions in any order: no sample is ever sent under another's index or run."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware.stand_in import BLOCK, BOARD, KEPT, StandIn, assert_true, covered

counts = st.integers(0, 600) | st.sampled_from([0, 1, KEPT, KEPT + 1, 2**31, 2**32 - 1])
backs = st.integers(-50, 600) | st.sampled_from([KEPT - 1, KEPT, KEPT + 1, 2**30 + 5, 2**31, 3 * 2**30 + 5])
passing = st.tuples(st.just("run"), st.integers(1, 120)) | st.tuples(
    st.just("stall"), st.integers(1, 300) | st.sampled_from([KEPT - 70, KEPT, 8192, 9000])
)
steps = st.one_of(
    passing,
    st.tuples(st.just("resend"), backs, counts),
    st.tuples(st.just("IDENTIFY")),
    st.tuples(st.just("START")),
)


two_worlds = pytest.mark.parametrize("device", ["micropython", BOARD], indirect=True)


def play(device: StandIn, script: list[Any]) -> None:
    device.begin()
    for step in script:
        if step[0] in ("IDENTIFY", "START"):
            device.tell(step[0])
        elif step[0] == "resend":
            now = device.ask("CLOCK").fields.next_sample
            device.tell("RESEND", what="samples", first=(now - step[1]) % 2**32, count=step[2])
        else:
            device.do(*step)
    device.tell("STOP")
    device.do("steps", KEPT // BLOCK + 20)


@pytest.mark.slow
@two_worlds
@settings(max_examples=8)
@given(script=st.lists(steps, min_size=1, max_size=12))
def test_every_block_holds_the_samples_of_its_index(device: StandIn, script: list[Any]):
    play(device, script)
    found = [packet.fields for packet in device.heard if packet.name == "SAMPLE_BLOCK"]
    end = device.ask("CLOCK").fields.next_sample
    assert max(covered(found), default=-1) == end - 1  # nothing that was never taken
    for block in found:
        assert block.run == device.run
        assert_true(block, found[0].first_sample, found[0].first_ticks_us)


@pytest.mark.slow
@two_worlds
@settings(max_examples=8)
@given(
    script=st.lists(passing, max_size=5),
    back=st.integers(1, 9000),
    count=st.integers(1, 9000),
    stall=st.integers(0, 1000),
)
def test_what_is_asked_for_comes_whole_but_for_what_is_told_to_be_gone(
    device: StandIn, script: list[Any], back: int, count: int, stall: int
):
    device.begin()
    for step in [("run", 30), *script]:
        device.do(*step)
    now = device.ask("CLOCK").fields.next_sample
    first, count = max(0, now - back), min(count, now - max(0, now - back))
    device.heard.clear()
    device.tell("RESEND", what="samples", first=first, count=count, request=4242)
    device.do("run", 50)
    device.do("stall", stall)
    device.tell("STOP")
    device.do("steps", KEPT // BLOCK + 20)
    refused = [packet.fields for packet in device.heard if packet.name == "NAK"]
    assert {(str(nak.reason), nak.request) for nak in refused} <= {("not_kept", 4242)}
    came = {k for p in device.heard if p.name == "SAMPLE_BLOCK" for k in covered([p.fields])}
    kept_from = max([first, *(nak.first_kept for nak in refused)])
    assert [k for k in range(kept_from, first + count) if k not in came] == []
