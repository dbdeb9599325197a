"""A host that does not read for a while, over USB as it is: what is cut, what is had again, what is gone."""

from collections.abc import Iterator
from typing import Any

import pytest

from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from tests.conftest import Require
from tests.firmware.bench import DEAF, PERIOD_NS, Bench, powered, quiet
from tests.firmware.interpreters import INTERPRETERS
from tests.firmware.stand_in import BLOCK, KEPT, covered

CUT_FRAMES = 1  # of the first write that USB gave up


@pytest.fixture(params=INTERPRETERS)
def sampling(request: pytest.FixtureRequest, require: Require) -> Iterator[Bench]:
    """A board on which nothing happens, half a second into its attempt."""
    if request.param == "micropython":
        require("micropython")
    with powered(quiet(), request.param) as bench:
        bench.begin()
        bench.run(500)
        yield bench


def deaf(bench: Bench, milliseconds: int) -> None:
    bench.damaged_frames_allowed = CUT_FRAMES
    for left in range(milliseconds, 0, -1000):
        assert bench.run(min(left, 1000), flags=DEAF) == []


def missing(bench: Bench) -> list[int]:
    """Indices below the last one that came, in order, that did not come."""
    came = set(covered(bench.blocks()))
    return [k for k in range(max(came)) if k not in came]


def ask_again(bench: Bench, first: int, count: int, milliseconds: int = 0) -> list[Any]:
    """ACK and NAKs of a RESEND, the later ones too."""
    run = bench.blocks()[-1].run
    wanted = encode("RESEND", what="samples", request=9, run=run, first=first, count=count)
    came = bench.run(milliseconds, encode_frame(wanted))
    return [packet for packet in came if packet.name in ("ACK", "NAK")]


def assert_stamps(bench: Bench) -> None:
    """Each block has the instant of its index, live or not."""
    origin_us = bench.blocks()[0].first_ticks_us
    for block in bench.blocks():
        expected_us = origin_us + block.first_sample * PERIOD_NS / 1000
        assert block.first_ticks_us == pytest.approx(expected_us, abs=2)


def test_a_frame_that_is_cut_takes_no_other_with_it(sampling: Bench):
    """256 bytes hold a block and a piece of the next, which is given up after 500 ms; the third is whole."""
    sampling.run(600)  # HELLO and STATUS are not due for some time
    deaf(sampling, 700)
    sampling.run(100)
    assert missing(sampling) == list(range(missing(sampling)[0], missing(sampling)[0] + BLOCK))


@pytest.mark.parametrize("milliseconds", [600, 3000, 7000])
def test_an_outage_of_up_to_7_s_is_repaired_whole(sampling: Bench, milliseconds: int):
    deaf(sampling, milliseconds)
    sampling.run(60)
    lost = missing(sampling)
    assert len(lost) >= BLOCK
    answers = ask_again(sampling, lost[0], lost[-1] + 1 - lost[0], len(lost) * 2 + 500)
    assert [packet.name for packet in answers] == ["ACK"]
    assert missing(sampling) == []
    assert_stamps(sampling)


def test_after_20_s_what_the_ring_has_comes_by_itself_and_the_rest_is_refused(sampling: Bench):
    deaf(sampling, 20_000)
    sampling.run(60)
    lost = missing(sampling)
    (refused,) = ask_again(sampling, lost[0], lost[-1] + 1 - lost[0], 1000)
    assert (refused.name, refused.fields.reason) == ("NAK", "not_kept")
    assert lost[-1] < refused.fields.first_kept <= lost[-1] + 100  # the ring went on until the host asked
    assert missing(sampling) == lost


@pytest.mark.slow
def test_after_20_s_a_host_that_asks_for_everything_gets_the_last_8128_and_is_told_so(sampling: Bench):
    deaf(sampling, 20_000)
    sampling.run(60)
    first, end = missing(sampling)[0], covered(sampling.blocks())[-1] + 1
    known = len(sampling.blocks())
    at_once, overtaken = ask_again(sampling, first, end - first, 10_000)
    for refused in (at_once, overtaken):
        assert (refused.name, refused.fields.reason, refused.fields.request) == ("NAK", "not_kept", 9)
    assert end - KEPT <= at_once.fields.first_kept <= end - KEPT + BLOCK
    # A stretch that begins where the ring ends is caught up by the interrupt: one block is given up for it.
    assert BLOCK < overtaken.fields.first_kept - at_once.fields.first_kept <= 2 * BLOCK
    again = [k for k in covered(sampling.blocks()[known:]) if k < end]
    assert again == list(range(overtaken.fields.first_kept, end))
    assert_stamps(sampling)
